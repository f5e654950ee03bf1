"""What the labelling API answers and bills, asked over HTTP by plain httpx."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from html_classification_tests.labelling_api.app import UNKNOWN_CATEGORY, Bucket, Terms
from html_classification_tests.labelling_api.asking import CLIENT, ask, body, document, headers
from html_classification_tests.labelling_api.faults import BadAnswer, Faults
from html_classification_tests.labelling_api.serving import LabellingApi, labelling_api

ANSWERS = {document(number)["url"]: "sports" for number in range(10)}
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabellingApi]:
    """An API without faults."""
    with labelling_api(tmp_path_factory.mktemp("api"), ANSWERS, Terms(now=NOON, most_documents=3)) as running:
        yield running


def results(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200
    items: list[dict[str, Any]] = answer.json()["results"]
    return items


def test_each_document_gets_an_answer_and_is_billed(api: LabellingApi) -> None:
    before = api.ledger.total()
    answer = ask(api, "an answer", body(1, 99))
    confidence = answer.json()["results"][0]["confidence"]
    assert 0.55 <= confidence <= 0.99
    known, unknown = document(1), document(99)
    paid = {"cost": "0.002", "labelled_at": "2026-03-01T12:00:00.000000Z"}
    assert answer.json() == {
        "model": "document-categorizer/2026-01",
        "currency": "EUR",
        "results": [
            {"id": known["id"], "category": "sports", "confidence": confidence, **paid},
            {"id": unknown["id"], "category": None, "confidence": None, **paid},
        ],
    }
    billed = [one for one in api.ledger.billed() if one.key == "an answer"]
    assert [(one.id, one.url, one.cost) for one in billed] == [
        (item["id"], item["url"], "0.002") for item in (known, unknown)
    ]
    assert api.ledger.total() - before == Decimal("0.004")


def test_only_the_categories_that_are_asked_for_are_answered(api: LabellingApi) -> None:
    (within,) = results(ask(api, "within", body(2, categories=["sports", "health"])))
    (without,) = results(ask(api, "without", body(2, categories=["health"])))
    (any_of_them,) = results(ask(api, "any", body(2, categories=[])))
    assert [item["category"] for item in (within, without, any_of_them)] == ["sports", None, "sports"]


@pytest.mark.parametrize(
    ("changed", "content", "status", "code"),
    [
        ({"Authorization": "Bearer wrong"}, body(3), 401, "unauthorized"),
        ({"Authorization": ""}, body(3), 401, "unauthorized"),
        ({"Idempotency-Key": ""}, body(3), 400, "bad_request"),
        ({}, body(3, 4, 5, 6), 413, "too_large"),
        ({}, body(), 422, "invalid"),
        ({}, {"documents": [{"id": "x"}]}, 422, "invalid"),
        ({}, {"documents": [document(3)], "categories": "sports"}, 422, "invalid"),
        ({}, [], 422, "invalid"),
    ],
)
def test_what_is_refused_is_not_billed(
    api: LabellingApi, changed: dict[str, str], content: Any, status: int, code: str
) -> None:
    before = api.ledger.billed()
    answer = CLIENT.post(api.url, json=content, headers=headers(api, "refused") | changed)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert api.ledger.billed() == before
    assert api.ledger.requests()[-1].status == status


def test_there_is_nothing_else(api: LabellingApi) -> None:
    assert CLIENT.get(api.url, headers=headers(api, "x")).status_code == 404
    assert CLIENT.post(api.url + "/other", headers=headers(api, "x")).status_code == 404


def test_the_same_key_gives_the_same_answer_and_is_billed_once(api: LabellingApi) -> None:
    first, again = (ask(api, "again", body(1, 2)) for _ in range(2))
    assert (first.status_code, again.content) == (200, first.content)
    assert len([one for one in api.ledger.billed() if one.key == "again"]) == 2
    assert [request.billed for request in api.ledger.requests() if request.key == "again"] == [2, 0]


def test_the_same_key_with_another_body_is_refused(api: LabellingApi) -> None:
    ask(api, "taken", body(1))
    before = api.ledger.billed()
    assert ask(api, "taken", body(2)).status_code == 409
    assert api.ledger.billed() == before


def test_without_labels_the_text_decides(tmp_path: Path) -> None:
    with labelling_api(tmp_path, terms=Terms(categories=("a", "b"))) as api:
        first, again = (results(ask(api, key, body(*range(30)))) for key in ("1", "2"))
        (named,) = results(ask(api, "3", body(1, categories=["z"])))
    assert {item["category"] for item in first} == {"a", "b"}
    assert [item["category"] for item in first] == [item["category"] for item in again]
    assert named["category"] == "z"
    assert {item["id"] for item in first} == api.ledger.billed_again().keys()


def test_labels_come_from_a_file_in_any_spelling(tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    file.write_text(
        '{"url": "https://PAGES.example/1?utm_source=x", "category": "health"}\n'
        '{"url": "https://pages.example/1", "category": "travel"}\n'
    )
    with labelling_api(tmp_path, file) as api:
        assert results(ask(api, "1", body(1)))[0]["category"] == "travel"


def test_nothing_is_billed_beyond_the_credit(tmp_path: Path) -> None:
    with labelling_api(tmp_path, ANSWERS, Terms(credit=Decimal("0.005"))) as api:
        paid = ask(api, "paid", body(1, 2))
        assert ask(api, "too much", body(3, 4)).status_code == 402
        assert ask(api, "paid", body(1, 2)).content == paid.content
    assert api.ledger.total() == Decimal("0.004")


def test_some_documents_cost_less(tmp_path: Path) -> None:
    with labelling_api(tmp_path, ANSWERS, Terms(price=Decimal("0.005"), half_price=0.5)) as api:
        costs = [item["cost"] for item in results(ask(api, "1", body(*range(20))))]
    assert set(costs) == {"0.0025", "0.005"}
    assert api.ledger.total() == sum(map(Decimal, costs))


def test_beyond_the_limit_it_says_when_to_come_back(tmp_path: Path) -> None:
    with labelling_api(tmp_path, ANSWERS, Terms(requests_per_second=0.01, burst=2)) as api:
        answers = [ask(api, str(number), body(number)) for number in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 50 < float(answers[2].headers["Retry-After"]) < 100.1
    assert api.ledger.statuses() == {200: 2, 429: 1}
    assert len(api.ledger.billed()) == 2


def test_the_limit_is_kept_to_and_can_be_reached() -> None:
    now = 0.0
    bucket = Bucket(rate=4, burst=2, clock=lambda: now)
    assert [bucket.take() for _ in range(4)] == [0, 0, 0.25, 0.25]
    now = 0.25
    assert [bucket.take() for _ in range(2)] == [0, 0.25]
    now = 100
    assert [bucket.take() for _ in range(3)] == [0, 0, 0.25]
    passed = 0
    for quarter in range(1, 101):
        now = 100 + quarter / 4
        passed += not bucket.take()
    assert passed == 100


@pytest.mark.parametrize("bad", list(BadAnswer))
def test_bad_answers_are_billed_and_stay_bad(tmp_path: Path, bad: BadAnswer) -> None:
    with labelling_api(tmp_path, ANSWERS, Terms(faults=Faults(documents={bad: 1}))) as api:
        items = results(ask(api, "1", body(1)))
        assert results(ask(api, "1", body(1))) == items
    assert len(api.ledger.billed()) == 1
    item = items[0] if items else {"category": "sports", "confidence": 0.5}
    assert bool(items) is (bad is not BadAnswer.MISSING)
    expected = {BadAnswer.UNKNOWN_CATEGORY: UNKNOWN_CATEGORY, BadAnswer.BAD_CATEGORY: 7, BadAnswer.NO_CATEGORY: None}
    assert item["category"] == expected.get(bad, "sports")
    assert (item["confidence"] == 7) is (bad is BadAnswer.BAD_CONFIDENCE)


def test_a_restarted_api_goes_on_with_its_ledger(tmp_path: Path) -> None:
    terms = Terms(credit=Decimal("0.005"), faults=Faults(documents={BadAnswer.MISSING: 0.5}))
    with labelling_api(tmp_path, ANSWERS, terms) as api:
        first = ask(api, "kept", body(1, 2))
    with labelling_api(tmp_path, ANSWERS, terms) as api:
        assert ask(api, "kept", body(1, 2)).content == first.content
        assert ask(api, "kept", body(1)).status_code == 409
        assert ask(api, "new", body(3, 4)).status_code == 402
    assert len(api.ledger.billed()) == 2


def test_the_key_stands_nowhere(api: LabellingApi) -> None:
    ask(api, "where", body(1))
    folder = api.ledger.billed_file.parent
    assert not [path for path in folder.iterdir() if api.key in path.read_text()]
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/api/v1/document-categorization", api.url)
    assert int(api.url.split(":")[2].split("/")[0]) < 32_768
