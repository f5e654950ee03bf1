"""Dealing rows to folds, near duplicates into the same one.

Belongs here: which fold a row is in. Does not belong here: what is fitted and predicted fold by fold (`fitting`,
`calibration`), which rows are for testing (`split`).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from html_classification.training.split import shuffle_keys

if TYPE_CHECKING:
    import numpy as np


def deal(
    categories: Sequence[str], clusters: Sequence[str], folds: int, seed: int = 0
) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Number the folds: clusters are dealt like cards, category by category, the large ones first.

    So each category is spread over the folds as evenly as its clusters allow. scikit-learn's
    `StratifiedGroupKFold` does this too, but refuses days on which every category has fewer rows than there
    are folds.

    Args:
        categories: The category of each row.
        clusters: The cluster of near duplicates of each row.
        folds: How many folds, at least 2; with fewer clusters than that, one for each cluster.
        seed: Another seed, another deal.

    Returns:
        The number of each row's fold.

    >>> deal(["a", "a", "a", "b", "b"], ["one", "two", "one", "three", "four"], folds=2).tolist()
    [0, 1, 0, 0, 1]
    """
    rows = pl.DataFrame({"category": list(categories), "cluster": list(clusters)})
    cards = rows.group_by("cluster").agg(pl.col("category").first(), pl.len())
    cards = (
        cards.with_columns(key=shuffle_keys(cards["cluster"], seed))
        .sort(["category", "len", "key"], descending=[False, True, False])
        .with_row_index("position")
        .with_columns(fold=pl.col("position").cast(pl.Int64) % min(max(folds, 2), len(cards)))
    )
    return rows.join(cards, on="cluster", how="left", maintain_order="left")["fold"].to_numpy()
