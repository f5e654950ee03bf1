"""The report of a model: complete, right, quick to read, and harmless whatever pages and categories are called."""

import json
import pickle
import warnings
from datetime import date
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest
from PIL import Image
from sklearn.metrics import accuracy_score

from html_classification.training.algorithms import ALGORITHMS
from html_classification.training.evaluation import evaluate
from html_classification.training.features import FIELDS
from html_classification.training.fitting import Classifier, fit, predict
from html_classification.training.misclassified import as_json_lines, as_page, misclassified
from html_classification.training.report import write_report
from html_classification.training.slices import SLICES
from html_classification.training.weights import feature_weights
from html_classification_tests.training.corpus import flip, invented_pages

FILES = [
    "feature_weights.json",
    "metrics.json",
    "misclassified.html",
    "misclassified.jsonl",
    "plots/confusion_matrix.png",
    "plots/precision_recall.png",
    "plots/reliability.png",
    "slices.csv",
    "slices.json",
]
ATTACK = '<script>alert(1)</script><img src=x onerror="a()"></td> [a](javascript:b) \u202e &amp; {all} \x00 $\\frac{$'


def pages(number: int = 120) -> pl.DataFrame:
    """Rows of a training set with all fields."""
    rows = invented_pages(number).with_columns(language=pl.lit("en"), label_source=pl.lit("file"))
    return rows.with_columns(pl.lit("").alias(name) for name in FIELDS if name not in rows.columns)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return fit(pages(90), ALGORITHMS["logistic-regression"])


def written(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


class Page(HTMLParser):
    """What a browser would make of a page: its tags with their attributes, and the text of its cells."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "td":
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.cells:
            self.cells[-1] += data


def test_a_report_is_complete_and_says_what_the_predictions_say(classifier: Classifier, tmp_path: Path) -> None:
    rows, flipped = flip(pages(60), 0.2)
    predictions = predict(classifier, rows)
    report = write_report(tmp_path / "report", classifier, rows, predictions)
    files = written(tmp_path / "report")
    assert list(files) == FILES
    assert report.metrics == evaluate(predictions)
    assert json.loads(files["metrics.json"]) == report.metrics.model_dump()
    assert report.slices["slice"].unique(maintain_order=True).to_list() == sorted(SLICES)
    assert pl.read_csv(BytesIO(files["slices.csv"])).height == report.slices.height
    table = json.loads(files["slices.json"])
    assert table["columns"] == report.slices.columns
    assert ["language", "en", 60, report.metrics.accuracy, pytest.approx(report.metrics.macro_f1)] in table["data"]
    mistakes = [json.loads(line) for line in files["misclassified.jsonl"].splitlines()]
    assert {row["url"] for row in mistakes} == flipped
    assert [row["confidence"] for row in mistakes] == sorted((row["confidence"] for row in mistakes), reverse=True)
    for name in FILES:
        if name.endswith(".png"):
            assert Image.open(BytesIO(files[name])).size[0] > 200
    back = pickle.loads(pickle.dumps(report))
    assert back.metrics == report.metrics
    assert back.slices.equals(report.slices)


def test_the_same_model_has_the_same_report(classifier: Classifier, tmp_path: Path) -> None:
    rows, _ = flip(pages(60), 0.2)
    predictions = predict(classifier, rows)
    for name, order in (("a", rows), ("b", rows.reverse())):
        write_report(tmp_path / name, classifier, order, predictions)
    assert written(tmp_path / "a") == written(tmp_path / "b")


@pytest.mark.parametrize("number", [1, 2, 30])
def test_categories_may_be_missing_unknown_or_alone(classifier: Classifier, tmp_path: Path, number: int) -> None:
    rows = pages(30).head(number).with_columns(category=pl.lit("never seen"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = write_report(tmp_path, classifier, rows, predict(classifier, rows))
    assert list(written(tmp_path)) == FILES
    assert report.metrics.accuracy == 0
    assert report.metrics.roc_auc is None
    assert len((tmp_path / "misclassified.jsonl").read_text().splitlines()) == number


def test_a_model_without_mistakes_has_an_empty_list(classifier: Classifier, tmp_path: Path) -> None:
    rows = pages(30)
    write_report(tmp_path, classifier, rows, predict(classifier, rows))
    assert (tmp_path / "misclassified.jsonl").read_bytes() == b""
    assert "0 of 0 mistakes" in (tmp_path / "misclassified.html").read_text()


def test_hostile_pages_and_categories_are_harmless(tmp_path: Path) -> None:
    names = {"cooking": ATTACK, "sports": "体育\n\x1b[31m" + "新闻" * 40, "travel": "$a_$ & <b>"}
    rows = pages(120).with_columns(
        category=pl.col("category").replace_strict(names),
        language=pl.lit("<x>"),
        label_source=pl.lit(ATTACK),
        url=pl.col("url") + "?q=" + ATTACK,
    )
    rows, _ = flip(rows, 0.3)
    classifier = fit(rows.head(90), ALGORITHMS["complement-nb"])
    tested = rows.tail(30).with_columns(text=pl.col("text") + ATTACK)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # such as of characters that the font lacks
        write_report(tmp_path, classifier, tested, predict(classifier, tested))
    source = (tmp_path / "misclassified.html").read_text(encoding="utf-8")
    assert "\u202e" not in source
    assert "\x00" not in source
    page = Page(source)
    used = {tag for tag, _ in page.tags}
    assert used <= set(["html", "meta", "title", "style", "h1", "p", "table", "tr", "th", "td", "a", "br", "bdi"])
    for tag, attributes in page.tags:
        if tag == "a":
            assert str(attributes["href"]).startswith("https://site")
            assert "noopener" in str(attributes["rel"])
        assert not {name for name in attributes if name.startswith("on") or name == "src"}
    assert "default-src 'none'" in str([attributes for tag, attributes in page.tags if tag == "meta"])
    mistakes = [json.loads(line) for line in (tmp_path / "misclassified.jsonl").read_text().splitlines()]
    assert len(page.cells) == 5 * len(mistakes) > 0
    assert all("<script>alert(1)</script>" in cell for cell in page.cells[3::5])
    assert {row["label_source"] for row in mistakes} == {ATTACK}


def test_the_page_links_to_nothing_but_web_pages_and_is_not_endless() -> None:
    urls = [f"https://a.example/{number}" for number in range(500)]
    urls[0] = "javascript:alert(1)//http"
    rows = pl.DataFrame({"url": urls}).with_columns(
        text=pl.lit("x" * 10_000), language=pl.lit("en"), label_source=None, day=date(2026, 3, 1)
    )
    predictions = rows.select(
        "url",
        category=pl.lit("a"),
        predicted=pl.lit("b"),
        confidence=1 - pl.int_range(pl.len()) / 1000,
        probabilities=pl.lit([{"category": "a", "probability": 0.25}, {"category": "b", "probability": 0.75}]),
    )
    mistakes = misclassified(rows, predictions)
    assert mistakes["url"].to_list() == urls
    assert mistakes["probability_of_category"].to_list() == [0.25] * 500
    assert mistakes["text"].str.len_chars().unique().to_list() == [500]
    assert as_json_lines(mistakes).count(b"\n") == 500
    page = Page(as_page(mistakes))
    assert [attributes["href"] for tag, attributes in page.tags if tag == "a"] == urls[1:200]


def test_weights_are_of_the_words_that_tell(classifier: Classifier) -> None:
    for algorithm in sorted(ALGORITHMS):
        model = classifier if algorithm == "logistic-regression" else fit(pages(90), ALGORITHMS[algorithm])
        weights = feature_weights(model, strongest=5)
        assert weights["kind"] in ("coefficients", "log probabilities")
        assert sorted(weights["categories"]) == ["cooking", "sports", "travel"]
        for category, word in (("cooking", "onion"), ("sports", "goal")):
            strongest = feature_weights(model, strongest=1000)["categories"][category]
            assert word in {each["term"] for each in strongest["for"]}
            assert word not in {each["term"] for each in strongest["against"]}
            assert {each["group"] for each in strongest["for"]} >= {"words"}
            sizes = [each["weight"] for each in strongest["for"]]
            assert sizes == sorted(sizes, reverse=True)
            assert min(sizes) >= 0 >= max(each["weight"] for each in strongest["against"])
        assert all(len(each["for"]) <= 5 for each in weights["categories"].values())


def test_weights_of_two_categories_and_of_trees() -> None:
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import Pipeline

    from html_classification.training.features import field_matrix

    rows = pages(90).filter(pl.col("category") != "travel")
    two = fit(rows, ALGORITHMS["logistic-regression"])
    weights = feature_weights(two)["categories"]
    assert weights["cooking"]["for"][0]["term"] == weights["sports"]["against"][0]["term"]
    assert weights["cooking"]["for"][0]["weight"] == -weights["sports"]["against"][0]["weight"]
    features = two.pipeline[:-1]
    matrix, categories = features.transform(field_matrix(rows)), rows["category"].to_list()
    for model, kind in ((ExtraTreesClassifier(10, random_state=0), "importances"), (KNeighborsClassifier(), "none")):
        fitted = Classifier(Pipeline([("features", features), ("classifier", model.fit(matrix, categories))]), [])
        assert feature_weights(fitted)["kind"] == kind
    assert accuracy_score(categories, two.pipeline.predict(field_matrix(rows))) == 1
