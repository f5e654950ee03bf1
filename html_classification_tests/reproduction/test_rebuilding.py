"""Versions that are rebuilt to the same bytes: the real graph, on a folder and on a real S3 server.

Belongs here: what can be rebuilt from what, and that nothing else is touched. Does not belong here: damaged lakes
(`test_damage`), other code (`test_other_releases`), labels that are gone (`test_labels`).
"""

import json
import shutil
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from html_classification.automation.ranges import run_range
from html_classification.lake import Lake, LakeError
from html_classification.lake.paths import VersionId
from html_classification.lake.store import Store
from html_classification.reproduction.provenance import targets_of_snapshot
from html_classification.reproduction.rebuilding import check_scratch
from html_classification_tests.pages import FIRST_DAY, Project, day_pages, lines
from html_classification_tests.reproduction.rebuilds import (
    HTML_PARSING,
    contents,
    current,
    data_of,
    put,
    reproduce,
    run,
)


def test_a_snapshot_of_every_stage_is_rebuilt_to_the_same_bytes(
    whole: Project, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = put(whole, place)
    before, listed = contents(whole.root), [item.path for item in lake.store.list()]
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    targets = targets_of_snapshot(lake, "every-stage")
    verdicts = reproduce(lake, targets, tmp_path / "scratch")
    assert {verdict.status for verdict in verdicts.values()} == {"same"}
    assert set(verdicts) == set(targets)
    stages = {target.stage for target in targets}
    assert {"raw", "labels", "annotators", "labeling-queue", "leaderboard", "post-train"} < stages
    assert "models/refined-v1-complement-nb" in stages
    scratch = Lake(str(tmp_path / "scratch" / "lake"))
    for target in targets:
        assert data_of(scratch, target) == data_of(lake, target)
    # neither the lake nor MLflow nor the current folder were written to
    assert [item.path for item in lake.store.list()] == listed
    assert contents(whole.root) == before
    assert contents(tmp_path / "here") == {}


def test_one_version_takes_just_its_ancestors(whole: Project, tmp_path: Path) -> None:
    target = current(whole.lake, "training-set", FIRST_DAY)
    verdicts = reproduce(whole.lake, [target], tmp_path)
    assert {verdict.status for verdict in verdicts.values()} == {"same"}
    assert {version.day for version in verdicts} == {FIRST_DAY}
    assert {version.stage for version in verdicts} == {
        "raw",
        "preprocess/url-normalization",
        HTML_PARSING,
        "preprocess/text-normalization/v2",
        "labels",
        "annotators",
        "annotated",
        "training-set",
    }


def test_a_window_sees_only_the_days_that_were_there_then(three_days: Project, place: str, tmp_path: Path) -> None:
    lake = put(three_days, place)
    first, then, now = (item.id for day in (FIRST_DAY, date(2026, 3, 3)) for item in lake.history("training-set", day))
    verdicts = reproduce(lake, [first, then, now], tmp_path / "scratch")
    assert {verdict.status for verdict in verdicts.values()} == {"same"}
    assert {version.day.day for version in verdicts} == {1, 2, 3}
    of_then = reproduce(lake, [then], tmp_path / "scratch-2")
    assert of_then[then].status == "same"
    assert {version.day.day for version in of_then} == {1, 3}


def test_what_garbage_collection_removed_is_rebuilt_from_what_it_left(lake: Lake, tmp_path: Path) -> None:
    version = current(lake, HTML_PARSING, FIRST_DAY)
    annotated = current(lake, "annotated", FIRST_DAY)
    before = data_of(lake, version)
    metadata = json.loads(lake.store.get(f"{version.path}/metadata.json"))
    removed = {"removed_at": "2026-05-01T00:00:00Z", "reason": "old", "metadata": metadata}
    lake.store.put_new(f"{version.path}/removed.json", json.dumps(removed).encode())
    lake.store.delete([f"{version.path}/{name}" for name in ("metadata.json", *before)])
    verdicts = reproduce(lake, [version, annotated], tmp_path / "scratch")
    assert verdicts[version].status == verdicts[annotated].status == "same"
    assert data_of(Lake(str(tmp_path / "scratch" / "lake")), version) == before
    lake.store.delete([f"{version.path}/removed.json"])
    lake.store.put_new(f"{version.path}/removed.json", b'{"removed_at": "2026')
    assert "removed.json is not readable" in reproduce(lake, [annotated], tmp_path / "again")[version].reason


def test_a_version_that_failed_its_audit_is_rebuilt_and_compared(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = project.write_days(1)
    project.write_drop(days[0], b"garbage\n", "html-documents.jsonl.gz")
    defs = project.defs()
    with dg.DagsterInstance.ephemeral() as instance:
        assert run_range(defs, instance, {dg.AssetKey("raw")}, days).failed
    (folder,) = Store(project.lake_uri).folders(f"raw/{days[0]}")
    version = VersionId("raw", days[0], folder)
    assert not project.lake.metadata("raw", days[0], folder).passed
    assert reproduce(project.lake, [version], tmp_path / "scratch")[version].status == "same"


def test_a_drop_of_several_files_is_rebuilt_in_its_order(project: Project, tmp_path: Path) -> None:
    (day,) = project.write_days(1)
    project.write_drop(day, lines(day_pages(day)[:3], day), "z.jsonl")
    project.write_drop(day, lines(day_pages(day)[3:5], day) + b"garbage\n", "a.jsonl")
    project.write_drop(day, lines(day_pages(day)[5:7], day), "html-documents-b.jsonl")
    project.write_drop(day, lines(day_pages(day)[7:9], day), "part 2%20é.jsonl")
    project.write_drop(day, lines(day_pages(day)[9:], day), "index.jsonl")
    run(project, [day], ["raw"])
    shutil.rmtree(project.crawl)
    version = current(project.lake, "raw", day)
    verdict = reproduce(project.lake, [version], tmp_path / "scratch")[version]
    assert (verdict.status, verdict.reason) == ("same", "")
    assert len(project.lake.metadata("raw", day).data_files) == 6


def test_a_scratch_folder_in_use_or_in_the_lake_is_refused(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").write_text("mine")
    with pytest.raises(LakeError, match="used is not empty: give an empty or a new folder"):
        check_scratch(lake, str(tmp_path / "used"))
    with pytest.raises(LakeError, match="lies in the lake: give another folder"):
        check_scratch(lake, f"{lake.uri}/scratch")
    check_scratch(lake, str(tmp_path / "new"))
