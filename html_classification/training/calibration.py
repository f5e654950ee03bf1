"""A linear support vector machine with probabilities.

Belongs here: fitting it, and finding how sharp its probabilities should be. Does not belong here: what can be set
(`algorithms`), how good the probabilities are (`evaluation`).

An SVM says on which side of a margin a row is, not how probable that is. Temperature scaling (Guo et al. 2017, "On
Calibration of Modern Neural Networks") multiplies its decisions by one number before the softmax: the one that makes
the categories of rows it has not seen most probable. Platt's scaling learns two numbers per category instead, and a
category with fewer rows than folds has nothing to learn them from.

The rows that it has not seen must not be copies of those that it has: on copies every machine is right, and the
probabilities would be far too high.
"""

from collections.abc import Sequence
from typing import Any

from html_classification.training.folds import deal

#: Bounds of the sharpness, as natural logarithms.
_SHARPNESS = (-3.0, 3.0)


def calibrated_svm(
    features: Any, categories: Sequence[str], clusters: Sequence[str], inverse_regularization: float, folds: int
) -> Any:
    """Fit the machine, and sharpen it by rows that it has not seen.

    Args:
        features: A sparse matrix with a row for each page.
        categories: The category of each row, at least two different ones.
        clusters: The cluster of near duplicates of each row: they are seen together or not at all.
        inverse_regularization: scikit-learn's C.
        folds: Each of so many parts is decided on by a machine fitted on the others.

    Returns:
        The machine as a `LogisticRegression`, which is what a linear machine with a softmax is: it gives probabilities,
        tells its weights, and is stored and exported like any other.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    given = np.asarray(categories, dtype=str)

    def fitted(rows: Any) -> Any:
        machine = LinearSVC(C=inverse_regularization, class_weight="balanced", random_state=0)
        return machine.fit(features[rows], given[rows])

    whole = fitted(np.arange(len(given)))
    fold_of = deal(categories, clusters, folds)
    decisions, known = [], []
    for fold in range(int(fold_of.max()) + 1):
        train, held_out = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        seen = np.unique(given[train])
        held_out = held_out[np.isin(given[held_out], seen)]
        if len(seen) > 1 and len(held_out):
            decisions.append(_decisions(fitted(train), features[held_out]))
            known.append(np.searchsorted(seen, given[held_out]))
    sharpness = _sharpness(decisions, known)
    machine = LogisticRegression(C=inverse_regularization, class_weight="balanced")
    machine.classes_, machine.n_features_in_, machine.n_iter_ = whole.classes_, whole.n_features_in_, whole.n_iter_
    machine.coef_, machine.intercept_ = sharpness * whole.coef_, sharpness * whole.intercept_
    return machine


def _decisions(machine: Any, features: Any) -> Any:
    """A column for each category, also where there are two."""
    import numpy as np

    said = machine.decision_function(features)
    return said if said.ndim == 2 else np.column_stack([np.zeros_like(said), said])


def _sharpness(decisions: list[Any], known: list[Any]) -> float:
    """What decisions are to be multiplied by, so that the known categories are most probable; 1 where none is known."""
    import numpy as np
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    def loss(logarithm: float) -> float:
        sharp = np.exp(logarithm)
        return sum(
            float((logsumexp(sharp * said, axis=1) - sharp * said[np.arange(len(right)), right]).sum())
            for said, right in zip(decisions, known, strict=True)
        )

    if not decisions:
        return 1.0
    return float(np.exp(minimize_scalar(loss, bounds=_SHARPNESS, method="bounded").x))
