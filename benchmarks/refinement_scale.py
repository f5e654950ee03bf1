"""Refinement of many documents: its time against that of a cross-validation, and its memory.

10,000 documents of 600 words: what the stages `predictions` and `post-train` compute (two rounds of cross-validation,
label errors, off-topic pages, near duplicates, broken texts, drift, the queue) against one plain cross-validation by
the same algorithm. 100,000 such documents, in a process of their own: its greatest memory. Texts are made up, in Zipf's
proportions, with words of their own for each category; a tenth of the labels is wrong.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import polars as pl

from benchmarks.measure import Figure, Ratio, Result
from benchmarks.training_side_by_side import made_up_day
from html_classification.assets.training import REFERENCE, REFERENCE_PARAMETERS
from html_classification.refinement.refining import refine
from html_classification.training.counting import forget_counts
from html_classification.training.features import address_field
from html_classification.training.out_of_sample import cross_validate, out_of_sample

FEW, MANY = 10_000, 100_000
DAYS = [date(2026, 3, 1) + timedelta(days=number) for number in range(10)]
ROUNDS = 3
_GIB = 2**30

Act = Callable[[pl.DataFrame], None]


def run() -> Iterator[Result]:
    """The ratio of the times, and the memory."""
    rows = rows_of(FEW)
    refinement, crossed = [], []
    for turn in range(ROUNDS):
        first, second = (_crossed, _refined) if turn % 2 else (_refined, _crossed)
        took = {act: _timed(act, rows) for act in (first, second)}
        refinement.append(took[_refined])
        crossed.append(took[_crossed])
    what = f"predictions and refinement of {FEW:,} documents"
    yield Ratio(what, refinement, crossed, "one cross-validation", at_most=3.0)
    started = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.refinement_scale", str(MANY)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    yield Figure(f"predictions and refinement of {MANY:,} documents: time", [time.perf_counter() - started])
    what = f"predictions and refinement of {MANY:,} documents: greatest memory"
    yield Figure(what, [int(said) / _GIB], "GiB", at_most=8.0)


def rows_of(documents: int) -> pl.DataFrame:
    """Rows as refinement gets them."""
    rows = pl.concat([made_up_day(day, documents // len(DAYS)) for day in DAYS]).sort("url")
    wrong = pl.int_range(pl.len()) % 10 == 7
    other = pl.when(pl.col("category") == "category 3").then(pl.lit("category 4")).otherwise(pl.lit("category 3"))
    split = pl.when(pl.col("day") >= DAYS[7]).then(pl.lit("test")).otherwise(pl.lit("train"))
    return rows.with_columns(
        address_field(),
        text="content",
        split=split,
        label_source=pl.lit("api:benchmark"),
        category=pl.when(wrong).then(other).otherwise("category"),
    ).drop("content", "title")


def _timed(act: Act, rows: pl.DataFrame) -> float:
    forget_counts()
    started = time.perf_counter()
    act(rows)
    return time.perf_counter() - started


def _crossed(rows: pl.DataFrame) -> None:
    cross_validate(rows, REFERENCE, REFERENCE_PARAMETERS)


def _refined(rows: pl.DataFrame) -> None:
    refine(rows, out_of_sample(rows, REFERENCE, REFERENCE_PARAMETERS).frame, DAYS[-1])


if __name__ == "__main__":
    _refined(rows_of(int(sys.argv[1])))
    print(1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
