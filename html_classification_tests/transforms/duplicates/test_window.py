"""What a user relies on: what the pages of a day are copies of, in the days up to it."""

import datetime as dt
import random

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from html_classification.schemas.columns import UTC_TIMESTAMP
from html_classification.schemas.duplicates import DUPLICATES
from html_classification.transforms.duplicates import signatures, window_duplicates
from html_classification_tests.transforms.duplicates import planted

FIRST = dt.date(2026, 3, 1)
TEXT = " ".join(f"w{number}" for number in range(200))
NEAR = TEXT + " and a footer"
OTHER = " ".join(f"v{number}" for number in range(200))

Row = tuple[int, str, str]


def window(*rows: Row, hours: dict[str, int] | None = None) -> pl.DataFrame:
    """Pages by day, name and content; crawled at noon, or at the hour given for the name."""
    hours = hours or {}
    contents = pl.Series([content for _, _, content in rows], dtype=pl.String)
    times = [planted.NOON + dt.timedelta(days=day, hours=hours.get(name, 0)) for day, name, _ in rows]
    return pl.DataFrame(
        {
            "url": pl.Series([f"https://e.com/{name}" for _, name, _ in rows], dtype=pl.String),
            "content_sha1": pl.Series([planted.sha1(text) for _, _, text in rows], dtype=pl.String),
            "timestamp": pl.Series(times, dtype=UTC_TIMESTAMP),
            "day": pl.Series([FIRST + dt.timedelta(days=day) for day, _, _ in rows], dtype=pl.Date),
        }
    ).with_columns(signatures(contents))


def told(*rows: Row, hours: dict[str, int] | None = None) -> dict[str, tuple[str, str | None, str | None, int | None]]:
    """By name of the page: its cluster, what it is a copy of, how, and how many days after the first that is from."""
    frame = window_duplicates(window(*rows, hours=hours)).frame
    DUPLICATES.model.validate(frame)
    frame = frame.with_columns(
        pl.col("url", "duplicate_cluster", "duplicate_of").str.strip_prefix("https://e.com/"),
        duplicate_day=(pl.col("duplicate_day") - FIRST).dt.total_days(),
    )
    return {url: rest for url, *rest, _ in map(tuple, frame.rows()) for rest in [tuple(rest)]}


def test_copies_on_the_day_itself() -> None:
    rows = ((0, "a", TEXT), (0, "b", TEXT), (0, "c", NEAR), (0, "x", OTHER))
    assert told(*rows, hours={"b": 2, "c": 1}) == {
        "a": ("a", "b", "exact", 0),
        "b": ("a", None, None, None),
        "c": ("a", "b", "near", 0),
        "x": ("x", None, None, None),
    }


def test_a_copy_of_an_earlier_page_is_the_fresher_one_and_shares_its_cluster() -> None:
    rows = ((0, "a", TEXT), (1, "b", TEXT), (1, "c", NEAR))
    assert told(*rows) == {"b": ("a", None, None, None), "c": ("a", "b", "near", 1)}
    assert told(*rows, hours={"c": 1}) == {"b": ("a", "c", "near", 1), "c": ("a", None, None, None)}


def test_a_page_of_an_earlier_day_can_be_the_freshest() -> None:
    # Drops are cut where the crawler cuts them: a page of the day before may have a later time.
    assert told((0, "a", TEXT), (1, "b", TEXT), hours={"a": 30}) == {"b": ("a", "a", "exact", 0)}


def test_a_page_crawled_again_is_no_copy_of_itself() -> None:
    rows = ((0, "a", TEXT), (1, "a", TEXT), (2, "a", TEXT))
    assert told(*rows) == {"a": ("a", None, None, None)}
    figures = window_duplicates(window(*rows)).figures
    assert figures == {"days": 3, "window_pages": 1, "copies": 0, "exact_copies": 0, "copied_from_earlier_days": 0}


def test_what_a_page_said_on_earlier_days_no_longer_counts() -> None:
    assert told((0, "a", TEXT), (1, "a", OTHER), (1, "b", TEXT)) == {
        "a": ("a", None, None, None),
        "b": ("b", None, None, None),
    }


def test_the_figures() -> None:
    rows = ((0, "a", TEXT), (0, "y", OTHER), (1, "b", TEXT), (1, "c", TEXT), (1, "d", NEAR), (1, "z", "else"))
    outcome = window_duplicates(window(*rows))
    assert outcome.figures == {
        "days": 2,
        "window_pages": 6,
        "copies": 2,
        "exact_copies": 1,
        "copied_from_earlier_days": 3,
    }
    assert outcome.rejected == []


def test_no_pages() -> None:
    outcome = window_duplicates(window())
    DUPLICATES.model.validate(outcome.frame)
    assert outcome.frame.is_empty()


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from("abcdef"), st.sampled_from([TEXT, NEAR, OTHER, "", "else"])),
        min_size=1,
        unique_by=lambda row: row[:2],
    ),
    order=st.randoms(use_true_random=False),
)
def test_each_page_of_the_last_day_once_whatever_the_order(rows: list[Row], order: random.Random) -> None:
    outcome = window_duplicates(window(*rows))
    last = max(day for day, _, _ in rows)
    names = sorted(name for day, name, _ in rows if day == last)
    assert outcome.frame["url"].to_list() == [f"https://e.com/{name}" for name in names]
    order.shuffle(rows)
    assert window_duplicates(window(*rows)).frame.equals(outcome.frame)
