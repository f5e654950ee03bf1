"""Rows with their texts, and rows as refinement leaves them."""

from datetime import date

import polars as pl
import pytest

from html_classification.training.errors import TrainingError
from html_classification.training.rows import refined_rows, rows_with_text

DAYS = [date(2026, 3, 1), date(2026, 3, 2)]


def training_set() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "url": ["https://c.example/", "https://a.example/", "https://b.example/"],
            "day": [DAYS[0], DAYS[0], DAYS[1]],
            "category": ["sports", "travel", "cooking"],
            "split": ["train", "train", "test"],
        }
    )


def texts() -> pl.DataFrame:
    """Each page on both days, with another text each day."""
    return pl.DataFrame(
        [
            {"url": url, "title": f"title {day.day}", "content": "content", "day": day}
            for url in ("https://a.example/", "https://b.example/", "https://c.example/", "https://d.example/")
            for day in DAYS
        ]
    )


def parsed() -> pl.DataFrame:
    return texts().select("url", "day", markup=pl.format("tag:p:{}", pl.col("day").dt.day()))


def refinement(**rows: tuple[str, str]) -> pl.DataFrame:
    """Category and action by the first letter of the page."""
    return pl.DataFrame(
        [{"url": f"https://{name}.example/", "category": said[0], "action": said[1]} for name, said in rows.items()]
    )


def test_each_row_has_the_text_of_its_own_day() -> None:
    rows = rows_with_text(training_set(), texts(), parsed())
    assert rows.columns == ["url", "day", "category", "split", "text", "markup", "address"]
    assert rows["url"].to_list() == ["https://a.example/", "https://b.example/", "https://c.example/"]
    assert rows["text"].to_list() == ["title 1 - content", "title 2 - content", "title 1 - content"]
    assert rows["markup"].to_list() == ["tag:p:1", "tag:p:2", "tag:p:1"]


def test_rows_without_a_text_are_an_error_that_names_the_days() -> None:
    with pytest.raises(TrainingError, match=r"1 of 3 rows .* \(days 2026-03-02\)"):
        rows_with_text(training_set(), texts().filter(pl.col("day") == DAYS[0]), parsed())


def test_rows_without_a_page_are_an_error_that_names_the_days() -> None:
    with pytest.raises(TrainingError, match=r"2 of 3 rows .* no page .* \(days 2026-03-01\)"):
        rows_with_text(training_set(), texts(), parsed().filter(pl.col("day") == DAYS[1]))


def test_pages_that_an_earlier_release_parsed_are_an_error_that_names_the_days() -> None:
    """A window over days with and without the column has nulls where it is absent."""
    old = parsed().with_columns(markup=pl.when(pl.col("day") == DAYS[0]).then(None).otherwise("markup"))
    with pytest.raises(
        TrainingError, match=r"2 of 3 rows .* without markup .* \(days 2026-03-01\): an earlier release"
    ):
        rows_with_text(training_set(), texts(), old)


def test_a_page_with_an_empty_text_is_not_missing() -> None:
    empty = texts().with_columns(title=pl.lit(""), content=pl.lit(""))
    assert rows_with_text(training_set(), empty, parsed()).height == 3


def test_train_rows_are_corrected_or_dropped_and_test_rows_left_alone() -> None:
    rows = rows_with_text(training_set(), texts(), parsed())
    judged = refinement(a=("cooking", "relabelled"), b=("travel", "relabelled"), c=("sports", "dropped"))
    refined = refined_rows(rows, judged)
    assert refined.columns == rows.columns
    assert refined.select("url", "category").rows() == [
        ("https://a.example/", "cooking"),
        ("https://b.example/", "cooking"),  # a test row keeps its given label: one yardstick
    ]
    dropped_test_row = refined_rows(rows, refinement(b=("cooking", "dropped")))
    assert dropped_test_row.equals(rows)


def test_rows_kept_or_for_review_or_not_judged_stay_as_they_are() -> None:
    rows = rows_with_text(training_set(), texts(), parsed())
    assert refined_rows(rows, refinement(a=("travel", "kept"), c=("sports", "review"))).equals(rows)
