"""Choosing few of many, on numbers alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from html_classification.labeling.selection import most_typical, most_useful

UNRELATED = np.eye(4)


def unit(*rows: tuple[float, ...]) -> np.ndarray:
    vectors = np.array(rows, dtype=np.float64)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_of_pages_that_differ_in_nothing_else_the_more_useful_comes_first() -> None:
    same = np.full((4, 2), 0.5)
    assert most_useful(np.array([0.1, 0.9, 0.5, 0.9]), same, np.array([3.0, 3.0]), UNRELATED, 4) == [1, 3, 2, 0]
    assert most_useful(np.array([0.1, 0.9, 0.5, 0.9]), same, np.array([3.0, 3.0]), UNRELATED, 2) == [1, 3]


def test_the_rarer_category_comes_first_and_what_is_chosen_counts() -> None:
    probabilities = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    useful = np.ones(4)
    assert most_useful(useful, probabilities, np.array([90.0, 5.0]), UNRELATED, 4) == [2, 3, 0, 1]
    assert most_useful(useful, probabilities, np.array([0.0, 0.0]), UNRELATED, 4) == [0, 2, 1, 3]


def test_pages_like_those_chosen_come_later() -> None:
    vectors = unit((1, 0), (1, 0.1), (0, 1))
    useful = np.array([1.0, 0.95, 0.8])
    assert most_useful(useful, np.ones((3, 1)), np.array([1.0]), vectors, 3) == [0, 2, 1]


def test_the_most_typical_page_of_the_largest_group_comes_first() -> None:
    vectors = unit((1, 0.1, 0), (1, 0, 0), (1, -0.1, 0), (0, 0, 1), (0, 0, 1))
    assert most_typical(vectors, vectors[:0], 2) == ([1, 3], [3, 2])
    labelled = unit((1, 0, 0.05))
    assert most_typical(vectors, labelled, 1) == ([3], [2])


def test_there_are_no_more_than_there_are() -> None:
    vectors = unit((1, 0), (1, 0), (0, 1))
    assert sorted(most_typical(vectors, vectors[:0], 9)[0]) == [0, 1, 2]
    assert sorted(most_useful(np.zeros(3), np.ones((3, 1)), np.ones(1), vectors, 9)) == [0, 1, 2]
    assert most_typical(vectors[:0], vectors, 9) == ([], [])


@given(seed=st.integers(0, 10_000), pages=st.integers(1, 30), known=st.integers(0, 5), size=st.integers(1, 10))
def test_the_short_way_finds_what_looking_at_every_page_finds(seed: int, pages: int, known: int, size: int) -> None:
    chance = np.random.default_rng(seed)
    vectors = unit(*chance.normal(size=(pages + known, 3)))
    vectors, labelled = vectors[:pages], vectors[pages:]
    chosen, stands_for = most_typical(vectors, labelled, size)

    def covered(some: list[int]) -> float:
        return float(np.maximum(vectors @ np.vstack([vectors[some], labelled]).T, 0.0).max(axis=1).sum())

    for count, page in enumerate(chosen):
        best = max(covered([*chosen[:count], other]) for other in range(pages) if other not in chosen[:count])
        assert covered([*chosen[:count], page]) == pytest.approx(best)
    assert len(chosen) == len(set(chosen)) == min(size, pages)
    assert sum(stands_for) <= pages
