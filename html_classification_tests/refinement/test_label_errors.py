from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from html_classification.refinement.findings import FINDINGS
from html_classification.refinement.label_errors import LabelErrorRules, judge, label_errors
from html_classification.schemas.training import PREDICTIONS
from html_classification.training.algorithms import ALGORITHMS
from html_classification.training.out_of_sample import cross_validate
from html_classification_tests.refinement.confident_learning import pruned_by_class
from html_classification_tests.training.corpus import flip, invented_pages

pytestmark = pytest.mark.filterwarnings("error")


def predictions(given_as: list[str], probabilities: Any) -> pl.DataFrame:
    """Rows of `Predictions`: the given category, and probabilities of a, b, c, …"""
    table = np.asarray(probabilities, dtype=float)
    return pl.DataFrame(
        {
            "url": [f"https://a.example/{index:03d}" for index in range(len(given_as))],
            "category": given_as,
            "predicted": ["abcdef"[row.argmax()] for row in table],
            "confidence": table.max(axis=1) if len(table) else [],
            "probabilities": [
                [{"category": c, "probability": p} for c, p in zip("abcdef", row.tolist(), strict=False)]
                for row in table
            ],
        },
        schema=dict(PREDICTIONS.dtypes),
    )


def train(judged: pl.DataFrame, given_as: list[str], split: str = "train") -> pl.DataFrame:
    return judged.select("url", category=pl.Series(given_as), split=pl.lit(split), duplicate_cluster="url")


@pytest.mark.parametrize("seed", range(20))
def test_cleanlab_names_what_an_independent_implementation_of_confident_learning_names(seed: int) -> None:
    chance = np.random.default_rng(seed)
    categories = int(chance.integers(2, 6))
    truth = chance.integers(0, categories, 300)
    probabilities = chance.dirichlet(np.ones(categories), 300) + 1.5 * np.eye(categories)[truth] * chance.random(
        (300, 1)
    )
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    noisy = np.where(chance.random(300) < 0.15, chance.integers(0, categories, 300), truth)
    judged = judge(predictions(["abcdef"[k] for k in noisy], probabilities), LabelErrorRules(doubt_below=0))
    named = set(np.flatnonzero(judged["is_label_issue"].to_numpy()).tolist())
    expected = pruned_by_class(noisy, probabilities)
    assert len(expected) > 5
    # Rounding the joint to whole rows is cleanlab's own: one row a category may differ.
    assert len(named ^ expected) <= categories


def test_planted_flips_are_found() -> None:
    pages, flipped = flip(invented_pages(150), 0.1)
    judged = judge(cross_validate(pages, ALGORITHMS["logistic-regression"]).frame)
    issues = set(judged.filter("is_label_issue")["url"])
    assert len(issues & flipped) >= 13
    assert len(issues - flipped) <= 3
    lowest = judged.sort("label_quality").head(len(flipped))["url"]
    assert len(set(lowest) & flipped) >= 13


def test_quality_is_the_given_category_against_the_likeliest_other_one() -> None:
    judged = judge(predictions(["a", "b", "a"], [[0.8, 0.2], [0.6, 0.4], [0.0, 1.0]]))
    assert judged["label_quality"].to_list() == [0.8, 0.4, pytest.approx(0, abs=1e-5)]
    assert judged["suggested_category"].to_list() == ["a", "a", "b"]


def test_only_strong_evidence_is_strong_and_the_reason_says_what_it_is() -> None:
    given_as = ["a"] * 11 + ["b"] * 10
    judged = judge(predictions(given_as, [[0.9, 0.1]] * 10 + [[0.02, 0.98]] + [[0.1, 0.9]] * 10))
    found = label_errors(judged, train(judged, given_as))
    assert dict(found.schema) == FINDINGS
    assert found.row(0, named=True) == {
        "url": "https://a.example/010",
        "issue": "label_error",
        "strong": True,
        "suggested": "b",
        "reason": "models that have not seen it say b with probability 0.98; the quality of the label a is 0.02",
    }
    doubtful = judge(predictions(given_as, [[0.9, 0.1]] * 10 + [[0.2, 0.8]] + [[0.1, 0.9]] * 10))
    assert label_errors(doubtful, train(doubtful, given_as))["strong"].to_list() == [False]
    assert not label_errors(judged, train(judged, given_as), LabelErrorRules(strong_min_rows=11))["strong"].any()
    assert not label_errors(judged, train(judged, given_as, "test"))["strong"].any()


def test_a_category_that_the_models_did_not_know_is_no_evidence() -> None:
    given_as = ["new"] * 6 + ["a"] * 10 + ["b"] * 10
    judged = judge(predictions(given_as, [[0.02, 0.98]] * 6 + [[0.9, 0.1]] * 10 + [[0.1, 0.9]] * 10))
    rows = train(judged, given_as)
    assert label_errors(judged, rows)["strong"].to_list() == [True] * 6
    copies = pl.when(pl.col("category") == "new").then(pl.lit("one page")).otherwise("duplicate_cluster")
    assert not label_errors(judged, rows.with_columns(duplicate_cluster=copies))["strong"].any()
    only_in_test = pl.when(pl.col("category") == "new").then(pl.lit("test")).otherwise("split")
    assert not label_errors(judged, rows.with_columns(split=only_in_test))["strong"].any()


def test_rows_that_know_different_categories_are_judged_together() -> None:
    frame = predictions(["a", "b", "a", "b"], [[0.9, 0.1]] * 4)
    other = frame.row(0, named=True) | {
        "url": "https://b.example/",
        "category": "z",
        "probabilities": [{"category": "a", "probability": 0.7}, {"category": "c", "probability": 0.3}],
    }
    judged = judge(pl.concat([frame, pl.DataFrame([other], schema=frame.schema)]))
    assert judged.row(-1, named=True)["suggested_category"] == "a"
    assert judged.row(-1, named=True)["label_quality"] < 0.01


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.lists(st.integers(0, 5), min_size=4, max_size=4).filter(any)),
        max_size=25,
    )
)
def test_any_small_day_is_judged(rows: list[tuple[str, list[int]]]) -> None:
    given_as = [name for name, _ in rows]
    judged = judge(predictions(given_as, np.array([[n / sum(row) for n in row] for _, row in rows]).reshape(-1, 4)))
    assert judged["url"].to_list() == sorted(judged["url"])
    assert len(judged) == len(rows)
    assert judged["label_quality"].is_between(0, 1).all()
    issues = judged.with_columns(given_as=pl.Series(given_as, dtype=pl.String)).filter("is_label_issue")
    assert (issues["suggested_category"] != issues["given_as"]).all()
    assert (issues["label_quality"] <= 0.5).all()
    if len(set(given_as)) < 2 or len(rows) < 3:
        assert issues.is_empty()
