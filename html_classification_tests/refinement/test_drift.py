from datetime import date

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from html_classification.refinement.drift import DriftRules, drift
from html_classification_tests.training.corpus import WORDS, invented_pages

#: Fails one window of five by chance alone, however small the difference.
SENSITIVE = DriftRules(level=0.2, permutations=99, text_distance=0, category_distance=0)
DAYS = [date(2026, 3, 1 + index) for index in range(7)]


def window(seed: int = 0, rows: int = 420) -> pl.DataFrame:
    """Pages of as many sites, on days dealt at random."""
    dealt = np.random.default_rng(seed).integers(0, len(DAYS), rows)
    pages = invented_pages(rows, seed).with_columns(
        url=pl.format("https://s{}.example/", pl.int_range(pl.len())), day=pl.Series([DAYS[int(day)] for day in dealt])
    )
    return pages.with_columns(duplicate_cluster="url")


def half_of(day: date) -> pl.Expr:
    return (pl.col("day") == day) & (pl.int_range(pl.len()) % 2 == 0)


def test_a_day_of_another_topic_is_found_by_its_text():
    pages = window()
    other = "mortgage loan bank interest rate credit account money fund share"
    planted = pages.with_columns(text=pl.when(half_of(DAYS[3])).then(pl.lit(other)).otherwise("text"))
    check = drift(planted)
    assert not check.passed
    assert not check.blocking
    assert check.figures["most_different_day"] == "2026-03-04"
    assert check.figures["days_compared"] == 7
    assert check.figures["p_value"] == 0.002
    assert check.figures["distance"] > 0.3
    assert check.figures["p_value_categories"] > 0.05
    assert not drift(planted, DAYS[3]).passed
    assert drift(planted, DAYS[5]).passed
    assert drift(pages).passed


def test_a_day_of_other_categories_is_found_by_them():
    mixed = window().with_columns(category=pl.when(half_of(DAYS[2])).then(pl.lit("spam")).otherwise("category"))
    check = drift(mixed)
    assert not check.passed
    assert check.figures["most_different_day_categories"] == "2026-03-03"
    assert 0.4 < check.figures["distance_categories"] < 0.6
    assert check.figures["p_value"] > 0.005


def test_days_dealt_at_random_are_no_alarm_more_often_than_the_level_says():
    alarms = sum(not drift(window(seed, 210), rules=SENSITIVE).passed for seed in range(60))
    # 12 are expected at most; 20 or more of 60 have a chance below 1 %.
    assert alarms < 20


@pytest.mark.parametrize("by", ["site", "near duplicate"])
def test_what_comes_together_is_one_piece_of_evidence(by):
    """Forty sites, or clusters, of some pages on one topic each, all on one day."""

    def bunched(seed: int) -> pl.DataFrame:
        chance = np.random.default_rng(seed)
        topics = sorted(WORDS)
        rows = []
        for bunch in range(40):
            topic, day = topics[int(chance.integers(3))], DAYS[int(chance.integers(len(DAYS)))]
            for page in range(int(chance.integers(1, 20))):
                host = f"s{bunch}" if by == "site" else f"s{bunch}-{page}"
                url = f"https://{host}.example/{page}"
                cluster = url if by == "site" else f"c{bunch}"
                rows.append({"url": url, "day": day, "category": topic, "duplicate_cluster": cluster})
        return pl.DataFrame(rows).with_columns(text=pl.col("category").replace_strict(WORDS))

    rules = SENSITIVE.model_copy(update={"min_bunches": 2})
    assert sum(not drift(bunched(seed), rules=rules).passed for seed in range(40)) < 15
    # Were each page evidence of its own, nearly all of them would be alarms.
    alone = [
        bunched(seed).with_columns(
            url=pl.format("https://p{}.example/", pl.int_range(pl.len())),
            duplicate_cluster=pl.int_range(pl.len()).cast(pl.String),
        )
        for seed in range(10)
    ]
    assert sum(not drift(pages, rules=rules).passed for pages in alone) == 10


def test_a_difference_beyond_chance_that_is_trifling_is_no_alarm():
    pages = window(rows=7_000)
    slight = (pl.col("day") == DAYS[1]) & (pl.int_range(pl.len()) % 15 == 0)
    planted = pages.with_columns(category=pl.when(slight).then(pl.lit("spam")).otherwise("category"))
    check = drift(planted, rules=DriftRules(max_rows=1_000))
    assert check.figures["p_value_categories"] <= 0.005
    assert 0 < check.figures["distance_categories"] < 0.1
    assert check.passed
    assert not drift(planted, rules=DriftRules(max_rows=1_000, category_distance=0.01)).passed


def test_of_a_large_day_some_rows_are_read_evenly_over_sites():
    pages = window(rows=3_500)
    check = drift(pages, rules=DriftRules(max_rows=100))
    assert check.figures["rows"] == 3_500
    assert check.figures["rows_read"] == 700
    assert check.passed


@pytest.mark.parametrize("rows", [0, 1, 15])
def test_too_few_rows_pass_and_say_so(rows):
    check = drift(window(rows=420).head(rows))
    assert check.passed
    assert check.figures["days_compared"] == 0
    assert "to compare" in check.figures["not_compared"]


def test_one_day_or_none_of_the_window_passes_and_says_so():
    pages = window()
    assert "no day" in drift(pages.with_columns(day=pl.lit(DAYS[0]))).figures["not_compared"]
    assert "2026-04-01" in drift(pages, date(2026, 4, 1)).figures["not_compared"]


def test_texts_without_words_in_common_are_no_drift():
    assert drift(window().with_columns(text=pl.lit(""))).passed
    assert drift(window().with_columns(text=pl.col("url").str.extract(r"(s\d+)"), category=pl.lit("a"))).passed


def test_the_same_rows_in_any_order_give_the_same_figures():
    pages = window()
    assert drift(pages.sample(fraction=1, shuffle=True, seed=3)) == drift(pages)


def test_too_few_permutations_for_the_level_are_refused():
    with pytest.raises(ValidationError, match="take at least 199"):
        DriftRules(permutations=99)
