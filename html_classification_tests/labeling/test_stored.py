"""Verifying the label store: what is whole is clean, whatever is not is found, on a folder and on a real S3 server."""

import gzip
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import obstore
import pytest

from html_classification.labeling.answers import Answer
from html_classification.labeling.bought import BoughtAnswers, answer_path
from html_classification.labeling.imports import FOLDER as IMPORTS
from html_classification.labeling.imports import import_answers
from html_classification.labeling.orders import FOLDER as ORDERS
from html_classification.labeling.orders import Document, Draft, Order, OrderBook, Request, order_path
from html_classification.labeling.stored import check_label_store
from html_classification.lake.errors import LakeError, StoreError
from html_classification.lake.paths import LABEL_STORE
from html_classification.lake.store import Store

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
SOURCE = "labels.example"


def sha1_of(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


TEXT, OTHER = sha1_of(b"a text"), sha1_of(b"another")
ANSWER = answer_path(SOURCE, TEXT)
CLOSED = f"{ORDERS}/00000001-closed-2026-03-05-2026-03-05-2000.json"


def answer(text: str = TEXT, annotator: str = "api:categorizer/3") -> Answer:
    return Answer(content_sha1=text, annotator=annotator, category="sports", labelled_at=NOON, answer="{}")


def order(store: Store) -> Order:
    document = Document(id=TEXT, url="https://a.example/", title="A title", text="a text")
    request = Request(key="a key", documents=(document,))
    draft = Draft(source=SOURCE, ordered_at=NOON, price_micros=2000, requests=(request,))
    placed = OrderBook(store).place(lambda state: draft)
    assert placed
    return placed


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A store with two orders, of which one is closed, an answer, and an import of which a part was rejected."""
    made = Store(str(tmp_path / "lake") if request.param == "folder" else request.getfixturevalue("bucket") + "/lake")
    OrderBook(made).close(order(made), 2000, NOON.date(), {"no_label": 0})
    order(made)
    BoughtAnswers(made).put(SOURCE, answer())
    import_answers(made, [answer(annotator="person:ann")], [{"reason": "skipped", "where": "task 1", "row": "{}"}])
    return made


def overwrite(store: Store, path: str, data: bytes) -> None:
    """What no command of this project does: change a file."""
    obstore.put(store._objects, path, data)


def found(store: Store) -> list[tuple[str, str, str]]:
    """Kind and place below the root of each finding, and what is wrong."""
    findings = check_label_store(store).findings
    for finding in findings:
        assert finding.severity == "problem"
        assert "\n" not in str(finding)
        assert finding.problem
        assert finding.advice
    return [(finding.kind, finding.uri.removeprefix(f"{store.root}/"), finding.problem) for finding in findings]


def import_path(store: Store, *, rejected: bool = False) -> str:
    (path,) = [item.path for item in store.list(IMPORTS) if (".rejected" in item.name) == rejected]
    return path


def test_a_label_store_as_it_was_written_is_clean(store: Store) -> None:
    before = {item.path: item.bytes for item in store.list(LABEL_STORE)}
    report = check_label_store(store)
    assert report.findings == []
    assert (report.versions, report.files, report.bytes) == (0, len(before), sum(before.values()))
    assert len(before) == 6
    assert {item.path: item.bytes for item in store.list(LABEL_STORE)} == before


def test_no_label_store_is_clean(tmp_path: Path) -> None:
    assert check_label_store(Store(str(tmp_path / "none"))).files == 0


def _flip(data: bytes) -> bytes:
    return data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]


def _cut(data: bytes) -> bytes:
    return data[:-5]


@pytest.mark.parametrize(
    "change", [_flip, _cut, lambda _: b"{}\n", lambda _: b"[" * 100_000], ids=["one bit", "cut short", "other", "deep"]
)
def test_a_damaged_file_is_found(store: Store, change: Callable[[bytes], bytes]) -> None:
    for path in (order_path(1), order_path(2), import_path(store)):
        data = store.get(path)
        overwrite(store, path, change(data))
        ((kind, where, problem),) = found(store)
        assert (kind, where) == ("label-store", path)
        assert "is damaged" in problem
        overwrite(store, path, data)
    assert found(store) == []


@pytest.mark.parametrize(
    "data", [b"{", b"[]", b"\xff", b"{}", b"[" * 100_000], ids=["cut", "list", "bytes", "none", "deep"]
)
def test_what_is_not_json_of_its_kind_is_found(store: Store, data: bytes) -> None:
    for path in (ANSWER, order_path(2), CLOSED, import_path(store), import_path(store, rejected=True)):
        whole = store.get(path)
        overwrite(store, path, data)
        assert [(kind, where) for kind, where, _ in found(store)] == [("label-store", path)]
        overwrite(store, path, whole)
    assert found(store) == []


def test_an_empty_file_is_found(store: Store) -> None:
    for path in (ANSWER, order_path(1), CLOSED, import_path(store), import_path(store, rejected=True)):
        whole = store.get(path)
        overwrite(store, path, b"")
        assert found(store) == [("label-store", path, "is empty")]
        overwrite(store, path, whole)
    nothing = f"{IMPORTS}/{sha1_of(b'')}.jsonl"  # whose name is the SHA-1 of its bytes
    store.put_new(nothing, b"")
    assert found(store) == [("label-store", nothing, "is empty")]


def test_what_was_put_under_the_name_of_another_is_found(store: Store) -> None:
    store.put_new(answer_path(SOURCE, OTHER), store.get(ANSWER))
    store.put_new(order_path(3), store.get(order_path(1)))
    line = answer(OTHER, "person:ann").model_dump_json().encode() + b"\n"
    store.put_new(f"{IMPORTS}/{'0' * 40}.jsonl", line)
    store.put_new(CLOSED.replace("2000", "1"), store.get(CLOSED))
    assert {where: problem for _, where, problem in found(store)} == {
        answer_path(SOURCE, OTHER): f"is damaged (it is about the text {TEXT})",
        order_path(3): "is damaged (it says that it is order 1)",
        f"{IMPORTS}/{'0' * 40}.jsonl": "is damaged, its SHA-1 is not the one in its name",
        CLOSED.replace("2000", "1"): "is damaged (its name says 1 millionths, it says 2000)",
    }


def test_what_is_found_tells_how_to_mend_it(store: Store) -> None:
    for path in (ANSWER, order_path(2), import_path(store)):
        overwrite(store, path, b"other")
    said = {finding.uri: finding.advice for finding in check_label_store(store).findings}
    assert said == {
        store.uri(ANSWER): "put it back from a copy: it was paid for",
        store.uri(order_path(2)): "put it back from a copy: an order that is not closed stops all buying",
        store.uri(import_path(store)): "put it back from a copy, or delete it and import the exports again",
    }


def test_an_order_of_a_newer_release_is_no_damage(store: Store) -> None:
    newer = json.loads(gzip.decompress(store.get(order_path(2)))) | {"order_version": 2}
    overwrite(store, order_path(2), gzip.compress(json.dumps(newer).encode()))
    (finding,) = check_label_store(store).findings
    assert (finding.problem, finding.advice) == ("was written by a newer release", "update this one")


def test_orders_that_were_lost_are_found(store: Store) -> None:
    for _ in range(4):
        order(store)
    store.delete([order_path(number) for number in (1, 3, 4)])
    assert found(store) == [
        ("label-store", order_path(1), "order 1 was lost"),
        ("label-store", order_path(3), "orders 3 to 4 were lost"),
    ]
    with pytest.raises(LakeError, match=r"order 3 was lost: put .* back from a copy; nothing is bought until then"):
        order(store)


def test_an_order_that_was_lost_after_it_was_closed_is_found(store: Store) -> None:
    OrderBook(store).close(order(store), 0, NOON.date(), {})
    store.delete([order_path(1)])
    assert found(store)[-1] == ("label-store", order_path(1), "order 1 was lost")


def test_what_has_no_place_there_is_a_stray(store: Store) -> None:
    strays = [
        f"{LABEL_STORE}/notes.txt",
        f"{ORDERS}/17.json.gz",
        f"{IMPORTS}/more.jsonl",
        f"{IMPORTS}/sub/{'0' * 40}.jsonl",
        answer_path(SOURCE, TEXT).replace("/labels.example/", "/"),
        f"{LABEL_STORE}/answers/{SOURCE}/00/{TEXT}.json",
    ]
    for path in strays:
        store.put_new(path, b"mine")
    assert [(kind, where) for kind, where, _ in found(store)] == sorted(("stray", path) for path in strays)


def test_a_text_that_is_to_be_judged_again_is_no_loss(store: Store) -> None:
    store.delete([ANSWER])
    assert found(store) == []


def test_a_file_that_cannot_be_read_is_one_finding(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    find = store.find

    def refuse(path: str) -> bytes | None:
        if path == ANSWER:
            raise StoreError(f"cannot read {store.uri(path)}: the server answers 500; run again later")
        return find(path)

    monkeypatch.setattr(store, "find", refuse)
    overwrite(store, order_path(2), b"other")
    assert {(kind, where) for kind, where, _ in found(store)} == {
        ("unreadable", ANSWER),
        ("label-store", order_path(2)),
    }
