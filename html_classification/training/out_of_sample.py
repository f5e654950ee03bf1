"""Predicting training rows by models that have not seen them.

Belongs here: cross-validation, and what is said of every row of a training set. Does not belong here: fitting
(`fitting`), dealing rows to folds (`folds`), and what the predictions say of the labels (`refinement`).

Cross-validation counts the terms once and takes from them, fold by fold, exactly what a vectorizer fitted on the
fold's training rows would have found.

Predictions that labels are judged by are made twice. Models that have learned wrong labels repeat them; so the second
time they learn without the rows whose labels the first time spoke against, and the mean of both counts. With 10 % of
the labels of 1,136 real pages flipped, the first N rows by label quality (N of them flipped) were .83 right after two
rounds, .81 after one; where flips are between categories that are easily confused .78 and .77.
"""

from collections.abc import Collection
from typing import Any

import polars as pl

from html_classification.labeling.answers import by_machine
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.training import PREDICTIONS
from html_classification.training.algorithms import Algorithm, Parameters
from html_classification.training.counting import Counted, count, weigh
from html_classification.training.errors import TrainingError
from html_classification.training.fitting import fit, fit_counts, predict, predictions_frame
from html_classification.training.folds import deal
from html_classification.training.probabilities import as_numbers, given_against_other

ALONE = "all rows of the window are near duplicates of each other: no model can be trained without this one"
#: The second round learns without rows whose given category is less probable than this against the likeliest other one.
DOUBTFUL = 0.27
#: … but from at least so large a part of the rows of each category.
LEAST_PART = 0.5


def cross_validate(
    training_rows: pl.DataFrame,
    algorithm: Algorithm,
    parameters: Parameters | None = None,
    folds: int = 5,
    seed: int = 0,
    not_learned: Collection[str] = (),
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
        not_learned: The urls of rows that no model learns from, unless it had none but those; they are predicted
            all the same.

    Returns:
        Rows of `Predictions` sorted by url, a probability for every category of the rows; as rejected all
        rows where they are one cluster; as figures `folds`, `categories` and `categories_unseen` (categories
        for which some rows were predicted by a model that did not know it).

    Raises:
        TrainingError: If there are no rows.
    """
    import numpy as np
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

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
    learned = ~rows["url"].is_in(list(not_learned)).to_numpy()
    smallest_part = min(int((learned & (fold_of != fold)).sum()) for fold in range(figures["folds"]))
    counted = count(rows, parameters, parameters.min_documents_of(smallest_part))
    probabilities = np.zeros((len(rows), len(classes)))
    unseen: set[str] = set()
    with threadpool_limits(1):
        for fold in range(figures["folds"]):
            others, held_out = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
            train = others[learned[others]] if learned[others].any() else others
            known, part = _held_out_probabilities(counted.of(train), counted.of(held_out), algorithm, parameters)
            probabilities[np.ix_(held_out, np.searchsorted(classes, known))] = part
            unseen |= set(classes) - set(known)
    frame = predictions_frame(rows["url"].to_list(), rows["category"].to_list(), classes, probabilities)
    return Outcome(frame, figures={**figures, "categories_unseen": len(unseen)})


def out_of_sample(
    rows: pl.DataFrame, algorithm: Algorithm, parameters: Parameters | None = None, folds: int = 5, seed: int = 0
) -> Outcome:
    """Predict every row of a training set by models that have not seen it, nor learned from doubtful labels.

    Train rows are cross-validated among themselves, twice (see the module), and test rows predicted by a model of the
    train rows whose labels are not in doubt. So no label of a test row has a part in what is said of a train row, and
    labels repaired by it stay fit for comparison.

    Args:
        rows: `url`, `category`, `label_source`, `duplicate_cluster`, `split` and the columns `features.FIELDS`.
        algorithm: One of `algorithms.ALGORITHMS`.
        parameters: Its parameters; without them the defaults.
        folds: As of `cross_validate`.
        seed: As of `cross_validate`.

    Returns:
        As of `cross_validate`, and as figures `doubtful_left_out` (rows that the second round did not learn from) and
        `test_rows`; a category that is only in test rows has no probability.

    Raises:
        TrainingError: If the train rows are none, or all of one category.
    """
    train, test = (rows.filter(pl.col("split") == side).sort("url") for side in ("train", "test"))
    first = cross_validate(train, algorithm, parameters, folds, seed)
    doubtful = _doubtful(first.frame, train)
    again = (
        cross_validate(train, algorithm, parameters, folds, seed + 1, not_learned=doubtful) if len(doubtful) else first
    )
    known = _mean(first.frame, again.frame) if len(doubtful) else first.frame
    learned = train.filter(~pl.col("url").is_in(list(doubtful)))
    held_out = predict(fit(learned, algorithm, parameters), test)
    frame = pl.concat([known, held_out]).sort("url")
    figures = {**first.figures, "doubtful_left_out": len(doubtful), "test_rows": held_out.height}
    return Outcome(frame, first.rejected, figures)


def _doubtful(predictions: pl.DataFrame, rows: pl.DataFrame) -> frozenset[str]:
    """The rows whose labels the predictions speak against, the most doubtful ones of each category.

    What people said is learned from, and so are categories that copies of one page alone have: the models of its fold
    did not know those.
    """
    if predictions.is_empty():
        return frozenset()
    _, given, probabilities = as_numbers(predictions)
    quality = given_against_other(probabilities, given)
    place = pl.col("quality").rank("ordinal").over("category")
    elsewhere = pl.len().over("category") > pl.len().over("category", "duplicate_cluster")
    judged = predictions.select("url", "category", quality=pl.Series(quality)).join(
        rows.select("url", may_be_left_out=elsewhere & by_machine("label_source")), on="url", how="left"
    )
    found = judged.filter(
        pl.col("quality") < DOUBTFUL, place <= (1 - LEAST_PART) * pl.len().over("category"), "may_be_left_out"
    )
    return frozenset(found["url"])


def _mean(first: pl.DataFrame, again: pl.DataFrame) -> pl.DataFrame:
    """The mean of two rounds about the same rows."""
    import numpy as np

    categories = sorted(set(first["probabilities"].explode().struct.field("category")))
    both = [
        frame["probabilities"].explode().struct.field("probability").to_numpy().reshape(-1, len(categories))
        for frame in (first, again)
    ]
    return predictions_frame(first["url"].to_list(), first["category"].to_list(), categories, np.mean(both, axis=0))


def _held_out_probabilities(
    train: Counted, held_out: Counted, algorithm: Algorithm, parameters: Parameters
) -> tuple[list[str], Any]:
    """Fit on some rows, predict others: the categories known, and probabilities."""
    import numpy as np

    known, numbers = np.unique(train.categories, return_counts=True)
    found = fit_counts(train, algorithm, parameters) if len(known) > 1 else None
    if found is None:
        shares = numbers / len(train.categories)
        return known.tolist(), np.tile(shares, (len(held_out.categories), 1))
    chosen, classifier = found
    return list(classifier.classes_), classifier.predict_proba(weigh(held_out.terms, chosen))
