"""Writing and publishing a day, against writing the same parquet file plainly.

Ours is all that `materialize` does but the computation: recipe, audit, statistics, sample, metadata.json, publication.
"""

import datetime as dt
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import polars as pl

from benchmarks.measure import Contestant, Ratio, Result, s3_bucket, side_by_side, workspace
from benchmarks.texts import day_of_texts
from html_classification.lake import Build, Lake, RunInfo, materialize
from html_classification.lake.writing import to_parquet
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.text_normalization import text_normalization_stage

DAY = dt.date(2026, 3, 1)
STAGE = text_normalization_stage("v1", ["lowercase"])
ROUNDS = {1000: 15, 100_000: 3}


def run() -> Iterator[Result]:
    """The ratio for 1,000 and 100,000 rows, in a folder and on S3."""
    for rows, rounds in ROUNDS.items():
        frame = day_of_texts(DAY, rows)
        with workspace() as folder:
            yield _measured(Lake(str(folder / "lake")), frame, rounds, "folder")
        with s3_bucket() as bucket:
            yield _measured(Lake(f"{bucket}/lake"), frame, rounds, "S3")


def _measured(lake: Lake, frame: pl.DataFrame, rounds: int, place: str) -> Ratio:
    number = count()

    def ours() -> None:
        # Another parameter each time: another version, computed and published.
        build = Build(inputs=lambda day: {}, compute=lambda: Outcome(frame), parameters={"round": next(number)})
        materialize(lake, STAGE, build, DAY, RunInfo("benchmark"))

    def plain() -> None:
        path = lake.store.uri(f"plain/{next(number)}.parquet")
        if lake.store.is_s3:
            frame.write_parquet(
                path,
                compression="zstd",
                compression_level=3,
                row_group_size=4096,
                storage_options=lake.store.storage_options,
            )
        else:
            to_parquet(frame, path)

    def make_folder() -> None:
        if not lake.store.is_s3:
            Path(lake.store.uri("plain")).mkdir(parents=True, exist_ok=True)

    taken = side_by_side({"ours": ours, "plain": Contestant(plain, prepare=make_folder)}, rounds=rounds)
    what = f"write and publish a day of {frame.height:,} rows, {place}"
    return Ratio(what, taken["ours"], taken["plain"], "polars write_parquet", at_most=1.3)
