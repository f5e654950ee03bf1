import numpy as np
import pandas as pd
import polars as pl
import pytest

from html_classification.inference.pages import GivenPage, read_pages

BOTH = [GivenPage("<p>1", "https://a.example/"), GivenPage("<p>2", None)]
ROWS = [{"html": "<p>1", "url": "https://a.example/", "day": 1}, {"html": "<p>2", "url": None, "day": 2}]


@pytest.mark.parametrize("table", [pd.DataFrame, pl.DataFrame, list, tuple], ids=["pandas", "polars", "list", "tuple"])
def test_a_table_gives_its_rows_in_order_whatever_it_is_made_of(table):
    assert read_pages(table(ROWS)) == BOTH


@pytest.mark.parametrize("missing", [None, float("nan"), np.nan, pd.NA], ids=repr)
def test_what_pandas_calls_missing_is_none(missing):
    frame = pd.DataFrame({"html": ["<p>", missing], "url": pd.Series([missing, missing], dtype=object)})
    assert read_pages(frame) == [GivenPage("<p>", None), GivenPage(None, None)]


def test_html_alone_is_enough():
    assert read_pages("<p>1") == [GivenPage("<p>1", None)]
    assert read_pages(b"<p>1") == [GivenPage(b"<p>1", None)]
    assert read_pages({"html": "<p>1"}) == [GivenPage("<p>1", None)]
    for form in (list, tuple, pd.Series, pl.Series, lambda pages: np.array(pages, dtype=object)):
        assert read_pages(form(["<p>1", "<p>2"])) == [GivenPage("<p>1", None), GivenPage("<p>2", None)]
    assert read_pages([]) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (5, "int is not a form of pages"),
        (None, "NoneType is not a form of pages"),
        (pd.DataFrame({"body": ["<p>"]}), "no column `html` .its columns: body."),
        ([{"url": "https://a.example/"}], "a row has no `html` .it has: url."),
    ],
    ids=["number", "nothing", "table", "row"],
)
def test_anything_else_is_refused_in_one_line_that_says_what_to_give(given, said):
    with pytest.raises(ValueError, match=said) as caught:
        read_pages(given)
    assert "\n" not in str(caught.value)
    assert "give HTML" in str(caught.value)
