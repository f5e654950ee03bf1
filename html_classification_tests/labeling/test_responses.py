"""What a labelling API answered: every document of a request has an answer, whatever came."""

import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from html_classification.labeling.answers import Answer
from html_classification.labeling.orders import Document, Request
from html_classification.labeling.responses import UnreadableError, read_answers

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PRICE = Decimal("0.002")


def document(text: str) -> Document:
    sha1 = hashlib.sha1(text.encode()).hexdigest()
    return Document(id=sha1, url=f"https://news.example/{sha1[:8]}", title="", text=text)


def request(*texts: str) -> Request:
    return Request(key="k", documents=tuple(document(text) for text in texts))


def read(results: Any, *texts: str, **others: Any) -> list[Answer]:
    body = json.dumps({"model": "categorizer/3", "results": results, **others}).encode()
    return read_answers(body, request(*texts), "labels.example", PRICE, NOON)


def test_an_answer_has_category_confidence_cost_time_and_what_was_said() -> None:
    item = {"id": document("a").id, "category": " sports ", "confidence": 0.9, "cost": "0.0015"}
    (answer,) = read([item | {"labelled_at": "2026-03-01T14:00:00+02:00", "extra": [1]}], "a")
    assert answer.annotator == "api:categorizer/3"
    assert (answer.category, answer.confidence, answer.cost, answer.labelled_at) == ("sports", 0.9, 0.0015, NOON)
    assert json.loads(answer.answer) == item | {"labelled_at": "2026-03-01T14:00:00+02:00", "extra": [1]}
    assert answer.reason is None


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"category": None}, "no category"),
        ({"category": ""}, "category: "),
        ({"category": 7}, "category: "),
        ({"category": "x" * 201}, "category: "),
        ({"category": "a\x00b"}, "category: "),
        ({"confidence": 7}, "confidence: "),
        ({"confidence": "high"}, "confidence: "),
        ({"confidence": True}, "confidence: "),
    ],
)
def test_what_is_no_label_is_kept_with_its_reason_and_its_cost(changed: dict[str, Any], reason: str) -> None:
    item = {"id": document("a").id, "category": "sports", "confidence": 0.9, "cost": 0.001} | changed
    (answer,) = read([item], "a")
    assert answer.category is None
    assert (answer.reason or "").startswith(reason)
    assert answer.cost == 0.001
    assert json.loads(answer.answer) == item


def test_a_document_that_is_left_out_counts_as_billed_at_the_full_price() -> None:
    good = {"id": document("b").id, "category": "sports", "cost": "0.001"}
    first, second = read([good, {"id": "unknown", "category": "x"}, "garbage", None], "a", "b")
    assert (first.reason, first.cost, first.content_sha1) == ("no result for this document", 0.002, document("a").id)
    assert (second.category, second.confidence, second.cost) == ("sports", None, 0.001)


@pytest.mark.parametrize("cost", [None, "free", -1, "NaN", "1e99", True, [1]])
def test_a_cost_that_can_be_none_counts_as_the_full_price(cost: Any) -> None:
    (answer,) = read([{"id": document("a").id, "category": "sports", "cost": cost}], "a")
    assert answer.cost == 0.002


@pytest.mark.parametrize("model", [None, 7, "", "  ", "x" * 201, "a\nb"])
def test_an_api_that_says_no_name_goes_by_its_host(model: Any) -> None:
    (answer,) = read([{"id": document("a").id, "category": "sports"}], "a", model=model)
    assert answer.annotator == "api:labels.example"


def test_of_two_results_for_one_document_the_first_counts() -> None:
    items = [{"id": document("a").id, "category": category} for category in ("sports", "travel")]
    assert [answer.category for answer in read(items, "a")] == ["sports"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"results": 7}', b'{"error": {}}', b"\xff", b"[" * 9999])
def test_a_response_that_says_nothing_of_any_document_is_no_answer(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        read_answers(body, request("a"), "labels.example", PRICE, NOON)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
ITEM = st.fixed_dictionaries(
    {"id": st.sampled_from([document("a").id, document("b").id, "x"])},
    optional={"category": ANYTHING, "confidence": ANYTHING, "cost": ANYTHING, "labelled_at": ANYTHING},
)


@given(st.lists(ITEM | ANYTHING, max_size=4), ANYTHING)
def test_whatever_comes_every_document_has_one_answer(results: list[Any], model: Any) -> None:
    try:
        answers = read(results, "a", "b", model=model)
    except UnreadableError:  # JSON that is none, such as NaN
        return
    assert [answer.content_sha1 for answer in answers] == [document("a").id, document("b").id]
    for answer in answers:
        assert (answer.category is None) == (answer.reason is not None)
        assert 0 <= answer.cost <= 1_000_000
        assert Answer.model_validate_json(answer.model_dump_json()) == answer
