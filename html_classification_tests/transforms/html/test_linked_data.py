"""What a user relies on: authors and dates are found in JSON-LD however a publisher writes it."""

import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from html_classification.transforms.html.linked_data import author_of, nodes_of, published_of, to_date

ANN = {"@type": "Person", "name": "Ann"}


@pytest.mark.parametrize(
    ("data", "author"),
    [
        ({"@type": "Article", "author": "Ann"}, "Ann"),
        ({"@type": "NewsArticle", "author": ANN}, "Ann"),
        ([{"@type": ["WebPage", "BlogPosting"], "author": [ANN, {"name": ["Bo", "Cy"]}, ANN]}], "Ann, Bo, Cy"),
        ({"@graph": [{"@type": "WebPage", "author": "Site"}, {"@type": "Article", "author": ANN}]}, "Ann"),
        ({"@graph": [{"@type": "Article", "author": {"@id": "#1"}}, {"@id": "#1", "name": "Ann"}]}, "Ann"),
        ({"@type": "WebPage", "mainEntity": {"@type": "Article", "author": ANN}}, "Ann"),
        ({"@type": "Product", "review": [{"@type": "Review", "author": ANN}]}, ""),
        ({"@type": "ItemList", "itemListElement": [{"@type": "Article", "author": ANN}]}, ""),
        ({"@type": "Article", "author": "https://example.com/ann"}, ""),
        ({"@type": "Article", "author": " Ann  O&#039;Neill "}, "Ann O'Neill"),
        ({"@type": "Article", "author": "a\ud800\0b"}, "a\ufffd\ufffdb"),
        ({"@type": "Article", "author": {"@id": ["#1"], "name": 7}}, ""),
        ({"@type": None, "author": None}, ""),
        ("Ann", ""),
    ],
    ids=range(14),
)
def test_author(data: object, author: str) -> None:
    assert author_of(nodes_of([json.dumps(data)])) == author


def test_broken_scripts_do_not_hide_the_others() -> None:
    good = '{"author": "Ann",\n"about": "two\nlines", "datePublished": ["x", "2026-03-01"]}'
    deep = "[" * 100_000
    long = json.dumps({"author": "Bo", "text": "x" * 1_000_000})
    nodes = nodes_of(["", "{", "null", "[1, {}]", "NaN", '{"a": 1} x', deep, long, good])
    assert (author_of(nodes), published_of(nodes)) == ("Ann", dt.date(2026, 3, 1))


def test_much_is_not_looked_at() -> None:
    assert len(nodes_of([json.dumps([{}] * 300_000)])) < 10_000


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-01", "2026-03-01"),
        (" 2026-03-01T10:00 ", "2026-03-01"),
        ("2026-03-01 10:00:00", "2026-03-01"),
        ("2026-03-01T23:30:00.123456789-05:00", "2026-03-02"),
        ("2026-03-01 00:30:00 +0200", "2026-02-28"),
        ("2026-03-01T00:30:00.5Z+02:00", "2026-03-01"),
        ("2026-03-01 23:30:00 UTC", "2026-03-01"),
        ("1989-12-31", "None"),
        ("2101-01-01", "None"),
        ("0001-01-01T00:00:00+05:00", "None"),
        ("9999-12-31T23:59:59-05:00", "None"),
        ("2026-13-01", "None"),
        ("2026-03-01T10:00:00+99:99", "None"),
        ("2026-03-01T24:00:00", "None"),
        ("March 1, 2026", "None"),
        ("1772323200", "None"),
        ("", "None"),
    ],
)
def test_dates(text: str, day: str) -> None:
    assert str(to_date(text)) == day


@given(st.datetimes(dt.datetime(1990, 1, 2), dt.datetime(2100, 12, 30), timezones=st.timezones()))
def test_times_with_a_zone_are_brought_to_utc(time: dt.datetime) -> None:
    if (time.utcoffset() or dt.timedelta()).seconds % 60 == 0:
        assert to_date(time.isoformat()) == time.astimezone(dt.UTC).date()


@given(st.text())
def test_no_text_is_an_error(text: str) -> None:
    day = to_date(text)
    assert day is None or 1990 <= day.year <= 2100
    nodes = nodes_of([text, json.dumps({"author": text, "datePublished": text})])
    author_of(nodes).encode()
    published_of(nodes)
