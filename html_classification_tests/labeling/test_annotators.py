"""Annotators are judged by each other: found good where they are good, and none is believed more than it should be."""

import warnings
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from html_classification.labeling.annotators import judge_annotators
from html_classification.schemas.annotators import ANNOTATORS
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.validation import audit
from html_classification_tests.labeling.simulated import FIRST, crowd, window

PEOPLE = {"person:ann": 0.95, "person:ben": 0.85, "person:cem": 0.7, "person:dea": 0.5}
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def column(outcome: Outcome, name: str) -> dict[str, float]:
    return dict(outcome.frame.select("annotator", name).iter_rows())


def errors(outcome: Outcome, accuracy: dict[str, float]) -> list[float]:
    return [abs(quality - accuracy[name]) for name, quality in column(outcome, "quality").items()]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("each", [2, 3])
def test_quality_is_about_how_often_an_annotator_is_right(each: int, seed: int) -> None:
    outcome = judge_annotators(crowd(PEOPLE, texts=500, each=each, seed=seed)[0])
    assert outcome.frame.sort("quality", descending=True)["annotator"].to_list() == list(PEOPLE)
    assert max(errors(outcome, PEOPLE)) < 0.12
    assert outcome.frame.sort("kappa", descending=True)["annotator"].to_list()[-1] == "person:dea"


def test_one_person_each_and_a_machine_are_enough_to_rank_them() -> None:
    accuracy = {**PEOPLE, "api:model/1": 0.8}
    outcome = judge_annotators(crowd(accuracy, texts=800, each=1)[0])
    assert max(errors(outcome, accuracy)) < 0.12
    assert column(outcome, "quality")["person:ann"] > column(outcome, "quality")["api:model/1"]
    assert column(outcome, "kind") == dict.fromkeys(PEOPLE, "person") | {"api:model/1": "api"}


def test_error_rates_can_be_followed_and_people_are_not_named() -> None:
    accuracy = {**PEOPLE, "api:model/1": 0.8}
    outcome = judge_annotators(crowd(accuracy, texts=800, each=2)[0])
    rates = {name: value for name, value in outcome.figures.items() if name.startswith("error_rate")}
    assert set(rates) == {"error_rate_api:model/1", "error_rate_people", "error_rate_worst_person"}
    assert float(rates["error_rate_api:model/1"]) == pytest.approx(0.2, abs=0.12)
    assert float(rates["error_rate_people"]) == pytest.approx(0.25, abs=0.12)
    assert float(rates["error_rate_worst_person"]) == pytest.approx(0.5, abs=0.12)


def test_two_machines_that_err_alike_do_not_outvote_people() -> None:
    machines = ("api:model/1", "api:model/2")
    accuracy = {**PEOPLE, **dict.fromkeys(machines, 0.65)}
    quality = column(judge_annotators(crowd(accuracy, texts=600, each=2, alike=machines)[0]), "quality")
    assert max(quality[name] for name in machines) < 0.75 < quality["person:ben"] < quality["person:ann"]


def test_machines_are_judged_among_themselves_where_no_person_judged() -> None:
    accuracy = {"api:a/1": 0.9, "api:b/1": 0.75, "file:old.jsonl": 0.6}
    outcome = judge_annotators(crowd(accuracy)[0])
    assert outcome.frame.sort("quality", descending=True)["annotator"].to_list() == list(accuracy)
    assert column(outcome, "kind")["file:old.jsonl"] == "file"
    assert "krippendorff_alpha_people" not in outcome.figures


def test_a_row_says_what_a_manager_wants_to_know() -> None:
    later = NOON + timedelta(days=1)
    urls = [f"https://news.example/{letter}" for letter in "abcd"]
    rows = [{"url": url, "annotator": name, "category": "sports"} for url in urls for name in ("ann", "ben", "cem")]
    rows[-1] |= {"category": "travel"}
    said = {"confidence": 0.5, "labelled_at": NOON, "cost": 0.01}
    rows[-2] |= said
    labels = window(*rows, {"url": "https://news.example/e", "annotator": "ann", "labelled_at": later, "cost": 0.5})
    outcome = judge_annotators(labels)
    assert all(check.passed for check in audit(ANNOTATORS, outcome.frame))
    ann, ben, cem = outcome.frame.rows(named=True)
    assert (ann["labels"], ann["shared"], ann["agreement"], ann["worst_category"]) == (5, 4, 1.0, None)
    assert (ann["cost"], ann["last_labelled_at"], ann["mean_confidence"]) == (0.5, later, None)
    assert (ben["cost"], ben["last_labelled_at"], ben["mean_confidence"]) == (0.01, NOON, 0.5)
    assert (cem["labels"], cem["shared"], cem["agreement"], cem["worst_category"]) == (4, 4, 0.75, "sports")
    assert ann["quality"] > cem["quality"]
    assert outcome.figures["texts"] == 5
    assert outcome.figures["texts_shared"] == 4


def test_a_text_counts_once_by_the_latest_answer() -> None:
    first = {"content_sha1": "a" * 40, "annotator": "ann", "category": "travel", "labelled_at": NOON, "cost": 1.0}
    again = {**first, "url": "https://news.example/b", "day": FIRST + timedelta(days=3)}
    corrected = {**first, "category": "sports", "labelled_at": NOON + timedelta(hours=1), "cost": 2.0}
    other = {"content_sha1": "a" * 40, "annotator": "ben", "category": "sports"}
    outcome = judge_annotators(window(first, again, corrected, other))
    assert column(outcome, "labels") == {"ann": 1, "ben": 1}
    assert column(outcome, "agreement") == {"ann": 1.0, "ben": 1.0}
    assert column(outcome, "cost") == {"ann": 2.0, "ben": 0.0}


def test_where_nothing_is_shared_nothing_is_claimed() -> None:
    outcome = judge_annotators(crowd(PEOPLE, texts=50, each=1)[0])
    assert outcome.frame["shared"].to_list() == [0] * 4
    for name in ("agreement", "kappa", "quality", "worst_category"):
        assert outcome.frame[name].null_count() == 4
    assert outcome.figures == {"annotators": 4, "texts": 50, "texts_shared": 0}
    (check,) = outcome.checks
    assert (check.passed, check.blocking, check.figures["compared"]) == (True, False, "too few shared texts")


def test_a_window_without_labels_has_no_annotators() -> None:
    outcome = judge_annotators(window(), day=FIRST)
    assert outcome.frame.schema == ANNOTATORS.empty().schema
    assert [check.passed for check in [*audit(ANNOTATORS, outcome.frame), *outcome.checks]] == [True, True]


def days(accuracy_before: float, accuracy_now: float, seed: int, texts: int = 60) -> pl.DataFrame:
    """Nine days of two people each, and a tenth."""
    names = ("ann", "ben", "cem")
    before = crowd(dict.fromkeys(names, accuracy_before), texts=9 * texts, days=9, seed=seed)[0]
    now = crowd(dict.fromkeys(names, accuracy_now), texts=texts, seed=seed + 1000)[0]
    new = pl.col("content_sha1").str.replace("0", "f")
    return pl.concat([before, now.with_columns(new, day=pl.lit(FIRST + timedelta(days=9)))])


def test_agreement_that_fell_is_told() -> None:
    (check,) = judge_annotators(days(0.9, 0.55, seed=1)).checks
    assert (check.name, check.passed, check.figures["compared"]) == ("agreement", False, "fell")
    assert check.figures["alpha"] < check.figures["alpha_before"] - 0.1
    (quiet,) = judge_annotators(days(0.9, 0.55, seed=1), day=FIRST + timedelta(days=10)).checks
    assert (quiet.passed, quiet.figures["shared"]) == (True, 0)


def test_agreement_that_rose_or_is_the_same_is_fine() -> None:
    assert judge_annotators(days(0.6, 0.95, seed=2)).checks[0].passed
    found = [judge_annotators(days(0.8, 0.8, seed, texts=25)).checks[0] for seed in range(40)]
    assert {check.figures["compared"] for check in found} == {"as before"}


def test_pages_crawled_again_do_not_hide_new_ones() -> None:
    labels = days(0.9, 0.5, seed=3)
    again = labels.filter(pl.col("day") < FIRST + timedelta(days=9)).with_columns(day=pl.lit(FIRST + timedelta(days=9)))
    (check,) = judge_annotators(pl.concat([labels, again])).checks
    assert (check.passed, check.figures["shared"]) == (False, 60)


NAMES = ["ann", "ben", "api:model/1", "api:model/2", "file:labels.jsonl"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.sampled_from(NAMES), st.sampled_from("xyz"), st.integers(0, 3)), max_size=25
    ),
    st.randoms(use_true_random=False),
)
def test_any_labels_are_judged_in_silence_and_in_any_order(rows: list[tuple[int, str, str, int]], random) -> None:  # type: ignore[no-untyped-def]
    made = [
        {"url": f"https://news.example/{text}", "content_sha1": f"{text:040x}", "annotator": name, "category": category}
        | {"day": FIRST + timedelta(days=day)}
        for text, name, category, day in rows
    ]
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        outcome = judge_annotators(window(*made))
        random.shuffle(made)
        shuffled = judge_annotators(window(*made))
    assert all(check.passed for check in audit(ANNOTATORS, outcome.frame))
    assert shuffled.frame.equals(outcome.frame)
    assert (shuffled.figures, shuffled.checks) == (outcome.figures, outcome.checks)
    compared = outcome.frame["shared"] > 0
    assert outcome.frame["quality"].is_not_null().to_list() == compared.to_list()


def test_cleanlab_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    judge_annotators(window({"annotator": "ann", "category": "x"}, {"annotator": "ben", "category": "y"}))
    assert capfd.readouterr() == ("", "")
