from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from html_classification.refinement.label_errors import label_quality
from html_classification.refinement.outliers import outlier_scores
from html_classification.refinement.repair import RepairRules, refine
from html_classification.schemas.post_train import PostTrain
from html_classification.schemas.training import PREDICTIONS
from html_classification.training.algorithms import ALGORITHMS
from html_classification.training.fitting import cross_validate, out_of_sample
from html_classification_tests.training.corpus import flip, invented_pages, needs_wcxb, real_pages

pytestmark = pytest.mark.filterwarnings("error")


def train_pages(rows: int) -> pl.DataFrame:
    return invented_pages(rows).with_columns(split=pl.lit("train"))


def predicted(pages: pl.DataFrame) -> pl.DataFrame:
    return cross_validate(pages, ALGORITHMS["logistic-regression"]).frame


def predictions(rows: list[tuple[str, list[float]]]) -> pl.DataFrame:
    """Given category and probabilities of a, b, c, …; one row each."""
    return pl.DataFrame(
        {
            "url": [f"https://a.example/{index:03d}" for index in range(len(rows))],
            "category": [given for given, _ in rows],
            "predicted": ["abcdef"[int(np.argmax(row))] for _, row in rows],
            "confidence": [max(row) for _, row in rows],
            "probabilities": [
                [{"category": c, "probability": p} for c, p in zip("abcdef", row, strict=False)] for _, row in rows
            ],
        },
        schema=dict(PREDICTIONS.dtypes),
    )


def test_planted_flips_are_found_and_repaired():
    original = train_pages(150)
    pages, flipped = flip(original, 0.1)
    outcome = refine(pages, predicted(pages))
    PostTrain.validate(outcome.frame)
    touched = set(outcome.frame.filter(pl.col("action").is_in(["relabelled", "review"]))["url"])
    assert len(touched & flipped) >= 13
    assert len(touched - flipped) <= 3
    relabelled = outcome.frame.filter(pl.col("action") == "relabelled")
    truth = dict(original.select("url", "category").iter_rows())
    assert [truth[url] for url in relabelled["url"]] == relabelled["category"].to_list()
    assert outcome.figures["label_issues"] == len(touched)


@needs_wcxb
def test_planted_flips_in_real_pages():
    pages, flipped = flip(real_pages().with_columns(split=pl.lit("train")), 0.1)
    found = predicted(pages)
    issues = set(label_quality(found).filter("is_label_issue")["url"])
    assert len(issues & flipped) / len(flipped) > 0.75
    assert len(issues & flipped) / len(issues) > 0.45
    outcome = refine(pages, found)
    relabelled = outcome.frame.filter(pl.col("action") == "relabelled")
    assert len(set(relabelled["url"]) & flipped) / len(relabelled) > 0.75
    dropped = outcome.frame.filter(pl.col("action") == "dropped")
    assert dropped["text"].str.len_chars().max() < 50


ROWS = [("a", [0.9, 0.1])] * 10 + [("b", [0.1, 0.9])] * 10


def judged(last: list[float], rules: RepairRules | None = None, sides: Sequence[str] = ("train",) * 21) -> dict:
    """What becomes of a row given as `a`, with these probabilities of a and b, beside ten of each that are right."""
    found = predictions([*ROWS, ("a", last)])
    pages = found.select("url", "category").with_columns(
        text=pl.lit("some words that all rows have"),
        split=pl.Series(sides),
        timestamp=pl.datetime(2026, 3, 1, time_zone="UTC"),
    )
    return refine(pages, found, rules).frame.row(-1, named=True)


def test_only_strong_evidence_relabels_and_the_reason_says_so():
    strong = judged([0.01, 0.99])
    assert (strong["action"], strong["category"], strong["given_category"]) == ("relabelled", "b", "a")
    assert strong["reasons"] == ["the model says b with probability 0.99, given a has 0.01"]
    doubtful = judged([0.08, 0.92])
    assert (doubtful["action"], doubtful["category"]) == ("review", "a")
    assert len(doubtful["reasons"]) == 2
    assert judged([0.01, 0.99], RepairRules(relabel_from_probability=1.0))["action"] == "review"
    assert judged([0.01, 0.99], RepairRules(relabel_min_rows=11))["action"] == "review"
    kept = judged([0.9, 0.1])
    assert (kept["action"], kept["reasons"]) == ("kept", [])


def test_a_row_is_not_relabelled_to_what_too_few_train_rows_have():
    """A test row beside the rows given as `b`, of which so many are train rows."""

    def action(train_rows: int) -> str:
        sides = ["train"] * (10 + train_rows) + ["test"] * (11 - train_rows)
        return judged([0.01, 0.99], sides=sides)["action"]

    assert [action(train_rows) for train_rows in (0, 4, 5)] == ["review", "review", "relabelled"]


def test_a_side_with_rows_of_one_category_has_no_label_issues():
    assert judged([0.01, 0.99], sides=["train"] * 20 + ["test"])["action"] == "kept"


def test_labels_of_test_rows_have_no_part_in_what_becomes_of_train_rows():
    flipped, _ = flip(invented_pages(150), 0.2)
    sides = pl.when(pl.int_range(pl.len()) < 100).then(pl.lit("train")).otherwise(pl.lit("test"))
    pages = flipped.with_columns(split=sides)
    train = pages.filter(pl.col("split") == "train").select("url")
    rules = RepairRules(relabel_from_probability=0.6, relabel_to_given_probability=0.2)

    def train_rows(test_labels: pl.Expr) -> pl.DataFrame:
        rows = pages.with_columns(category=pl.when(pl.col("split") == "test").then(test_labels).otherwise("category"))
        found = out_of_sample(rows, ALGORITHMS["logistic-regression"]).frame
        return refine(rows, found, rules).frame.join(train, on="url", how="semi")

    given = train_rows(pl.col("category"))
    assert given["action"].n_unique() > 1
    assert train_rows(pl.col("category").shuffle(seed=1)).equals(given)
    assert train_rows(pl.lit("sports")).equals(given)
    assert train_rows(pl.lit("a category of test rows only")).equals(given)


def test_a_row_without_a_prediction_is_kept_and_says_so():
    pages = train_pages(30)
    outcome = refine(pages, predicted(pages).head(29))
    last = outcome.frame.row(-1, named=True)
    assert last["action"] == "kept"
    assert "not checked" in last["reasons"][0]
    assert outcome.figures["not_predicted"] == 1


def test_off_topic_pages_are_dropped():
    pages = train_pages(60)
    strange = pages.head(2).with_columns(
        url=pl.Series(["https://z.example/1", "https://z.example/2"]), text=pl.Series(["", "zzxx qqyy wwvv"])
    )
    both = pl.concat([pages, strange])
    outcome = refine(both, predicted(both))
    assert outcome.frame.filter(pl.col("action") == "dropped")["url"].to_list() == strange["url"].to_list()
    assert outcome.frame.row(-1, named=True)["reasons"][0].startswith("no text to learn from")
    assert outcome.figures["outliers"] == 2


@pytest.mark.parametrize(
    "texts",
    [
        [],
        ["one"],
        ["", ""],
        [""] * 20,
        ["same text"] * 20,
        ["word", *[""] * 15],
        [f"w{i} x{i}" for i in range(20)],
    ],
)
def test_outlier_scores_of_little_text(texts):
    scores = outlier_scores(texts)
    assert len(scores) == len(texts)
    assert ((scores >= 0) & (scores <= 1)).all()


def test_outlier_scores_are_repeatable():
    texts = invented_pages(60)["text"].to_list()
    assert outlier_scores(texts).tolist() == outlier_scores(texts).tolist()


def test_no_rows():
    empty = pl.DataFrame(
        schema={
            "url": pl.String,
            "text": pl.String,
            "category": pl.String,
            "split": pl.String,
            "timestamp": pl.Datetime("us", "UTC"),
        }
    )
    outcome = refine(empty, PREDICTIONS.empty())
    PostTrain.validate(outcome.frame)
    assert outcome.figures["kept"] == 0


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.lists(st.integers(0, 5), min_size=4, max_size=4).filter(any)),
        max_size=25,
    )
)
def test_label_quality_of_any_small_day(rows):
    found = label_quality(predictions([(given, [n / sum(row) for n in row]) for given, row in rows]))
    assert len(found) == len(rows)
    assert found["label_quality"].is_between(0, 1).all()
    issues = found.filter("is_label_issue")
    assert (issues["suggested_probability"] >= issues["label_quality"]).all()
