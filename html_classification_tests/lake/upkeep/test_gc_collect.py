"""What garbage collection does: what is left of what goes, and that nobody is misled, whoever writes or dies meanwhile.

Belongs here: removals, on a folder and on a real S3 server. Does not belong here: which versions go, and why
(`test_gc_plan`).
"""

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from html_classification.lake import Lake, LakeError
from html_classification.lake.errors import StoreError
from html_classification.lake.paths import METADATA_FILE, REMOVED_FILE, VersionId
from html_classification.lake.upkeep.gc import collect, plan
from html_classification.lake.upkeep.verify import verify
from html_classification_tests.lake.builds import DAY
from html_classification_tests.lake.upkeep.chain import (
    PAGES,
    TEXTS,
    contents,
    files,
    id_of,
    in_days,
    is_clean,
    put_chain,
    put_texts,
    run_gc,
    why,
)


def test_what_goes_leaves_its_metadata_and_its_history(lake: Lake) -> None:
    old, new = put_chain(lake, "one"), put_chain(lake, "two")
    before, rows = contents(lake), lake.read(TEXTS, DAY)
    moment = lake.history(TEXTS, DAY)[0].time
    done = run_gc(lake)
    assert [one.version for one in done.removed] == [old[TEXTS], old[PAGES]]
    assert (done.spared, done.broken) == ({}, [])
    for version in (old[PAGES], old[TEXTS]):
        assert files(lake, version) == {REMOVED_FILE}
        removed = json.loads(lake.store.get(f"{version.path}/{REMOVED_FILE}"))
        assert removed["metadata"] == json.loads(before[f"{version.path}/{METADATA_FILE}"])
        assert datetime.fromisoformat(removed["removed_at"]).tzinfo
        assert "not current since" in removed["reason"]
        with pytest.raises(LakeError, match="was removed by garbage collection on 20"):
            lake.dataset(version.stage, DAY, version.version)
    with pytest.raises(LakeError, match="was removed by garbage collection"):
        lake.dataset(TEXTS, DAY, as_of=moment)
    assert len(lake.history(TEXTS, DAY)) == 2
    kept = {path: data for path, data in contents(lake).items() if not path.endswith(REMOVED_FILE)}
    assert kept == {p: d for p, d in before.items() if not p.startswith((old[PAGES].path, old[TEXTS].path))}
    assert lake.read(TEXTS, DAY).equals(rows)
    assert lake.dataset(TEXTS, DAY).metadata.version == new[TEXTS].version
    assert is_clean(lake)
    assert run_gc(lake).removed == []


def test_what_was_removed_can_be_built_again_and_removed_again(lake: Lake) -> None:
    old = put_chain(lake, "one")
    before = {name: lake.store.get(f"{old[TEXTS].path}/{name}") for name in files(lake, old[TEXTS])}
    put_chain(lake, "two")
    run_gc(lake)
    put_chain(lake, "one")  # the crawler's first drop again: the recipes of then
    assert files(lake, old[TEXTS]) == {*before, REMOVED_FILE}
    for name, data in before.items():
        assert name == METADATA_FILE or lake.store.get(f"{old[TEXTS].path}/{name}") == data
    assert lake.dataset(TEXTS, DAY).metadata.version == old[TEXTS].version
    assert is_clean(lake)
    first = json.loads(lake.store.get(f"{old[TEXTS].path}/{REMOVED_FILE}"))
    put_chain(lake, "three")
    assert why(lake)[old[TEXTS]] == "-superseded"
    run_gc(lake)
    assert files(lake, old[TEXTS]) == {REMOVED_FILE}
    assert json.loads(lake.store.get(f"{old[TEXTS].path}/{REMOVED_FILE}"))["removed_at"] > first["removed_at"]
    assert is_clean(lake)


def test_leftovers_of_killed_writers_go_when_they_are_old(lake: Lake) -> None:
    put_chain(lake, "one")
    before = contents(lake)
    orphan = VersionId(TEXTS, DAY, "0123456789ab")
    lake.store.put_new(f"{orphan.path}/html-documents.jsonl", b"{}")
    assert why(lake, now=in_days(0.9))[orphan] == "young"
    assert why(lake, now=in_days(1.1))[orphan] == "-incomplete"
    (gone,) = run_gc(lake).removed
    assert (gone.version, gone.bytes) == (orphan, 2)
    assert contents(lake) == before
    assert is_clean(lake)


def test_temporary_files_go_when_they_are_old(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    folder = put_chain(lake, "one")[TEXTS].path
    temporary = Path(lake.uri) / folder / "html-documents.parquet#1"
    temporary.write_bytes(b"half")
    run_gc(lake, now=in_days(0.9))
    assert temporary.exists()
    run_gc(lake, now=in_days(1.1))
    assert not temporary.exists()
    assert is_clean(lake)


def test_strays_stay_and_are_told(lake: Lake) -> None:
    put_chain(lake, "one")
    lake.store.put_new("raw/notes.txt", b"mine")
    planned = plan(lake, now=in_days(31))
    assert [item.path for item in planned.strays] == ["raw/notes.txt"]
    collect(lake, planned)
    assert lake.store.get("raw/notes.txt") == b"mine"


def test_what_was_published_or_named_meanwhile_is_spared_with_its_ancestors(lake: Lake) -> None:
    old, new = put_chain(lake, "one"), put_chain(lake, "two")
    moment = lake.history(TEXTS, DAY)[0].time
    planned = plan(lake, now=in_days(31))
    lake.publish(lake.dataset(TEXTS, DAY, old[TEXTS].version), run=None, reason="rollback")
    done = collect(lake, planned)
    assert done.removed == []
    assert set(done.spared) == set(old.values())
    assert is_clean(lake)
    lake.publish(lake.dataset(TEXTS, DAY, new[TEXTS].version), run=None, reason="rollback")
    planned = plan(lake, now=in_days(31))
    lake.create_snapshot("named", as_of=moment)
    assert collect(lake, planned).removed == []
    assert lake.read(TEXTS, DAY, snapshot="named").height == 1
    assert is_clean(lake)


def _after(lake: Lake, verb: str, name: str, then: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Do something right after the store has written or deleted a file of this name for the first time."""
    real, did = getattr(lake.store, verb), []

    def put_new(path: str, data: bytes) -> object:
        done = real(path, data)
        check([path])
        return done

    def delete(paths: Any) -> None:
        for path in paths:
            real([path])
            check([path])

    def check(paths: list[str]) -> None:
        if not did and any(path.endswith(name) for path in paths):
            did.append(True)
            then()

    monkeypatch.setattr(lake.store, verb, {"put_new": put_new, "delete": delete}[verb])


def test_a_version_that_is_published_during_its_removal_is_put_back(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = put_chain(lake, "one")
    put_chain(lake, "two")
    before = lake.store.get(f"{old[TEXTS].path}/{METADATA_FILE}")
    dataset, other = lake.dataset(TEXTS, DAY, old[TEXTS].version), Lake(lake.uri)
    _after(lake, "put_new", REMOVED_FILE, lambda: other.publish(dataset, run=None, reason="rollback"), monkeypatch)
    done = run_gc(lake)
    assert old[TEXTS] in done.spared
    assert lake.store.get(f"{old[TEXTS].path}/{METADATA_FILE}") == before
    assert lake.dataset(TEXTS, DAY).metadata.version == old[TEXTS].version
    assert lake.read(TEXTS, DAY).height == 1
    assert is_clean(lake)


def test_who_publishes_what_is_just_gone_hears_of_it(lake: Lake) -> None:
    old = put_chain(lake, "one")
    put_chain(lake, "two")
    dataset = lake.dataset(TEXTS, DAY, old[TEXTS].version)
    run_gc(lake)
    with pytest.raises(LakeError, match="was removed by garbage collection"):
        lake.publish(dataset, run=None, reason="rollback")
    put_chain(lake, "one")  # running that day again mends it
    assert lake.dataset(TEXTS, DAY).metadata.version == old[TEXTS].version
    assert is_clean(lake)


@pytest.mark.parametrize("last", [METADATA_FILE, "html-documents.parquet", "sample.jsonl"])
def test_a_writer_that_builds_it_again_during_its_removal_is_not_left_with_half(
    lake: Lake, last: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = put_chain(lake, "one")
    put_chain(lake, "two")
    other = Lake(lake.uri)
    _after(lake, "delete", f"{old[TEXTS].path}/{last}", lambda: put_chain(other, "one"), monkeypatch)
    done = run_gc(lake)
    half = last == "html-documents.parquet"  # it wrote that again, and took over those that went then
    assert done.broken == ([old[TEXTS]] if half else [])
    assert (lake.find(TEXTS, DAY, old[TEXTS].version) is None) == half
    put_chain(Lake(lake.uri), "one")
    assert lake.read(TEXTS, DAY).height == 1
    assert is_clean(lake)


def test_a_writer_that_takes_over_leftovers_is_spared(lake: Lake) -> None:
    versions = put_chain(lake, "one")
    metadata = f"{versions[TEXTS].path}/{METADATA_FILE}"
    lake.store.delete([metadata, *(item.path for item in lake.history(TEXTS, DAY))])
    planned = plan(lake, now=in_days(31))
    assert [one.why for one in planned.goes] == ["incomplete"]
    put_chain(lake, "one")
    assert set(collect(lake, planned).spared) == {versions[TEXTS]}
    assert lake.read(TEXTS, DAY).height == 1
    assert is_clean(lake)


class _KilledError(Exception):
    pass


@pytest.mark.parametrize("step", range(12))
def test_killed_at_any_step_the_next_one_finishes_it(lake: Lake, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = put_chain(lake, "one"), put_chain(lake, "two")
    rows, count = lake.read(TEXTS, DAY), 0
    with monkeypatch.context() as patched:
        put_new, delete = lake.store.put_new, lake.store.delete

        def step_by_step(do: Callable[..., Any], *arguments: Any) -> Any:
            nonlocal count
            if count == step:
                raise _KilledError
            count += 1
            return do(*arguments)

        patched.setattr(lake.store, "put_new", lambda path, data: step_by_step(put_new, path, data))
        patched.setattr(lake.store, "delete", lambda paths: [step_by_step(delete, [path]) for path in paths])
        with pytest.raises(_KilledError):
            run_gc(lake)
    assert lake.read(TEXTS, DAY).equals(rows)
    found = verify(lake, leftover_age=timedelta(0)).findings
    assert {finding.kind for finding in found} <= {"leftover"}
    collect(lake, plan(lake, now=in_days(31)))
    assert files(lake, old[TEXTS]) == files(lake, old[PAGES]) == {REMOVED_FILE}
    assert is_clean(lake)
    assert {version: decided for version, decided in why(lake).items() if version in new.values()} == dict.fromkeys(
        new.values(), "current"
    )


def test_an_interrupted_removal_is_finished_without_waiting(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    old = put_chain(lake, "one")
    put_chain(lake, "two")
    with monkeypatch.context() as patched:
        patched.setattr("html_classification.lake.upkeep.removal._clear", _refuse)
        with pytest.raises(StoreError):
            run_gc(lake, now=in_days(0), keep_days=0)
    assert why(lake, now=in_days(0), keep_days=0)[old[TEXTS]] == "-interrupted"
    run_gc(lake, now=in_days(0), keep_days=0)
    assert files(lake, old[TEXTS]) == {REMOVED_FILE}


def _refuse(*_: object) -> None:
    raise StoreError("no")


TEXT = st.sampled_from(["one", "two", "three"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("chain"), TEXT),
        st.tuples(st.just("texts"), st.sampled_from(["1", "2"])),
        st.tuples(st.just("back"), st.integers(0, 5)),
        st.tuples(st.just("snapshot"), st.integers(0, 5)),
        st.tuples(st.just("unpublish"), st.sampled_from([TEXTS, PAGES])),
        st.tuples(st.just("gc"), st.sampled_from([0, 31])),
    ),
    min_size=1,
    max_size=12,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS)
def test_whatever_happened_what_is_needed_still_reads_the_same(
    steps: list[tuple[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    put_chain(lake, "zero")
    for number, (what, value) in enumerate(steps):
        if what == "chain":
            put_chain(lake, value)
        elif what == "texts":
            put_texts(lake, code_version=value)
        elif what == "back":
            history = lake.history(TEXTS, DAY)
            dataset = lake.find(TEXTS, DAY, history[value % len(history)].version)
            if dataset:
                lake.publish(dataset, run=None, reason="rollback")
        elif what == "snapshot":
            history = lake.history(TEXTS, DAY)
            publication = history[value % len(history)]
            if lake.find(TEXTS, DAY, publication.version):
                lake.create_snapshot(f"number-{number}", stages=[TEXTS], as_of=publication.time)
        elif what == "unpublish":
            first, *others = lake.history(value, DAY)
            if lake.find(value, DAY, first.version):  # as if the others had never been published
                lake.store.delete(item.path for item in others)
        else:
            _collect_and_compare(lake, value)
    _collect_and_compare(lake, 31)


def _collect_and_compare(lake: Lake, days: int) -> None:
    now = in_days(days)
    since = now - timedelta(days=20)
    needed = {id_of(lake.dataset(stage, DAY)) for stage in ("raw", PAGES, TEXTS)}
    needed |= {version for snapshot in lake.snapshots() for version in snapshot.ids}
    for stage in ("raw", PAGES, TEXTS):
        history = lake.history(stage, DAY)
        needed |= {one.id for one, after in pairwise(history) if after.time > since}
    needed = {version for version in needed if lake.find(version.stage, version.day, version.version)}
    to_do = list(needed)
    while to_do:
        version = to_do.pop()
        for source in lake.metadata(version.stage, version.day, version.version).sources:
            if source.stage and source.version:
                needed.add(ancestor := VersionId(source.stage, date.fromisoformat(source.date or ""), source.version))
                to_do.append(ancestor)
    before = {v: {item.path: lake.store.get(item.path) for item in lake.store.list(v.path)} for v in needed}
    planned = plan(lake, keep_days=20, now=now)
    done = collect(lake, planned)
    assert {one.version for one in done.removed} == {one.version for one in planned.goes}
    for version, whole in before.items():
        assert {item.path: lake.store.get(item.path) for item in lake.store.list(version.path)} == whole
        assert lake.dataset(version.stage, version.day, version.version).read().height == 1
    assert is_clean(lake)
