"""What a person should look at, and in which order.

Belongs here: the order of the rows in doubt, and a short preview of them. Does not belong here: which rows are in doubt
(`repair`), the page for people (`review_page`), tasks for annotation tools (`labeling`).

People have time for a part of the queue, so what counts is how many wrong labels stand in the part that they get to.
Rows go by what is wrong with them:

1. *A label that is probably wrong*: label errors and conflicting copies. An answer mends a label.
2. *A page that may be no material*: off-topic, empty, broken. An answer seldom changes a label.
3. *A page between two categories* (ambiguous): what a person says is likely to be what is given.
4. *Copies of a page that is asked before them, or that a person has labelled.* What a person says of one tells of its
   copies too, whether they have the same label or another one. Asking about each is nearly asking twice.

Within these they go by the chance that the label is wrong, 1 - `label_quality`, in twentieths: it is not known much
better by models that learned from the same wrong labels. For conflicting copies it is at least one half, as one of two
different labels must be wrong. Of rows with about the same chance, those go first whose answer is worth more: the one
that tells of more copies; then test rows, which the machine never mends for models, whose errors spoil every
measurement, and which, being the latest, stay longest in the window. Then the lower `label_quality`, and of two that
are alike in two decimals the one with the rarer category, given or suggested.

What that costs in wrong labels found: on 1,136 real pages with 10 % of the labels flipped (114; means of four draws),
of the first 28, 57 and 114 of all rows .94, .90 and .78 had been flipped; by `label_quality` alone .92, .92 and .79. Of
the first 20, 40 and 80 of the queue, which is what the machine does not dare to mend, it was .65, .65 and .49, and .65,
.66 and .50. With tenths, or where rarity decides before `label_quality`, the queue's are up to .01 less.
"""

from typing import Any

import polars as pl

from html_classification.labeling.answers import by_machine
from html_classification.lake.sample import to_markdown
from html_classification.printable import printable
from html_classification.schemas.post_train import ACTIONS

#: Rows of the preview.
SHOWN = 20
_TEXT_LENGTH = 200  # characters of a text in the preview
_LONGEST = 400  # of any other cell: addresses may be endless
_WRONG_LABEL = ["label_error", "conflicting_duplicates"]
_NO_MATERIAL = ["off_topic", "empty_text", "broken_text"]


def rank(rows: pl.DataFrame) -> pl.DataFrame:
    """Say which of the rows in doubt a person should look at first.

    Args:
        rows: Judged rows, with the columns of `PostTrain`; a `review_rank` that they have is replaced.

    Returns:
        The same rows in the same order, with `review_rank`: 1, 2, 3, … for those with the action `review`, null for all
        others.
    """
    cluster = pl.col("duplicate_cluster")
    labelled_by_people = rows.filter(~by_machine("label_source"))["duplicate_cluster"].unique()
    ordered = (
        rows.filter(action="review")
        .with_columns(
            kind=_kind(),
            twentieths=_twentieths(),
            copies=pl.len().over(cluster),
            quality=pl.col("label_quality").round(2),
            category_rows=_rows_of_rarer_category(rows),
        )
        .sort(
            ["kind", "twentieths", "copies", "split", "quality", "category_rows", "label_quality", "url"],
            descending=[False, True, True, False, False, False, False, False],
        )
        .with_columns(is_copy=(pl.int_range(pl.len()).over(cluster) > 0) | cluster.is_in(labelled_by_people.implode()))
        .sort("is_copy", maintain_order=True)
    )
    ranks = ordered.select("url", review_rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))
    return rows.drop("review_rank", strict=False).join(ranks, on="url", how="left", maintain_order="left")


def preview(frame: pl.DataFrame, rows: int = SHOWN) -> str:
    """The rows to look at first, as Markdown for Dagster's metadata.

    Samples elsewhere mask addresses and texts. Here both are shown, if short: whether a label is right cannot be told
    without them, and whoever sees this may read the data. No markup of the data survives.

    Args:
        frame: Rows of `PostTrain`.
        rows: How many to show.

    Returns:
        A line of counts, and a table where there is anything to look at.
    """
    counts = {action: int((frame["action"] == action).sum()) for action in ACTIONS}
    summary = (
        f"**{counts['review']:,} to look at**, {counts['relabelled']:,} relabelled, {counts['dropped']:,} dropped, "
        f"{counts['kept']:,} kept"
    )
    first = frame.filter(action="review").sort("review_rank").head(rows)
    if first.is_empty():
        return summary
    note = f"\n\nThe first {first.height:,}:" if first.height < counts["review"] else ""
    table = to_markdown([_cells(row) for row in first.iter_rows(named=True)], longest=_LONGEST)
    return f"{summary}{note}\n\n{table}"


def _kind() -> pl.Expr:
    """Position of a row's worst issue in the order of this module."""
    issues = pl.col("issues").list
    return (
        pl.when(issues.set_intersection(_WRONG_LABEL).list.len() > 0)
        .then(0)
        .when(issues.set_intersection(_NO_MATERIAL).list.len() > 0)
        .then(1)
        .otherwise(2)
    )


def _twentieths() -> pl.Expr:
    """The chance that the given label is wrong, in whole twentieths."""
    chance = 1 - pl.col("label_quality")
    conflicting = pl.col("issues").list.contains("conflicting_duplicates")
    return (pl.when(conflicting).then(pl.max_horizontal(chance, 0.5)).otherwise(chance) * 20 + 1e-6).floor()


def _rows_of_rarer_category(rows: pl.DataFrame) -> pl.Expr:
    """How many rows were given the given or the suggested category, whichever has fewer; the given where none is."""
    counts = dict(rows["given_category"].value_counts().iter_rows())
    given, suggested = (
        pl.col(name).replace_strict(counts, default=0, return_dtype=pl.Int64)
        for name in ("given_category", "suggested_category")
    )
    return pl.when(pl.col("suggested_category").is_null()).then(given).otherwise(pl.min_horizontal(given, suggested))


def _cells(row: dict[str, Any]) -> dict[str, str]:
    suggested, probability = row["suggested_category"], row["suggested_probability"]
    text = " ".join(row["text"][: 2 * _TEXT_LENGTH].split())
    return {
        "rank": str(row["review_rank"]),
        "page": printable(row["url"]),
        "given → suggested": printable(f"{row['given_category']} → {suggested or '?'}"),
        "probability": "" if probability is None else f"{probability:.2f}",
        "why": printable("; ".join(row["reasons"])),
        "text": printable(text if len(text) <= _TEXT_LENGTH else text[:_TEXT_LENGTH] + "…"),
    }
