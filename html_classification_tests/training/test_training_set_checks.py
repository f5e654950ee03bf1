"""The checks of a training set: planted leaks are found, what is small or lopsided is warned of."""

import polars as pl
import pytest

from html_classification.schemas.described import Check
from html_classification.training.training_set_checks import (
    TRAINING_SET_CHECKS,
    TrainingSetThresholds,
    balance,
    both_sides,
    check_training_set,
    no_leak,
    sizes,
)

THRESHOLDS = TrainingSetThresholds()


def rows(train: dict[str, int], test: dict[str, int]) -> pl.DataFrame:
    """Rows with so many of each category on each side, each of a site of its own."""
    found = [
        {"url": f"https://{side}-{category}-{number}.example/", "category": category, "split": side}
        for side, counts in (("train", train), ("test", test))
        for category, count in counts.items()
        for number in range(count)
    ]
    frame = pl.DataFrame(found, schema={"url": pl.String, "category": pl.String, "split": pl.String})
    return frame.with_columns(duplicate_cluster="url")


SOUND = rows({"sports": 70, "cooking": 70}, {"sports": 30, "cooking": 30})


def with_row(frame: pl.DataFrame, **changed: str) -> pl.DataFrame:
    """One row more: the first, which is in train, changed."""
    return pl.concat([frame, frame.head(1).with_columns(**{name: pl.lit(value) for name, value in changed.items()})])


def test_a_sound_set_passes_and_only_the_leak_blocks() -> None:
    checks = check_training_set(SOUND, test_share=0.3, by_site=True, thresholds=THRESHOLDS)
    assert [check.name for check in checks if not check.blocking] == list(TRAINING_SET_CHECKS)
    assert [check.name for check in checks if check.blocking] == ["no_leak"]
    assert all(check.passed for check in checks)


@pytest.mark.parametrize(
    ("leaky", "figure"),
    [
        (with_row(SOUND), "urls_twice"),
        (with_row(SOUND, split="test", url="https://copy.example/"), "clusters_on_both_sides"),
        (
            with_row(SOUND, split="test", url="https://train-sports-0.example/2", duplicate_cluster="another"),
            "sites_on_both_sides",
        ),
    ],
    ids=["a page twice", "a copy on the other side", "a site on both sides"],
)
def test_a_planted_leak_is_found(leaky: pl.DataFrame, figure: str) -> None:
    check = no_leak(leaky, by_site=True)
    assert not check.passed
    assert {name: count for name, count in check.figures.items() if count} == {figure: 1}


def test_a_site_may_be_on_both_sides_unless_it_is_set() -> None:
    frame = with_row(SOUND, split="test", url="https://www.train-sports-0.example/2", duplicate_cluster="another")
    check = no_leak(frame, by_site=False)
    assert check.passed
    assert check.figures["sites_on_both_sides"] == 1


def test_a_category_on_one_side_only_is_named() -> None:
    check = both_sides(rows({"a": 3, "b": 3}, {"b": 1, "c": 1}))
    assert not check.passed
    assert check.figures == {"categories": 3, "missing_in_train": "c", "missing_in_test": "a"}


@pytest.mark.parametrize(
    ("train", "test", "passed"),
    [(70, 30, True), (61, 39, True), (59, 41, False), (81, 19, False), (49, 21, False), (0, 0, False)],
)
def test_sizes_are_near_what_was_wanted_and_large_enough(train: int, test: int, passed: bool) -> None:
    assert sizes(rows({"a": train}, {"a": test}), 0.3, THRESHOLDS).passed == passed


def test_a_category_too_small_to_learn_is_named() -> None:
    check = balance(rows({"a": 90, "b": 4, "c": 6}, {"a": 1}), THRESHOLDS)
    assert (check.passed, check.figures["too_small"], check.figures["smallest_rows"]) == (False, "b", 4)
    assert balance(rows({"a": 90, "c": 6}, {}), THRESHOLDS).passed
    assert not balance(rows({"a": 9000, "c": 60}, {}), THRESHOLDS).passed


def test_an_empty_set_is_no_mistake_of_the_checks() -> None:
    checks: list[Check] = check_training_set(rows({}, {}), test_share=0.3, by_site=True, thresholds=THRESHOLDS)
    assert [check.name for check in checks if not check.passed] == ["sizes"]
