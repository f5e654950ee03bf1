"""Rebuilding labels, which come from outside of the lake: taken again where they can be had, as they are where not.

Belongs here: label files that were changed, moved or lost. Does not belong here: everything else that is lost
(`test_damage`).
"""

from datetime import date
from pathlib import Path

import pytest

from html_classification.lake import Lake
from html_classification.reproduction.provenance import targets_of_snapshot
from html_classification_tests.pages import FIRST_DAY, Project
from html_classification_tests.reproduction.rebuilds import (
    current,
    put,
    reproduce,
    spoil,
    statuses,
)


def test_labels_that_cannot_be_had_again_are_taken_as_they_are(three_days: Project, place: str, tmp_path: Path) -> None:
    lake = put(three_days, place)
    targets = targets_of_snapshot(lake, "release-1")
    labels = three_days.labels.read_bytes()
    try:
        three_days.labels.write_bytes(labels + b'{"url": "https://a.example/", "category": "sports"}\n')
        verdicts = reproduce(lake, targets, tmp_path / "scratch")
    finally:
        three_days.labels.write_bytes(labels)
    assert statuses(verdicts)["taken as it is"] == {"labels"}
    assert {verdict.status for version, verdict in verdicts.items() if version.stage != "labels"} == {"same"}
    reason = verdicts[current(lake, "labels", FIRST_DAY)].reason
    assert reason.startswith("bought outside the lake: no label file with the SHA-1 ")
    assert f"({three_days.labels} has the SHA-1 " in reason
    scratch = Lake(str(tmp_path / "scratch" / "lake"))
    for day in (FIRST_DAY, date(2026, 3, 2)):
        assert scratch.metadata("labels", day, current(lake, "labels", day).version) == lake.metadata("labels", day)


def test_damaged_labels_are_not_taken(lake: Lake, three_days: Project, tmp_path: Path) -> None:
    version = current(lake, "labels", FIRST_DAY)
    sha1 = spoil(lake, version, "html-documents.parquet", b"damaged")
    hidden = three_days.labels.rename(three_days.root / "hidden.jsonl")
    try:
        verdicts = reproduce(lake, [current(lake, "annotated", FIRST_DAY)], tmp_path / "scratch")
    finally:
        hidden.rename(three_days.labels)
    assert verdicts[version].status == "differs"
    assert [file.in_lake for file in verdicts[version].files] == [sha1]
    assert verdicts[current(lake, "annotated", FIRST_DAY)].reason == f"depends on {version}"


def test_the_label_file_of_the_settings_is_taken_where_it_is_that_of_then(
    lake: Lake, three_days: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = three_days.labels.rename(tmp_path / "elsewhere.jsonl")
    monkeypatch.setenv("HTML_CLASSIFICATION_LABELS", str(moved))
    version = current(lake, "labels", FIRST_DAY)
    try:
        assert reproduce(lake, [version], tmp_path / "scratch")[version].status == "same"
    finally:
        moved.rename(three_days.labels)
