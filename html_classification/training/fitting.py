"""Fitting a classifier, predicting with it, and predicting training rows by models that have not seen them.

Belongs here: texts and categories in, a fitted pipeline or `Predictions` out. Does not belong here: which
rows (`split`), which estimator (`algorithms`), how good it is (`evaluation`), where it is kept (`tracking`).

Counting the terms takes most of the time and does not depend on the categories, so that cross-validation
counts once and takes from it, fold by fold, exactly what a vectorizer fitted on the fold's training rows
would have found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from html_classification.schemas.outcome import Outcome
from html_classification.schemas.training import PREDICTIONS
from html_classification.training.algorithms import Algorithm, Parameters, vectorizer
from html_classification.training.errors import TrainingError
from html_classification.training.split import shuffle_keys

if TYPE_CHECKING:
    import numpy as np
    from sklearn.pipeline import Pipeline

ALONE = "all rows of the window are near duplicates of each other: no model can be trained without this one"
DECIMALS = 6


@dataclass(frozen=True)
class TextClassifier:
    """A fitted classifier of texts.

    Attributes:
        pipeline: The fitted scikit-learn pipeline: terms, TF-IDF, classifier.
        classes: The categories that it knows, in alphabetical order.
    """

    pipeline: "Pipeline"
    classes: list[str]

    def portable(self) -> "Pipeline":
        """The pipeline without the index that scikit-learn builds on first use: quick to store and load."""
        from sklearn.base import clone
        from sklearn.pipeline import Pipeline

        (name, terms), *others = self.pipeline.steps
        return Pipeline([(name, clone(terms)), *others])


@dataclass(frozen=True)
class _Terms:
    """How often each term is in each text: a sparse matrix, and its columns' terms in alphabetical order."""

    counts: Any
    names: "np.ndarray[Any, Any]"


def fit(
    texts: list[str], categories: list[str], algorithm: Algorithm, parameters: Parameters | None = None
) -> TextClassifier:
    """Fit a classifier.

    Args:
        texts: The training texts.
        categories: The category of each.
        algorithm: One of `algorithms.ALGORITHMS`.
        parameters: Its parameters; without them the defaults.

    Returns:
        The fitted classifier.

    Raises:
        TrainingError: If there are no rows, only one category, or no words in any text.
    """
    from sklearn.pipeline import Pipeline
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    parameters = parameters or algorithm.parameters()
    _check(texts, categories)
    terms = _count(texts, parameters, parameters.min_documents_of(len(texts)))
    if not len(terms.names):
        raise TrainingError(
            f"No word is in enough of the {len(texts)} training texts to count: look at the text version, "
            "whose rules may remove everything, or lower min_documents."
        )
    with threadpool_limits(1):
        columns, tfidf, classifier = _fit_counts(terms.counts, categories, algorithm, parameters)
    vocabulary = vectorizer(parameters, vocabulary=terms.names[columns])
    return TextClassifier(
        Pipeline([("terms", vocabulary), ("tfidf", tfidf), ("classifier", classifier)]),
        list(classifier.classes_),
    )


def predict(
    classifier: TextClassifier, urls: Sequence[str], texts: Sequence[str], categories: Sequence[str]
) -> pl.DataFrame:
    """Say what the classifier thinks of each text.

    Args:
        classifier: What `fit` returned.
        urls: Address of each text.
        texts: The texts, in the text version that the classifier learned from.
        categories: The given category of each, to compare with.

    Returns:
        Rows of `Predictions` sorted by url: probabilities with six decimals; of equally probable categories
        the alphabetically first is predicted.
    """
    probabilities = classifier.pipeline.predict_proba(list(texts)) if len(texts) else []
    return _frame(urls, categories, classifier.classes, probabilities)


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
        training_rows: `url`, `category`, `duplicate_cluster`, `text`.
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
    fold_of = _deal(rows, folds, seed)
    figures = {"folds": int(fold_of.max()) + 1, "categories": len(classes), "categories_unseen": 0}
    if figures["folds"] < 2:
        rejected = [{"reason": ALONE, "url": url, "category": given} for url, given in rows["url", "category"].rows()]
        return Outcome(PREDICTIONS.empty(), rejected, {**figures, "folds": 0})
    smallest_part = len(rows) - int(np.bincount(fold_of).max())
    terms = _count(rows["text"].to_list(), parameters, parameters.min_documents_of(smallest_part))
    given = rows["category"].to_numpy()
    probabilities = np.zeros((len(rows), len(classes)))
    unseen: set[str] = set()
    with threadpool_limits(1):
        for fold in range(figures["folds"]):
            train, held_out = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
            known, part = _held_out_probabilities(terms, given, train, held_out, algorithm, parameters)
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
        rows: `url`, `category`, `duplicate_cluster`, `split`, `text`.
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
    classifier = fit(train["text"].to_list(), train["category"].to_list(), algorithm, parameters)
    held_out = predict(classifier, *(test[name].to_list() for name in ("url", "text", "category")))
    frame = pl.concat([known.frame, held_out]).sort("url")
    return Outcome(frame, known.rejected, {**known.figures, "test_rows": held_out.height})


def _check(texts: Sequence[str], categories: Sequence[str]) -> None:
    """Refuse what cannot be learned from."""
    if len(texts) != len(categories):
        raise ValueError(f"{len(texts)} texts and {len(categories)} categories: give one category for each text")
    if not texts:
        raise TrainingError(
            "No training rows: check that annotated has labelled rows in this window, or widen the window."
        )
    if len(set(categories)) < 2:
        raise TrainingError(
            f"All {len(texts)} training rows are {categories[0]!r}: a classifier needs two categories; "
            "label rows of others, or widen the window."
        )


def _count(texts: list[str], parameters: Parameters, min_documents: int) -> _Terms:
    """Count the terms; none where no term is in enough texts."""
    import numpy as np
    from scipy.sparse import csr_matrix

    terms = vectorizer(parameters, min_df=min_documents)
    try:
        counts = terms.fit_transform(texts)
    except ValueError as error:
        if "empty vocabulary" in str(error) or "no terms remain" in str(error):
            return _Terms(csr_matrix((len(texts), 0)), np.array([], dtype=str))
        raise
    return _Terms(counts, terms.get_feature_names_out().astype(str))


def _fit_counts(
    counts: Any,
    categories: Sequence[str],
    algorithm: Algorithm,
    parameters: Parameters,
) -> tuple[Any, Any, Any]:
    """Choose the columns of the terms that count, and fit TF-IDF and the classifier on them."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfTransformer

    documents = np.bincount(counts.indices, minlength=counts.shape[1])
    enough = np.flatnonzero(documents >= parameters.min_documents_of(counts.shape[0]))
    most_frequent = enough[np.argsort(-documents[enough], kind="stable")]
    columns = np.sort(most_frequent[: parameters.max_terms])
    tfidf = TfidfTransformer(sublinear_tf=True)
    features = tfidf.fit_transform(counts[:, columns])
    return columns, tfidf, algorithm.classifier(parameters).fit(features, list(categories))


def _held_out_probabilities(
    terms: _Terms,
    given: Any,
    train: Any,
    held_out: Any,
    algorithm: Algorithm,
    parameters: Parameters,
) -> tuple[list[str], Any]:
    """Fit on the rows `train`, predict the rows `held_out`: the categories known, and probabilities."""
    import numpy as np

    known, numbers = np.unique(given[train], return_counts=True)
    counts = terms.counts[train]
    documents = np.bincount(counts.indices, minlength=counts.shape[1])
    if len(known) < 2 or not (documents >= parameters.min_documents_of(len(train))).any():
        return known.tolist(), np.tile(numbers / len(train), (len(held_out), 1))
    columns, tfidf, classifier = _fit_counts(counts, given[train].tolist(), algorithm, parameters)
    return list(classifier.classes_), classifier.predict_proba(tfidf.transform(terms.counts[held_out][:, columns]))


def _deal(rows: pl.DataFrame, folds: int, seed: int) -> Any:
    """Number the folds: clusters are dealt like cards, category by category, the large ones first.

    So each category is spread over the folds as evenly as its clusters allow. scikit-learn's
    `StratifiedGroupKFold` does this too, but refuses days on which every category has fewer rows than there
    are folds.
    """
    clusters = rows.group_by("duplicate_cluster").agg(pl.col("category").first(), pl.len())
    clusters = (
        clusters.with_columns(key=shuffle_keys(clusters["duplicate_cluster"], seed))
        .sort(["category", "len", "key"], descending=[False, True, False])
        .with_row_index("position")
        .with_columns(fold=pl.col("position") % min(max(folds, 2), len(clusters)))
    )
    return rows.join(clusters, on="duplicate_cluster", how="left", maintain_order="left")["fold"].to_numpy()


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
