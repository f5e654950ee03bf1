"""The work that is disturbed: versions of one day of one stage.

Belongs here: small builds that child processes can make too, processes that start fast, and what must hold of a
lake whatever happened to it. Does not belong here: the disturbances.
"""

import multiprocessing
import os
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from multiprocessing.context import ForkServerContext

import polars as pl

from html_classification.lake import Build, Lake, Materialization, RunInfo, materialize
from html_classification.lake.external import ExternalFile, ExternalFiles
from html_classification.lake.upkeep.gc import Decision, collect, plan
from html_classification.lake.upkeep.verify import verify
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.url_normalization import URL_NORMALIZATION

STAGE = URL_NORMALIZATION.name
DAY = date(2026, 3, 1)
TIME = datetime(2026, 3, 1, 10, 15, tzinfo=UTC)
#: How many puts a version and its publication take: lake.json, parquet, sample, rejected, count, metadata, publication.
OBJECTS = 7
_PRELOADED = ["html_classification_tests.faults.work", "html_classification.schemas.validation", "obstore", "boto3"]


def processes() -> ForkServerContext:
    """Child processes that have everything imported already, and no thread or connection of this one."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


def aws_environment() -> dict[str, str]:
    """The variables that lead to S3, for a child."""
    return {name: value for name, value in os.environ.items() if name.startswith("AWS_")}


def rows(name: str) -> pl.DataFrame:
    """The rows that are made from a source: the same name, the same rows."""
    urls = [f"https://a.example/{name}/{number}" for number in range(50)]
    known = {"url": urls, "original_url": urls, "html": [f"<p>{url}" for url in urls], "timestamp": [TIME] * 50}
    return pl.DataFrame(known | {"encoding": [None] * 50}, schema=dict(URL_NORMALIZATION.dtypes))


def build(name: str) -> Build:
    """What makes these rows: another name is another recipe."""
    drop = ExternalFile("a.txt", "/a.txt", name.encode())
    return Build(
        inputs=lambda day: {"drop": ExternalFiles([drop], "a file", day)},
        compute=lambda drop: Outcome(rows(name), [{"reason": "bad", "line": 3, "row": name}], {}),
    )


def publish(lake: Lake, name: str, day: date = DAY) -> Materialization:
    """Make the version of a name, and publish it."""
    return materialize(lake, URL_NORMALIZATION, build(name), day, RunInfo(STAGE, "job", f"run {os.getpid()}"))


def assert_whole(lake: Lake, day: date, names: Mapping[str, str]) -> str:
    """All ways of reading a day give one version whole: its name.

    Args:
        lake: The lake.
        day: The day.
        names: The names of the versions that may be current, by version.
    """
    current = lake.history(STAGE, day)[-1].version
    expected = rows(names[current])
    assert lake.current(STAGE)[day] == current
    assert lake.read(STAGE, day).equals(expected)
    assert lake.scan(STAGE, day).drop("day").collect().equals(expected)
    assert next(line for line in lake.ls(STAGE) if line.date == str(day)).rows == expected.height
    assert lake.metadata(STAGE, day).passed
    return names[current]


def assert_clean(lake: Lake) -> None:
    """Verification finds nothing that must be mended."""
    assert verify(lake).problems == []


def collect_leftovers(lake: Lake) -> list[Decision]:
    """Garbage collection, as if all that was written had been so long ago: what it removed."""
    later = datetime.now(UTC) + timedelta(seconds=1)
    planned = plan(lake, grace=timedelta(0), now=later)
    return collect(lake, planned).removed


def assert_spotless(lake: Lake) -> None:
    """Verification finds nothing at all, be it ever so young."""
    assert verify(lake, leftover_age=timedelta(0)).findings == []
