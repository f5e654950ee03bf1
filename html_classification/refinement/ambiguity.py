"""Documents between two categories.

Belongs here: telling them from the probabilities of models that have not seen them. Does not belong here: labels that
are wrong (`label_errors`).
"""

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from html_classification.refinement.findings import findings

ISSUE = "ambiguous"


class AmbiguityRules(BaseModel):
    """How close two categories must be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    margin: float = Field(
        0.05, ge=0, le=1, description="The second most probable category is behind the first by at most this."
    )
    together: float = Field(
        0.6,
        ge=0,
        le=1,
        description="Both together have at least this probability: a page that might be anything is not between two.",
    )


def ambiguous(predictions: pl.DataFrame, rules: AmbiguityRules | None = None) -> pl.DataFrame:
    """Find documents that might as well be of another category than the given one.

    The measure is the margin between the two most probable categories (Scheffer, Decomain and Wrobel 2001, "Active
    Hidden Markov Models for Information Extraction").

    Args:
        predictions: Out-of-sample predictions: rows of `Predictions`.
        rules: How close the categories must be; without them the defaults.

    Returns:
        Rows of `FINDINGS`, never strong: where the two most probable categories are close, and one is the given.
    """
    rules = rules or AmbiguityRules()
    by_probability = (
        predictions.select("url", "category", answer="probabilities")
        .explode("answer")
        .select("url", "category", pl.col("answer").struct.unnest().name.prefix("answer_"))
        .drop_nulls("answer_probability")
        .sort(["url", "answer_probability", "answer_category"], descending=[False, True, False])
    )
    first, second = (pl.col("answer_probability").get(place, null_on_oob=True) for place in (0, 1))
    two = by_probability.group_by("url", maintain_order=True).agg(
        given=pl.col("category").first().is_in(pl.col("answer_category").head(2).implode()),
        first=first,
        second=second,
        first_category=pl.col("answer_category").get(0, null_on_oob=True),
        second_category=pl.col("answer_category").get(1, null_on_oob=True),
    )
    # Rounded, as sums and differences of decimal fractions are not exact: .45 and .40 are .05 apart.
    close = (pl.col("first") - pl.col("second")).round(6) <= rules.margin
    enough = (pl.col("first") + pl.col("second")).round(6) >= rules.together
    reason = pl.format(
        "between {} {} and {} {}", "first_category", _decimals("first"), "second_category", _decimals("second")
    )
    return findings(two.filter(pl.col("given") & close & enough).select("url", strong=False, reason=reason), ISSUE)


def _decimals(column: str) -> pl.Expr:
    """A probability as `.41`, or `1.00`."""
    hundredths = (100 * pl.col(column)).round().cast(pl.Int64).cast(pl.String).str.zfill(3)
    return pl.format("{}.{}", hundredths.str.head(1), hundredths.str.tail(2)).str.strip_prefix("0")
