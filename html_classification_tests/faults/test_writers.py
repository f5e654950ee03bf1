"""Eight processes that write and publish the same day at once: nothing is lost, nothing is torn."""

import json
import os
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from html_classification.lake import Dataset, Lake
from html_classification.lake.paths import Publication
from html_classification_tests.faults.work import (
    DAY,
    STAGE,
    assert_clean,
    assert_spotless,
    assert_whole,
    aws_environment,
    processes,
    publish,
    rows,
)

#: The names of the versions, and each publication with the time of the last one known before.
Work = tuple[dict[str, str], list[tuple[datetime, Publication]]]

WRITERS = 8
ROUNDS = 9


class Reporting(Lake):
    """A lake that notes what it published, each with the last publication known before."""

    def __init__(self, uri: str) -> None:
        super().__init__(uri)
        self.published: list[tuple[datetime, Publication]] = []

    def publish(self, dataset: Dataset, *, run: str | None, reason: str) -> Publication | None:
        before = self.history(STAGE, DAY)[-1].time
        done = super().publish(dataset, run=run, reason=reason)
        if done:
            self.published.append((before, done))
        return done


def write(environment: dict[str, str], uri: str, writer: int) -> Work:
    """In a child: the versions that it asked for, by name, and what it published.

    By turns a recipe that no other writer has, one that all build at about the same time, and one that was current
    before.
    """
    os.environ.update(environment)
    names: dict[str, str] = {}
    lake = Reporting(uri)
    for number in range(ROUNDS):
        name = (f"own {writer} {number}", f"shared {number}", "first")[number % 3]
        names[publish(lake, name).dataset.metadata.version] = name
        current = Lake(uri).read(STAGE, DAY)  # whatever is current is whole
        assert current.height == rows(name).height
    return names, lake.published


@pytest.mark.parametrize("kind", ["folder", "s3"])
@pytest.mark.parametrize("clock_ahead", [False, True], ids=["same-clock", "clock-ahead"])
def test_eight_writers(kind: str, clock_ahead: bool, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    lake = Lake(str(tmp_path / "lake") if kind == "folder" else request.getfixturevalue("bucket") + "/lake")
    first = publish(lake, "first").dataset.metadata
    expected = {item.path for item in lake.history(STAGE, DAY)}
    if clock_ahead:  # a host whose clock was ahead was here: all times follow its own, microsecond by microsecond
        entry = Publication(STAGE, DAY, datetime.now(UTC) + timedelta(hours=1), first.version)
        lake.store.put_new(entry.path, lake.store.get(next(iter(expected))))
        expected.add(entry.path)
    with ProcessPoolExecutor(WRITERS, mp_context=processes()) as pool:
        working = [pool.submit(write, aws_environment(), lake.uri, writer) for writer in range(WRITERS)]
        results = [work.result(timeout=120) for work in working]
    names = {first.version: "first"}
    for written, published in results:
        names |= written
        for before, item in published:
            assert item.time > before
            assert item.path not in expected, "two writers were told of the same publication"
            expected.add(item.path)
    assert len(names) == 1 + WRITERS * 3 + 3
    history = lake.history(STAGE, DAY)
    assert {item.path for item in history} == expected
    assert {item.version for item in history} == set(names)
    for item in history:
        assert json.loads(lake.store.get(item.path))["version"] == item.version
    for version, name in names.items():
        assert lake.read(STAGE, DAY, version).equals(rows(name))
    assert_whole(lake, DAY, names)
    assert_clean(lake)
    assert_spotless(lake)
