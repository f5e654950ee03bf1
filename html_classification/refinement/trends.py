"""How good the labels are, in numbers that can be followed from day to day.

Belongs here: the figures of a refinement, and whether it changed too much. Does not belong here: what they are counted
from (`refining`), how good annotators are by each other (`labeling.annotators`).
"""

from datetime import date

import polars as pl

from html_classification.labeling.answers import MACHINES, by_machine
from html_classification.refinement.repair import RepairRules
from html_classification.schemas.described import Check
from html_classification.schemas.post_train import ACTIONS, ISSUES

FEW_CHANGES = "few_changes"
FEW_CHANGES_DESCRIPTION = (
    "No more of the training set would be relabelled or dropped than `most_changed` allows. If more, something else is "
    "wrong, such as labels of another crawl: nothing is changed then, and all of it is put before a person."
)


def trends(frame: pl.DataFrame, day: date) -> dict[str, int | float | str]:
    """Figures of a refinement.

    Args:
        frame: Rows of `PostTrain`.
        day: The day of the refinement.

    Returns:
        Each action and each issue with its rows; `label_quality` (the mean), `issue_share` (rows with any issue but
        `ambiguous`); the same of the rows that are of the day itself, with `day_` before the name, and `day_rows`; and
        of each kind of label source (`people`, `api`, `file`) the share of labels in doubt: `label_errors_of_<kind>`.
    """
    whole, own = frame, frame.filter(pl.col("day") == day)
    figures: dict[str, int | float | str] = {action: frame.filter(action=action).height for action in ACTIONS}
    issues = frame["issues"].explode().value_counts()
    counted = dict(issues.drop_nulls().iter_rows())
    figures |= {issue: int(counted.get(issue, 0)) for issue in ISSUES}
    figures |= {**_quality(whole), "day_rows": own.height, **{f"day_{k}": v for k, v in _quality(own).items()}}
    sources = {prefix.removesuffix(":"): pl.col("label_source").str.starts_with(prefix) for prefix in MACHINES}
    for kind, rows in (sources | {"people": ~by_machine("label_source")}).items():
        of_kind = frame.filter(rows)
        if of_kind.height:
            figures[f"label_errors_of_{kind}"] = _share(of_kind, pl.col("issues").list.contains("label_error"))
    return figures


def changes_in_bounds(frame: pl.DataFrame, held: int, rules: RepairRules) -> Check:
    """Whether refinement kept within what it may change.

    Args:
        frame: Rows of `PostTrain`.
        held: Rows that would have been changed, had it not been too many.
        rules: Of which `most_changed` counts.
    """
    changed = _share(frame, pl.col("action").is_in(["relabelled", "dropped"]))
    figures = {"share_changed": changed, "most_changed": rules.most_changed, "held_back": held}
    return Check(name=FEW_CHANGES, passed=not held, figures=figures, blocking=False)


def _quality(rows: pl.DataFrame) -> dict[str, float]:
    if rows.is_empty():
        return {}
    issues = pl.col("issues").list.set_difference(["ambiguous"]).list.len() > 0
    return {
        "label_quality": round(rows.select(pl.col("label_quality").mean()).item(), 6),
        "issue_share": _share(rows, issues),
    }


def _share(rows: pl.DataFrame, which: pl.Expr) -> float:
    return round(float(rows.select(which.mean()).item() or 0.0), 6)
