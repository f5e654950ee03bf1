"""How good predictions are.

Belongs here: figures computed from `Predictions` alone. Does not belong here: fitting (`fitting`), parts of the rows
(`slices`), and what follows from the figures (`comparison`, `leaderboard`).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from html_classification.training.errors import TrainingError

if TYPE_CHECKING:
    import numpy as np

#: What a probability of zero counts as in the log loss: half of the last decimal that predictions keep.
SMALLEST_PROBABILITY = 5e-7
#: Bins of equal width in which confidence is compared with the share that is right.
CONFIDENCE_BINS = 10


class CategoryMetrics(BaseModel):
    """How well one category is recognised."""

    model_config = ConfigDict(frozen=True)

    precision: float = Field(description="Share of the rows predicted as it that are it; 0 where none is predicted.")
    recall: float = Field(description="Share of its rows that are predicted as it; 0 where it has none.")
    f1: float = Field(description="Harmonic mean of precision and recall.")
    support: int = Field(description="Its rows.")
    roc_auc: float | None = Field(
        None,
        description="Chance that a row of it has a higher probability of it than a row of another; none where all "
        "rows are of it, or no row is.",
    )
    average_precision: float | None = Field(
        None, description="Precision averaged over the recall, as its probability falls; none where roc_auc is."
    )


class Metrics(BaseModel):
    """How good a set of predictions is; macro figures are means over the categories given or predicted."""

    model_config = ConfigDict(frozen=True)

    rows: int = Field(description="Rows measured.")
    accuracy: float = Field(description="Share of rows that are right.")
    macro_f1: float = Field(description="Mean F1 over the categories.")
    macro_precision: float = Field(description="Mean precision over the categories.")
    macro_recall: float = Field(description="Mean recall over the categories.")
    log_loss: float = Field(description="Mean of -log of the probability of the given category, in nats.")
    roc_auc: float | None = Field(
        None, description="Mean ROC AUC, one category against the rest, over the categories that have one."
    )
    average_precision: float | None = Field(
        None, description="Mean average precision over the categories that have one."
    )
    calibration_error: float = Field(
        description="Mean distance of confidence from the share that is right, over ten bins of confidence by rows."
    )
    categories: dict[str, CategoryMetrics] = Field(description="The figures of each category.")

    def figures(self) -> dict[str, float]:
        """The overall figures without rows and categories, as MLflow and listings take them; none that is not there."""
        given = self.model_dump(exclude={"rows", "categories"}, exclude_none=True)
        return {name: float(value) for name, value in given.items()}

    def all_figures(self) -> dict[str, float]:
        """The overall figures, and those of each category as `f1/<category>`, `precision/<category>` and so on."""
        of_categories = {
            f"{figure}/{name}": float(value)
            for name, metrics in self.categories.items()
            for figure, value in metrics.model_dump(exclude={"support"}, exclude_none=True).items()
        }
        return self.figures() | of_categories


def evaluate(predictions: pl.DataFrame) -> Metrics:
    """Measure predictions against the given categories.

    Args:
        predictions: Rows of `Predictions`.

    Returns:
        The figures. Precision or recall without a row to measure count as 0, as in scikit-learn. Of a category that
        the model does not know each probability is 0: half of its ROC AUC is gone, and in the log loss it counts as
        `SMALLEST_PROBABILITY`.

    Raises:
        TrainingError: If there are no rows.
    """
    from sklearn.metrics import precision_recall_fscore_support

    if predictions.is_empty():
        raise TrainingError("No test rows to measure on: widen the window, or raise the share of test rows.")
    given, predicted = predictions["category"], predictions["predicted"]
    names = sorted(set(given) | set(predicted))
    columns = precision_recall_fscore_support(given.to_list(), predicted.to_list(), labels=names, zero_division=0)
    probabilities = probability_matrix(predictions, names)
    categories = {
        name: CategoryMetrics(
            precision=float(p), recall=float(r), f1=float(f), support=int(n), **_ranked(given == name, probability)
        )
        for name, p, r, f, n, probability in zip(names, *columns, probabilities.T, strict=True)
    }
    precision, recall, f1, _ = columns
    return Metrics(
        rows=len(predictions),
        accuracy=float((given == predicted).sum() / len(predictions)),
        macro_f1=float(f1.mean()),
        macro_precision=float(precision.mean()),
        macro_recall=float(recall.mean()),
        log_loss=_log_loss(probabilities, [names.index(name) for name in given]),
        roc_auc=_mean([figures.roc_auc for figures in categories.values()]),
        average_precision=_mean([figures.average_precision for figures in categories.values()]),
        calibration_error=_calibration_error(reliability(predictions)),
        categories=categories,
    )


def probability_matrix(predictions: pl.DataFrame, names: Sequence[str]) -> "np.ndarray[Any, Any]":
    """The probabilities as a matrix.

    Args:
        predictions: Rows of `Predictions`.
        names: The categories wanted.

    Returns:
        Shape (rows, names), in the order of the rows and the names; 0 for a category that the model does not know.
    """
    import numpy as np

    known = pl.DataFrame({"category": names}, schema={"category": pl.String}).with_row_index("column")
    cells = (
        predictions.select("probabilities")
        .with_row_index("row")
        .explode("probabilities")
        .unnest("probabilities")
        .join(known, on="category")
    )
    matrix = np.zeros((len(predictions), len(names)))
    matrix[cells["row"].to_numpy(), cells["column"].to_numpy()] = cells["probability"].to_numpy()
    return matrix


def reliability(predictions: pl.DataFrame) -> pl.DataFrame:
    """How often predictions of some confidence are right.

    Args:
        predictions: Rows of `Predictions`.

    Returns:
        A row for each of the `CONFIDENCE_BINS` bins of equal width that has rows, sorted: `bin` (from 0; a bin has its
        upper end, not its lower one), `rows`, `confidence` (mean) and `accuracy`.
    """
    number = (pl.col("confidence") * CONFIDENCE_BINS).ceil().clip(1, CONFIDENCE_BINS).cast(pl.Int64) - 1
    return (
        predictions.group_by(bin=number)
        .agg(
            rows=pl.len().cast(pl.Int64),
            confidence=pl.col("confidence").mean(),
            accuracy=(pl.col("category") == pl.col("predicted")).mean(),
        )
        .sort("bin")
    )


def _calibration_error(bins: pl.DataFrame) -> float:
    """Expected calibration error (Naeini, Cooper and Hauskrecht, 2015), of the predicted category."""
    distance = (bins["confidence"] - bins["accuracy"]).abs()
    return float((distance * bins["rows"]).sum()) / int(bins["rows"].sum())


def _ranked(of_it: pl.Series, probability: "np.ndarray[Any, Any]") -> dict[str, float]:
    """The figures of how the rows are ordered by the probability of one category."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    if of_it.all() or not of_it.any():
        return {}
    truth = of_it.to_numpy()
    return {
        "roc_auc": float(roc_auc_score(truth, probability)),
        "average_precision": float(average_precision_score(truth, probability)),
    }


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None


def _log_loss(probabilities: "np.ndarray[Any, Any]", given: Sequence[int]) -> float:
    """Mean of -log of the probability of the given category.

    scikit-learn's own refuses given categories that have no column.
    """
    import numpy as np

    of_given = probabilities[np.arange(len(given)), given].clip(SMALLEST_PROBABILITY, 1.0)
    return max(0.0, -float(np.log(of_given).mean()))
