"""The training set of a window of days: one freshest copy per URL, split by time without leakage.

Belongs here: which rows a model learns from and which it is tested on. Does not belong here: texts (a model
takes those of its own text version by url and day), folds for cross-validation (`fitting`).

A *group* is a cluster of near duplicates; most have one row. Groups are never divided: a group belongs where
its oldest row is, because what was first seen in the training period is nothing new when its copy comes
later. So copies that fall into the test period are moved to train, none is dropped, and no cluster can be on
both sides.

The newest rows are for testing, since a model in use always meets pages newer than those it learned from:

- Whole days where that comes near the share wanted: of 14 days the first ten are train and the last four are
  test.
- By time of crawl where whole days miss the share by more than `TOLERANCE`: one day, two days, or a window
  whose last day has nearly all rows because most pages were crawled again.
"""

import hashlib
import math
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from html_classification.schemas.outcome import Outcome
from html_classification.schemas.training import TRAINING_SET

#: How far the share of test rows may be off before whole days are given up for the time of crawl.
TOLERANCE = 0.15

NOT_PARSED = "labelled, but not in preprocess/html-parsing of that day: materialize that day's html_parsing again"


def split_window(annotated: pl.DataFrame, parsed: pl.DataFrame, *, test_share: float = 0.3, seed: int = 0) -> Outcome:
    """Choose one copy per URL and put each on one side of the split.

    Args:
        annotated: Labelled pages of all days of the window: `url`, `category`, `timestamp`, `day`.
        parsed: The same days' parsed pages: `url`, `day`, `language`, `content_sha1`, `minhash`, `timestamp`.
        test_share: Share of the rows wanted for testing, above 0 and below 1.
        seed: Orders rows of the same microsecond, where the cut is made by time of crawl.

    Returns:
        Rows of `TrainingSet` sorted by url; as rejected the freshest copies that are not in `parsed`; as
        figures `train`, `test`, `older_copies` (same URL, not the freshest), `copies_moved_to_train` (rows
        of the test period whose cluster began before it), `duplicate_clusters` (with two rows or more),
        `categories`, `categories_missing_in_train`, `days`, and `cut` (`whole days`, `time of crawl` or
        `none`).

    Raises:
        ValueError: If `test_share` is not between 0 and 1.
    """
    from html_classification.transforms.duplicates import cluster

    if not 0 < test_share < 1:
        raise ValueError(f"test_share is {test_share}: give a share above 0 and below 1, such as 0.3")
    freshest = _freshest(annotated)
    rows = freshest.join(
        parsed.select("url", "day", "language", "content_sha1", "minhash"), on=["url", "day"], how="left"
    )
    lost = rows.filter(pl.col("content_sha1").is_null())
    rows = rows.filter(pl.col("content_sha1").is_not_null())
    clusters = cluster(rows.select("url", "content_sha1", "minhash", "timestamp"))
    rows = rows.join(clusters.select("url", "duplicate_cluster"), on="url", how="left")
    cut = _cut(rows, test_share, seed)
    rows = rows.with_columns(
        split=pl.when(pl.col("url").is_in(cut.test)).then(pl.lit("test")).otherwise(pl.lit("train"))
    )
    frame = rows.select(list(TRAINING_SET.dtypes)).sort("url")
    return Outcome(
        frame=frame,
        rejected=[_rejected(row) for row in lost.sort("url").iter_rows(named=True)],
        figures={"older_copies": len(annotated) - len(freshest), **_figures(frame, cut)},
    )


def _freshest(annotated: pl.DataFrame) -> pl.DataFrame:
    """One row per URL: the latest crawl, and of equal times the later day."""
    columns = annotated.select("url", "category", "timestamp", "day")
    return columns.sort(["url", "timestamp", "day", "category"]).unique("url", keep="last", maintain_order=True)


@dataclass(frozen=True)
class _Cut:
    """Where the window is cut: URLs of the test rows, how, and how many copies went to train."""

    test: list[str]
    kind: str
    moved: int


def _cut(rows: pl.DataFrame, test_share: float, seed: int) -> _Cut:
    if rows["duplicate_cluster"].n_unique() < 2:
        return _Cut([], "none", 0)
    by_day = _cut_by_day(rows, test_share)
    if by_day is not None and abs(len(by_day.test) / len(rows) - test_share) <= TOLERANCE:
        return by_day
    return _cut_by_time(rows, test_share, seed)


def _cut_by_day(rows: pl.DataFrame, test_share: float) -> _Cut | None:
    """The last days are test; None where there is one day only."""
    days: list[date] = sorted(rows["day"].unique().to_list())
    if len(days) < 2:
        return None
    first_test_day = days[-min(max(_round(len(days) * test_share), 1), len(days) - 1)]
    newer = rows.filter(pl.col("day") >= first_test_day)
    test = rows.filter(pl.col("day").min().over("duplicate_cluster") >= first_test_day)["url"].to_list()
    return _Cut(test, "whole days", len(newer) - len(test))


def _cut_by_time(rows: pl.DataFrame, test_share: float, seed: int) -> _Cut:
    """The latest crawled groups are test: at least one group on each side."""
    ordered = (
        rows.select("url", "duplicate_cluster", "timestamp")
        .with_columns(tie=shuffle_keys(rows["url"], seed))
        .sort(["timestamp", "tie"])
        .with_row_index("position")
        .with_columns(group=pl.col("position").min().over("duplicate_cluster"))
    )
    position = len(rows) - _round(len(rows) * test_share)
    newest_group = ordered["group"].max()
    in_test = pl.col("group") >= min(position, newest_group) if isinstance(newest_group, int) else pl.lit(value=False)
    test = ordered.filter(in_test & (pl.col("group") > 0))
    newer = ordered.filter(pl.col("position") >= test["position"].min())
    return _Cut(test["url"].to_list(), "time of crawl", len(newer) - len(test))


def shuffle_keys(values: pl.Series, seed: int) -> pl.Series:
    """Keys to sort by: an order that says nothing about the values, and is the same on every machine.

    Args:
        values: Strings.
        seed: Another seed, another order.

    Returns:
        A hexadecimal key for each value; equal values have equal keys.
    """
    return pl.Series([hashlib.sha256(f"{seed}:{value}".encode()).hexdigest() for value in values], dtype=pl.String)


def _round(value: float) -> int:
    """Halves up, where Python's own `round` goes to the even number."""
    return math.floor(value + 0.5)


def _figures(frame: pl.DataFrame, cut: _Cut) -> dict[str, int | float | str]:
    train, test = (frame.filter(pl.col("split") == side) for side in ("train", "test"))
    return {
        "train": len(train),
        "test": len(test),
        "copies_moved_to_train": cut.moved,
        "duplicate_clusters": frame.filter(pl.len().over("duplicate_cluster") > 1)["duplicate_cluster"].n_unique(),
        "categories": frame["category"].n_unique(),
        "categories_missing_in_train": len(set(test["category"]) - set(train["category"])),
        "days": frame["day"].n_unique(),
        "cut": cut.kind,
    }


def _rejected(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "reason": NOT_PARSED,
        "url": row["url"],
        "day": row["day"].isoformat(),
        "category": row["category"],
        "timestamp": row["timestamp"].isoformat(),
    }
