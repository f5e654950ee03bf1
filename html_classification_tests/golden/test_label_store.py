"""A label store that was written once is read by every later release: what was paid for stays paid for.

The store beside this file was written by the first release that had one, and is never written again.
"""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from html_classification.labeling.bought import BoughtAnswers
from html_classification.labeling.imports import read_people
from html_classification.labeling.orders import OrderBook
from html_classification.labeling.stored import check_label_store
from html_classification.lake.store import Store

HERE = Path(__file__).parent / "label_store"
LABELLED, NO_LABEL = "6050b45c7bbac6db328d296b2c0c64264b353bbc", "91664187d23daf8aae6ce115c8ebabe245a68e77"
ORDERED = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest) -> Store:
    golden = Store(str(HERE))
    if request.param == "folder":
        return golden
    copy = Store(request.getfixturevalue("bucket") + "/golden")
    for item in golden.list():
        copy.put_new(item.path, golden.get(item.path))
    return copy


def test_orders_still_say_what_was_asked_and_what_it_cost(store: Store) -> None:
    state = OrderBook(store).read()
    (order,) = state.open.values()
    assert (order.number, order.source, order.ordered_at, order.price_micros) == (2, "labels.example", ORDERED, 2000)
    assert order.categories == ("cooking", "sports")
    (request,) = order.requests
    (document,) = request.documents
    assert (request.key, document.url, document.title) == ("key-3", "https://news.example/3", "A title")
    assert document.text == "text 3 é 🙂"
    assert [state.spent(date(2026, 3, day)) for day in (1, 2, 3)] == [(5000, 5000), (5000, 5000), (2000, 5000)]


def test_answers_are_found_by_their_texts(store: Store) -> None:
    answers = BoughtAnswers(store).of([LABELLED, NO_LABEL, "0" * 40])
    ((labelled,), (no_label,)) = answers[LABELLED], answers[NO_LABEL]
    assert (labelled.annotator, labelled.category, labelled.confidence) == ("api:categorizer/3", "sports", 0.93)
    assert (labelled.labelled_at, labelled.cost, labelled.reason) == (ORDERED, 0.002, None)
    assert (no_label.category, no_label.cost) == (None, 0.001)
    assert no_label.reason == "category: not a name of at most 200 characters"
    (person,) = read_people(store)
    assert (person.content_sha1, person.annotator, person.category) == (LABELLED, "person:ann@news.example", "cooking")


def test_nothing_is_wrong_with_it(store: Store) -> None:
    assert check_label_store(store).problems == []
