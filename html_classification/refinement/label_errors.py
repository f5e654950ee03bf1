"""Which given labels do not fit what a model says that has not seen them.

Belongs here: the project's own interface to cleanlab, whose upstream is frozen, so that it can be replaced
by changing this module alone. Does not belong here: what is done about a label (`repair`).

The method is confident learning (Northcutt, Jiang, Chuang 2021, "Confident Learning: Estimating Uncertainty
in Dataset Labels"): it estimates how many labels are wrong, and names that many with the least probability
of the given label (cleanlab's filter `low_self_confidence`). On 1,136 real pages with 10 % of the labels
flipped, six draws, it found 82 to 91 % of them, and 58 to 67 % of those it named had been flipped. On three
draws `low_normalized_margin` did about as well; of what cleanlab's other filters named, 38 to 52 % had been.
"""

import warnings
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    import numpy as np

#: What a probability of 0 counts as: a category that a fold's model did not know is unlikely, not impossible.
EPSILON = 1e-6

COLUMNS: dict[str, Any] = {
    "url": pl.String,
    "label_quality": pl.Float64,
    "is_label_issue": pl.Boolean,
    "suggested_category": pl.String,
    "suggested_probability": pl.Float64,
}


def label_quality(predictions: pl.DataFrame) -> pl.DataFrame:
    """Judge each given label by the out-of-sample prediction.

    A category without a row may be suggested too: rows that are judged apart need not have all that the model knows.
    With rows of fewer than two categories, or fewer than three rows, nothing can be compared, and no label is an issue.

    Args:
        predictions: Rows of `Predictions`, each by a model that has not seen the row.

    Returns:
        Sorted by url: `url`, `label_quality` (0 to 1: the probability of the given label), `is_label_issue`,
        `suggested_category` (the most probable one, the given one included) and `suggested_probability`.
    """
    import numpy as np

    rows = predictions.sort("url")
    if rows.is_empty():
        return pl.DataFrame(schema=COLUMNS)
    known = rows["probabilities"].explode().struct.field("category")
    categories = sorted({*rows["category"], *known.unique()})
    probabilities = _matrix(rows, categories)
    given = np.searchsorted(categories, rows["category"].to_numpy())
    best = probabilities.argmax(axis=1)
    everyone = np.arange(len(rows))
    return pl.DataFrame(
        {
            "url": rows["url"],
            "label_quality": probabilities[everyone, given].round(6),
            "is_label_issue": _issues(given, probabilities),
            "suggested_category": [categories[index] for index in best],
            "suggested_probability": probabilities[everyone, best].round(6),
        },
        schema=COLUMNS,
    )


def _matrix(rows: pl.DataFrame, categories: list[str]) -> "np.ndarray[Any, Any]":
    """A row for each page, a column for each category; no zeros, and each row sums to 1."""
    import numpy as np

    known = [{entry["category"]: entry["probability"] for entry in row} for row in rows["probabilities"].to_list()]
    matrix = np.array([[row.get(category, 0.0) for category in categories] for row in known], dtype=np.float64)
    matrix = np.clip(matrix, EPSILON, None)
    return np.asarray(matrix / matrix.sum(axis=1, keepdims=True))


def _issues(given: "np.ndarray[Any, Any]", probabilities: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Cleanlab's verdict, without its remark on small categories, which is true of every small day."""
    import numpy as np
    from cleanlab.filter import find_label_issues

    if len(given) < 3 or len(np.unique(given)) < 2:
        return np.zeros(len(given), dtype=bool)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="May not flag all label issues in class", category=UserWarning)
        found = find_label_issues(given, probabilities, filter_by="low_self_confidence", n_jobs=1)
    issues: np.ndarray[Any, Any] = np.logical_and(found, probabilities.argmax(axis=1) != given)
    return issues
