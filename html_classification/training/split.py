"""The training set of a window of days: one freshest copy per URL, split by time without leakage.

Belongs here: which rows a model learns from and which it is tested on. Does not belong here: texts (a model
takes those of its own text version by url and day), folds for cross-validation (`fitting`).

A *group* is a cluster of near duplicates; most have one row. Where sites stay on one side too, it is whatever clusters
and sites hold together. Groups are never divided: a group belongs where its oldest row is, because what was first seen
in the training period is nothing new when its copy comes later. So copies that fall into the test period are moved to
train, none is dropped, and no cluster can be on both sides.

The newest rows are for testing, since a model in use always meets pages newer than those it learned from:

- Whole days where that comes near the share wanted: of 14 days the first ten are train and the last four are
  test.
- By time of crawl where whole days miss the share by more than `TOLERANCE`: one day, two days, or a window
  whose last day has nearly all rows because most pages were crawled again.
- Whole sites where that misses it too, because the newest days bring hardly any new sites: those first seen last are
  test, with all their rows. One that holds too much of the window stays in train.
"""

import hashlib
import math
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from html_classification.schemas.outcome import Outcome
from html_classification.schemas.training import TRAINING_SET
from html_classification.training.sites import site
from html_classification.training.training_set_checks import TrainingSetThresholds, check_training_set

#: How far the share of test rows may be off before whole days are given up for the time of crawl.
TOLERANCE = 0.15
#: What is read of `annotated` and of `preprocess/html-parsing`, beside the day.
ANNOTATED_COLUMNS = ["url", "category", "label_source", "timestamp"]
PARSED_COLUMNS = ["url", "language", "content_sha1", "minhash"]

NOT_PARSED = "labelled, but not in preprocess/html-parsing of that day: materialize that day's html_parsing again"


def split_window(
    annotated: pl.DataFrame,
    parsed: pl.DataFrame,
    *,
    test_share: float = 0.3,
    seed: int = 0,
    by_site: bool = False,
    thresholds: TrainingSetThresholds | None = None,
) -> Outcome:
    """Choose one copy per URL and put each on one side of the split.

    Args:
        annotated: Labelled pages of all days of the window: `ANNOTATED_COLUMNS` and `day`.
        parsed: The same days' parsed pages: `PARSED_COLUMNS` and `day`.
        test_share: Share of the rows wanted for testing, above 0 and below 1.
        seed: Orders rows of the same microsecond, where the cut is made by time of crawl.
        by_site: Whether every site stays on one side too.
        thresholds: What the checks warn of; the usual ones without it.

    Returns:
        Rows of `TrainingSet` sorted by url, the same whatever the order of the input; as rejected the freshest copies
        that are not in `parsed`; the checks of `training_set_checks`; as figures `train`, `test`, `older_copies` (same
        URL, not the freshest), `copies_moved_to_train` (rows of the test period whose group began before it),
        `duplicate_clusters` (with two rows or more), `categories`, `days`, `sites`, `largest_group` (its rows) and
        `cut` (`whole days`, `time of crawl`, `whole sites`, or `none` where there is one group only).

    Raises:
        ValueError: If `test_share` is not between 0 and 1.
    """
    from html_classification.transforms.duplicates import cluster

    if not 0 < test_share < 1:
        raise ValueError(f"test_share is {test_share}: give a share above 0 and below 1, such as 0.3")
    freshest = _freshest(annotated)
    rows = freshest.join(parsed.select(*PARSED_COLUMNS, "day"), on=["url", "day"], how="left")
    lost = rows.filter(pl.col("content_sha1").is_null())
    rows = rows.filter(pl.col("content_sha1").is_not_null())
    clusters = cluster(rows.select("url", "content_sha1", "minhash", "timestamp"))
    rows = rows.join(clusters.select("url", "duplicate_cluster"), on="url", how="left").sort("url")
    rows = rows.with_columns(group=_groups(rows, by_site=by_site))
    cut = _cut(rows, test_share, seed, by_site=by_site)
    rows = rows.with_columns(
        split=pl.when(pl.col("url").is_in(cut.test)).then(pl.lit("test")).otherwise(pl.lit("train"))
    )
    frame = rows.select(list(TRAINING_SET.dtypes))
    return Outcome(
        frame=frame,
        rejected=[_rejected(row) for row in lost.sort("url").iter_rows(named=True)],
        figures={"older_copies": len(annotated) - len(freshest), **_figures(rows, cut)},
        checks=check_training_set(
            frame, test_share=test_share, by_site=by_site, thresholds=thresholds or TrainingSetThresholds()
        ),
    )


def _freshest(annotated: pl.DataFrame) -> pl.DataFrame:
    """One row per URL: the latest crawl, and of equal times the later day."""
    columns = annotated.select(*ANNOTATED_COLUMNS, "day")
    by = ["url", "timestamp", "day", "category", "label_source"]
    return columns.sort(by).unique("url", keep="last", maintain_order=True)


def _groups(rows: pl.DataFrame, *, by_site: bool) -> pl.Series:
    """A number for each row, equal for those that cannot be divided."""
    from html_classification.transforms.duplicates.banding import connected

    numbered = rows.select("url", "duplicate_cluster", number=pl.int_range(pl.len()))
    numbers = numbered["number"].to_numpy()
    keys = [pl.col("duplicate_cluster"), *([site()] if by_site else [])]
    firsts = [numbered.select(pl.col("number").first().over(key)).to_series().to_numpy() for key in keys]
    return pl.Series("group", connected(numbers, [(numbers, first) for first in firsts]), pl.Int64)


@dataclass(frozen=True)
class _Cut:
    """Where the window is cut: URLs of the test rows, how, and how many copies went to train."""

    test: list[str]
    kind: str
    moved: int = 0


def _cut(rows: pl.DataFrame, test_share: float, seed: int, *, by_site: bool) -> _Cut:
    """The first way of cutting that comes near the share wanted, or else the last one."""
    if rows["group"].n_unique() < 2:
        return _Cut([], "none")
    by_day = _cut_by_day(rows, test_share)
    if by_day is not None and _is_near(by_day, rows, test_share):
        return by_day
    by_time = _cut_by_time(rows, test_share, seed)
    if not by_site or _is_near(by_time, rows, test_share):
        return by_time
    return _cut_by_group(rows, test_share, seed)


def _is_near(cut: _Cut, rows: pl.DataFrame, test_share: float) -> bool:
    return bool(cut.test) and abs(len(cut.test) / len(rows) - test_share) <= TOLERANCE


def _cut_by_day(rows: pl.DataFrame, test_share: float) -> _Cut | None:
    """The last days are test; None where there is one day only."""
    days: list[date] = sorted(rows["day"].unique().to_list())
    if len(days) < 2:
        return None
    first_test_day = days[-min(max(_round(len(days) * test_share), 1), len(days) - 1)]
    newer = rows.filter(pl.col("day") >= first_test_day)
    test = rows.filter(pl.col("day").min().over("group") >= first_test_day)["url"].to_list()
    return _Cut(test, "whole days", len(newer) - len(test))


def _cut_by_time(rows: pl.DataFrame, test_share: float, seed: int) -> _Cut:
    """The latest crawled groups are test: at least one group on each side."""
    ordered = _by_time(rows, seed)
    position = len(rows) - _round(len(rows) * test_share)
    newest = ordered["began"].max()
    in_test = pl.col("began") >= min(position, newest) if isinstance(newest, int) else pl.lit(value=False)
    test = ordered.filter(in_test & (pl.col("began") > 0))
    newer = ordered.filter(pl.col("position") >= test["position"].min())
    return _Cut(test["url"].to_list(), "time of crawl", len(newer) - len(test))


def _cut_by_group(rows: pl.DataFrame, test_share: float, seed: int) -> _Cut:
    """Groups are test from the one first seen last, each that brings test nearer its share: at least one a side."""
    ordered = _by_time(rows, seed)
    groups = ordered.group_by("began").len("rows").sort("began", descending=True)
    wanted, taken, test = len(rows) * test_share, 0, list[int]()
    for began, size in groups.iter_rows():
        if len(test) < groups.height - 1 and abs(taken + size - wanted) < abs(taken - wanted):
            test.append(began)
            taken += size
    if not test:  # each is larger than twice the share
        test = [min(groups.iter_rows(), key=lambda group: (group[1], -group[0]))[0]]
    return _Cut(ordered.filter(pl.col("began").is_in(test))["url"].to_list(), "whole sites")


def _by_time(rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The rows by time of crawl with their position, and as `began` that of the oldest row of their group."""
    return (
        rows.select("url", "group", "timestamp")
        .with_columns(tie=shuffle_keys(rows["url"], seed))
        .sort(["timestamp", "tie"])
        .with_row_index("position")
        .with_columns(began=pl.col("position").min().over("group"))
    )


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


def _figures(rows: pl.DataFrame, cut: _Cut) -> dict[str, int | float | str]:
    train, test = (rows.filter(split=side) for side in ("train", "test"))
    return {
        "train": len(train),
        "test": len(test),
        "copies_moved_to_train": cut.moved,
        "duplicate_clusters": rows.filter(pl.len().over("duplicate_cluster") > 1)["duplicate_cluster"].n_unique(),
        "categories": rows["category"].n_unique(),
        "days": rows["day"].n_unique(),
        "sites": rows.select(site())["url"].n_unique(),
        "largest_group": max(rows["group"].value_counts()["count"], default=0),
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
