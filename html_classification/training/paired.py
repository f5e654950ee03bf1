"""Two models' answers to the same rows, counted: figures of both, votes, and intervals of the paired bootstrap.

Belongs here: counting and drawing, on numpy arrays. Does not belong here: what the figures are called, and what follows
from them (`comparison`).

All figures are ratios of counts, so that a draw of clusters needs only their counts: one sparse matrix (clusters by
counts) is multiplied with how often each draw took each cluster. The numbers are whole, so that the sums are exact, in
whatever order a machine adds them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: Numbers of one piece of the draws, by clusters.
_PIECE = 4_000_000


@dataclass(frozen=True)
class Answers:
    """What both models said of n rows, with k categories and g groups of rows.

    Attributes:
        given: The category of each row, as a number below k.
        candidate: What the new model said, likewise; -1 is a category that no row has.
        champion: What the champion said, likewise.
        cluster: Number of each row's cluster of near duplicates, from 0 without gaps.
        categories: k.
        members: A row of a group, as (row, group): shape (memberships, 2).
        groups: g.
    """

    given: Integers
    candidate: Integers
    champion: Integers
    cluster: Integers
    categories: int
    members: Integers
    groups: int


@dataclass(frozen=True)
class Measured:
    """Figures in this order: accuracy, recall of each category, accuracy of each group, F1 of each category, macro-F1.

    Attributes:
        candidate: Figures of the new model.
        champion: Figures of the champion.
        low: Lower ends of the intervals of the differences.
        high: Upper ends.
        won: Clusters where the new model did better, for all figures but macro-F1. What counts for an F1 is how often
            a model is right about a row's being of the category or not.
        lost: Clusters where it did worse.
    """

    candidate: Floats
    champion: Floats
    low: Floats
    high: Floats
    won: Integers
    lost: Integers


def measure(answers: Answers, *, samples: int, seed: int, level: float) -> Measured:
    """Count, and draw clusters with replacement.

    Args:
        answers: The answers.
        samples: How many draws.
        seed: Of the draws.
        level: What share of the differences lies outside of the intervals.

    Returns:
        The figures.
    """
    from scipy.sparse import hstack

    rows = len(answers.given)
    given = _indicator(np.arange(rows), answers.given, (rows, answers.categories))
    whole = _indicator(np.arange(rows), np.zeros(rows, np.int64), (rows, 1))
    groups = _indicator(answers.members[:, 0], answers.members[:, 1], (rows, answers.groups))
    parts = hstack([whole, given, groups], format="csr")
    right, said = [], []
    for answer in (answers.candidate, answers.champion):
        right.append(parts.multiply((answer == answers.given).astype(float)[:, None]).tocsr())
        (known,) = np.nonzero(answer >= 0)
        said.append(_indicator(known, answer[known], (rows, answers.categories)))
    clusters = _indicator(answers.cluster, np.arange(rows), (int(answers.cluster.max()) + 1, rows))
    # About "is it of this category", whoever says so is right in its rows and wrong in all others.
    said_more = said[0] - said[1]
    about = 2 * said_more.multiply(given) - said_more
    net = (clusters @ hstack([right[0] - right[1], about], format="csr")).tocsr()
    counts = (clusters @ hstack([parts, *right, *said], format="csr")).tocsr()
    figures = [_figures(totals, parts.shape[1], answers.categories) for totals in _draws(counts, samples, seed)]
    differences = np.concatenate([candidate - champion for candidate, champion in figures[1:]])
    low, high = np.nanquantile(differences, [level / 2, 1 - level / 2], axis=0)
    ((candidate,), (champion,)) = figures[0]
    return Measured(candidate, champion, low, high, _column_sums(net > 0), _column_sums(net < 0))


def _indicator(rows: Integers, columns: Integers, shape: tuple[int, int]) -> "csr_array":
    from scipy.sparse import csr_array

    return csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)


def _column_sums(matrix: Any) -> Integers:
    return np.asarray(matrix.sum(axis=0)).ravel().astype(np.int64)


def _draws(counts: "csr_array", samples: int, seed: int) -> Iterator[Floats]:
    """The totals of all clusters, then those of the draws, piece by piece: shape (draws, counts)."""
    clusters = counts.shape[0]
    yield np.asarray(counts.sum(axis=0), dtype=np.float64).reshape(1, -1)
    generator = np.random.default_rng(seed)
    by_cluster = counts.T.tocsr()
    size = max(1, _PIECE // clusters)
    for start in range(0, samples, size):
        draws = min(size, samples - start)
        drawn = generator.integers(0, clusters, size=(draws, clusters)) + clusters * np.arange(draws)[:, None]
        taken = np.bincount(drawn.ravel(), minlength=draws * clusters).reshape(draws, clusters)
        yield (by_cluster @ taken.T.astype(np.float64)).T


def _figures(totals: Floats, parts: int, categories: int) -> tuple[Floats, Floats]:
    """The figures of the candidate and of the champion, shape (draws, figures) each; nan where a draw has no rows."""
    rows, *of_models = np.split(totals, [parts, 2 * parts, 3 * parts, 3 * parts + categories], axis=1)
    given = rows[:, 1 : categories + 1]
    figures = []
    with np.errstate(invalid="ignore"):
        for right, said in zip(of_models[:2], of_models[2:], strict=True):
            f1 = np.where(given > 0, 2 * right[:, 1 : categories + 1] / (given + said), np.nan)
            macro = np.nanmean(f1, axis=1, keepdims=True)
            figures.append(np.hstack([right / rows, f1, macro]))
    return figures[0], figures[1]
