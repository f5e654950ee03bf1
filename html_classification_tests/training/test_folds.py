"""Folds: copies together, categories spread."""

import numpy as np
import pytest

from html_classification.training.folds import deal


@pytest.mark.parametrize("seed", range(3))
def test_the_deal_keeps_copies_together_and_spreads_categories(seed: int) -> None:
    given, clusters = [*["a"] * 40, *["b"] * 20], [f"page {row // 2}" for row in range(60)]
    folds = deal(given, clusters, folds=5, seed=seed)
    assert (folds[::2] == folds[1::2]).all()
    assert np.bincount(folds).tolist() == [12] * 5
    assert np.bincount(folds[:40]).tolist() == [8] * 5
