"""A day's labels: what the label store and the label file have about its pages, and what is rejected."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from html_classification.labeling.answers import Answer
from html_classification.labeling.buying import Waiting
from html_classification.labeling.day_labels import KnownAnswers, labels_of_day
from html_classification.lake.external import ExternalFile, ExternalFiles
from html_classification.schemas.labels import LABELS
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.validation import audit

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAGES = ("https://news.example/a", "https://news.example/b", "https://news.example/copy-of-a")


def sha1(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


def pages() -> pl.DataFrame:
    return pl.DataFrame({"url": PAGES, "content_sha1": [sha1("a"), sha1("b"), sha1("a")]})


def answer(text: str, category: str | None = "sports", annotator: str = "api:categorizer/3", **others: Any) -> Answer:
    usual = {"content_sha1": sha1(text), "annotator": annotator, "category": category, "confidence": 0.9}
    return Answer(**usual | {"labelled_at": NOON, "cost": 0.002, "answer": "{}"} | others)


def labels(answers: Sequence[Answer], *lines: dict[str, Any], waiting: Waiting | None = None, **others: Any) -> Outcome:
    known = KnownAnswers("data/lake/label-store", answers, waiting or Waiting())
    data = b"\n".join(json.dumps(line).encode() for line in lines)
    file = ExternalFile("labels.jsonl", "data/labels.jsonl", data)
    return labels_of_day(
        pages(), known, ExternalFiles([file], "label file", date(2026, 3, 1)) if lines else None, **others
    )


def test_an_answer_holds_for_every_page_with_its_text() -> None:
    outcome = labels([answer("a"), answer("elsewhere")])
    assert outcome.frame.select("url", "category", "annotator", "cost").rows() == [
        (PAGES[0], "sports", "api:categorizer/3", 0.002),
        (PAGES[2], "sports", "api:categorizer/3", 0.002),
    ]
    assert all(check.passed for check in audit(LABELS, outcome.frame))
    assert outcome.figures["pages"] == 3
    assert outcome.figures["pages_labelled"] == 2


def test_annotators_are_kept_apart_and_the_file_counts_besides() -> None:
    answers = [answer("a"), answer("a", "travel", "person:ann"), answer("b", "cooking", "person:ben")]
    outcome = labels(answers, {"url": PAGES[0], "category": "finance"})
    assert outcome.frame.filter(pl.col("url") == PAGES[0]).select("annotator", "category").rows() == [
        ("api:categorizer/3", "sports"),
        ("file:labels.jsonl", "finance"),
        ("person:ann", "travel"),
    ]
    assert outcome.figures["annotators"] == 4


def test_of_an_annotators_answers_from_two_places_the_latest_counts() -> None:
    earlier = answer("b", "travel", labelled_at=datetime(2026, 2, 1, tzinfo=UTC))
    for answers in ([earlier, answer("b")], [answer("b"), earlier]):
        assert labels(answers).frame["category"].to_list() == ["sports"]


def test_what_is_no_label_is_rejected_with_its_reason_and_what_was_said() -> None:
    refused = answer(
        "b", None, confidence=None, reason="confidence: not a number from 0 to 1", answer='{"confidence": 7}'
    )
    outcome = labels([answer("a"), refused])
    assert outcome.frame["url"].to_list() == [PAGES[0], PAGES[2]]
    (row,) = outcome.rejected
    assert (row["reason"], row["content_sha1"], row["cost"]) == (refused.reason, sha1("b"), 0.002)
    assert row["answer"] == '{"confidence": 7}'
    json.dumps(outcome.rejected)


def test_other_categories_are_rejected_wherever_they_come_from_and_come_back_with_the_list() -> None:
    answers, line = [answer("b"), answer("b", "x", "person:ann")], {"url": PAGES[0], "category": "y"}
    outcome = labels(answers, line, categories=["sports"])
    assert outcome.frame["category"].to_list() == ["sports"]
    assert [row["category"] for row in outcome.rejected] == ["y", "x"]
    assert all("HTML_CLASSIFICATION_CATEGORIES" in row["reason"] for row in outcome.rejected)
    json.dumps(outcome.rejected)
    assert labels(answers, line, categories=["sports", "x", "y"]).frame.height == 3
    assert labels(answers, line).frame.height == 3


def test_a_check_says_what_waits_and_for_what() -> None:
    (check,) = labels([]).checks
    assert (check.passed, check.figures) == (True, {"waiting": 0})
    outcome = labels([], waiting=Waiting(7, "the budget is spent"))
    (check,) = outcome.checks
    assert (check.passed, check.blocking) == (False, False)
    assert check.figures == {"waiting": 7, "why": "the budget is spent"}
    assert outcome.figures["waiting"] == 7


@given(st.permutations(range(6)))
def test_the_order_in_which_answers_are_found_does_not_matter(order: list[int]) -> None:
    answers = [answer(text, name, f"person:{name}") for text in "ab" for name in ("ann", "ben", "cem")]
    some = KnownAnswers("", answers, Waiting())
    other = KnownAnswers("", [answers[n] for n in order], Waiting())
    assert some.recipe_sources("answers") == other.recipe_sources("answers")
    assert labels_of_day(pages(), other).frame.equals(labels_of_day(pages(), some).frame)


def test_without_answers_the_recipe_knows_nothing_of_the_label_store() -> None:
    nothing = KnownAnswers("data/lake/label-store", [], Waiting())
    assert (nothing.sources(), nothing.recipe_sources("answers")) == ([], [])
    (source,) = KnownAnswers("data/lake/label-store", [answer("a"), answer("b", annotator="ann")], Waiting()).sources()
    assert source.description == "label store: 1 bought answers, 1 of people"


def test_what_waits_is_in_the_recipe_so_that_the_check_is_of_now() -> None:
    def recipe(texts: int, why: str) -> list[Any]:
        return KnownAnswers("", [answer("a")], Waiting(texts, why)).recipe_sources("answers")

    spent = "the budget is spent: today 5 of 5"
    assert recipe(3, spent) == recipe(3, "the budget is spent: today 6 of 6")
    assert recipe(3, spent) not in (recipe(0, ""), recipe(4, spent), recipe(3, "the account has no credit"))
