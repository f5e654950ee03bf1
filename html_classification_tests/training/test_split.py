import hashlib
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from html_classification.schemas.training import TrainingSet
from html_classification.training.split import split_window
from html_classification.transforms.duplicates import signatures

FIRST = date(2026, 3, 1)


def window(pages: list[tuple[int, int, str]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Annotated and parsed from (day, page number, text); the time follows the place in the list."""
    rows = [
        {
            "url": f"https://a.example/{number}",
            "category": f"c{number % 3}",
            "timestamp": datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=day, seconds=place),
            "day": FIRST + timedelta(days=day),
            "language": "en",
            "content": text,
            "content_sha1": hashlib.sha1(text.encode()).hexdigest(),
        }
        for place, (day, number, text) in enumerate(pages)
    ]
    schema = {
        "url": pl.String,
        "category": pl.String,
        "timestamp": pl.Datetime("us", "UTC"),
        "day": pl.Date,
        "language": pl.String,
        "content": pl.String,
        "content_sha1": pl.String,
    }
    frame = pl.DataFrame(rows, schema=schema)
    frame = frame.with_columns(signatures(frame["content"]).alias("minhash"))
    return frame.select("url", "category", "timestamp", "day"), frame.drop("category", "content")


def text(number: int) -> str:
    return " ".join(hashlib.sha256(f"{number}/{word}".encode()).hexdigest()[:6] for word in range(30))


def test_of_fourteen_days_the_last_four_are_for_testing():
    outcome = split_window(*window([(index % 14, index, text(index)) for index in range(140)]))
    TrainingSet.validate(outcome.frame)
    days = {side: set(outcome.frame.filter(pl.col("split") == side)["day"]) for side in ("train", "test")}
    assert days["train"] == {FIRST + timedelta(days=day) for day in range(10)}
    assert days["test"] == {FIRST + timedelta(days=day) for day in range(10, 14)}
    assert outcome.figures["train"] == 100
    assert outcome.figures["cut"] == "whole days"


def test_one_day_is_cut_by_time():
    outcome = split_window(*window([(0, index, text(index)) for index in range(10)]))
    test = outcome.frame.filter(pl.col("split") == "test")
    assert len(test) == 3
    assert test["timestamp"].min() > outcome.frame.filter(pl.col("split") == "train")["timestamp"].max()


def test_a_window_whose_last_day_has_nearly_everything_is_cut_by_time():
    pages = [(index % 13, index, text(index)) for index in range(13)]
    pages += [(13, index, text(index)) for index in range(13, 100)]
    outcome = split_window(*window(pages))
    assert (outcome.figures["test"], outcome.figures["cut"]) == (30, "time of crawl")


def test_copies_of_train_pages_stay_out_of_the_test_side():
    pages = [(index % 14, index, text(index)) for index in range(140)] + [
        (13, 500, text(0)),
        (13, 501, text(12)),
    ]
    outcome = split_window(*window(pages))
    side = dict(outcome.frame.select("url", "split").iter_rows())
    assert side["https://a.example/500"] == "train"
    assert side["https://a.example/501"] == "test"
    assert outcome.figures["copies_moved_to_train"] == 1


def test_the_freshest_copy_of_a_page_counts():
    outcome = split_window(*window([(0, 1, text(1)), (1, 1, text(2)), (0, 2, text(3)), (1, 3, text(4))]))
    assert outcome.figures["older_copies"] == 1
    assert outcome.frame.filter(pl.col("url").str.ends_with("/1"))["day"].item() == date(2026, 3, 2)


def test_a_label_without_its_page_is_rejected_with_the_reason():
    annotated, parsed = window([(0, index, text(index)) for index in range(10)])
    outcome = split_window(annotated, parsed.filter(pl.col("url") != "https://a.example/4"))
    assert len(outcome.frame) == 9
    assert [row["url"] for row in outcome.rejected] == ["https://a.example/4"]
    assert "html_parsing" in outcome.rejected[0]["reason"]


@pytest.mark.parametrize("rows", [0, 1, 2, 3])
def test_tiny_days(rows):
    outcome = split_window(*window([(0, index, text(index)) for index in range(rows)]))
    TrainingSet.validate(outcome.frame)
    assert outcome.figures["test"] == (1 if rows > 1 else 0)


def test_a_share_that_is_none_is_refused():
    with pytest.raises(ValueError, match="test_share"):
        split_window(*window([(0, 1, text(1))]), test_share=1.0)


@settings(max_examples=60, deadline=None)
@given(
    pages=st.lists(st.tuples(st.integers(0, 13), st.integers(0, 40), st.integers(0, 15)), min_size=2, max_size=60),
    share=st.floats(0.05, 0.95),
)
def test_nothing_leaks_and_nothing_is_lost(pages, share):
    unique = {(day, number): (day, number, text(content)) for day, number, content in pages}
    annotated, parsed = window(list(unique.values()))
    outcome = split_window(annotated, parsed, test_share=share)
    frame = outcome.frame
    assert set(frame["url"]) == set(annotated["url"])
    assert len(annotated) == len(frame) + outcome.figures["older_copies"]
    assert frame.group_by("duplicate_cluster").agg(pl.col("split").n_unique())["split"].max() == 1
    contents = frame.join(parsed, on=["url", "day"])
    assert contents.group_by("content_sha1").agg(pl.col("split").n_unique())["split"].max() == 1
    assert frame.filter(pl.col("split") == "train").height > 0
    assert outcome.frame.equals(split_window(annotated.reverse(), parsed.reverse(), test_share=share).frame)
