"""People's answers in the lake: kept once, whatever is imported how often and in which order."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from html_classification.labeling.answers import Answer
from html_classification.labeling.imports import FOLDER, Imported, import_answers, read_people
from html_classification.labeling.label_studio import read_answers
from html_classification.lake import Lake, LakeError
from html_classification.lake.store import Store
from html_classification_tests.labeling.people import LATER, Said, export_json, export_json_min, sha1_of, task

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
REJECTED = {"reason": "no category was chosen", "where": "task 1, annotation 1", "row": "{}"}


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return Store(str(tmp_path / "lake"))
    return Store(request.getfixturevalue("bucket") + "/some/prefix")


def answer(
    text: str = "a", category: str = "sports", who: str = "person:ann", hours: int = 0, raw: str = "{}"
) -> Answer:
    at = NOON + timedelta(hours=hours)
    return Answer(content_sha1=sha1_of(text), annotator=who, category=category, labelled_at=at, answer=raw)


def counts(done: Imported) -> tuple[int, int, int]:
    return done.new, done.known, done.rejected


def objects(store: Store) -> dict[str, bytes]:
    return {item.path: store.get(item.path) for item in store.list()}


def test_answers_are_kept_sorted_under_the_sha1_of_their_bytes(store: Store) -> None:
    given_answers = [answer("b", who="person:Jürgen"), answer("a"), answer("b")]
    done = import_answers(store, given_answers, [])
    assert counts(done) == (3, 0, 0)
    assert done.texts == {sha1_of("a"), sha1_of("b")}
    ((path, data),) = objects(store).items()
    assert path == f"{FOLDER}/{sha1_of(data.decode())}.jsonl"
    assert done.uri == store.uri(path)
    lines = data.decode().splitlines()
    assert lines == sorted(lines)
    assert "Jürgen" in data.decode()
    people = read_people(store)
    assert people == sorted(given_answers, key=lambda one: (one.content_sha1, one.annotator))


def test_nothing_imported_is_nothing_read(store: Store) -> None:
    assert read_people(store) == []
    assert import_answers(store, [], []) == Imported(0, 0, 0, None, frozenset())
    assert objects(store) == {}


def test_the_same_again_writes_nothing(store: Store) -> None:
    first = import_answers(store, [answer("a"), answer("b")], [REJECTED])
    before = objects(store)
    again = import_answers(store, [answer("b"), answer("a")], [REJECTED | {"where": "task 5, annotation 1"}])
    assert (counts(first), counts(again)) == ((2, 0, 1), (0, 2, 1))
    assert (again.uri, again.texts) == (None, frozenset())
    assert objects(store) == before


def test_an_overlapping_export_adds_only_what_is_new(store: Store) -> None:
    import_answers(store, [answer("a"), answer("b")], [REJECTED])
    before = objects(store)
    more = REJECTED | {"reason": "skipped by the annotator"}
    done = import_answers(store, [answer("b"), answer("c")], [REJECTED, more])
    assert counts(done) == (1, 1, 2)
    added = {path: data for path, data in objects(store).items() if path not in before}
    (answers, rejected) = sorted(added, key=len)
    assert [json.loads(line)["content_sha1"] for line in added[answers].splitlines()] == [sha1_of("c")]
    assert rejected == answers.replace(".jsonl", ".rejected.jsonl")
    assert [json.loads(line) for line in added[rejected].splitlines()] == [more]


def test_what_is_rejected_is_kept_also_where_no_answer_is_new(store: Store) -> None:
    assert counts(import_answers(store, [], [REJECTED])) == (0, 0, 1)
    ((path, data),) = objects(store).items()
    assert path == f"{FOLDER}/{sha1_of(data.decode())}.rejected.jsonl"
    assert json.loads(data) == REJECTED
    assert read_people(store) == []


def test_a_changed_mind_counts_and_the_former_answer_stays(store: Store) -> None:
    import_answers(store, [answer(category="sports")], [])
    assert counts(import_answers(store, [answer(category="travel", hours=1)], [])) == (1, 0, 0)
    assert [one.category for one in read_people(store)] == ["travel"]
    assert counts(import_answers(store, [answer(category="sports")], [])) == (0, 1, 0)  # an older export once more
    assert [one.category for one in read_people(store)] == ["travel"]
    assert len(objects(store)) == 2


def test_people_are_kept_apart(store: Store) -> None:
    import_answers(store, [answer(who="person:ann"), answer(who="person:ben", category="travel")], [])
    assert [(one.annotator, one.category) for one in read_people(store)] == [
        ("person:ann", "sports"),
        ("person:ben", "travel"),
    ]


def test_of_two_answers_of_the_same_moment_one_counts_whichever_came_first(tmp_path: Path) -> None:
    both = [answer(category="sports"), answer(category="travel")]
    found = []
    for name, order in {"one": both, "two": both[::-1]}.items():
        store = Store(str(tmp_path / name))
        for one in order:
            import_answers(store, [one], [])
        found.append([one.category for one in read_people(store)])
    assert found == [["travel"], ["travel"]]


def test_the_raw_answer_may_differ_from_export_to_export(store: Store) -> None:
    import_answers(store, [answer(raw='{"lead_time": 3}')], [])
    assert counts(import_answers(store, [answer(raw='{"annotator": 1}')], [])) == (0, 1, 0)
    twice = [answer("b", raw="{}"), answer("b", raw='{"annotator": 1}')]
    assert counts(import_answers(store, twice, [])) == (1, 1, 0)


def test_both_formats_of_an_export_are_the_same_answers(store: Store) -> None:
    tasks = [task("a"), task("b")]
    said = [Said(0, ("sports",)), Said(1, ("travel",), 2, LATER)]
    assert counts(import_answers(store, *read_answers(export_json(tasks, *said)))) == (2, 0, 0)
    assert counts(import_answers(store, *read_answers(export_json_min(tasks, *said)))) == (0, 2, 0)


def test_an_import_that_was_killed_in_between_is_completed_by_the_next(store: Store) -> None:
    import_answers(store, [answer()], [])  # and before it could keep what was rejected it was killed
    assert counts(import_answers(store, [answer()], [REJECTED])) == (0, 1, 1)
    assert sum(path.endswith(".rejected.jsonl") for path in objects(store)) == 1


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a" * 40 + ".jsonl", b"{}\n", "its SHA-1 is not the one in its name"),
        (sha1_of("{}\n") + ".jsonl", b"{}\n", "line 1 is no answer"),
        ("more.jsonl", b"", "move it elsewhere"),
        ("a" * 40 + ".rejected.jsonl", b"\xff\n", "line 1 says not what was rejected and why"),
        ("a" * 40 + ".rejected.jsonl", b"[1]\n", "line 1 says not what was rejected and why"),
    ],
    ids=["other bytes", "no answer", "put by hand", "rejected: no JSON", "rejected: no object"],
)
def test_a_damaged_file_is_one_line_that_names_it(store: Store, name: str, data: bytes, said: str) -> None:
    store.put_new(f"{FOLDER}/{name}", data)
    with pytest.raises(LakeError, match=said) as caught:
        import_answers(store, [answer()], [REJECTED])
    assert store.uri(f"{FOLDER}/{name}") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [item.name for item in store.list(FOLDER)][:1] == [name]


def test_a_time_out_of_range_in_a_file_is_damage_too(store: Store) -> None:
    line = answer().model_dump_json().replace("2026-03-05T12:00:00Z", "0001-01-01T00:00:00+10:00") + "\n"
    store.put_new(f"{FOLDER}/{sha1_of(line)}.jsonl", line.encode())
    with pytest.raises(LakeError, match="line 1 is no answer"):
        read_people(store)


def test_the_lake_takes_the_imports_for_what_they_are(store: Store) -> None:
    from html_classification.lake.upkeep.verify import verify

    lake = Lake(store.root)
    lake.mark()
    import_answers(lake.store, [answer()], [REJECTED])
    assert lake.ls() == []
    assert verify(lake).findings == []


some_answers = st.lists(
    st.builds(
        answer,
        st.sampled_from("ab"),
        st.sampled_from(["sports", "travel", "Kochen & Küche\u2028"]),
        st.sampled_from(["person:ann", "person:ben"]),
        st.integers(0, 2),
    ),
    max_size=6,
)


def without_raw(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    return [one.model_dump(exclude={"answer"}) for one in answers]


@given(st.lists(some_answers, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_imports_are_idempotent_and_their_order_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, exports: list[list[Answer]], chance: Any
) -> None:
    one, other = (Store(str(tmp_path_factory.mktemp("lake"))) for _ in range(2))
    for export in exports:
        import_answers(one, export, [])
    shuffled = [chance.sample(export, len(export)) for export in chance.sample(exports, len(exports))]
    for export in shuffled:
        import_answers(other, export, [])
    assert without_raw(read_people(one)) == without_raw(read_people(other))
    before = objects(one)
    for export in exports:
        assert import_answers(one, export, []).new == 0
    assert objects(one) == before
    everything = [answer for export in exports for answer in export]
    lines = b"".join(before.values()).decode().split("\n")[:-1]
    assert sorted(lines) == sorted({answer.model_dump_json() for answer in everything})
    for person in read_people(one):
        same = [a for a in everything if (a.content_sha1, a.annotator) == (person.content_sha1, person.annotator)]
        assert person.labelled_at == max(a.labelled_at for a in same)
