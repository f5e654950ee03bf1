import warnings

import polars as pl
import pytest

from html_classification.schemas.training import PREDICTIONS, Predictions
from html_classification.training.algorithms import ALGORITHMS, Parameters
from html_classification.training.counting import forget_counts
from html_classification.training.errors import TrainingError
from html_classification.training.evaluation import evaluate
from html_classification.training.features import FIELDS, field_matrix, vectorizer
from html_classification.training.fitting import fit, predict
from html_classification.training.out_of_sample import cross_validate
from html_classification_tests.training.corpus import invented_pages, needs_wcxb, real_pages

STRINGS = dict.fromkeys(("url", "category", "duplicate_cluster", *FIELDS), pl.String)
EVERY = pytest.mark.parametrize("algorithm", ALGORITHMS.values(), ids=ALGORITHMS.keys())
pytestmark = pytest.mark.filterwarnings("error")


def rows(*categories: str, texts: list[str] | None = None) -> pl.DataFrame:
    urls = [f"https://a.example/{index}" for index in range(len(categories))]
    texts = texts or [f"some words about {category} here" for category in categories]
    fields = dict.fromkeys(FIELDS, [""] * len(urls)) | {"text": texts}
    return pl.DataFrame(
        {"url": urls, "category": categories, "duplicate_cluster": urls} | fields, schema_overrides=STRINGS
    )


@EVERY
def test_learns_what_is_easy(algorithm):
    pages = invented_pages(120)
    train, test = pages[:90], pages[90:]
    predictions = predict(fit(train, algorithm), test)
    Predictions.validate(predictions)
    assert evaluate(predictions).accuracy > 0.95
    sums = predictions.select(pl.col("probabilities").list.eval(pl.element().struct["probability"]).list.sum())
    assert sums.to_series().is_between(0.99999, 1.00001).all()


@EVERY
def test_the_same_rows_give_the_same_model(algorithm):
    pages = invented_pages()
    first, second = (predict(fit(pages, algorithm), pages) for _ in range(2))
    assert first.equals(second)


def test_of_equally_probable_categories_the_alphabetically_first_is_predicted():
    classifier = fit(rows("b", "a", texts=["b words", "a words"]), ALGORITHMS["logistic-regression"])
    predictions = predict(classifier, rows("b", texts=["words"]))
    assert predictions["predicted"].item() == "a"
    assert predictions["probabilities"].item().struct["category"].to_list() == ["a", "b"]


def test_no_texts_give_no_predictions():
    classifier = fit(rows("b", "a"), ALGORITHMS["logistic-regression"])
    assert predict(classifier, rows()).schema == PREDICTIONS.empty().schema
    assert classifier.probabilities(rows()).shape == (0, 2)


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
        fit(rows(*categories, texts=texts), ALGORITHMS["logistic-regression"])
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
def test_a_stored_model_says_the_same_and_holds_types_of_scikit_learn_only(algorithm):
    from skops import io

    pages = invented_pages()
    classifier = fit(pages, algorithm)
    stored = io.dumps(classifier.portable())
    assert io.get_untrusted_types(data=stored) == []
    assert (io.loads(stored).predict_proba(field_matrix(pages)) == classifier.probabilities(pages)).all()


def test_a_model_may_read_the_markup_alone():
    pages = invented_pages(60).with_columns(text=pl.lit(""), markup=pl.format("type:{} tag:p:1", "category"))
    assert evaluate(predict(fit(pages, ALGORITHMS["page-structure"]), pages)).accuracy == 1.0
    with pytest.raises(TrainingError, match="No word"):
        fit(pages, ALGORITHMS["logistic-regression"])


@EVERY
def test_cross_validation_is_what_fitting_without_the_fold_gives(algorithm):
    """Each row's probabilities are those of a model fitted on the other folds."""
    pages = invented_pages(60)
    outcome = cross_validate(pages, algorithm, folds=60)
    held_out = pages.sort("url")[7:8]
    others = pages.filter(pl.col("url") != held_out["url"].item())
    expected = predict(fit(others, algorithm), held_out)
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
    ("name", "accuracy", "macro_f1"),
    [
        ("logistic-regression", 0.82, 0.70),
        ("linear-svm", 0.82, 0.68),
        ("complement-nb", 0.75, 0.58),
        ("page-structure", 0.85, 0.75),
    ],
)
def test_page_types_of_real_pages(name, accuracy, macro_f1):
    pages = real_pages()
    newest = sorted(pages["day"].unique())[10:]
    train, test = pages.filter(~pl.col("day").is_in(newest)), pages.filter(pl.col("day").is_in(newest))
    metrics = evaluate(predict(fit(train, ALGORITHMS[name]), test))
    assert metrics.accuracy > accuracy
    assert metrics.macro_f1 > macro_f1


def test_words_counted_before_give_the_same_model() -> None:
    rows, others = invented_pages(60), invented_pages(60, seed=1)
    for algorithm in ALGORITHMS.values():
        forget_counts()
        alone = fit(rows, algorithm).probabilities(rows)
        for before in (others, rows):
            fit(before, ALGORITHMS["complement-nb"])
            assert (fit(rows, algorithm).probabilities(rows) == alone).all()
