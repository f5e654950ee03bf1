"""How good predictions are.

Belongs here: figures computed from `Predictions` alone. Does not belong here: fitting (`fitting`), and what
follows from the figures (`registry`).
"""

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from html_classification.training.errors import TrainingError

#: What a probability of zero counts as in the log loss: half of the last decimal that predictions keep.
SMALLEST_PROBABILITY = 5e-7


class CategoryMetrics(BaseModel):
    """How well one category is recognised."""

    model_config = ConfigDict(frozen=True)

    precision: float = Field(description="Share of the rows predicted as it that are it; 0 where none is predicted.")
    recall: float = Field(description="Share of its rows that are predicted as it; 0 where it has none.")
    f1: float = Field(description="Harmonic mean of precision and recall.")
    support: int = Field(description="Its rows.")


class Metrics(BaseModel):
    """How good a set of predictions is; macro figures are means over the categories given or predicted."""

    model_config = ConfigDict(frozen=True)

    rows: int = Field(description="Rows measured.")
    accuracy: float = Field(description="Share of rows that are right.")
    macro_f1: float = Field(description="Mean F1 over the categories.")
    macro_precision: float = Field(description="Mean precision over the categories.")
    macro_recall: float = Field(description="Mean recall over the categories.")
    log_loss: float = Field(description="Mean of -log of the probability of the given category, in nats.")
    categories: dict[str, CategoryMetrics] = Field(description="The figures of each category.")

    def figures(self) -> dict[str, float]:
        """The overall figures without rows and categories, as MLflow and listings take them."""
        return {name: float(value) for name, value in self.model_dump(exclude={"rows", "categories"}).items()}


def evaluate(predictions: pl.DataFrame) -> Metrics:
    """Measure predictions against the given categories.

    Args:
        predictions: Rows of `Predictions`.

    Returns:
        The figures. Precision or recall without a row to measure count as 0, as in scikit-learn. A given
        category that the model does not know counts in the log loss with probability `SMALLEST_PROBABILITY`.

    Raises:
        TrainingError: If there are no rows.
    """
    from sklearn.metrics import precision_recall_fscore_support

    if predictions.is_empty():
        raise TrainingError("No test rows to measure on: widen the window, or raise the share of test rows.")
    given, predicted = predictions["category"], predictions["predicted"]
    names = sorted(set(given) | set(predicted))
    columns = precision_recall_fscore_support(given.to_list(), predicted.to_list(), labels=names, zero_division=0)
    categories = {
        name: CategoryMetrics(precision=float(p), recall=float(r), f1=float(f), support=int(n))
        for name, p, r, f, n in zip(names, *columns, strict=True)
    }
    precision, recall, f1, _ = columns
    return Metrics(
        rows=len(predictions),
        accuracy=float((given == predicted).sum() / len(predictions)),
        macro_f1=float(f1.mean()),
        macro_precision=float(precision.mean()),
        macro_recall=float(recall.mean()),
        log_loss=_log_loss(predictions),
        categories=categories,
    )


def _log_loss(predictions: pl.DataFrame) -> float:
    """Mean of -log of the probability of the given category.

    scikit-learn's own refuses given categories that have no column.
    """
    of_given = (
        predictions.select("url", "category", "probabilities")
        .explode("probabilities")
        .unnest("probabilities", separator=".")
        .filter(pl.col("category") == pl.col("probabilities.category"))
    )
    probability = predictions.join(of_given, on="url", how="left")["probabilities.probability"]
    losses = probability.fill_null(0.0).clip(SMALLEST_PROBABILITY, 1.0).log()
    return max(0.0, -float(losses.sum()) / len(predictions))
