"""Candidates: trained on train rows, measured on test rows, the same every time, refused where a page is on both."""

import polars as pl
import pytest

from html_classification.schemas.training import PREDICTIONS
from html_classification.schemas.validation import audit
from html_classification.training import packaging
from html_classification.training.algorithms import ALGORITHMS
from html_classification.training.candidates import Candidate, Kind, train
from html_classification.training.errors import TrainingError
from html_classification_tests.training.corpus import invented_pages

KIND = Kind("given", "v2", "complement-nb")
PARAMETERS = ALGORITHMS[KIND.algorithm].parameters()


def rows(test: int = 30) -> pl.DataFrame:
    pages = invented_pages(90)
    return pages.with_columns(
        language=pl.lit("en"), label_source=pl.lit("file"), split=pl.Series(["train"] * (90 - test) + ["test"] * test)
    )


def test_a_model_is_measured_on_rows_it_has_not_seen() -> None:
    outcome = train(rows(), KIND, PARAMETERS)
    assert all(check.passed for check in audit(PREDICTIONS, outcome.frame))
    assert outcome.frame["url"].to_list() == sorted(rows().filter(split="test")["url"])
    assert outcome.figures["train_rows"] == 60
    assert outcome.figures["accuracy"] == 1.0
    assert isinstance(outcome.byproduct, Candidate)
    assert outcome.byproduct.metrics.rows == 30


def test_the_order_of_rows_does_not_matter() -> None:
    shuffled = rows().sample(fraction=1.0, shuffle=True, seed=7)
    first, second = train(rows(), KIND, PARAMETERS), train(shuffled, KIND, PARAMETERS)
    assert first.frame.equals(second.frame)
    assert first.byproduct.report == second.byproduct.report


@pytest.mark.parametrize(
    "changed",
    [rows(test=0), rows(test=90), rows().with_columns(category=pl.lit("sports"))],
    ids=["nothing to test on", "nothing to learn from", "one category"],
)
def test_what_cannot_be_trained_says_so_in_one_line(changed: pl.DataFrame) -> None:
    with pytest.raises(TrainingError) as caught:
        train(changed, KIND, PARAMETERS)
    assert str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_page_on_both_sides_is_a_leak() -> None:
    pages = rows()
    known = pages.filter(split="train").head(1)
    leaking = pl.concat([pages, known.with_columns(split=pl.lit("test"))])
    with pytest.raises(TrainingError, match="1 pages are on both sides of the split, such as https://site"):
        train(leaking, KIND, PARAMETERS)


def test_a_copy_on_the_other_side_is_a_leak() -> None:
    pages = rows()
    both = pages["url"].is_in([pages.filter(split=side)["url"][0] for side in ("train", "test")])
    copies = pages.with_columns(duplicate_cluster=pl.when(both).then(pl.lit("copy")).otherwise("duplicate_cluster"))
    with pytest.raises(TrainingError, match="1 clusters of copies are on both sides"):
        train(copies, KIND, PARAMETERS)


def test_what_comes_back_has_all_that_mlflow_keeps() -> None:
    candidate = train(rows(), KIND, PARAMETERS).byproduct
    assert {"misclassified.html", "feature_weights.json", "plots/confusion_matrix.png"} < candidate.report.keys()
    assert {"requirements.txt", packaging.PIPELINE} < candidate.model.keys()
    assert candidate.rows == {"train": 60, "test": 30}
    assert candidate.seconds.keys() == {"fit", "predict"}
