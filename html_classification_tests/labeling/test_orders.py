"""The order book: what counts as spent, and that two runs never order the same or spend the same money."""

import gzip
import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from html_classification.labeling.orders import FOLDER, Document, Draft, Order, OrderBook, OrderBookState, Request
from html_classification.lake.errors import LakeError
from html_classification.lake.store import Store

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
TODAY = NOON.date()


def document(number: int) -> Document:
    sha1 = hashlib.sha1(str(number).encode()).hexdigest()
    return Document(id=sha1, url=f"https://news.example/{number}", title="A title", text=f"text {number} \U0001f600")


def draft(*numbers: int, at: datetime = NOON, price: int = 2000) -> Draft:
    requests = tuple(Request(key=f"key-{number}", documents=(document(number),)) for number in numbers)
    return Draft(source="labels.example", ordered_at=at, price_micros=price, requests=requests)


def place(book: OrderBook, made: Draft) -> Order:
    order = book.place(lambda state: made)
    assert order is not None
    return order


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store(str(tmp_path) if request.param == "folder" else request.getfixturevalue("bucket"))


def test_an_order_is_read_again_word_for_word(store: Store) -> None:
    order = place(OrderBook(store), draft(1, 2, 3))
    assert order.number == 1
    state = OrderBook(store).read()
    assert state.open == {1: order}
    assert [one.id for one in state.open[1].documents] == [document(number).id for number in (1, 2, 3)]
    assert place(OrderBook(store), draft(4)).number == 2


def test_an_open_order_counts_with_the_most_it_may_cost_and_a_closed_one_with_what_it_cost(store: Store) -> None:
    book = OrderBook(store)
    first, second = place(book, draft(1, 2, at=NOON - timedelta(days=1))), place(book, draft(3))
    assert book.read().spent(TODAY) == (6000, 6000)
    assert book.read().spent(TODAY, of_open=15000) == (15000, 15000)
    book.close(first, 3500, TODAY - timedelta(days=1), {})
    assert book.read().spent(TODAY) == (2000, 5500)
    book.close(second, 1000, TODAY, {"no_label": 1})
    state = OrderBook(store).read()
    assert (state.open, state.last, state.spent(TODAY)) == ({}, 2, (1000, 4500))
    assert state.spent(TODAY - timedelta(days=1)) == (3500, 4500)
    assert state.spent(date(2026, 4, 1)) == (0, 0)


def test_what_ends_on_another_day_counts_on_both(store: Store) -> None:
    book = OrderBook(store)
    book.close(place(book, draft(1)), 2000, TODAY + timedelta(days=1), {})
    assert book.read().spent(TODAY) == (2000, 2000)
    assert book.read().spent(TODAY + timedelta(days=1)) == (2000, 2000)


def test_many_runs_at_once_take_each_number_once_and_see_all_orders_before(store: Store) -> None:
    seen: dict[int, set[int]] = {}

    def order(number: int) -> int:
        def make(state: OrderBookState) -> Draft:
            seen[number] = set(state.open)
            return draft(number)

        return place_with(make)

    def place_with(make: object) -> int:
        placed = OrderBook(store).place(make)  # type: ignore[arg-type]
        assert placed is not None
        return placed.number

    with ThreadPoolExecutor(8) as pool:
        numbers = dict(zip(range(24), pool.map(order, range(24)), strict=True))
    assert sorted(numbers.values()) == list(range(1, 25))
    assert all(seen[who] == set(range(1, number)) for who, number in numbers.items())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"damaged",
        b"\x1f\x8b",
        gzip.compress(b"{}")[:10] + b"\xff" * 20,
        gzip.compress(b"{}"),
        gzip.compress(b"[]"),
    ],
    ids=["empty", "no gzip", "cut short", "other bytes", "no order", "a list"],
)
def test_a_damaged_order_stops_buying_with_one_line(tmp_path: Path, data: bytes) -> None:
    store = Store(str(tmp_path))
    store.put_new(f"{FOLDER}/00000001.json.gz", data)
    with pytest.raises(LakeError, match="is damaged") as caught:
        OrderBook(store).place(lambda state: draft(1))
    assert "\n" not in str(caught.value)
    assert "put it back from a copy" in str(caught.value)


def test_an_order_of_a_newer_release_is_not_touched(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    place(OrderBook(store), draft(1).model_copy(update={"order_version": 2}))
    with pytest.raises(LakeError, match="newer release"):
        OrderBook(store).read()


@given(orders=st.lists(st.tuples(st.integers(1, 5), st.integers(0, 40), st.integers(0, 3), st.booleans()), max_size=8))
def test_what_counts_as_spent_is_never_less_than_what_may_be_billed_on_a_day(
    tmp_path_factory: pytest.TempPathFactory, orders: list[tuple[int, int, int, bool]]
) -> None:
    book = OrderBook(Store(str(tmp_path_factory.mktemp("orders"))))
    may_be: dict[date, int] = {}  # what an API may have billed on a day, at most
    for number, (documents, days_ago, took, closes) in enumerate(orders):
        ordered = NOON - timedelta(days=days_ago)
        order = place(book, draft(*range(number * 10, number * 10 + documents), at=ordered))
        ended = min((ordered + timedelta(days=took)).date(), TODAY)
        if closes:
            book.close(order, order.reserved, ended, {})
        for day in {ordered.date(), ended} if closes else {TODAY}:
            may_be[day] = may_be.get(day, 0) + order.reserved
    for day, most in may_be.items():
        assert book.read().spent(day)[0] >= most
    assert book.read().spent(TODAY)[1] >= sum(book.read().open[number].reserved for number in book.read().open)
