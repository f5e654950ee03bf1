"""Near duplicates with different categories: at most one of them is right.

Belongs here: which rows of a cluster contradict it, and what they should be. Does not belong here: what a near
duplicate is (`transforms.duplicates`), and what is done about it (`repair`).
"""

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from html_classification.labeling.answers import by_machine
from html_classification.refinement.findings import findings

ISSUE = "conflicting_duplicates"


class DuplicateRules(BaseModel):
    """When a cluster of near duplicates says beyond doubt what its rows should be, without a person."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    majority_rows: int = Field(3, ge=2, description="At least so many rows of the cluster agree, …")
    majority_share: float = Field(0.75, gt=0.5, le=1, description="… and at least this share of its rows.")


def conflicting_duplicates(rows: pl.DataFrame, rules: DuplicateRules | None = None) -> pl.DataFrame:
    """Find rows that are given another category than their near duplicates.

    A person's word counts before any number of machines': where people who labelled rows of a cluster agree, all other
    rows are wrong; where no person did, where a clear majority agrees, the others are. Else nobody knows, and every
    row of the cluster is doubtful. A row that a person labelled is doubtful at most where another person contradicts,
    and no other category is suggested for it.

    No split has a cluster on both sides, so that no label of a test row has a part in what is said of a train row.

    Args:
        rows: `url`, `category`, `label_source`, `duplicate_cluster`.
        rules: What a clear majority is; without them the defaults.

    Returns:
        Rows of `FINDINGS`, strong where a category is suggested.
    """
    rules = rules or DuplicateRules()
    clusters = _clusters(rows)
    majority = (pl.col("most_rows") >= rules.majority_rows) & (
        pl.col("most_rows") >= rules.majority_share * pl.col("rows")
    )
    right = (
        pl.when(pl.col("said_by_people") == 1)
        .then("person_category")
        .when((pl.col("said_by_people") == 0) & majority)
        .then("most_category")
    )
    wrong = pl.col("right").is_null() | (pl.col("category") != pl.col("right"))
    found = (
        rows.select("url", "category", "duplicate_cluster")
        .join(clusters.with_columns(right=right), on="duplicate_cluster")
        .filter(wrong)
    )
    return findings(
        found.select("url", strong=pl.col("right").is_not_null(), suggested="right", reason=_reason()), ISSUE
    )


def _clusters(rows: pl.DataFrame) -> pl.DataFrame:
    """Clusters with more than one category: their categories, counted, and what people said."""
    conflicts = pl.col("category").n_unique().over("duplicate_cluster") > 1
    by_category = (
        rows.filter(conflicts)
        .with_columns(person=~by_machine("label_source"))
        .group_by("duplicate_cluster", "category")
        .agg(
            count=pl.len(),
            example=pl.col("url").min(),
            person_example=pl.col("url").filter(pl.col("person")).min(),
        )
        .sort(["duplicate_cluster", "count", "category"], descending=[False, True, False])
    )
    of_people = pl.col("person_example").is_not_null()
    return by_category.group_by("duplicate_cluster", maintain_order=True).agg(
        rows=pl.col("count").sum(),
        most_category=pl.col("category").first(),
        most_rows=pl.col("count").first(),
        most_example=pl.col("example").first(),
        said_by_people=of_people.sum(),
        person_category=pl.col("category").filter(of_people).first(),
        person_example=pl.col("person_example").drop_nulls().first(),
        given=pl.format("{} ({})", "category", "count").str.join(", "),
        given_by_people=pl.col("category").filter(of_people).str.join(", "),
        categories=pl.col("category"),
        examples=pl.col("example"),
    )


def _reason() -> pl.Expr:
    """Why, with the address of a near duplicate that has another category."""
    # Categories are sorted by count: the first or, where that is the row's own, the second is another one.
    other = pl.when(pl.col("category") == pl.col("most_category")).then(1).otherwise(0)
    another, its_category = pl.col("examples").list.get(other), pl.col("categories").list.get(other)
    return (
        pl.when(pl.col("right").is_not_null() & (pl.col("said_by_people") == 1))
        .then(pl.format("a near duplicate, {}, is given {}; a person said so", "person_example", "right"))
        .when(pl.col("right").is_not_null())
        .then(
            pl.format(
                "a near duplicate, {}, is given {}, as {} of the {} that are alike",
                "most_example",
                "right",
                "most_rows",
                "rows",
            )
        )
        .when(pl.col("said_by_people") > 1)
        .then(
            pl.format(
                "a near duplicate, {}, is given {}; people disagree: {}", another, its_category, "given_by_people"
            )
        )
        .otherwise(pl.format("a near duplicate, {}, is given {}; the cluster has {}", another, its_category, "given"))
    )
