"""Registered models side by side: their figures on the same rows, and the difference of each.

Belongs here: two models with the difference of each metric, and the leaderboard of several. Does not belong here:
bringing them onto the same rows (`same_rows`), what changed in the data (`data_difference`), whether a model is
promoted (`promoting`).
"""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from html_classification.schemas.outcome import Outcome
from html_classification.training.comparison import NO_SLICES, Comparison, PromotionRules, compare
from html_classification.training.errors import TrainingError
from html_classification.training.evaluation import evaluate
from html_classification.training.leaderboard import HeldOutRows, rank
from html_classification.training.registered import Registered
from html_classification.training.same_rows import SameRows, Which


class MetricDifference(BaseModel):
    """A metric of both models."""

    model_config = ConfigDict(frozen=True)

    metric: str = Field(description="Its name, of one category as `f1/<category>`.")
    before: float | None = Field(description="Of the first model; none where it cannot be measured.")
    after: float | None = Field(description="Of the second.")
    difference: float | None = Field(description="The second less the first.")


class SideBySide(BaseModel):
    """Two models on the same rows."""

    model_config = ConfigDict(frozen=True)

    rows: Which = Field(
        description="`the same` that both were tested on; test rows of the newer model that both have `answered anew`; "
        "or those that both were tested on, `in common`, as the others cannot be answered."
    )
    compared_rows: int = Field(description="Rows that the figures are of.")
    note: str = Field(description="Which rows these are, in words.")
    enough: bool = Field(description="Whether figures of so few rows say anything.")
    metrics: list[MetricDifference] = Field(description="Every metric, of all rows and then of each category.")
    comparison: Comparison | None = Field(description="Whether chance explains it; none without rows.")


def side_by_side(found: SameRows) -> SideBySide:
    """Compare two models.

    Args:
        found: What both say of the same rows; the second is compared with the first.

    Returns:
        The comparison.
    """
    old, new = found.answers
    before, after = ({} if old.is_empty() else evaluate(one).all_figures() for one in (old, new))
    return SideBySide(
        rows=found.which,
        compared_rows=old.height,
        note=found.note,
        enough=found.enough,
        metrics=[_difference(name, before.get(name), after.get(name)) for name in after | before],
        comparison=None if old.is_empty() else compare(new, old, NO_SLICES, PromotionRules()),
    )


def board_of(models: Sequence[Registered], found: SameRows) -> Outcome:
    """The leaderboard of some registered models, whatever days they are of.

    Args:
        models: The models.
        found: What each says of the same rows.

    Returns:
        What `leaderboard.rank` says of them.

    Raises:
        TrainingError: There are too few rows.
    """
    if not found.enough:
        raise TrainingError(found.note)
    return rank(
        [
            HeldOutRows(model.version.stage, model.version.version, model.snapshot, model.train_rows, frame)
            for model, frame in zip(models, found.answers, strict=True)
        ]
    )


def _difference(metric: str, before: float | None, after: float | None) -> MetricDifference:
    difference = None if before is None or after is None else after - before
    return MetricDifference(metric=metric, before=before, after=after, difference=difference)
