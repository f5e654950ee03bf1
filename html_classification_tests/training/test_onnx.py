"""Classifiers as ONNX graphs, which must say what scikit-learn says."""

import sys
from functools import cache

import numpy as np
import onnxruntime
import polars as pl
import pytest

from html_classification.training.algorithms import ALGORITHMS
from html_classification.training.errors import TrainingError
from html_classification.training.features import FIELDS, field_matrix
from html_classification.training.fitting import Classifier, fit
from html_classification.training.onnx_export import OUTPUTS, export
from html_classification_tests.inference.material import invented_documents, lake_rows, real_documents
from html_classification_tests.training.corpus import needs_wcxb

CLOSE = 1e-6
HOSTILE = [
    "",
    " ",
    "a",
    "天気がいい日 に、 散歩。",
    "😀 emoji 🤷‍♂️ 🇩🇪 zwj",
    "हिन्दी में मार्कअप க்ஷ",
    "i̇stanbul straße ß ﬁ ς σ ǆ",
    "x" * 500,
    "w" * 30 + " " + "v" * 31,
    "don't l’aimait ‘quoted’ rock’n’roll",
    "a b c a b",
    "\u00a0nbsp\u2028line\u2029",
    "tab\tnew\nline\r\n  two  spaces ",
    "word-with-dash under_score 1,234.5 c++ #tag @name",
    "\u200bzero\u200dwidth \u0301\u0301 alone",
    "# ## ###",
    "\ufffd\ufffd replaced",
    "𐐨 𝒜 beyond the first plane 𠀋𠀋",
]


def fields(texts: list[str]) -> pl.DataFrame:
    """The same text in each field, but that addresses have no white space in a row."""
    text = pl.Series("text", texts)
    return pl.DataFrame({name: text for name in FIELDS}).with_columns(pl.col("address").str.replace_all(r"\s+", " "))


def probabilities(model: bytes, rows: pl.DataFrame) -> tuple[list[str], np.ndarray]:
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
    columns = zip(FIELDS, np.hsplit(field_matrix(rows), len(FIELDS)), strict=True)
    category, found = session.run(list(OUTPUTS), dict(columns))
    return category.tolist(), found


def agree(classifier: Classifier, rows: pl.DataFrame) -> None:
    model = export(classifier)
    expected = classifier.probabilities(rows)
    category, found = probabilities(model, rows)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < CLOSE
    clear = np.diff(np.sort(expected, axis=1)[:, -2:], axis=1)[:, 0] > CLOSE
    best = np.array(classifier.classes)[expected.argmax(axis=1)]
    assert np.array_equal(np.array(category)[clear], best[clear])


@pytest.fixture(scope="module")
def hostile_rows() -> pl.DataFrame:
    """Rows whose terms are the hostile ones, so that each of these counts."""
    texts = [f"{text} {word}" for text in HOSTILE for word in ("onion soup", "goal match", "onion goal")]
    return fields(texts).with_columns(
        category=pl.Series(["cooking", "sports", "travel"] * len(HOSTILE)),
        duplicate_cluster=pl.int_range(pl.len()).cast(pl.String),
    )


@cache
def real_rows() -> pl.DataFrame:
    return lake_rows(real_documents(2), "v2")


@needs_wcxb
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_probabilities_of_real_pages_agree(algorithm):
    rows = real_rows()
    agree(fit(rows.head(100), ALGORITHMS[algorithm]), rows)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_probabilities_of_hostile_texts_agree(algorithm, hostile_rows):
    classifier = fit(hostile_rows, ALGORITHMS[algorithm], ALGORITHMS[algorithm].parameters(min_documents=1))
    agree(classifier, hostile_rows)
    for text in HOSTILE:
        agree(classifier, fields([text]))  # by itself: no other row fills it up


@pytest.mark.parametrize("terms", [10, 23, 60])
def test_pairs_of_words_agree_where_not_both_words_are_terms(terms, hostile_rows):
    algorithm = ALGORITHMS["logistic-regression"]
    parameters = algorithm.parameters(min_documents=1, words_per_term=3, max_terms=terms)
    agree(fit(hostile_rows, algorithm, parameters), hostile_rows)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_capitals_agree_as_they_are_made_small_before_the_graph(algorithm, hostile_rows):
    classifier = fit(hostile_rows, ALGORITHMS[algorithm], ALGORITHMS[algorithm].parameters(min_documents=1))
    shouted = ["ONION Soup", "Goal-MATCH 天気", *map(str.upper, HOSTILE), "İSTANBUL STRASSE ẞ ΣΑΣ Ⅷ ǅ"]
    agree(classifier, fields(shouted))


def test_the_graph_names_its_fields_and_categories_and_is_always_the_same(hostile_rows):
    classifier = fit(hostile_rows, ALGORITHMS["logistic-regression"])
    model = export(classifier)
    assert export(classifier) == model
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    assert [each.name for each in session.get_inputs()] == list(FIELDS)
    assert [each.name for each in session.get_outputs()] == list(OUTPUTS)
    assert session.get_modelmeta().custom_metadata_map["classes"].split("\n") == classifier.classes


def test_two_categories_agree():
    rows = lake_rows(invented_documents(), "v2").filter(pl.col("category") != "sports")
    for algorithm in ALGORITHMS.values():
        agree(fit(rows, algorithm), rows)


@pytest.mark.parametrize("missing", ["onnx", "skl2onnx"])
def test_without_the_extra_one_line_says_what_to_install(missing, hostile_rows, monkeypatch):
    classifier = fit(hostile_rows, ALGORITHMS["complement-nb"])
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(TrainingError, match=r"pip install 'html-classification\[onnx\]'"):
        export(classifier)


def test_what_onnx_cannot_do_is_said_in_one_line(hostile_rows):
    classifier = fit(hostile_rows, ALGORITHMS["logistic-regression"])
    steps = classifier.pipeline["features"].transformers_[0][1]
    before = steps["terms"].analyzer
    try:
        steps["terms"].analyzer = "char_wb"
        with pytest.raises(TrainingError, match="'char_wb' cannot be written as ONNX"):
            export(classifier)
    finally:
        steps["terms"].analyzer = before
