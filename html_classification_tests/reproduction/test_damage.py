"""Rebuilding from a lake that was damaged: it is found, named, and held against nothing that it does not concern.

Belongs here: files that were changed or lost. Does not belong here: damaged labels (`test_labels`), code that computes
something else (`test_other_releases`).
"""

import gzip
from datetime import date
from pathlib import Path

from html_classification.lake import Lake
from html_classification.lake.paths import VersionId
from html_classification.reproduction.provenance import targets_of_snapshot
from html_classification_tests.pages import FIRST_DAY, Project
from html_classification_tests.reproduction.rebuilds import (
    HTML_PARSING,
    current,
    put,
    reproduce,
    spoil,
)


def test_a_file_that_was_tampered_with_is_named(three_days: Project, place: str, tmp_path: Path) -> None:
    lake = put(three_days, place)
    version = current(lake, "annotated", FIRST_DAY)
    recorded = {file.path: file.sha1 for file in lake.metadata("annotated", FIRST_DAY).files}
    sha1 = spoil(lake, version, "sample.jsonl", b"{}\n")
    lake.store.delete([f"{version.path}/html-documents.parquet"])
    verdicts = reproduce(lake, targets_of_snapshot(lake, "release-1"), tmp_path / "scratch")
    verdict = verdicts.pop(version)
    assert verdict.status == "differs"
    assert {(file.path, file.recorded, file.rebuilt, file.in_lake) for file in verdict.files} == {
        ("sample.jsonl", recorded["sample.jsonl"], recorded["sample.jsonl"], sha1),
        ("html-documents.parquet", recorded["html-documents.parquet"], recorded["html-documents.parquet"], None),
    }
    assert sha1 in verdict.reason
    # what was made from it is rebuilt from what it should be
    assert {verdict.status for verdict in verdicts.values()} == {"same"}


def test_data_and_metadata_that_were_changed_together_are_found(lake: Lake, tmp_path: Path) -> None:
    version = current(lake, "annotated", FIRST_DAY)
    metadata = lake.metadata("annotated", FIRST_DAY)
    sha1 = spoil(lake, version, "html-documents.parquet", b"other rows")
    files = [
        file.model_copy(update={"sha1": sha1}) if file.path == "html-documents.parquet" else file
        for file in metadata.files
    ]
    spoil(lake, version, "metadata.json", metadata.model_copy(update={"files": files}).to_json())
    verdict = reproduce(lake, [version], tmp_path / "scratch")[version]
    (file,) = verdict.files
    assert (verdict.status, file.path, file.recorded, file.in_lake) == ("differs", "html-documents.parquet", sha1, sha1)
    assert file.rebuilt == metadata.data_files[0].sha1


def test_damaged_raw_files_spoil_what_was_made_from_them(lake: Lake, tmp_path: Path) -> None:
    version = current(lake, "raw", FIRST_DAY)
    sha1 = spoil(lake, version, "html-documents.jsonl.gz", gzip.compress(b"{}\n"))
    verdicts = reproduce(lake, targets_of_snapshot(lake, "release-1"), tmp_path / "scratch")
    assert verdicts[version].status == "differs"
    assert [(file.path, file.in_lake) for file in verdicts[version].files] == [("html-documents.jsonl.gz", sha1)]
    training_set = verdicts[current(lake, "training-set", date(2026, 3, 3))]
    assert (training_set.status, training_set.reason) == ("not tried", f"depends on {version}")
    same = {version.day for version, verdict in verdicts.items() if verdict.status == "same"}
    assert same == {date(2026, 3, 2), date(2026, 3, 3)}


def test_a_version_under_the_name_of_another_is_not_taken_for_it(lake: Lake, tmp_path: Path) -> None:
    version = current(lake, HTML_PARSING, FIRST_DAY)
    other = VersionId(HTML_PARSING, FIRST_DAY, "0123456789ab")
    for item in lake.store.list(version.path):
        lake.store.put_new(f"{other.path}/{item.name}", lake.store.get(item.path))
    verdict = reproduce(lake, [other], tmp_path / "scratch")[other]
    assert verdict.status == "differs"
    assert verdict.reason.startswith("its recipe does not give its version: metadata.json was changed")


def test_an_ancestor_that_is_not_there_is_said_and_the_rest_goes_on(lake: Lake, tmp_path: Path) -> None:
    version = current(lake, HTML_PARSING, FIRST_DAY)
    lake.store.delete([f"{version.path}/metadata.json"])
    verdicts = reproduce(lake, targets_of_snapshot(lake, "release-1"), tmp_path / "scratch")
    assert (verdicts[version].status, verdicts[version].files) == ("cannot", ())
    assert f"{HTML_PARSING} {FIRST_DAY} has no version {version.version}" in verdicts[version].reason
    assert verdicts[current(lake, "annotated", FIRST_DAY)].reason == f"depends on {version}"
    for stage in ("preprocess/text-normalization/v2", "labels"):
        assert verdicts[current(lake, stage, date(2026, 3, 2))].status == "same"
    in_window = verdicts[current(lake, "annotated", date(2026, 3, 2))]  # its window has the first day's labels
    assert (in_window.status, in_window.reason) == ("not tried", f"depends on {version}")
