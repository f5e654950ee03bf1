"""Pages meet their labels: the gold rows of a day, and what is odd about it."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from html_classification.labeling.annotation import annotate
from html_classification.labeling.annotators import judge_annotators
from html_classification.labeling.label_checks import (
    ANNOTATED_CHECKS,
    LabelThresholds,
    categories_known,
    category_drift,
    share_labelled,
)
from html_classification.schemas.annotated import ANNOTATED
from html_classification.schemas.described import Check
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.validation import audit
from html_classification_tests.labeling.simulated import FIRST, window

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAGE = "https://news.example/a"
DEFAULTS = LabelThresholds()


def texts(*urls: str) -> pl.DataFrame:
    rows = [{"url": url, "title": "A title", "content": "a text", "language": "en", "timestamp": NOON} for url in urls]
    return pl.DataFrame(rows).with_columns(pl.col("timestamp").cast(pl.Datetime("us", "UTC")))


def check(outcome: Outcome, name: str) -> Check:
    (found,) = [check for check in outcome.checks if check.name == name]
    return found


def test_a_labelled_page_has_its_text_and_where_the_label_came_from() -> None:
    outcome = annotate(texts(PAGE), window({"category": "sports", "confidence": 0.9, "annotator": "file:labels.jsonl"}))
    assert all(check.passed for check in audit(ANNOTATED, outcome.frame))
    (row,) = outcome.frame.rows(named=True)
    expected = {"url": PAGE, "title": "A title", "content": "a text", "text": "A title - a text", "category": "sports"}
    assert row | expected == row
    assert (row["label_source"], row["label_confidence"], row["timestamp"]) == ("file:labels.jsonl", 0.9, NOON)
    assert row["annotators"] == 1


def test_several_annotators_settle_on_one_label_by_their_quality() -> None:
    shared = [
        {"url": f"https://news.example/{n:03}", "annotator": name, "category": "x" if name == "cem" else f"{n % 5}"}
        for n in range(40)
        for name in ("ann", "ben", "cem")
    ]
    day = FIRST + timedelta(days=1)
    today = [{"url": PAGE, "annotator": name, "category": name, "day": day} for name in ("ann", "cem")]
    labels = window(*shared, *today)
    outcome = annotate(texts(PAGE), labels, judge_annotators(labels).frame, day=day)
    (row,) = outcome.frame.rows(named=True)
    assert (row["category"], row["label_source"], row["annotators"]) == ("ann", "ann", 2)
    assert row["label_confidence"] > 0.6
    assert outcome.figures == {"pages": 1, "unlabelled": 0, "judged_by_several": 1}


def test_pages_without_a_label_are_counted_and_left_out() -> None:
    outcome = annotate(texts("https://b.example/", PAGE), window({"category": "sports"}))
    assert outcome.frame["url"].to_list() == [PAGE]
    assert outcome.figures == {"pages": 2, "unlabelled": 1, "judged_by_several": 0}


def test_a_day_without_labels_does_not_take_those_of_another() -> None:
    outcome = annotate(texts(PAGE), window({"category": "sports"}), day=FIRST + timedelta(days=1))
    assert (outcome.frame.height, outcome.frame.schema) == (0, ANNOTATED.empty().schema)
    nothing = annotate(texts(PAGE), window(), day=FIRST)
    assert (nothing.frame.height, nothing.figures["unlabelled"]) == (0, 1)
    assert [check.passed for check in nothing.checks] == [False, True, True]


def test_the_checks_are_those_that_are_declared_and_none_blocks() -> None:
    outcome = annotate(texts(PAGE), window({"category": "sports"}))
    assert [check.name for check in outcome.checks] == list(ANNOTATED_CHECKS)
    assert not any(check.blocking for check in outcome.checks)


@given(st.permutations(range(6)))
def test_the_order_of_pages_and_labels_does_not_matter(order: list[int]) -> None:
    urls = [f"https://news.example/{number}" for number in range(3)]
    given_labels = window(
        *({"url": url, "category": annotator, "annotator": annotator} for url in urls for annotator in ("ann", "ben"))
    )
    expected = annotate(texts(*urls), given_labels).frame
    assert annotate(texts(*(urls[n] for n in order if n < 3)), given_labels[order]).frame.equals(expected)


@pytest.mark.parametrize(("labelled", "passed"), [(49, False), (50, True), (100, True)])
def test_too_few_labelled_pages_are_told(labelled: int, passed: bool) -> None:
    assert share_labelled(100, labelled, DEFAULTS).passed == passed
    assert share_labelled(100, labelled, LabelThresholds(share_labelled=0)).passed
    assert share_labelled(0, 0, DEFAULTS).passed


def test_a_category_that_is_not_in_the_list_is_told() -> None:
    found = check(annotate(texts(PAGE), window({"category": "sprots"}), categories=["sports"]), "categories_known")
    assert (found.passed, found.figures["unknown"]) == (False, "sprots")
    assert categories_known({"sports"}, {}, ["sports", "travel"], DEFAULTS).passed


def test_without_a_list_the_days_before_say_what_is_known() -> None:
    before = {"sports": 150, "travel": 100}
    assert categories_known({"sports"}, before, None, DEFAULTS).passed
    assert not categories_known({"sports", "sprots"}, before, [], DEFAULTS).passed
    first_days = categories_known({"sports", "sprots"}, {"sports": 150}, None, DEFAULTS)
    assert (first_days.passed, first_days.figures["compared_with"]) == (True, "too few labels before")


def pages(counts: dict[str, int], day: date) -> list[dict[str, Any]]:
    return [
        {"url": f"https://news.example/{day}/{category}/{number:04}", "category": category, "day": day}
        for category, count in counts.items()
        for number in range(count)
    ]


def drift(before: dict[str, int], today: dict[str, int]) -> Check:
    last = FIRST + timedelta(days=1)
    rows = pages(today, last)
    return check(annotate(texts(*(row["url"] for row in rows)), window(*pages(before, FIRST), *rows)), "category_drift")


def test_a_category_that_vanished_or_exploded_is_named() -> None:
    before = {"sports": 300, "travel": 200, "cooking": 30}
    vanished = drift(before, {"sports": 60, "cooking": 6})
    assert not vanished.passed
    assert vanished.figures["vanished"] == "travel (37.7% before, 0.0% now)"
    exploded = drift(before, {"sports": 30, "travel": 20, "cooking": 50})
    assert not exploded.passed
    assert exploded.figures["exploded"].startswith("cooking (")
    assert drift(before, {"sports": 30, "travel": 20, "spam": 50}).figures["exploded"].startswith("spam (0.0%")


def test_a_small_or_a_large_day_with_the_usual_shares_is_fine() -> None:
    before = {"sports": 300, "travel": 200, "cooking": 10}
    for today in (
        {"sports": 3},
        {"travel": 5},
        {"sports": 60, "travel": 30},
        {"cooking": 1},
        {"sports": 900, "travel": 500, "cooking": 20},
    ):
        assert drift(before, today).passed
    assert drift({}, {"sports": 100}).passed
    assert category_drift({}, before, DEFAULTS).passed


def sample(random: np.random.Generator, shares: Sequence[float], rows: int) -> Counter[str]:
    return Counter(random.choice(len(shares), rows, p=shares).astype(str).tolist())


@pytest.mark.parametrize("rows_before", [100, 1000])
def test_chance_alone_raises_an_alarm_on_less_than_one_day_of_two_hundred(rows_before: int) -> None:
    alarms = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        shares = random.dirichlet(np.ones(12))
        before = sample(random, shares, rows_before)
        for rows in (5, 10, 20, 50, 100):
            alarms += not category_drift(sample(random, shares, rows), before, DEFAULTS).passed
    assert alarms <= 5  # of 1,000


def test_what_is_planted_is_found_on_days_of_a_hundred_rows() -> None:
    shares = [0.3, 0.2, 0.15, 0.15, 0.1, 0.1]
    for seed in range(50):
        random = np.random.default_rng(seed)
        before, usual = sample(random, shares, 1000), sample(random, shares, 100)
        for category in ("0", "1"):
            without = {name: count for name, count in usual.items() if name != category}
            assert category_drift(without, before, DEFAULTS).figures["vanished"].startswith(f"{category} (")
        more = category_drift(usual + Counter({"5": 60}), before, DEFAULTS)
        assert more.figures["exploded"].startswith("5 (")
