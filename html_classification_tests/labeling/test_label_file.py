"""Label files: which lines are labels, which are not and why, and which pages they are for."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from html_classification.labeling.label_file import labels_of_pages, read_label_file
from html_classification.lake.errors import LakeError
from html_classification.lake.external import ExternalFile
from html_classification.schemas.labels import LABELS
from html_classification.schemas.validation import audit
from html_classification_tests.pages import Project

PAGE = "https://news.example/a?x=1"


def pages(*urls: str) -> pl.DataFrame:
    sha1s = [hashlib.sha1(url.encode()).hexdigest() for url in urls]
    return pl.DataFrame(
        {"url": list(urls), "content_sha1": sha1s}, schema={"url": pl.String, "content_sha1": pl.String}
    )


def label_file(*rows: dict[str, Any] | bytes) -> ExternalFile:
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    return ExternalFile("labels.jsonl", "/somewhere/labels.jsonl", b"\n".join(lines))


def test_a_line_becomes_a_row_that_the_stage_accepts() -> None:
    line = {"url": PAGE, "category": "sports", "confidence": 0.5, "annotator": "ann", "cost": 0.02}
    file = label_file(line | {"labelled_at": "2026-03-01T12:00:00+02:00"}, {"url": PAGE, "category": "Kochen & Küche"})
    outcome = labels_of_pages(pages(PAGE), file)
    assert outcome.rejected == []
    assert all(check.passed for check in audit(LABELS, outcome.frame))
    sha1 = hashlib.sha1(PAGE.encode()).hexdigest()
    assert outcome.frame.rows(named=True) == [
        {
            "url": PAGE,
            "content_sha1": sha1,
            "category": "sports",
            "confidence": 0.5,
            "annotator": "ann",
            "labelled_at": datetime(2026, 3, 1, 10, tzinfo=UTC),
            "cost": 0.02,
            "answer": json.dumps(line | {"labelled_at": "2026-03-01T12:00:00+02:00"}),
        },
        {
            "url": PAGE,
            "content_sha1": sha1,
            "category": "Kochen & Küche",
            "confidence": None,
            "annotator": "file:labels.jsonl",
            "labelled_at": None,
            "cost": 0.0,
            "answer": json.dumps({"url": PAGE, "category": "Kochen & Küche"}),
        },
    ]


@pytest.mark.parametrize(
    "spelling",
    [
        "HTTPS://News.Example:443/a?x=1",
        "https://news.example/b/../a?x=1",
        "https://news.example/a?utm_source=feed&x=1",
        "https://news.example/a?x=1#comments",
        "  https://news.example/a?x=1\n",
    ],
)
def test_any_spelling_of_an_address_will_do(spelling: str) -> None:
    frame = labels_of_pages(pages(PAGE), label_file({"url": spelling, "category": "sports"})).frame
    assert frame.select("url", "category").rows() == [(PAGE, "sports")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"not json", "not JSON"),
        (b'{"url": "https://news.example/a", "category": "cut', "not JSON"),
        (b'["https://news.example/a", "sports"]', "line: "),
        (b'{"category": "sports"}', "url: "),
        (b'{"url": "https://news.example/a"}', "category: "),
        (b'{"url": "https://news.example/a", "category": ""}', "category: "),
        (b'{"url": "https://news.example/a", "category": null}', "category: "),
        (b'{"url": "https://news.example/a", "category": "s", "confidence": 1.5}', "confidence: "),
        (b'{"url": "https://news.example/a", "category": "s", "labelled_at": "2026-03-01T12:00:00"}', "labelled_at: "),
        (b'{"url": "https://news.example/a", "category": "s", "cost": -1}', "cost: "),
        (b'{"url": "mailto:me@news.example", "category": "s"}', ""),
        (b'{"url": "\xff\xfe", "category": "s"}', "not JSON"),
    ],
)
def test_a_line_that_is_no_label_is_kept_with_its_place_and_reason(line: bytes, reason: str) -> None:
    outcome = labels_of_pages(pages(PAGE), label_file({"url": PAGE, "category": "sports"}, b"", line))
    assert outcome.frame["category"].to_list() == ["sports"]
    (rejected,) = outcome.rejected
    assert (rejected["file"], rejected["line"]) == ("labels.jsonl", 3)
    assert rejected["row"] == line.decode("utf-8", errors="backslashreplace")
    assert rejected["reason"].startswith(reason)
    assert rejected["reason"]
    assert "\n" not in rejected["reason"]


def test_of_an_annotators_labels_the_last_line_counts() -> None:
    first, other, last = ({"url": PAGE, "category": category} for category in ("sports", "travel", "cooking"))
    outcome = labels_of_pages(
        pages(PAGE), label_file(first, other | {"annotator": "ann"}, last | {"url": PAGE + "#top"})
    )
    assert outcome.frame.select("annotator", "category").rows() == [("ann", "travel"), ("file:labels.jsonl", "cooking")]
    assert outcome.figures == {"pages": 1, "pages_labelled": 1, "superseded_lines": 1}


def test_labels_of_pages_that_were_not_crawled_are_left_out() -> None:
    elsewhere = {"url": "https://other.example/", "category": "sports"}
    outcome = labels_of_pages(pages(PAGE), label_file(elsewhere))
    assert (outcome.frame.height, outcome.rejected) == (0, [])
    assert outcome.frame.columns == list(LABELS.dtypes)
    assert outcome.figures["pages"] == 1
    assert labels_of_pages(pages(), label_file({"url": PAGE, "category": "sports"})).frame.height == 0


def test_line_ends_of_windows_and_empty_files_are_fine() -> None:
    file = ExternalFile("labels.jsonl", "", b'{"url": "https://news.example/a?x=1", "category": "sports"}\r\n\r\n')
    outcome = labels_of_pages(pages(PAGE), file)
    assert (outcome.frame["category"].to_list(), outcome.rejected) == (["sports"], [])
    nothing = labels_of_pages(pages(PAGE), ExternalFile("labels.jsonl", "", b""))
    assert (nothing.frame.height, nothing.rejected) == (0, [])


@given(st.lists(st.binary(max_size=40).filter(lambda line: b"\n" not in line and line.strip()), max_size=5))
def test_every_line_is_either_a_label_or_rejected(garbage: list[bytes]) -> None:
    good = {"url": PAGE, "category": "sports"}
    outcome = labels_of_pages(pages(PAGE), label_file(*garbage, good))
    assert [row["line"] for row in outcome.rejected] == list(range(1, len(garbage) + 1))
    assert outcome.frame["category"].to_list() == ["sports"]


def test_a_label_file_is_found_by_any_kind_of_path(project: Project) -> None:
    project.labels.write_text("{}\n")
    below = project.root / "below"
    below.mkdir()
    (below / "labels.jsonl").write_text("{}\n")
    for uri in (str(project.labels), "labels.jsonl", "./labels.jsonl", "below/labels.jsonl"):
        assert read_label_file(uri).data == b"{}\n"


@pytest.mark.parametrize("uri", ["https://labels.example/v1", "labels.csv", "labels.jsonl", "none/labels.jsonl", ""])
def test_what_is_no_label_file_is_refused_in_one_line(project: Project, uri: str) -> None:
    with pytest.raises(LakeError, match="HTML_CLASSIFICATION_LABELS") as caught:
        read_label_file(uri)
    assert "\n" not in str(caught.value)
    assert list(Path().iterdir()) == []
