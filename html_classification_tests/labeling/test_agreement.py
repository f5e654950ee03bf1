"""Coefficients of agreement: the worked examples that they were published with."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from html_classification.labeling.agreement import cohens_kappa, krippendorff_alpha

# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability": each line is an observer, each character a unit.
MEG_AND_OWEN = ("0100000010", "1110010000")  # section A
BEN_AND_GERRY = ("aabbdcccedda", "babbbcccedd" + "d")  # section B
FOUR_OBSERVERS = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")  # section C
# Wikipedia, "Krippendorff's alpha", of three coders.
THREE_CODERS = ("*****34121133*3", "*1213343*******", "**21344*211" + "33*4")


def counts(*lines: str) -> np.ndarray:
    names = sorted(set("".join(lines)) - set(".*"))
    return np.array(
        [[column.count(name) for name in names] for column in ("".join(c) for c in zip(*lines, strict=True))]
    )


@pytest.mark.parametrize(
    ("lines", "alpha"),
    [(MEG_AND_OWEN, 0.095), (BEN_AND_GERRY, 0.692), (FOUR_OBSERVERS, 0.743), (THREE_CODERS, 0.691)],
    ids=["two observers", "five values", "four observers, missing answers", "three coders, missing answers"],
)
def test_alpha_is_that_of_the_published_examples(lines: tuple[str, ...], alpha: float) -> None:
    assert krippendorff_alpha(counts(*lines)) == pytest.approx(alpha, abs=0.0005)


def test_kappa_is_that_of_cohens_own_example() -> None:
    # Cohen 1960, "A coefficient of agreement for nominal scales", Table 1: kappa = .492.
    table = np.array([[88, 14, 18], [10, 40, 10], [2, 6, 12]])
    ones, others = (np.repeat(side.ravel(), table.ravel()) for side in np.indices(table.shape))
    assert cohens_kappa(ones, others) == pytest.approx(0.492, abs=0.0005)


@pytest.mark.parametrize(
    "lines", [("",), ("a.", ".b"), ("aa", "aa")], ids=["nothing", "nothing shared", "one category"]
)
def test_where_nothing_can_be_compared_there_is_no_alpha(lines: tuple[str, ...]) -> None:
    table = counts(*lines)
    assert krippendorff_alpha(table.reshape(len(table), -1) if table.size else np.zeros((0, 0), dtype=int)) is None


def test_where_nothing_can_be_compared_there_is_no_kappa() -> None:
    assert cohens_kappa(np.array([], dtype=int), np.array([], dtype=int)) is None
    assert cohens_kappa(np.array([2, 2]), np.array([2, 2])) is None
    assert cohens_kappa(np.array([2, 2]), np.array([2, 1])) == 0


@given(arrays(int, st.tuples(st.integers(1, 12), st.integers(2, 4)), elements=st.integers(0, 5)), st.randoms())
def test_alpha_does_not_depend_on_any_order_and_is_one_only_without_dispute(table: np.ndarray, random: object) -> None:
    alpha = krippendorff_alpha(table)
    assert krippendorff_alpha(table[::-1, ::-1]) == alpha
    if alpha is not None:
        disputed = ((table > 0).sum(axis=1) > 1).any()
        assert -1 <= alpha <= 1
        assert (alpha == 1) == (not disputed)
