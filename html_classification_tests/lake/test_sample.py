"""What people are shown of the data."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from html_classification.lake.metadata import Statistics
from html_classification.lake.sample import mask, sample_rows, to_markdown
from html_classification.lake.statistics import StatisticsBuilder
from html_classification.schemas.columns import Stage
from html_classification.schemas.labels import LABELS
from html_classification.schemas.raw import RAW


def raw(html: str) -> pl.DataFrame:
    row = {"url": "https://a.example/", "html": html, "timestamp": None}
    return pl.DataFrame([row] * 8, schema=dict(RAW.dtypes))


def statistics(stage: Stage, rows: pl.DataFrame) -> Statistics:
    builder = StatisticsBuilder(stage)
    builder.add(rows)
    return builder.build(0, {})


def test_personal_data_are_masked() -> None:
    text = mask("Mail jo.doe+x@mail.shop.example, call +49 (0)30 555-0142, pay DE89 3704 0044 0532 0130 00.")
    assert "jo.doe" not in text
    assert "0142" not in text
    assert "3704" not in text


def test_dates_years_and_amounts_stay() -> None:
    assert mask("In 2026 it cost 1,299.00 for 12 pieces") == "In 2026 it cost 1,299.00 for 12 pieces"


def test_nothing_personal_is_cut_in_two_and_missed() -> None:
    for length in range(270, 310):
        (row, *_) = sample_rows(RAW, raw("x" * length + " jane.doe@mail.example rest"))
        assert "jane" not in row["html"]
    assert mask("https://a.example/?to=jane.doe%40mail.example") == "https://a.example/?to=[e-mail]"


def test_a_sample_is_short() -> None:
    rows = sample_rows(RAW, raw("x" * 10_000))
    assert len(rows) == 5
    assert len(rows[0]["html"]) == 301


@given(st.text())
def test_a_preview_renders_no_markup_of_the_data(text: str) -> None:
    shown = to_markdown([{"html": text + "<script>alert(1)</script>|[a](javascript:b)"}], longest=10_000)
    assert "<script>" not in shown
    assert "](" not in shown.replace("\\](", "")
    assert len(shown.splitlines()) == 3


def test_statistics_tell_no_personal_values() -> None:
    figures = statistics(RAW, raw("secret text"))
    assert "secret text" not in figures.model_dump_json()
    assert figures.by_column["html"] == {
        "nulls": 0, "distinct": 1, "min_length": 11, "max_length": 11, "mean_length": 11.0,
    }  # fmt: skip


def test_statistics_of_a_frame_without_rows() -> None:
    figures = statistics(LABELS, LABELS.empty())
    assert figures.rows == 0
    assert figures.by_column["confidence"] == {"nulls": 0, "distinct": 0, "min": None, "max": None, "mean": None}
