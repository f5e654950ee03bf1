"""Pages meet their labels: which label counts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from html_classification.labeling.annotation import annotate
from html_classification.schemas.annotated import ANNOTATED
from html_classification.schemas.labels import LABELS
from html_classification.schemas.validation import audit

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAGE = "https://news.example/a"


def texts(*urls: str) -> pl.DataFrame:
    rows = [{"url": url, "title": "A title", "content": "a text", "language": "en", "timestamp": NOON} for url in urls]
    return pl.DataFrame(rows).with_columns(pl.col("timestamp").cast(pl.Datetime("us", "UTC")))


def labels(*rows: dict[str, Any]) -> pl.DataFrame:
    base = {"url": PAGE, "content_sha1": "0" * 40, "category": "?", "confidence": None, "annotator": "ann"}
    base |= {"labelled_at": None, "cost": 0.0}
    return pl.DataFrame([base | row for row in rows], schema=LABELS.dtypes)


def test_a_labelled_page_has_its_text_and_where_the_label_came_from() -> None:
    outcome = annotate(texts(PAGE), labels({"category": "sports", "confidence": 0.9, "annotator": "file:labels.jsonl"}))
    assert all(check.passed for check in audit(ANNOTATED, outcome.frame))
    (row,) = outcome.frame.rows(named=True)
    expected = {"url": PAGE, "title": "A title", "content": "a text", "text": "A title - a text", "category": "sports"}
    assert row | expected == row
    assert (row["label_source"], row["label_confidence"], row["timestamp"]) == ("file:labels.jsonl", 0.9, NOON)


@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        ({"confidence": 0.9, "labelled_at": NOON}, {"confidence": 0.8, "labelled_at": NOON + timedelta(days=1)}),
        ({"confidence": 0.1}, {"confidence": None, "labelled_at": NOON}),
        ({"labelled_at": NOON + timedelta(microseconds=1)}, {"labelled_at": NOON}),
        ({"labelled_at": NOON}, {"labelled_at": None}),
        ({"annotator": "ann"}, {"annotator": "ben"}),
    ],
    ids=["the surest", "said is surer than unsaid", "the latest", "dated is later than undated", "by name"],
)
def test_of_several_annotators_one_counts(winner: dict[str, Any], loser: dict[str, Any]) -> None:
    both = [{"annotator": "zoe", "category": "right"} | winner, {"annotator": "adam", "category": "wrong"} | loser]
    for order in (both, both[::-1]):
        frame = annotate(texts(PAGE), labels(*order)).frame
        assert frame["category"].to_list() == ["right"]


def test_pages_without_a_label_are_counted_and_left_out() -> None:
    outcome = annotate(texts("https://b.example/", PAGE), labels({"category": "sports"}))
    assert outcome.frame["url"].to_list() == [PAGE]
    assert outcome.figures == {"pages": 2, "unlabelled": 1}
    nothing = annotate(texts(PAGE), labels())
    assert (nothing.frame.height, nothing.frame.columns) == (0, list(ANNOTATED.dtypes))


@given(st.permutations(range(6)))
def test_the_order_of_pages_and_labels_does_not_matter(order: list[int]) -> None:
    urls = [f"https://news.example/{number}" for number in range(3)]
    given_labels = labels(
        *({"url": url, "category": annotator, "annotator": annotator} for url in urls for annotator in ("ann", "ben"))
    )
    expected = annotate(texts(*urls), given_labels).frame
    assert annotate(texts(*(urls[n] for n in order if n < 3)), given_labels[order]).frame.equals(expected)
