"""The label store in upkeep: garbage collection never touches it, and what killed writers left there goes as elsewhere.

Belongs here: telling the label store's files from all others. Does not belong here: whether they are whole
(`labeling.test_stored`).
"""

from datetime import timedelta
from pathlib import Path

import pytest

from html_classification.lake import Lake, LakeError
from html_classification.lake.upkeep.gc import collect, plan
from html_classification.lake.upkeep.verify import verify
from html_classification_tests.lake.upkeep.chain import TEXTS, contents, in_days, put_chain

SHA1 = "8b8ae027744d" + "0" * 28
LABEL_STORE = {
    "label-store/orders/00000017.json.gz": b"an order",
    "label-store/orders/00000017-closed-2026-03-01-2026-03-02-1960000.json": b"{}",
    f"label-store/answers/labels.example/8b/{SHA1}.json": b"an answer",
    f"label-store/imports/{SHA1}.jsonl": b"what people said",
    f"label-store/imports/{SHA1}.rejected.jsonl": b"",
    # and what looks like a version, a publication, a snapshot, or like nothing
    "label-store/2026-03-01/0123456789ab/html-documents.parquet": b"mine",
    "label-store/2026-03-01/0123456789ab/metadata.json": b"mine",
    "label-store/2026-03-01/published/20260301T101500.000000Z-0123456789ab.json": b"mine",
    "label-store/snapshots/release-1.json": b"mine",
    "label-store/notes.txt": b"mine",
}


def put_label_store(lake: Lake) -> None:
    for path, data in LABEL_STORE.items():
        lake.store.put_new(path, data)


def test_garbage_collection_never_touches_the_label_store(lake: Lake) -> None:
    put_label_store(lake)
    old = put_chain(lake, "one")
    put_chain(lake, "two")
    planned = plan(lake, keep_days=0, grace=timedelta(0), now=in_days(4000))
    assert {decision.version.stage for decision in planned.decisions} == set(old)
    assert (planned.strays, planned.temporary) == ([], [])
    assert old[TEXTS] in [decision.version for decision in collect(lake, planned).removed]
    assert {path: data for path, data in contents(lake).items() if path.startswith("label-store/")} == LABEL_STORE


def test_it_is_no_stage(lake: Lake) -> None:
    put_label_store(lake)
    put_chain(lake, "one")
    assert verify(lake).findings == []
    assert {line.stage for line in lake.ls()}.isdisjoint({"label-store"})
    with pytest.raises(LakeError, match="'label-store' is no stage"):
        verify(lake, "label-store")


def test_what_killed_writers_left_there_goes_and_nothing_else(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    put_chain(lake, "one")
    put_label_store(lake)
    root = Path(lake.uri)
    before = contents(lake)
    ours = [
        root / f"{path}#{number}"
        for number, path in enumerate(sorted(LABEL_STORE))
        if SHA1 in path or "/orders/" in path
    ]
    theirs = [
        root / f"label-store/{name}" for name in ("notes.txt#1", "imports/My answers #2", "minutes #3", "a.json#4")
    ]
    for path in (*ours, *theirs):
        path.write_bytes(b"half")
    report = verify(lake)
    assert [(finding.kind, Path(finding.uri)) for finding in report.notes] == [
        ("temporary", path) for path in sorted(ours)
    ]
    assert {(finding.kind, Path(finding.uri)) for finding in report.problems} == {("stray", path) for path in theirs}
    assert plan(lake).temporary == []  # a writer may be at work
    collect(lake, plan(lake, now=in_days(2)))
    assert [path.exists() for path in (*ours, *theirs)] == [False] * 5 + [True] * 4
    assert contents(lake) == before
