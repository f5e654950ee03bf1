"""Candidates: trained on train rows, measured on test rows, ranked the same way every time."""

import random

import polars as pl
import pytest

from html_classification.schemas.training import LEADERBOARD, PREDICTIONS
from html_classification.schemas.validation import audit
from html_classification.training.algorithms import ALGORITHMS
from html_classification.training.candidates import Candidate, HeldOutRows, rank, train
from html_classification.training.errors import TrainingError
from html_classification_tests.training.corpus import invented_pages

ALGORITHM = ALGORITHMS["complement-nb"]


def rows(test: int = 30) -> pl.DataFrame:
    pages = invented_pages(90).select("url", "category", "text")
    return pages.with_columns(split=pl.Series(["train"] * (90 - test) + ["test"] * test))


def held_out(stage: str, right: int, of: int = 6) -> HeldOutRows:
    """Predictions of which some are right."""
    categories = ["cooking", "sports"] * (of // 2)
    wrong = {"cooking": "sports", "sports": "cooking"}
    frame = pl.DataFrame(
        [
            {
                "url": f"https://a.example/{n}",
                "category": category,
                "predicted": (said := category if n < right else wrong[category]),
                "confidence": 0.9,
                "probabilities": [{"category": name, "probability": 0.9 if name == said else 0.1} for name in wrong],
            }
            for n, category in enumerate(categories)
        ]
    )
    return HeldOutRows(stage, f"{right:012x}", 10, frame)


def test_a_model_is_measured_on_rows_it_has_not_seen() -> None:
    outcome = train(rows(), ALGORITHM, ALGORITHM.parameters())
    assert all(check.passed for check in audit(PREDICTIONS, outcome.frame))
    assert outcome.frame["url"].to_list() == sorted(rows().filter(split="test")["url"])
    assert outcome.figures["train_rows"] == 60
    assert outcome.figures["accuracy"] == 1.0
    assert isinstance(outcome.byproduct, Candidate)
    assert outcome.byproduct.metrics.rows == 30


def test_the_order_of_rows_does_not_matter() -> None:
    shuffled = rows().sample(fraction=1.0, shuffle=True, seed=7)
    parameters = ALGORITHM.parameters()
    assert train(shuffled, ALGORITHM, parameters).frame.equals(train(rows(), ALGORITHM, parameters).frame)


@pytest.mark.parametrize(
    "changed",
    [rows(test=0), rows(test=90), rows().with_columns(category=pl.lit("sports"))],
    ids=["nothing to test on", "nothing to learn from", "one category"],
)
def test_what_cannot_be_trained_says_so_in_one_line(changed: pl.DataFrame) -> None:
    with pytest.raises(TrainingError) as caught:
        train(changed, ALGORITHM, ALGORITHM.parameters())
    assert str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_leaderboard_is_by_macro_f1_and_of_equals_by_name() -> None:
    models = [
        held_out("models/refined-v1-complement-nb", right=4),
        held_out("models/given-v2-logistic-regression", right=6),
        held_out("models/given-v1-complement-nb", right=4),
        held_out("models/given-v1-logistic-regression", right=2),
    ]
    outcome = rank(models)
    assert all(check.passed for check in audit(LEADERBOARD, outcome.frame))
    assert outcome.frame.select("rank", "model").rows() == [
        (1, "models/given-v2-logistic-regression"),
        (2, "models/given-v1-complement-nb"),
        (3, "models/refined-v1-complement-nb"),
        (4, "models/given-v1-logistic-regression"),
    ]
    best = outcome.frame.row(0, named=True)
    assert (best["labels"], best["text_version"], best["algorithm"]) == ("given", "v2", "logistic-regression")
    assert (best["train_rows"], best["test_rows"], best["accuracy"], best["macro_f1"]) == (10, 6, 1.0, 1.0)
    assert outcome.figures == {"best_macro_f1": 1.0, "best_accuracy": 1.0}
    random.Random(0).shuffle(models)
    assert rank(models).frame.equals(outcome.frame)
