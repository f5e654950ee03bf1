"""Brings a stage of a lake to a new version: `python adding.py LAKE [FOLDER]`.

With a folder, the stage is made from its files, a parquet file a day. Without one, a second stage is made from that
stage: what all but the first stages of a pipeline do.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from html_classification.lake import Build, Lake, Materialization, RunInfo, Slice, Step, materialize
from html_classification.lake.external import ExternalFile, ExternalFiles
from html_classification.schemas.columns import Stage
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.text_normalization import text_normalization_stage

STAGE = text_normalization_stage("v1", ["none"])
NEXT_STAGE = replace(STAGE, name="preprocess/text-normalization/v2")
RUN = RunInfo("benchmark")


def from_files(lake: Lake, folder: Path) -> list[Materialization]:
    """Bring the stage to the state of a folder of parquet files named `<day>.parquet`."""
    paths = {date.fromisoformat(path.stem): path for path in folder.glob("*.parquet")}

    def inputs(day: date) -> Mapping[str, ExternalFiles]:
        path = paths[day]
        return {"rows": ExternalFiles([ExternalFile(path.name, str(path), path.read_bytes())], "a file a day", day)}

    def compute(rows: ExternalFiles) -> Outcome:
        return Outcome(pl.read_parquet(rows.files[0].data))

    return _materialize(lake, STAGE, sorted(paths), inputs, compute)


def from_stage(lake: Lake) -> list[Materialization]:
    """Bring the second stage to the state of the first."""
    upstream = lake.upstream(STAGE.name)

    def inputs(day: date) -> Mapping[str, Slice]:
        return {"rows": upstream.day(day)}

    def compute(rows: pl.DataFrame) -> Outcome:
        return Outcome(rows)

    return _materialize(lake, NEXT_STAGE, sorted(upstream.versions), inputs, compute)


def _materialize(
    lake: Lake,
    stage: Stage,
    days: list[date],
    inputs: Callable[[date], Mapping[str, Any]],
    compute: Callable[..., Outcome],
) -> list[Materialization]:
    """What the IO manager does in a run over a range of days."""
    build = Build(inputs=inputs, compute=compute, process=[Step(step="take the rows as they are")])
    current = lake.current(stage.name)
    return [materialize(lake, stage, build, day, RUN, current=current) for day in days]


if __name__ == "__main__":
    started = time.perf_counter()
    lake = Lake(sys.argv[1])
    done = from_files(lake, Path(sys.argv[2])) if len(sys.argv) > 2 else from_stage(lake)
    built = sum(not item.reused for item in done)
    print(json.dumps({"days": len(done), "built": built, "seconds": time.perf_counter() - started}))
