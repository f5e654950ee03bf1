"""What is said of every row of a training set, by models that have not seen it."""

import numpy as np
import polars as pl
import pytest

from html_classification.schemas.training import Predictions
from html_classification.training.algorithms import ALGORITHMS
from html_classification.training.out_of_sample import cross_validate, out_of_sample
from html_classification.training.probabilities import given_against_other, probability_matrix
from html_classification_tests.training.corpus import flip, invented_pages

pytestmark = pytest.mark.filterwarnings("error")
LOGISTIC = ALGORITHMS["logistic-regression"]


def sides(pages: pl.DataFrame, test: int = 30) -> pl.DataFrame:
    first = pl.int_range(pl.len()) < pages.height - test
    split = pl.when(first).then(pl.lit("train")).otherwise(pl.lit("test"))
    return pages.with_columns(split=split, label_source=pl.lit("api:x/1"))


def quality(predictions: pl.DataFrame) -> dict[str, float]:
    categories = sorted(predictions["category"].unique())
    given = np.searchsorted(categories, predictions["category"].to_numpy())
    found = given_against_other(probability_matrix(predictions, categories), given)
    return dict(zip(predictions["url"], found.tolist(), strict=True))


def test_every_row_is_predicted_and_doubtful_labels_are_not_learned_a_second_time() -> None:
    pages, flipped = flip(invented_pages(180), 0.2)
    outcome = out_of_sample(sides(pages), LOGISTIC)
    Predictions.validate(outcome.frame)
    assert outcome.frame["url"].to_list() == pages["url"].sort().to_list()
    assert outcome.figures["test_rows"] == 30
    in_train = len(flipped & set(sides(pages).filter(split="train")["url"]))
    assert int(outcome.figures["doubtful_left_out"]) >= 0.8 * in_train


def test_the_second_round_tells_wrong_labels_from_right_ones_better() -> None:
    pages, flipped = flip(invented_pages(240), 0.35, seed=3)
    rows = sides(pages, test=20).filter(split="train")
    once = quality(cross_validate(rows, LOGISTIC).frame)
    twice = quality(out_of_sample(sides(pages, test=20), LOGISTIC).frame)

    def gap(found: dict[str, float]) -> float:
        wrong = [value for url, value in found.items() if url in flipped]
        right = [value for url, value in found.items() if url not in flipped]
        return float(np.mean(right) - np.mean(wrong))

    assert gap({url: twice[url] for url in once}) > gap(once) + 0.05


def test_rows_that_are_not_learned_from_are_predicted_and_have_no_part_in_the_others() -> None:
    pages = invented_pages(90)
    left_out = set(pages["url"].head(20))
    told = cross_validate(pages, LOGISTIC, not_learned=left_out).frame
    other = pages.with_columns(
        text=pl.when(pl.col("url").is_in(sorted(left_out))).then(pl.lit("goal goal match")).otherwise("text")
    )
    again = cross_validate(other, LOGISTIC, not_learned=left_out).frame
    assert told["url"].to_list() == again["url"].to_list()
    rest = ~pl.col("url").is_in(sorted(left_out))
    assert told.filter(rest).equals(again.filter(rest))
    assert not told.equals(again)


def test_where_all_would_be_left_out_all_are_learned_from() -> None:
    pages = invented_pages(30)
    everything = cross_validate(pages, LOGISTIC, not_learned=pages["url"]).frame
    assert everything.equals(cross_validate(pages, LOGISTIC).frame)


def test_no_category_loses_more_than_half_of_its_rows() -> None:
    pages = invented_pages(120)
    turned = pages.with_columns(
        category=pl.when(pl.col("category") == "travel").then(pl.lit("cooking")).otherwise("category")
    )
    rare = turned.head(4).with_columns(category=pl.lit("never seen in these words"))
    outcome = out_of_sample(sides(pl.concat([rare, turned.tail(116)])), LOGISTIC)
    names = [entry["category"] for entry in outcome.frame["probabilities"][0]]
    assert "never seen in these words" in names
    assert int(outcome.figures["doubtful_left_out"]) <= 2


def test_what_people_said_is_learned_from_whatever_models_say() -> None:
    pages, _ = flip(invented_pages(180), 0.2)
    by_people = sides(pages).with_columns(label_source=pl.lit("person:ann"))
    assert out_of_sample(by_people, LOGISTIC).figures["doubtful_left_out"] == 0
