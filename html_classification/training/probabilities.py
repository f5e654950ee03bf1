"""Probabilities of categories as numbers, and how well they fit the given labels.

Belongs here: from `Predictions` to a matrix, and the one figure that labels are judged by. Does not belong here: where
predictions come from (`fitting`, `out_of_sample`), and what a label's quality leads to (`refinement`).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    import numpy as np

#: What a probability of 0 counts as: a category that a fold's model did not know is unlikely, not impossible.
EPSILON = 1e-6


def probability_matrix(predictions: pl.DataFrame, categories: Sequence[str]) -> "np.ndarray[Any, Any]":
    """A row for each prediction, a column for each category; no zeros, and each row sums to 1.

    Args:
        predictions: Rows of `Predictions`; they need not all know the same categories.
        categories: All that they know, and maybe more.
    """
    import numpy as np

    entries = predictions.select("probabilities").with_row_index("row").explode("probabilities")
    entries = entries.drop_nulls().unnest("probabilities")
    codes = {name: number for number, name in enumerate(categories)}
    columns = entries["category"].replace_strict(codes, return_dtype=pl.Int64)
    matrix = np.full((len(predictions), len(categories)), EPSILON)
    matrix[entries["row"].to_numpy(), columns.to_numpy()] = entries["probability"].clip(EPSILON, 1.0).to_numpy()
    return np.asarray(matrix / matrix.sum(axis=1, keepdims=True))


def as_numbers(predictions: pl.DataFrame) -> tuple[list[str], "np.ndarray[Any, Any]", "np.ndarray[Any, Any]"]:
    """Predictions as what labels are judged by.

    Args:
        predictions: Rows of `Predictions`, at least one.

    Returns:
        The categories that are given or known, in alphabetical order; the column of each row's given category; and the
        `probability_matrix`.
    """
    import numpy as np

    known = predictions["probabilities"].explode().struct.field("category").unique()
    categories = sorted({*predictions["category"].unique(), *known})
    given = np.searchsorted(categories, predictions["category"].to_numpy())
    return categories, given, probability_matrix(predictions, categories)


def given_against_other(probabilities: "np.ndarray[Any, Any]", given: "np.ndarray[Any, Any]") -> Any:
    """How probable each row's given category is against the likeliest other one: 0 to 1, below 0.5 the other leads.

    It puts wrong labels in order better than the probability of the given category alone where categories are confused
    with certain others, and as well where they are not (see the benchmark `label_repair`).

    Args:
        probabilities: A row for each page, a column for each category.
        given: The column of each row's given category.

    >>> import numpy as np
    >>> given_against_other(np.array([[0.6, 0.3, 0.1], [0.4, 0.4, 0.2], [1.0, 0.0, 0.0]]), np.array([1, 0, 0])).round(3)
    array([0.333, 0.5  , 1.   ])
    """
    import numpy as np

    everyone = np.arange(len(given))
    own = probabilities[everyone, given]
    others = probabilities.copy()
    others[everyone, given] = 0.0
    return own / (own + others.max(axis=1))
