"""HTML to category, which must be what training saw and what the lake's predictions say."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from html_classification.inference import PagePipeline
from html_classification.training.algorithms import ALGORITHMS
from html_classification.training.features import FIELDS
from html_classification.training.fitting import fit, predict
from html_classification.transforms.text.versions import TEXT_VERSIONS
from html_classification_tests.inference.material import invented_documents, lake_rows, real_documents, trained
from html_classification_tests.training.corpus import needs_wcxb

DEEP = "<div>" * 6_000


def pipeline(documents: pl.DataFrame, text_version: str) -> PagePipeline:
    return PagePipeline(trained(documents, text_version).pipeline, TEXT_VERSIONS[text_version])


@pytest.fixture(scope="module")
def model() -> PagePipeline:
    return pipeline(invented_documents(), "v2")


def said(model: PagePipeline, pages: object) -> list[tuple[str | None, str | None]]:
    return model.predict(pages).select("category", "reason").rows()


@needs_wcxb
@pytest.mark.parametrize("text_version", TEXT_VERSIONS)
def test_real_pages_get_exactly_what_the_lake_says_of_them(text_version):
    """Through the transforms as the stages call them, then `predict`; and straight from the crawled document."""
    documents = real_documents(1)
    rows = lake_rows(documents, text_version)
    algorithm = ALGORITHMS["logistic-regression"]
    classifier = fit(rows, algorithm, algorithm.parameters(markup_terms=500, address_characters=3))  # reads all fields
    in_lake = predict(classifier, rows).join(rows.select("url", "original_url"), on="url").sort("original_url")
    crawled = documents.filter(pl.col("url").is_in(rows["original_url"].implode())).sort("url")
    served = PagePipeline(classifier.pipeline, TEXT_VERSIONS[text_version]).predict(crawled)
    assert served["reason"].null_count() == served.height == rows.height
    assert served["category"].equals(in_lake["predicted"], check_names=False)
    assert served["probability"].equals(in_lake["confidence"], check_names=False)
    for mine, theirs in zip(served["probabilities"], in_lake["probabilities"], strict=True):
        assert mine == {each["category"]: each["probability"] for each in theirs}


@needs_wcxb
@pytest.mark.parametrize("text_version", TEXT_VERSIONS)
def test_the_fields_of_real_pages_are_those_that_training_read(text_version):
    documents = real_documents(1)
    rows = lake_rows(documents, text_version).sort("original_url")
    fields = pipeline(invented_documents(), text_version).fields(documents.sort("url"))
    assert fields.select(FIELDS).equals(rows.select(FIELDS))


@needs_wcxb
def test_bytes_as_the_server_sent_them_get_the_same_as_text(model):
    some = real_documents(1).head(20)
    as_bytes = some.with_columns(pl.col("html").cast(pl.Binary))
    assert model.predict(as_bytes).equals(model.predict(some))


def test_refused_pages_keep_their_places_and_say_why(model):
    good = invented_documents(1)["html"][0]
    pages = [good, DEEP, None, good, "", "<p>!", 5]
    rows = said(model, pages)
    assert [category is None for category, _ in rows] == [reason is not None for _, reason in rows]
    assert [reason for _, reason in rows] == [
        None,
        "nested deeper than 5,000 elements",
        "no html",
        None,
        "no text",
        None,
        "html is int, neither text nor bytes",
    ]
    refused = model.predict(DEEP)
    assert refused.select(pl.exclude("reason").is_null().all()).row(0) == (True, True, True)


def test_pages_of_which_the_rules_leave_nothing_are_refused_like_in_the_lake():
    model = pipeline(invented_documents(), "v1")
    assert said(model, "<p>!?…") == [(None, "neither title nor content is left after the rules of text version v1")]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", None),
        (None, None),
        ("https://a.example/b?utm_source=x", None),
        ("ftp://a.example/", "not http or https: ftp"),
        (7, "url is int, no text"),
    ],
    ids=repr,
)
def test_addresses_are_taken_as_url_normalization_takes_them_or_may_be_missing(model, url, reason):
    html = invented_documents(1)["html"][0]
    assert [why for _, why in said(model, [{"html": html, "url": url}])] == [reason]


def test_how_an_address_is_spelled_does_not_matter(model):
    html = invented_documents(1)["html"][0]
    pages = [{"html": html, "url": url} for url in ("https://a.example/b", "HTTPS://A.example:443/b?utm_source=x#top")]
    first, second = model.fields(pages).drop("page").rows()
    assert first == second


def test_no_pages_give_no_rows(model):
    nothing = model.predict([])
    assert nothing.height == 0
    assert nothing.columns == model.predict("<p>x").columns
    assert model.predict([None, ""])["reason"].to_list() == ["no html", "no text"]


def test_probabilities_name_every_category_and_sum_to_one(model):
    row = model.predict(invented_documents(1)["html"][0]).row(0, named=True)
    assert list(row["probabilities"]) == model.categories == ["cooking", "finance", "sports"]
    assert sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert row["probability"] == max(row["probabilities"].values()) == row["probabilities"][row["category"]]


def test_of_equally_probable_categories_the_alphabetically_first_is_given(model):
    class Undecided:
        classes_ = model.classifier.classes_[::-1]

        def predict_proba(self, matrix):
            return [[0.5, 0.5, 0.0]] * len(matrix)

    import numpy as np

    Undecided.predict_proba = lambda self, matrix: np.array([[0.25, 0.25, 0.5], [0.5, 0.5, 0.0]][: len(matrix)])
    row = PagePipeline(Undecided(), model.text_version).predict(["<p>a page", "<p>another page"])
    assert row["category"].to_list() == ["cooking", "finance"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "html": st.one_of(st.none(), st.text(), st.binary(), st.text("<>/ab=\"'! \0\ud800", max_size=60)),
                "url": st.one_of(st.none(), st.text(), st.just("http://[::1"), st.text("\ud800é:/a.", max_size=20)),
            }
        ),
        max_size=5,
    )
)
def test_whatever_is_given_each_page_gets_a_category_or_a_reason(model, pages):
    predicted = model.predict(pages)
    assert predicted.height == len(pages)
    for category, probability, probabilities, reason in predicted.rows():
        assert (category is None) == (probability is None) == (probabilities is None) == (reason is not None)
