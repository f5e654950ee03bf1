"""The training set of a window: newest rows for testing, nothing on both sides that must not be."""

import hashlib
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from html_classification.schemas.training import TrainingSet
from html_classification.training.sites import site
from html_classification.training.split import split_window
from html_classification.transforms.duplicates import signatures

FIRST = date(2026, 3, 1)


def window(pages: list[tuple[int, int, str]], sites: int = 1) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Annotated and parsed from (day, page number, text), the pages dealt out to the sites.

    The time follows the place in the list.
    """
    rows = [
        {
            "url": f"https://{'abcdefghijklmnopqrstuvwxyz'[number % sites]}.example/{number}",
            "category": f"c{number % 3}",
            "label_source": "file",
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
        "label_source": pl.String,
        "timestamp": pl.Datetime("us", "UTC"),
        "day": pl.Date,
        "language": pl.String,
        "content": pl.String,
        "content_sha1": pl.String,
    }
    frame = pl.DataFrame(rows, schema=schema)
    frame = frame.with_columns(signatures(frame["content"]).alias("minhash"))
    annotated = frame.select("url", "category", "label_source", "timestamp", "day")
    return annotated, frame.drop("category", "label_source", "content")


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


def test_who_gave_the_label_stands_in_the_row():
    annotated, parsed = window([(0, index, text(index)) for index in range(4)])
    source = pl.when(pl.col("url").str.ends_with("/2")).then(pl.lit("anna")).otherwise("label_source")
    frame = split_window(annotated.with_columns(label_source=source), parsed).frame
    assert frame["label_source"].to_list() == ["file", "file", "anna", "file"]


def sides(frame: pl.DataFrame) -> dict[str, set[str]]:
    """The sites of each side."""
    return {side: set(frame.filter(split=side).select(site())["url"]) for side in ("train", "test")}


def test_new_sites_of_the_last_days_are_for_testing():
    pages = [(index, index % 10, text(index)) for index in range(10)]
    pages += [(10 + index % 4, 10 + index % 4 + 26 * (index // 4), text(10 + index)) for index in range(8)]
    outcome = split_window(*window(pages, sites=26), by_site=True)
    assert sides(outcome.frame) == {
        "train": {f"{name}.example" for name in "abcdefghij"},
        "test": {f"{name}.example" for name in "klmn"},
    }
    assert outcome.figures["cut"] == "whole days"
    assert outcome.figures["sites"] == 14


def test_where_no_site_is_new_those_seen_last_are_for_testing():
    pages = [(index // 10, index, text(index)) for index in range(140)]  # ten sites, all of them on each day
    without = split_window(*window(pages, sites=10))
    assert sides(without.frame)["train"] == sides(without.frame)["test"]
    outcome = split_window(*window(pages, sites=10), by_site=True)
    assert sides(outcome.frame)["test"] == {"h.example", "i.example", "j.example"}
    assert (outcome.figures["test"], outcome.figures["cut"]) == (42, "whole sites")
    assert all(check.passed for check in outcome.checks if check.blocking)


@pytest.mark.parametrize(
    ("giant", "test", "cut"),
    [(range(80), 20, "whole sites"), (range(20, 100), 20, "whole sites"), (range(100), 0, "none")],
    ids=["the first", "the last", "the only"],
)
def test_a_giant_site_stays_on_one_side_and_it_is_said(giant, test, cut):
    pages = [(index % 14, index * 26 + (0 if index in giant else 1 + index % 20), text(index)) for index in range(100)]
    outcome = split_window(*window(sorted(pages), sites=26), by_site=True)
    assert (outcome.figures["test"], outcome.figures["cut"]) == (test, cut)
    assert outcome.figures["largest_group"] == len(giant)
    assert {check.name: check.passed for check in outcome.checks}["sizes"] == (test > 0)


def test_clusters_hold_sites_together():
    pages = [(index % 14, index, text(index)) for index in range(140)] + [(3, 140, text(9)), (4, 149, text(0))]
    frame = split_window(*window(pages, sites=10), by_site=True).frame
    assert {"a.example", "j.example"} in [names & {"a.example", "j.example"} for names in sides(frame).values()]
    assert not set.intersection(*sides(frame).values())


@settings(max_examples=60, deadline=None)
@given(
    pages=st.lists(st.tuples(st.integers(0, 13), st.integers(0, 40), st.integers(0, 15)), min_size=2, max_size=60),
    share=st.floats(0.05, 0.95),
    sites=st.integers(1, 20),
    by_site=st.booleans(),
    order=st.randoms(use_true_random=False),
)
def test_nothing_leaks_and_nothing_is_lost(pages, share, sites, by_site, order):
    unique = {(day, number): (day, number, text(content)) for day, number, content in pages}
    annotated, parsed = window(list(unique.values()), sites)
    outcome = split_window(annotated, parsed, test_share=share, by_site=by_site)
    frame = outcome.frame
    assert set(frame["url"]) == set(annotated["url"])
    assert len(annotated) == len(frame) + outcome.figures["older_copies"]
    contents = frame.join(parsed, on=["url", "day"])
    for key in ["duplicate_cluster", "content_sha1", *([site()] if by_site else [])]:
        assert contents.group_by(key).agg(pl.col("split").n_unique())["split"].max() == 1
    assert all(check.passed for check in outcome.checks if check.blocking)
    assert frame.filter(pl.col("split") == "train").height > 0
    assert (frame.filter(pl.col("split") == "test").height > 0) == (outcome.figures["largest_group"] < len(frame))
    shuffled = [one.sample(fraction=1, shuffle=True, seed=order.randrange(99)) for one in (annotated, parsed)]
    again = split_window(*shuffled, test_share=share, by_site=by_site)
    assert again.frame.equals(frame)
    assert (again.figures, again.checks) == (outcome.figures, outcome.checks)
