"""Checks of a training set: one that leaks is not published, the others warn.

Belongs here: what is checked, and from which figures on a set is worth a warning. Does not belong here: choosing the
rows and their sides (`split`).

The checks look at the finished rows alone and not at how the split was made: a mistake there does not hide itself.
"""

from collections.abc import Mapping

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from html_classification.schemas.described import Check
from html_classification.training.sites import site

NO_LEAK = "no_leak"
BOTH_SIDES = "both_sides"
SIZES = "sizes"
BALANCE = "balance"

#: The checks of `training_set` that only warn, by name.
TRAINING_SET_CHECKS: Mapping[str, str] = {
    BOTH_SIDES: "Every category has rows to learn from and rows to be tested on.",
    SIZES: "The share of test rows is near the one wanted, and each side has enough rows.",
    BALANCE: "The smallest category has enough of the rows that models learn from.",
}

_SIDES = ("train", "test")
_NAMED = 10


class TrainingSetThresholds(BaseModel):
    """What a training set is warned of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    test_share_off: float = Field(
        0.1, ge=0, le=1, description="How far the share of test rows may be from the one wanted."
    )
    train_rows: int = Field(50, ge=0, description="Least rows to learn from.")
    test_rows: int = Field(20, ge=0, description="Least rows to be tested on: with 20, one row is five points.")
    category_rows: int = Field(5, ge=0, description="Least rows to learn from of each category.")
    category_share: float = Field(
        0.01, ge=0, le=1, description="Least share that each category has of the rows to learn from."
    )


def check_training_set(
    frame: pl.DataFrame, *, test_share: float, by_site: bool, thresholds: TrainingSetThresholds
) -> list[Check]:
    """All checks of a training set.

    Args:
        frame: Rows of `TrainingSet`.
        test_share: The share of test rows that was wanted.
        by_site: Whether no site may be on both sides.
        thresholds: What to warn of.

    Returns:
        `no_leak`, which blocks, and those of `TRAINING_SET_CHECKS`.
    """
    return [
        no_leak(frame, by_site=by_site),
        both_sides(frame),
        sizes(frame, test_share, thresholds),
        balance(frame, thresholds),
    ]


def no_leak(frame: pl.DataFrame, *, by_site: bool) -> Check:
    """Whether nothing that a model learns from is in the test: no page twice, no near duplicate, no site if so set.

    Sites on both sides are counted in any case: such a test says little of sites that nobody has seen.
    """
    figures = {
        "urls_twice": frame.height - frame["url"].n_unique(),
        "clusters_on_both_sides": _on_both_sides(frame, pl.col("duplicate_cluster")),
        "sites_on_both_sides": _on_both_sides(frame, site()),
    }
    leaks = figures["urls_twice"] + figures["clusters_on_both_sides"] + by_site * figures["sites_on_both_sides"]
    return Check(name=NO_LEAK, passed=not leaks, figures=figures)


def both_sides(frame: pl.DataFrame) -> Check:
    """Whether every category is on both sides."""
    train, test = (set(frame.filter(split=side)["category"]) for side in _SIDES)
    figures = {
        "categories": len(train | test),
        "missing_in_train": _listing(sorted(test - train)),
        "missing_in_test": _listing(sorted(train - test)),
    }
    return Check(name=BOTH_SIDES, passed=train == test, figures=figures, blocking=False)


def sizes(frame: pl.DataFrame, test_share: float, thresholds: TrainingSetThresholds) -> Check:
    """Whether both sides have enough rows, and the share that was wanted."""
    train, test = (frame.filter(split=side).height for side in _SIDES)
    share = test / frame.height if frame.height else 0.0
    near = abs(share - test_share) <= thresholds.test_share_off
    figures = {"train": train, "test": test, "share": round(share, 4), "wanted_share": test_share}
    enough = train >= thresholds.train_rows and test >= thresholds.test_rows
    return Check(name=SIZES, passed=near and enough, figures=figures, blocking=False)


def balance(frame: pl.DataFrame, thresholds: TrainingSetThresholds) -> Check:
    """Whether no category is too small to be learned; one that is not in train is for `both_sides`."""
    counts = frame.filter(split="train")["category"].value_counts(name="rows").sort("rows", "category")
    if counts.is_empty():
        return Check(name=BALANCE, passed=True, figures={"categories_in_train": 0}, blocking=False)
    rows = int(counts["rows"].sum())
    small = counts.filter(
        (pl.col("rows") < thresholds.category_rows) | (pl.col("rows") < thresholds.category_share * rows)
    )
    (smallest, least), (largest, most) = counts.row(0), counts.row(-1)
    figures = {
        "categories_in_train": counts.height,
        "smallest": smallest,
        "smallest_rows": least,
        "smallest_share": round(least / rows, 4),
        "largest": largest,
        "largest_rows": most,
        "too_small": _listing(small["category"].to_list()),
    }
    return Check(name=BALANCE, passed=small.is_empty(), figures=figures, blocking=False)


def _on_both_sides(frame: pl.DataFrame, key: pl.Expr) -> int:
    """How many values of a key have rows on both sides."""
    return frame.group_by(key.alias("key")).agg(sides=pl.col("split").n_unique()).filter(pl.col("sides") > 1).height


def _listing(names: list[str]) -> str:
    """The first of them in one line."""
    more = [f"and {len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return "; ".join([*names[:_NAMED], *more])
