"""Buying labels of a real API on loopback: once each, within the budget, whatever goes wrong."""

import hashlib
import logging
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest

from html_classification.labeling import api as api_module
from html_classification.labeling import buying
from html_classification.labeling.api import LabellingError
from html_classification.labeling.bought import BoughtAnswers, answer_path
from html_classification.labeling.buying import Shop, Waiting
from html_classification.labeling.orders import Document, OrderBook
from html_classification.labeling.stored import check_label_store
from html_classification.labeling.terms import KEY_VARIABLE, Terms
from html_classification.lake.errors import LakeError
from html_classification.lake.store import Store
from html_classification.settings import SettingsError
from html_classification_tests.labelling_api.app import CATEGORIES
from html_classification_tests.labelling_api.app import Terms as ApiTerms
from html_classification_tests.labelling_api.faults import BadAnswer, Faults, RequestFault
from html_classification_tests.labelling_api.serving import LabellingApi, labelling_api

START = datetime(2026, 3, 30, 12, tzinfo=UTC)
Serve = Callable[..., LabellingApi]


def sha1(number: int) -> str:
    return hashlib.sha1(f"text {number}".encode()).hexdigest()


def documents(count: int, first: int = 0) -> dict[str, Document]:
    return {
        sha1(number): Document(
            id=sha1(number), url=f"https://news.example/{number}", title="A title", text=f"text {number}"
        )
        for number in range(first, first + count)
    }


def terms(api: LabellingApi, **changed: Any) -> Terms:
    usual = {"url": api.url, "price": "0.002", "budget_per_day": 10, "budget_per_month": 100, "batch_size": 4}
    return Terms(**usual | {"timeout": 2} | changed)


def buy(store: Store, its: Terms, texts: dict[str, Document], clock: Callable[[], datetime] = lambda: START) -> Waiting:
    def of(sha1s: Collection[str]) -> list[Document]:
        return [texts[one] for one in sha1s]

    return Shop(store, its, clock).buy(list(texts), of)


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Starts labelling APIs; the key of the last one is in the environment."""
    running = []

    def start(**its: Any) -> LabellingApi:
        context = labelling_api(tmp_path / f"api-{len(running)}", terms=ApiTerms(**its))
        api = context.__enter__()
        running.append(context)
        monkeypatch.setenv(KEY_VARIABLE, api.key)
        return api

    yield start
    for context in running:
        context.__exit__(None, None, None)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "lake"))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "_FIRST_WAIT", 0.01)


@pytest.mark.parametrize("place", ["folder", "s3"])
def test_every_text_is_bought_once_and_found_again(
    place: str, serve: Serve, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    store = Store(str(tmp_path / "lake") if place == "folder" else request.getfixturevalue("bucket"))
    api, texts = serve(), documents(10)
    assert buy(store, terms(api), texts) == Waiting()
    bought = BoughtAnswers(store).of(texts)
    assert {one: answers[0].category in CATEGORIES for one, answers in bought.items()} == dict.fromkeys(texts, True)
    assert buy(store, terms(api), texts) == Waiting()
    assert buy(store, terms(api), documents(12)) == Waiting()
    assert api.ledger.times_billed() == dict.fromkeys(documents(12), 1)
    assert OrderBook(store).read().spent(START.date()) == (24_000, 24_000)
    assert OrderBook(store).read().open == {}
    assert check_label_store(store).findings == []


def test_no_text_is_billed_twice_whatever_gets_lost(
    serve: Serve, store: Store, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = count()
    monkeypatch.setattr(buying, "uuid4", lambda: UUID(int=next(numbers)))  # which faults come depends on the keys
    faults = Faults.evenly(requests=0.45, late_seconds=1)
    api, texts = serve(faults=faults, latency=0.01, half_price=0.5), documents(160)
    while buy(store, terms(api, timeout=0.5), texts).texts:
        pass  # a request whose attempts all failed waits for the next run
    assert api.ledger.times_billed() == dict.fromkeys(texts, 1)
    assert {request.fault for request in api.ledger.requests()} > set(RequestFault)
    assert OrderBook(store).read().spent(START.date())[0] == api.ledger.total() * 1_000_000
    assert all(answers[0].reason is None for answers in BoughtAnswers(store).of(texts).values())


def test_answers_that_are_no_label_are_kept_and_not_bought_again(serve: Serve, store: Store) -> None:
    api, texts = serve(faults=Faults.evenly(documents=0.6)), documents(60)
    for _ in range(2):
        assert buy(store, terms(api, categories=CATEGORIES), texts) == Waiting()
    assert api.ledger.times_billed() == dict.fromkeys(texts, 1)
    answers = BoughtAnswers(store).of(texts)
    bad = {one: api.terms.faults.of_document(one) for one in texts}
    # An unknown category is stored as a label: the list of categories may grow, and then it is paid for already.
    for one, fault in bad.items():
        expected = fault not in (None, BadAnswer.UNKNOWN_CATEGORY)
        assert (answers[one][0].reason is not None) == expected, (fault, answers[one])


def test_the_budget_of_a_day_is_spent_to_the_last_text_and_not_beyond(serve: Serve, store: Store) -> None:
    api, texts = serve(), documents(30)
    days = [START + timedelta(days=days) for days in range(4)]
    its = terms(api, budget_per_day="0.0139", budget_per_month="0.025")
    waiting = [buy(store, its, texts, lambda day=day: day) for day in days[:2]]  # type: ignore[misc]
    assert [one.texts for one in waiting] == [24, 18]  # six texts cost 0.012
    assert waiting[0].why.startswith("the budget is spent: today 0.012 of 0.0139, this month 0.012 of 0.025")
    assert buy(store, its, texts, lambda: days[1]).texts == 18
    its = terms(api, budget_per_day=1, budget_per_month="0.025")
    assert buy(store, its, texts, lambda: days[2]).texts == 6  # April began
    assert api.ledger.total() == Decimal("0.048")
    assert buy(store, terms(api, budget_per_day=0), texts, lambda: days[3]).texts == 6


def test_without_a_budget_nothing_is_asked(serve: Serve, store: Store) -> None:
    api = serve()
    assert buy(store, terms(api, budget_per_month=0), documents(3)).texts == 3
    assert api.ledger.requests() == []


def test_many_runs_at_once_neither_buy_twice_nor_overspend(serve: Serve, store: Store) -> None:
    api = serve(latency=0.02)
    its = terms(api, budget_per_day="0.1", batch_size=3)
    with ThreadPoolExecutor(6) as pool:  # each wants others' texts too
        runs = [pool.submit(buy, store, its, documents(40, first)) for first in range(0, 60, 10)]
        for run in runs:
            run.result()
    assert api.ledger.billed_again() == {}
    assert api.ledger.total() == Decimal("0.1")


def test_an_order_that_was_never_sent_is_carried_out_by_the_next_run(serve: Serve, store: Store) -> None:
    api, texts = serve(), documents(9)
    with patch.object(Shop, "_carry_out", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        buy(store, terms(api), texts)
    assert OrderBook(store).read().spent(START.date())[0] == 18_000
    assert buy(store, terms(api), documents(1, 100), lambda: START + timedelta(days=1)) == Waiting()
    assert api.ledger.times_billed() == dict.fromkeys([*texts, sha1(100)], 1)
    state = OrderBook(store).read()
    assert [state.spent((START + timedelta(days=days)).date())[0] for days in (0, 1)] == [18_000, 20_000]


def test_what_is_ordered_already_waits_where_the_budget_was_lowered(serve: Serve, store: Store) -> None:
    api, texts = serve(), documents(9)
    with patch.object(Shop, "_carry_out", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        buy(store, terms(api), texts)
    lowered = terms(api, budget_per_day="0.01")
    for _ in range(2):  # as much of the order is sent as fits: the first four of nine
        assert buy(store, lowered, texts).texts == 5
        assert api.ledger.total() == Decimal("0.008")
    assert buy(store, lowered, texts, lambda: START + timedelta(days=1)).texts == 5  # it began on the day before
    assert buy(store, terms(api), texts) == Waiting()


def test_the_limit_that_the_api_says_is_kept_to(serve: Serve, store: Store) -> None:
    api, texts = serve(requests_per_second=40, burst=4), documents(60)
    assert buy(store, terms(api, batch_size=1), texts) == Waiting()
    assert api.ledger.statuses()[429] > 0
    assert api.ledger.times_billed() == dict.fromkeys(texts, 1)


def test_who_knows_the_limit_is_hardly_ever_refused(serve: Serve, store: Store) -> None:
    api = serve(requests_per_second=100, latency=0.02)
    assert buy(store, terms(api, batch_size=1, requests_per_second=95), documents(100)) == Waiting()
    assert api.ledger.statuses()[429] <= 10


def test_an_account_without_credit_waits(serve: Serve, store: Store) -> None:
    api, texts = serve(credit=Decimal("0.05")), documents(60)
    waiting = buy(store, terms(api, batch_size=5), texts)
    assert (waiting.texts, waiting.why) == (
        35,
        "the account has no credit: the account has no credit left for this request",
    )
    assert len(BoughtAnswers(store).of(texts)) == 25


def test_an_api_that_is_down_is_one_line_and_the_answers_stay(serve: Serve, store: Store, impatient: None) -> None:
    api, texts = serve(faults=Faults(requests={RequestFault.UNAVAILABLE: 1})), documents(40)
    with pytest.raises(LabellingError, match=r"127\.0\.0\.1 is out of order \(status 503") as caught:
        buy(store, terms(api), texts)
    assert "\n" not in str(caught.value)
    again = serve()
    assert buy(store, terms(again), texts) == Waiting()
    assert again.ledger.times_billed() == dict.fromkeys(texts, 1)


def test_a_step_finds_out_once_that_the_api_is_down(serve: Serve, store: Store, impatient: None) -> None:
    api = serve(faults=Faults(requests={RequestFault.BAD_GATEWAY: 1}))
    shop = Shop(store, terms(api, batch_size=1), lambda: START)
    for first in range(0, 9, 3):
        with pytest.raises(LabellingError):
            shop.buy(list(documents(3, first)), lambda sha1s: [documents(9)[one] for one in sha1s])
    assert len(api.ledger.requests()) == api_module.ATTEMPTS


def test_nobody_there_is_one_line(store: Store, monkeypatch: pytest.MonkeyPatch, impatient: None) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "sesame")
    its = Terms(url="http://127.0.0.1:1/ask", price=1, budget_per_day=9, budget_per_month=9, batch_size=1)
    with pytest.raises(LabellingError, match=r"out of order .ConnectError All connection attempts failed"):
        buy(store, its, documents(1))


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        ({"key": "another-key"}, LabellingError, "refuses the key .* set HTML_CLASSIFICATION_LABELS_KEY"),
        ({"key": ""}, SettingsError, "no key for the labelling API"),
        ({"path": "/elsewhere"}, LabellingError, "does not answer as a labelling API .* HTML_CLASSIFICATION_LABELS"),
        ({"price": "0.001"}, LabellingError, "billed 0.002 for a document, more than HTML_CLASSIFICATION_LABELS_PRICE"),
    ],
    ids=["wrong key", "no key", "wrong address", "wrong price"],
)
def test_what_a_person_must_mend_is_one_line_without_the_key(
    changed: dict[str, str],
    error: type[Exception],
    said: str,
    serve: Serve,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    api = serve()
    monkeypatch.setenv(KEY_VARIABLE, changed.get("key", api.key))
    its = terms(api, price=changed.get("price", "0.002"))
    if "path" in changed:
        its = its.model_copy(update={"url": api.url.replace("/api/v1", "/elsewhere")})
    with pytest.raises(error, match=said) as caught:
        buy(store, its, documents(6))
    assert "\n" not in str(caught.value)
    told = str(caught.value) + "".join(record.getMessage() for record in caplog.records)
    assert api.key not in told
    assert "another-key" not in told


def test_the_key_is_nowhere_in_the_lake_even_where_the_api_repeats_it(serve: Serve, store: Store) -> None:
    api = serve(key="sesame-sesame-sesame", categories=("sesame-sesame-sesame",))
    buy(store, terms(api), documents(3))
    (answer,) = BoughtAnswers(store).of([sha1(0)])[sha1(0)]
    assert answer.category == "***"
    assert not [path for path in Path(store.root).rglob("*") if path.is_file() and b"sesame" in path.read_bytes()]


def test_a_batch_that_is_too_large_is_asked_about_one_by_one(serve: Serve, store: Store) -> None:
    api, texts = serve(most_documents=1), documents(7)  # 413 for more
    assert buy(store, terms(api, batch_size=7), texts) == Waiting()
    assert api.ledger.times_billed() == dict.fromkeys(texts, 1)


def test_an_api_that_refuses_everything_spoils_nothing(serve: Serve, store: Store) -> None:
    none, texts = serve(most_documents=0), documents(5)
    with pytest.raises(LabellingError, match=r"out of order .refused: status 413"):
        buy(store, terms(none), texts)
    again = serve()
    assert buy(store, terms(again), texts) == Waiting()
    assert again.ledger.times_billed() == dict.fromkeys(texts, 1)


def test_a_price_that_is_too_low_is_found_out_with_one_request_and_stays_found_out(serve: Serve, store: Store) -> None:
    api, texts = serve(price=Decimal(1)), documents(100)
    for _ in range(4):
        with pytest.raises(LabellingError, match=r"billed 1 for a document, more than .* 0\.002"):
            buy(store, terms(api, batch_size=3), texts)
    assert len(api.ledger.billed()) == 3
    assert buy(store, terms(api, batch_size=3, price=1), texts).texts > 90  # it counts with what it cost
    assert api.ledger.total() <= 10


def test_a_text_that_the_api_never_answers_holds_up_no_other(serve: Serve, store: Store, impatient: None) -> None:
    # Attempts are drawn by the key: with these, all of the first request fail, and none of the others.
    api = serve(faults=Faults(requests={RequestFault.ERROR: 0.6}))
    faults, keys = api.terms.faults, [f"{number:032x}" for number in range(30_000)]
    attempts = range(1, 2 * api_module.ATTEMPTS + 1)
    bad = next(key for key in keys if all(faults.of_attempt(key, one) for one in attempts))
    good = [key for key in keys if not faults.of_attempt(key, 1)]
    given = iter([bad, *good])
    with patch.object(buying, "uuid4", lambda: UUID(hex=next(given))):
        for _ in range(2):
            waiting = buy(store, terms(api, batch_size=1), documents(6))
            assert waiting == Waiting(1, "not answered: status 500: something went wrong")
        assert buy(store, terms(api, batch_size=1), documents(3, 100)) == Waiting()
    assert len(api.ledger.billed()) == 9


def test_an_order_of_an_api_that_is_gone_is_named_and_can_be_closed(serve: Serve, store: Store) -> None:
    api, texts = serve(), documents(5)
    with patch.object(Shop, "_carry_out", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        buy(store, terms(api, url="https://gone.example/ask"), texts)
    waiting = buy(store, terms(api, budget_per_day="0.01"), texts)
    assert (waiting.texts, "0.01 of that is ordered, see 'labels spending'" in waiting.why) == (5, True)
    assert api.ledger.requests() == []
    OrderBook(store).close(OrderBook(store).read().open[1], 10_000, START.date(), {})
    tomorrow = START + timedelta(days=1)
    assert buy(store, terms(api, budget_per_day="0.01"), texts, lambda: tomorrow) == Waiting()


def test_without_a_key_nothing_is_ordered(serve: Serve, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    api = serve()
    monkeypatch.delenv(KEY_VARIABLE)
    with pytest.raises(SettingsError):
        buy(store, terms(api), documents(3))
    assert OrderBook(store).read().last == 0


def test_a_damaged_answer_is_one_line(serve: Serve, store: Store) -> None:
    api, texts = serve(), documents(2)
    store.put_new(answer_path("127.0.0.1", sha1(0)), b"{}")
    with pytest.raises(LakeError, match=r"is damaged .* put it back from a copy") as caught:
        buy(store, terms(api), texts)
    assert "\n" not in str(caught.value)
    assert api.ledger.billed() == []
