"""Which slices rows are in, and how good predictions are on each."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from html_classification.training.slices import MIN_SITE_ROWS, OTHER_SITES, SLICES, evaluate_slices, slices_of


def rows(urls: list[str], text: str = "a text", **columns: str | None) -> pl.DataFrame:
    values = {"language": "en", "label_source": "file", "text": text, **columns}
    frame = pl.DataFrame({"url": urls}).with_columns(pl.lit(value, pl.String).alias(n) for n, value in values.items())
    return frame.with_columns(day=date(2026, 3, 14))


def value_of(frame: pl.DataFrame, kind: str) -> str:
    return slices_of(frame).filter(pl.col("slice") == kind)["value"].unique().item()


@pytest.mark.parametrize(
    ("words", "expected"),
    [(0, "<50"), (49, "<50"), (50, "50-199"), (199, "50-199"), (200, "200-999"), (999, "200-999"), (1000, "1000+")],
)
def test_a_length_is_in_words(words: int, expected: str) -> None:
    assert value_of(rows(["https://a.example/"], "word " * words), "length") == expected
    assert value_of(rows(["https://a.example/"], "天" * words), "length") == expected


def test_a_site_is_the_host_without_www_and_small_ones_are_one_slice() -> None:
    hosts = ["www.big.example", "big.example:8080", "shop.big.example", "[2001:db8::1]", "xn--bcher-kva.example"]
    urls = [f"https://{host}/{number}" for host in hosts[:2] for number in range(MIN_SITE_ROWS // 2)]
    small = [f"https://{host}/?q=https://big.example/#x" for host in hosts[2:]]
    found = slices_of(rows([*urls, *small])).filter(pl.col("slice") == "site")
    assert dict(found.group_by("value").len().rows()) == {"big.example": MIN_SITE_ROWS, OTHER_SITES: len(small)}
    many = [f"{url}{number}" for url in small for number in range(MIN_SITE_ROWS)]
    names = set(slices_of(rows(many)).filter(pl.col("slice") == "site")["value"])
    assert names == {"shop.big.example", "[2001:db8::1]", "xn--bcher-kva.example"}


def test_what_is_not_known_is_a_slice_too() -> None:
    frame = rows(["https://a.example/"], language=None, label_source=None)
    found = dict(slices_of(frame)["slice", "value"].rows())
    expected = {"language": "unknown", "label_source": "unknown", "day": "2026-03-14", "length": "<50"}
    assert found == {**expected, "site": OTHER_SITES}
    assert slices_of(frame.clear()).is_empty()


CATEGORY = st.sampled_from(["a", "b", "c"])


@settings(deadline=None)
@given(st.lists(st.tuples(CATEGORY, CATEGORY, st.sampled_from(["en", "de"])), min_size=1, max_size=30))
def test_figures_of_a_slice_are_those_of_its_rows_alone(answers: list[tuple[str, str, str]]) -> None:
    urls = [f"https://a.example/{number}" for number in range(len(answers))]
    frame = pl.DataFrame(answers, schema=["category", "predicted", "language"], orient="row")
    frame = frame.with_columns(url=pl.Series(urls))
    slices = slices_of(frame.with_columns(label_source=pl.lit("file"), day=date(2026, 3, 14), text=pl.lit("")))
    measured = evaluate_slices(frame, slices)
    assert set(measured["slice"]) == set(SLICES)
    for kind, value, number, accuracy, macro_f1 in measured.rows():
        part = frame.filter(pl.col("language") == value) if kind == "language" else frame
        given, predicted = part["category"].to_list(), part["predicted"].to_list()
        assert number == part.height
        assert accuracy == pytest.approx((part["category"] == part["predicted"]).mean())
        assert macro_f1 == pytest.approx(f1_score(given, predicted, average="macro", zero_division=0))


def test_no_predictions_have_no_figures() -> None:
    frame = rows(["https://a.example/"])
    nothing = pl.DataFrame(schema={"url": pl.String, "category": pl.String, "predicted": pl.String})
    assert evaluate_slices(nothing, slices_of(frame)).columns == ["slice", "value", "rows", "accuracy", "macro_f1"]
