"""A lake that was written once is read by every later release, on a folder and on a real S3 server."""

import json
from datetime import date, datetime
from pathlib import Path

import pytest

from html_classification.lake import Lake, LakeError
from html_classification.lake.store import Store
from html_classification.lake.upkeep.verify import verify
from html_classification_tests.golden.write import SNAPSHOT

HERE = Path(__file__).parent
EXPECTED = json.loads((HERE / "expected.json").read_text())
VERSIONS = EXPECTED["versions"]


@pytest.fixture(params=["folder", "s3"])
def lake(request: pytest.FixtureRequest) -> Lake:
    if request.param == "folder":
        return Lake(str(HERE / "lake"))
    uri = request.getfixturevalue("bucket") + "/golden"
    for item in Store(str(HERE / "lake")).list():
        Store(uri).put_new(item.path, (HERE / "lake" / item.path).read_bytes())
    return Lake(uri)


def parts(path: str) -> tuple[str, str, str]:
    stage, day, version = path.rsplit("/", 2)
    return stage, day, version


def test_every_version_has_its_content(lake: Lake) -> None:
    assert len(VERSIONS) > 20
    for path, expected in VERSIONS.items():
        stage, day, version = parts(path)
        if expected["removed"]:
            with pytest.raises(LakeError, match=f"{version} was removed by garbage collection on 20"):
                lake.read(stage, day, version)
            continue
        frame = lake.read(stage, day, version)
        metadata = lake.metadata(stage, day, version)
        assert metadata.statistics.rows == frame.height
        assert metadata.date == date.fromisoformat(day)
        assert metadata.passed
        assert {file.path: file.bytes for file in metadata.files}.items() >= expected["files"].items()
        if expected["rows"] is not None:
            assert json.loads(frame.write_json()) == expected["rows"]
            assert lake.scan(stage, day, version=version).collect().drop("day").equals(frame)


def test_every_moment_has_its_versions(lake: Lake) -> None:
    assert len(EXPECTED["as_of"]) > 20
    for time, stages in EXPECTED["as_of"].items():
        for stage, days in stages.items():
            found = lake.versions(stage, as_of=datetime.fromisoformat(time))
            assert {str(day): version for day, version in found.items()} == days


def test_a_scan_as_of_a_moment_has_the_rows_of_then(lake: Lake) -> None:
    moment, stages = list(EXPECTED["as_of"].items())[14 + 7 - 1]  # right after the second crawl
    for stage, days in stages.items():
        if stage == "raw" or any(VERSIONS[f"{stage}/{day}/{version}"]["removed"] for day, version in days.items()):
            continue
        rows = [row for day, version in sorted(days.items()) for row in VERSIONS[f"{stage}/{day}/{version}"]["rows"]]
        assert json.loads(lake.scan(stage, as_of=moment).collect().drop("day").write_json()) == rows


def test_what_is_current_is_listed(lake: Lake) -> None:
    *_, last = EXPECTED["as_of"].values()
    listed = {(row.stage, row.date): row.version for row in lake.ls()}
    assert listed == {(stage, day): version for stage, days in last.items() for day, version in days.items()}
    last_entry = json.loads(lake.store.get(lake.history("annotated", "2026-03-02")[-1].path))
    assert last_entry["reason"].startswith("rollback")


def test_the_snapshot_names_what_was_current_then(lake: Lake) -> None:
    (snapshot,) = lake.snapshots()
    assert snapshot.name == SNAPSHOT
    _, first = list(EXPECTED["as_of"].items())[14 - 1]  # seven stages, two days
    assert {stage: {str(day): one for day, one in days.items()} for stage, days in snapshot.versions.items()} == first
    assert lake.scan("annotated", snapshot=SNAPSHOT).collect().height == 6


def test_it_is_whole(lake: Lake) -> None:
    assert verify(lake).problems == []
