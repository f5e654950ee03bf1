"""The provenance of a version, kept outside of the lake: what is in it, and rebuilding with nothing else but raw.

Belongs here: archives, and lakes that have lost everything between raw and a version. Does not belong here: models
and their MLflow runs, which keep archives (`cli/test_models_reproduce`).
"""

import gzip
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from html_classification.lake import Lake, LakeError
from html_classification.lake.paths import VersionId
from html_classification.reproduction.archive import Archivist, archive, read_archive
from html_classification.reproduction.provenance import make_plan
from html_classification.reproduction.rebuilding import rebuild
from html_classification_tests.pages import FIRST_DAY, Project
from html_classification_tests.reproduction.rebuilds import (
    current,
    data_of,
    forget,
    put,
    spoil,
    statuses,
)

LAST_DAY = date(2026, 3, 3)
SILVER_AND_GOLD = ("preprocess", "labels", "annotators", "annotated")


def archived(lake: Lake, version: VersionId) -> bytes:
    return archive(lake.store, lake.metadata(version.stage, version.day, version.version))


def test_it_has_the_metadata_of_a_version_and_of_all_its_ancestors(three_days: Project) -> None:
    lake = three_days.lake
    version = current(lake, "training-set", LAST_DAY)
    data = archived(lake, version)
    found = read_archive(data)
    order = make_plan(lake.store, [version]).order
    assert len(found) == len(order) == 22
    for one in order:
        assert found.find(one) == lake.metadata(one.stage, one.day, one.version)
    assert found.find(VersionId("raw", FIRST_DAY, "0123456789ab")) is None
    # plain to read without this project, and sorted
    rows = [json.loads(line) for line in gzip.decompress(data).splitlines()]
    names = [(row["stage"], row["date"], row["version"]) for row in rows]
    assert names == sorted(names)
    assert rows[0] == json.loads(lake.metadata("annotated", FIRST_DAY).to_json())


def test_the_same_versions_give_the_same_bytes(three_days: Project, place: str) -> None:
    version = current(three_days.lake, "training-set", LAST_DAY)
    copy = put(three_days, place)
    assert archived(copy, version) == archived(three_days.lake, version)


def test_several_threads_share_what_was_read(three_days: Project) -> None:
    lake = three_days.lake
    days = [FIRST_DAY, date(2026, 3, 2), LAST_DAY] * 4
    metadata = [lake.metadata("training-set", day) for day in days]
    archivist = Archivist(lake.store)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(archivist.archive, metadata))
    assert made == [archive(lake.store, one) for one in metadata]


def test_an_ancestor_that_nobody_can_read_is_left_out_with_a_warning(
    lake: Lake, caplog: pytest.LogCaptureFixture
) -> None:
    version = current(lake, "training-set", FIRST_DAY)
    raw = current(lake, "raw", FIRST_DAY)
    spoil(lake, raw, "metadata.json", b"{")
    with caplog.at_level(logging.WARNING):
        found = read_archive(archived(lake, version))
    assert found.find(raw) is None
    assert found.find(version) is not None
    (message,) = {record.getMessage() for record in caplog.records}
    assert message.startswith("the provenance of a model is incomplete: ")
    assert f"{raw.path}/metadata.json is not readable" in message


@pytest.mark.parametrize(
    "data",
    [b"", b"nothing", gzip.compress(b"{}\n"), gzip.compress(b"[" * 100_000 + b"\n"), gzip.compress(b"{}" * 99)[:-9]],
    ids=["empty", "no gzip", "no metadata", "too deep", "cut off"],
)
def test_a_damaged_archive_is_one_line(data: bytes) -> None:
    with pytest.raises(LakeError, match=r"\Aprovenance of a run is not readable \(.*\): it is damaged; .*\Z") as raised:
        read_archive(data, "provenance of a run")
    assert str(raised.value).isprintable()


def test_a_name_in_it_leads_nowhere_else() -> None:
    line = json.dumps({"stage": "../raw", "date": "2026-03-01", "version": "0123456789ab"}).encode()
    with pytest.raises(LakeError, match="is no stage"):
        read_archive(gzip.compress(line))


@pytest.mark.parametrize(
    "lost", [SILVER_AND_GOLD, (*SILVER_AND_GOLD, "training-set")], ids=["silver and gold", "all but raw"]
)
def test_what_was_deleted_after_raw_is_rebuilt_to_the_same_bytes(
    three_days: Project, place: str, tmp_path: Path, lost: tuple[str, ...]
) -> None:
    lake = put(three_days, place)
    version = current(lake, "training-set", LAST_DAY)
    known = read_archive(archived(lake, version))
    forget(lake, *lost)
    plan = make_plan(lake.store, [version], known)
    verdicts = {verdict.id: verdict for verdict in rebuild(lake, plan, str(tmp_path / "scratch"))}
    assert {verdict.status for verdict in verdicts.values()} == {"same"}
    assert len(verdicts) == 22
    scratch = Lake(str(tmp_path / "scratch" / "lake"))
    for one in verdicts:
        assert data_of(scratch, one) == data_of(three_days.lake, one)


def test_what_was_deleted_and_cannot_be_had_again_is_said(lake: Lake, three_days: Project, tmp_path: Path) -> None:
    version = current(lake, "training-set", FIRST_DAY)
    labels, raw = current(lake, "labels", FIRST_DAY), current(lake, "raw", FIRST_DAY)
    known = read_archive(archived(lake, version))
    forget(lake, *SILVER_AND_GOLD)
    hidden = three_days.labels.rename(three_days.root / "hidden.jsonl")
    try:
        plan = make_plan(lake.store, [version], known)
        verdicts = {verdict.id: verdict for verdict in rebuild(lake, plan, str(tmp_path / "1"))}
    finally:
        hidden.rename(three_days.labels)
    assert verdicts[labels].status == "cannot"
    assert verdicts[labels].reason.startswith("it is not in the lake any more, and no label file with the SHA-1 ")
    assert verdicts[version].reason == f"depends on {labels}"
    forget(lake, "raw")
    plan = make_plan(lake.store, [version], known)
    verdicts = {verdict.id: verdict for verdict in rebuild(lake, plan, str(tmp_path / "2"))}
    assert verdicts[raw].reason == "it is not in the lake any more, and the crawler's own files are gone"
    assert statuses(verdicts)["cannot"] == {"raw"}
    assert (verdicts[version].status, verdicts[version].reason) == ("not tried", f"depends on {raw}")
