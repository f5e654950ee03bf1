"""Scanning a year of days, and listing a whole lake.

Ours finds the current version of each day first; polars is given the list of their files.
"""

import datetime as dt
from collections.abc import Iterator

import polars as pl

from benchmarks.measure import Figure, Ratio, Result, s3_bucket, side_by_side, workspace
from benchmarks.texts import day_of_texts
from html_classification.lake import Build, Lake, RunInfo, materialize
from html_classification.lake.paths import VersionId
from html_classification.lake.store import in_parallel
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.text_normalization import text_normalization_stage

STAGE = text_normalization_stage("v1", ["lowercase"])
STAGES = (
    *("raw", "preprocess/url-normalization", "preprocess/html-parsing", "preprocess/text-normalization/v1"),
    *("preprocess/text-normalization/v2", "annotated", "post-train"),
)
FIRST = dt.date(2025, 3, 1)
DAYS = [FIRST + dt.timedelta(days=n) for n in range(365)]
VERSIONS = 3
ROWS, WORDS = 1000, 150


def run() -> Iterator[Result]:
    """Scans in a folder and on S3, and the listing on S3."""
    for versions in (1, VERSIONS):
        with workspace() as folder:
            lake = Lake(str(folder / "lake"))
            _write_days(lake, versions)
            yield from _scans(lake, versions, "folder")
            with s3_bucket() as bucket:
                on_s3 = Lake(f"{bucket}/lake")
                in_parallel(lambda item: on_s3.store.put_new(item.path, lake.store.get(item.path)), lake.store.list())  # noqa: B023
                yield from _scans(on_s3, versions, "S3")
    with s3_bucket() as bucket:
        yield from _listings(Lake(f"{bucket}/lake"))


def _write_days(lake: Lake, versions: int) -> None:
    """A year of one stage, each day in so many versions; only the last has its rows, so that it takes no hour."""
    frame = day_of_texts(FIRST, ROWS, WORDS)
    for day in DAYS:
        for version in range(versions):
            rows = frame if version == versions - 1 else frame.head(1)
            build = Build(inputs=lambda day: {}, compute=lambda rows=rows: Outcome(rows), parameters={"n": version})
            materialize(lake, STAGE, build, day, RunInfo("benchmark"))


def _scans(lake: Lake, number: int, place: str) -> Iterator[Ratio]:
    versions = lake.versions(STAGE.name)
    files = [f"{lake.store.uri(VersionId(STAGE.name, *item).path)}/html-documents.parquet" for item in versions.items()]

    def narrow(frame: pl.LazyFrame) -> pl.DataFrame:
        return frame.filter(pl.col("language") == "de").select("url", "language").collect()

    def wide(frame: pl.LazyFrame) -> pl.DataFrame:
        return frame.filter(pl.col("language") == "de").select("url", "title", "content").collect()

    for query, columns in ((narrow, "two short columns"), (wide, "with texts")):

        def ours(query=query) -> object:  # type: ignore[no-untyped-def]
            return query(lake.scan(STAGE.name, DAYS[0], DAYS[-1]))

        def plain(query=query) -> object:  # type: ignore[no-untyped-def]
            return query(pl.scan_parquet(files, storage_options=lake.store.storage_options))

        taken = side_by_side({"ours": ours, "plain": plain}, rounds=9)
        what = f"scan 365 days with a filter, {columns}, versions a day: {number}, {place}"
        yield Ratio(what, taken["ours"], taken["plain"], "polars scan_parquet of the files", at_most=1.3)


def _listings(lake: Lake) -> Iterator[Result]:
    _write_names(lake)
    taken = side_by_side({"ls": lake.ls}, rounds=7)
    listed = lake.ls()
    if len(listed) != len(STAGES) * len(DAYS):
        message = f"the listing is not whole: {len(listed)}"
        raise RuntimeError(message)
    yield Figure(f"list {len(listed):,} current of {len(listed) * VERSIONS:,} versions, S3", taken["ls"], at_most=2)


def _write_names(lake: Lake) -> None:
    """Every object that such a lake has, by name; what is in them does not matter to a listing."""
    names = []
    for stage in STAGES:
        for day in DAYS:
            for version in range(VERSIONS):
                folder = VersionId(stage, day, f"{version:012x}").path
                files = ("html-documents.parquet", "metadata.json", "sample.jsonl", "rows-1000-rejected-0.count")
                names += [f"{folder}/{name}" for name in files]
                names.append(f"{stage}/{day}/published/202603{version + 1:02}T000000.000000Z-{version:012x}.json")
    in_parallel(lambda name: lake.store.put_new(name, b"{}"), names)
