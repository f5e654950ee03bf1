import warnings

import polars as pl
import pytest

from html_classification.schemas.training import PREDICTIONS, Predictions
from html_classification.training.algorithms import ALGORITHMS, Parameters, vectorizer
from html_classification.training.errors import TrainingError
from html_classification.training.evaluation import evaluate
from html_classification.training.fitting import cross_validate, fit, predict
from html_classification_tests.training.corpus import invented_pages, needs_wcxb, real_pages

EVERY = pytest.mark.parametrize("algorithm", ALGORITHMS.values(), ids=ALGORITHMS.keys())
pytestmark = pytest.mark.filterwarnings("error")


def rows(*categories: str, texts: list[str] | None = None) -> pl.DataFrame:
    urls = [f"https://a.example/{index}" for index in range(len(categories))]
    texts = texts or [f"some words about {category} here" for category in categories]
    return pl.DataFrame({"url": urls, "category": categories, "duplicate_cluster": urls, "text": texts})


@EVERY
def test_learns_what_is_easy(algorithm):
    pages = invented_pages(120)
    train, test = pages[:90], pages[90:]
    classifier = fit(train["text"].to_list(), train["category"].to_list(), algorithm)
    predictions = predict(classifier, test["url"], test["text"], test["category"])
    Predictions.validate(predictions)
    assert evaluate(predictions).accuracy > 0.95
    sums = predictions.select(pl.col("probabilities").list.eval(pl.element().struct["probability"]).list.sum())
    assert sums.to_series().is_between(0.99999, 1.00001).all()


@EVERY
def test_the_same_rows_give_the_same_model(algorithm):
    pages = invented_pages()
    texts, categories = pages["text"].to_list(), pages["category"].to_list()
    first, second = (predict(fit(texts, categories, algorithm), pages["url"], texts, categories) for _ in range(2))
    assert first.equals(second)


def test_of_equally_probable_categories_the_alphabetically_first_is_predicted():
    classifier = fit(["b words", "a words"], ["b", "a"], ALGORITHMS["logistic-regression"])
    predictions = predict(classifier, ["https://a.example/1"], ["words"], ["b"])
    assert predictions["predicted"].item() == "a"
    assert predictions["probabilities"].item().struct["category"].to_list() == ["a", "b"]


def test_no_texts_give_no_predictions():
    classifier = fit(["b words", "a words"], ["b", "a"], ALGORITHMS["logistic-regression"])
    assert predict(classifier, [], [], []).schema == PREDICTIONS.empty().schema


@pytest.mark.parametrize(
    ("texts", "categories", "says"),
    [
        ([], [], "No training rows"),
        (["one", "two"], ["a", "a"], "two categories"),
        (["", " "], ["a", "b"], "No word"),
    ],
)
def test_nothing_to_learn_is_told_in_one_line(texts, categories, says):
    with pytest.raises(TrainingError, match=says) as error:
        fit(texts, categories, ALGORITHMS["logistic-regression"])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Crème brûlée!", ["crème", "brûlée"]),
        ("Погода в Москве", ["погода", "москве"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("東京の天気", ["東", "京", "の", "天", "気"]),
        ("a1 — b2…", ["a1", "b2"]),
        ("x" * 45, ["x" * 30, "x" * 15]),
    ],
)
def test_words_of_every_script(text, words):
    assert vectorizer(Parameters(words_per_term=1)).build_analyzer()(text) == words


@EVERY
def test_cross_validation_is_what_fitting_without_the_fold_gives(algorithm):
    """Each row's probabilities are those of a model fitted on the other folds."""
    pages = invented_pages(60)
    outcome = cross_validate(pages, algorithm, folds=60)
    held_out = pages.sort("url")[7:8]
    others = pages.filter(pl.col("url") != held_out["url"].item())
    classifier = fit(others["text"].to_list(), others["category"].to_list(), algorithm)
    expected = predict(classifier, held_out["url"], held_out["text"], held_out["category"])
    assert outcome.frame.filter(pl.col("url") == held_out["url"].item()).equals(expected)


def test_near_duplicates_do_not_predict_each_other():
    """Texts say nothing but who is whose copy: copies in other folds would make this easy."""
    pages = invented_pages(40).with_columns(text=pl.format("word{} other{}", "url", "url").str.replace_all(r"\W", "q"))
    twice = pl.concat([pages, pages.with_columns(url=pl.col("url") + "-copy")])
    found = cross_validate(twice, ALGORITHMS["logistic-regression"], folds=4)
    apart = twice.with_columns(duplicate_cluster="url")
    leaking = cross_validate(apart, ALGORITHMS["logistic-regression"], folds=4)
    assert evaluate(found.frame).accuracy < 0.5
    assert evaluate(leaking.frame).accuracy > 0.7


@EVERY
@pytest.mark.parametrize(
    "frame",
    [
        rows("a", "b", "c"),
        rows("a", "b"),
        rows("a", "a", "b", "b", "c", "d", "e"),
        rows("a", "b", "a", texts=["", "", ""]),
        rows("a", "a", "a"),
        rows(*["a"] * 5, *["b"] * 4, "c", texts=["only", *["x y"] * 8, "other"]),
    ],
    ids=["three", "two", "singles", "empty", "one-category", "sparse"],
)
def test_tiny_days_are_predicted_in_full_and_in_silence(algorithm, frame):
    outcome = cross_validate(frame, algorithm)
    Predictions.validate(outcome.frame)
    assert outcome.frame["url"].to_list() == frame["url"].to_list()
    assert outcome.frame["probabilities"].list.len().unique().to_list() == [frame["category"].n_unique()]


def test_one_category_is_certain():
    outcome = cross_validate(rows("a", "a", "a"), ALGORITHMS["logistic-regression"])
    assert outcome.frame["confidence"].to_list() == [1.0, 1.0, 1.0]


def test_rows_that_are_all_copies_are_rejected_with_the_reason():
    outcome = cross_validate(rows("a", "b").with_columns(duplicate_cluster=pl.lit("one")), ALGORITHMS["complement-nb"])
    assert outcome.frame.is_empty()
    assert len(outcome.rejected) == 2


@needs_wcxb
def test_a_real_day_with_rare_categories():
    day = real_pages().filter(pl.col("day") == pl.col("day").min())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome = cross_validate(day, ALGORITHMS["logistic-regression"])
    assert len(outcome.frame) == len(day)
    assert evaluate(outcome.frame).accuracy > 0.6


@needs_wcxb
@pytest.mark.parametrize(
    ("name", "accuracy", "macro_f1"), [("logistic-regression", 0.82, 0.70), ("complement-nb", 0.75, 0.58)]
)
def test_page_types_of_real_pages(name, accuracy, macro_f1):
    pages = real_pages()
    newest = sorted(pages["day"].unique())[10:]
    train, test = pages.filter(~pl.col("day").is_in(newest)), pages.filter(pl.col("day").is_in(newest))
    classifier = fit(train["text"].to_list(), train["category"].to_list(), ALGORITHMS[name])
    metrics = evaluate(predict(classifier, test["url"], test["text"], test["category"]))
    assert metrics.accuracy > accuracy
    assert metrics.macro_f1 > macro_f1
