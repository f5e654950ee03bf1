"""Fitting a classifier, and predicting with it.

Belongs here: rows in, a fitted pipeline or `Predictions` out. Does not belong here: which rows (`split`), what of them
is read (`features`), how it is counted (`counting`), which estimator (`algorithms`), predicting training rows
(`out_of_sample`), how good it is (`evaluation`), where it is kept (`tracking`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from html_classification.schemas.training import PREDICTIONS
from html_classification.training.algorithms import Algorithm, Parameters
from html_classification.training.counting import Chosen, Counted, choose, count, weigh
from html_classification.training.errors import TrainingError
from html_classification.training.features import field_matrix, transformer, without_index

if TYPE_CHECKING:
    import numpy as np
    from sklearn.pipeline import Pipeline

DECIMALS = 6


@dataclass(frozen=True)
class Classifier:
    """A fitted classifier of pages.

    Attributes:
        pipeline: The fitted scikit-learn pipeline of two steps, `features` and `classifier`; its input is a field
            matrix (see `features.field_matrix`).
        classes: The categories that it knows, in alphabetical order.
    """

    pipeline: "Pipeline"
    classes: list[str]

    def portable(self) -> "Pipeline":
        """The pipeline without the index that scikit-learn builds on first use: quick to store and load."""
        from sklearn.pipeline import Pipeline

        return Pipeline(
            [("features", without_index(self.pipeline["features"])), ("classifier", self.pipeline["classifier"])]
        )

    def probabilities(self, rows: pl.DataFrame) -> "np.ndarray[Any, Any]":
        """How probable each category is.

        Args:
            rows: The columns `features.FIELDS`, the text in the text version that the classifier learned from.

        Returns:
            An array of shape (rows, classes); each row's sum is 1.
        """
        import numpy as np

        if rows.is_empty():
            return np.zeros((0, len(self.classes)))
        return np.asarray(self.pipeline.predict_proba(field_matrix(rows)), dtype=np.float64)


def fit(rows: pl.DataFrame, algorithm: Algorithm, parameters: Parameters | None = None) -> Classifier:
    """Fit a classifier.

    Args:
        rows: The training rows: `category`, `duplicate_cluster` and the columns `features.FIELDS`.
        algorithm: One of `algorithms.ALGORITHMS`.
        parameters: Its parameters; without them the defaults.

    Returns:
        The fitted classifier.

    Raises:
        TrainingError: If there are no rows, only one category, or no term is in enough rows to count.
    """
    from sklearn.pipeline import Pipeline
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    parameters = parameters or algorithm.parameters()
    _check(rows["category"].to_list())
    counted = count(rows, parameters, parameters.min_documents_of(rows.height))
    with threadpool_limits(1):
        found = fit_counts(counted, algorithm, parameters)
        if found is None:
            raise TrainingError(
                f"No word is in enough of the {rows.height} training texts to count: look at the text version, "
                "whose rules may remove everything, or lower min_documents."
            )
        chosen, classifier = found
        features = transformer([each.fitted for each in chosen.values()])
    pipeline = Pipeline([("features", features), ("classifier", classifier)])
    return Classifier(pipeline, list(classifier.classes_))


def predict(classifier: Classifier, rows: pl.DataFrame) -> pl.DataFrame:
    """Say what the classifier thinks of each row.

    Args:
        classifier: What `fit` returned.
        rows: `url`, `category` (the given one, to compare with) and the columns `features.FIELDS`, the text in the text
            version that the classifier learned from.

    Returns:
        Rows of `Predictions` sorted by url: probabilities with six decimals; of equally probable categories
        the alphabetically first is predicted.
    """
    probabilities = classifier.probabilities(rows)
    return predictions_frame(rows["url"].to_list(), rows["category"].to_list(), classifier.classes, probabilities)


def fit_counts(rows: Counted, algorithm: Algorithm, parameters: Parameters) -> tuple[dict[int, Chosen], Any] | None:
    """Choose the terms that count, fit TF-IDF and the classifier on them.

    Returns:
        By their number the groups that have terms, and the classifier; None where no group has any.
    """
    chosen = {number: found for number, each in enumerate(rows.terms) if (found := choose(each, parameters))}
    if not chosen:
        return None
    features = weigh(rows.terms, chosen)
    return chosen, algorithm.learn(parameters, features, rows.categories.tolist(), rows.clusters.tolist())


def predictions_frame(
    urls: Sequence[str], given: Sequence[str], classes: list[str], probabilities: Any
) -> pl.DataFrame:
    """Put probabilities into the columns of `Predictions`."""
    import numpy as np

    if not len(urls):
        return PREDICTIONS.empty()
    order = sorted(classes)
    matrix = np.asarray(probabilities, dtype=np.float64)[:, [classes.index(name) for name in order]]
    matrix = np.clip(matrix.round(DECIMALS), 0.0, 1.0)
    best = matrix.argmax(axis=1)
    frame = pl.DataFrame(
        {
            "url": list(urls),
            "category": list(given),
            "predicted": [order[index] for index in best],
            "confidence": matrix.max(axis=1),
            "probabilities": [
                [{"category": name, "probability": value} for name, value in zip(order, row, strict=True)]
                for row in matrix.tolist()
            ],
        },
        schema=dict(PREDICTIONS.dtypes),
    )
    return frame.sort("url")


def _check(categories: Sequence[str]) -> None:
    """Refuse what cannot be learned from."""
    if not categories:
        raise TrainingError(
            "No training rows: check that annotated has labelled rows in this window, or widen the window."
        )
    if len(set(categories)) < 2:
        raise TrainingError(
            f"All {len(categories)} training rows are {categories[0]!r}: a classifier needs two categories; "
            "label rows of others, or widen the window."
        )
