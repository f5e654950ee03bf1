"""Fitting a classifier, predicting with it, and predicting training rows by models that have not seen them.

Belongs here: rows in, a fitted pipeline or `Predictions` out. Does not belong here: which rows (`split`), what of them
is read (`features`), which estimator (`algorithms`), how good it is (`evaluation`), where it is kept (`tracking`).

Counting the terms takes most of the time and does not depend on the categories, so that cross-validation
counts once and takes from it, fold by fold, exactly what a vectorizer fitted on the fold's training rows
would have found.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from html_classification.schemas.outcome import Outcome
from html_classification.schemas.training import PREDICTIONS
from html_classification.training.algorithms import Algorithm, Parameters
from html_classification.training.errors import TrainingError
from html_classification.training.features import (
    FittedGroup,
    TermGroup,
    field_matrix,
    term_groups,
    transformer,
    without_index,
)
from html_classification.training.folds import deal

if TYPE_CHECKING:
    import numpy as np
    from sklearn.pipeline import Pipeline

ALONE = "all rows of the window are near duplicates of each other: no model can be trained without this one"
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


@dataclass(frozen=True)
class _Terms:
    """How often each term of a group is in each row: a sparse matrix, and its columns' terms in alphabetical order."""

    group: TermGroup
    counts: Any
    names: "np.ndarray[Any, Any]"

    def of(self, rows: Any) -> "_Terms":
        return _Terms(self.group, self.counts[rows], self.names)


@dataclass(frozen=True)
class _Counted:
    """Rows as they are learned from: the terms of each group, and for each row its category and its near duplicates."""

    terms: list[_Terms]
    categories: "np.ndarray[Any, Any]"
    clusters: "np.ndarray[Any, Any]"

    def of(self, rows: Any) -> "_Counted":
        return _Counted([each.of(rows) for each in self.terms], self.categories[rows], self.clusters[rows])


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
    counted = _count(rows, parameters, parameters.min_documents_of(rows.height))
    with threadpool_limits(1):
        found = _fit_counts(counted, algorithm, parameters)
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
    return _frame(rows["url"].to_list(), rows["category"].to_list(), classifier.classes, probabilities)


def cross_validate(
    training_rows: pl.DataFrame,
    algorithm: Algorithm,
    parameters: Parameters | None = None,
    folds: int = 5,
    seed: int = 0,
) -> Outcome:
    """Predict every row by a model that was trained without it and without its near duplicates.

    Folds have the same mix of categories as far as the clusters allow. A category that a fold's model has
    not seen has probability 0 there; a fold whose training rows have one category or no words gets their
    shares as probabilities.

    Args:
        training_rows: `url`, `category`, `duplicate_cluster` and the columns `features.FIELDS`.
        algorithm: One of `algorithms.ALGORITHMS`.
        parameters: Its parameters; without them the defaults.
        folds: How many parts, at least 2; with fewer clusters than that, one part for each cluster.
        seed: Deals the rows to the folds.

    Returns:
        Rows of `Predictions` sorted by url, a probability for every category of the rows; as rejected all
        rows where they are one cluster; as figures `folds`, `categories` and `categories_unseen` (categories
        for which some rows were predicted by a model that did not know it).

    Raises:
        TrainingError: If there are no rows.
    """
    import numpy as np
    from threadpoolctl import threadpool_limits

    parameters = parameters or algorithm.parameters()
    rows = training_rows.sort("url")
    if rows.is_empty():
        raise TrainingError("No rows to cross-validate: check that annotated has labelled rows in this window.")
    classes = sorted(rows["category"].unique())
    fold_of = deal(rows["category"].to_list(), rows["duplicate_cluster"].to_list(), folds, seed)
    figures = {"folds": int(fold_of.max()) + 1, "categories": len(classes), "categories_unseen": 0}
    if figures["folds"] < 2:
        rejected = [{"reason": ALONE, "url": url, "category": given} for url, given in rows["url", "category"].rows()]
        return Outcome(PREDICTIONS.empty(), rejected, {**figures, "folds": 0})
    smallest_part = len(rows) - int(np.bincount(fold_of).max())
    counted = _count(rows, parameters, parameters.min_documents_of(smallest_part))
    probabilities = np.zeros((len(rows), len(classes)))
    unseen: set[str] = set()
    with threadpool_limits(1):
        for fold in range(figures["folds"]):
            train, held_out = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
            known, part = _held_out_probabilities(counted.of(train), counted.of(held_out), algorithm, parameters)
            probabilities[np.ix_(held_out, np.searchsorted(classes, known))] = part
            unseen |= set(classes) - set(known)
    frame = _frame(rows["url"].to_list(), rows["category"].to_list(), classes, probabilities)
    return Outcome(frame, figures={**figures, "categories_unseen": len(unseen)})


def out_of_sample(
    rows: pl.DataFrame, algorithm: Algorithm, parameters: Parameters | None = None, folds: int = 5, seed: int = 0
) -> Outcome:
    """Predict every row of a training set by a model that has not seen it.

    Train rows are cross-validated among themselves, and test rows predicted by a model of all train rows. So no label
    of a test row has a part in what is said of a train row, and labels repaired by it stay fit for comparison.

    Args:
        rows: `url`, `category`, `duplicate_cluster`, `split` and the columns `features.FIELDS`.
        algorithm: One of `algorithms.ALGORITHMS`.
        parameters: Its parameters; without them the defaults.
        folds: As of `cross_validate`.
        seed: As of `cross_validate`.

    Returns:
        As of `cross_validate`; a category that is only in test rows has no probability.

    Raises:
        TrainingError: If the train rows are none, or all of one category.
    """
    train, test = (rows.filter(pl.col("split") == side).sort("url") for side in ("train", "test"))
    known = cross_validate(train, algorithm, parameters, folds, seed)
    held_out = predict(fit(train, algorithm, parameters), test)
    frame = pl.concat([known.frame, held_out]).sort("url")
    return Outcome(frame, known.rejected, {**known.figures, "test_rows": held_out.height})


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


def _count(rows: pl.DataFrame, parameters: Parameters, min_documents: int) -> _Counted:
    """Count the terms of each group; none where no term is in enough rows."""
    fields = field_matrix(rows)
    terms = [_count_lately(group, fields[:, group.column].tolist(), min_documents) for group in term_groups(parameters)]
    return _Counted(terms, rows["category"].to_numpy(), rows["duplicate_cluster"].to_numpy())


#: The words that were counted last in this process: all algorithms of a text version count the same ones, which is
#: most of the work of a fit.
_lately: dict[bytes, _Terms] = {}
_KEPT = 2


def forget_counts() -> None:
    """Forget what was counted last, as in a new process: for measuring."""
    _lately.clear()


def _count_lately(group: TermGroup, texts: list[str], min_documents: int) -> _Terms:
    """Count the terms of a group, unless that has just been done."""
    if group.field != "text":  # one algorithm alone reads the others
        return _count_group(group, texts, min_documents)
    settings = f"{min_documents} {sorted(group.vectorizer.get_params().items(), key=str)}"
    key = hashlib.sha256("\0".join([settings, *texts]).encode(errors="surrogatepass")).digest()
    if key not in _lately:
        counted = _count_group(group, texts, min_documents)
        while len(_lately) >= _KEPT:
            _lately.pop(next(iter(_lately)), None)
        _lately[key] = counted
    return replace(_lately[key], group=group)


def _count_group(group: TermGroup, texts: list[str], min_documents: int) -> _Terms:
    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.base import clone

    count = clone(group.vectorizer).set_params(min_df=min_documents)
    try:
        counts = count.fit_transform(texts)
    except ValueError as error:
        if "empty vocabulary" not in str(error) and "no terms remain" not in str(error):
            raise
        return _Terms(group, csr_matrix((len(texts), 0)), np.array([], dtype=str))
    return _Terms(group, counts, count.get_feature_names_out().astype(str))


@dataclass(frozen=True)
class _Chosen:
    """A group of which the columns that count are chosen."""

    columns: Any
    fitted: FittedGroup


def _fit_counts(rows: _Counted, algorithm: Algorithm, parameters: Parameters) -> tuple[dict[int, _Chosen], Any] | None:
    """Choose the terms that count, fit TF-IDF and the classifier on them.

    Returns:
        By their number the groups that have terms, and the classifier; None where no group has any.
    """
    chosen = {number: found for number, each in enumerate(rows.terms) if (found := _choose(each, parameters))}
    if not chosen:
        return None
    features = _weigh(rows.terms, chosen)
    return chosen, algorithm.learn(parameters, features, rows.categories.tolist(), rows.clusters.tolist())


def _choose(terms: _Terms, parameters: Parameters) -> _Chosen | None:
    """The terms of a group that are in the most rows, and their weights; None where none is in enough."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfTransformer

    documents = np.bincount(terms.counts.indices, minlength=terms.counts.shape[1])
    enough = np.flatnonzero(documents >= parameters.min_documents_of(terms.counts.shape[0]))
    if not len(enough):
        return None
    most_frequent = enough[np.argsort(-documents[enough], kind="stable")]
    columns = np.sort(most_frequent[: terms.group.max_terms])
    tfidf = TfidfTransformer(sublinear_tf=True).fit(terms.counts[:, columns])
    return _Chosen(columns, FittedGroup(terms.group, terms.names[columns], tfidf))


def _weigh(terms: Sequence[_Terms], chosen: dict[int, _Chosen]) -> Any:
    """What the pipeline's transformer would give for these rows."""
    from scipy.sparse import hstack

    return hstack(
        [
            each.fitted.group.weight * each.fitted.tfidf.transform(terms[number].counts[:, each.columns])
            for number, each in chosen.items()
        ],
        format="csr",
    )


def _held_out_probabilities(
    train: _Counted, held_out: _Counted, algorithm: Algorithm, parameters: Parameters
) -> tuple[list[str], Any]:
    """Fit on some rows, predict others: the categories known, and probabilities."""
    import numpy as np

    known, numbers = np.unique(train.categories, return_counts=True)
    found = _fit_counts(train, algorithm, parameters) if len(known) > 1 else None
    if found is None:
        shares = numbers / len(train.categories)
        return known.tolist(), np.tile(shares, (len(held_out.categories), 1))
    chosen, classifier = found
    return list(classifier.classes_), classifier.predict_proba(_weigh(held_out.terms, chosen))


def _frame(urls: Sequence[str], given: Sequence[str], classes: list[str], probabilities: Any) -> pl.DataFrame:
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
