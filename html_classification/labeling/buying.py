"""Buying labels: once each, within the budget, and so that no answer is lost.

Belongs here: what is ordered, and which orders are carried out. Does not belong here: the order book (`orders`), money
(`budget`), carrying an order out (`errand`), or what a day's labels are (`day_labels`).

In this order: what was ordered before and never finished is finished; texts without an answer are put on record as an
order, as many as the budget allows; the order's requests are sent, and each answer is stored as it arrives; when the
last one is there, the order is closed. Killed in between, the next run goes on from there.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

from html_classification.labeling.answers import Answer
from html_classification.labeling.api import LabellingError
from html_classification.labeling.bought import BoughtAnswers
from html_classification.labeling.budget import Budget, billed, budget
from html_classification.labeling.errand import Errand, Tally, require_price
from html_classification.labeling.orders import Document, Draft, Order, OrderBook, OrderBookState, Request
from html_classification.labeling.terms import Terms, api_key
from html_classification.lake.store import Store

#: What an order holds at most, so that it fits into memory many times over.
ORDER_DOCUMENTS = 2000
_ORDER_CHARACTERS = 32_000_000
#: More of a text than this is not sent: no API takes it, and no category depends on it.
LONGEST_TEXT = 50_000

Texts = Callable[[Collection[str]], Iterable[Document]]


@dataclass(frozen=True)
class Waiting:
    """Texts that have no answer for now.

    Attributes:
        texts: How many.
        why: The reason, in words; empty where there are none.
    """

    texts: int = 0
    why: str = ""


class Shop:
    """Buys answers of one API for one lake.

    Args:
        store: The lake's store.
        terms: Where, at what price, and how much at most.
        clock: The time, in UTC.

    Attributes:
        bought: The answers in that lake.
    """

    def __init__(self, store: Store, terms: Terms, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.bought = BoughtAnswers(store, terms.source)
        self._terms = terms
        self._clock = clock
        self._book = OrderBook(store)
        self._tally = Tally()
        self._out_of_order: LabellingError | None = None

    def buy(self, sha1s: Sequence[str], texts: Texts) -> Waiting:
        """Have texts judged that have no answer yet, as far as the budget goes.

        Args:
            sha1s: The SHA-1 of each text, the more important first.
            texts: Gives the texts of some of them, in that order.

        Returns:
            How many of them have no answer now, and why.

        Raises:
            LabellingError: The API is out of order, refuses the key, or bills more than the price. What was answered
                is stored.
            SettingsError: There is no key.
            LakeError: The store fails.
        """
        wanted = self._unanswered(sha1s)
        if wanted:
            api_key()  # before anything is ordered
        for start in range(0, len(wanted), ORDER_DOCUMENTS):
            if why := self._buy_some(wanted[start : start + ORDER_DOCUMENTS], texts):
                return Waiting(len(self._unanswered(wanted[start:])), why)
        left = self._unanswered(wanted)
        return Waiting(len(left), f"not answered: {next(iter(self._tally.parked.values()), '')}") if left else Waiting()

    def _buy_some(self, sha1s: list[str], texts: Texts) -> str:
        """The same for as many as one order has; what keeps that from being done, in words."""
        while True:
            if why := self._finish_orders():
                return why
            under_way = self._under_way(self._book.read())
            # What is under way after all orders were carried out is parked.
            wanted = [sha1 for sha1 in self._unanswered(sha1s) if sha1 not in under_way]
            if not wanted:
                return ""
            order = self._book.place(partial(self._draft, wanted=wanted, texts=texts))
            if order is None:
                state = self._book.read()
                if self._under_way(state).isdisjoint(wanted) and self._unanswered(wanted):
                    return str(self._budget(state))

    def _unanswered(self, sha1s: Iterable[str]) -> list[str]:
        every = list(dict.fromkeys(sha1s))
        known = self.bought.of(every, self._terms.source)
        return [sha1 for sha1 in every if sha1 not in known]

    def _under_way(self, state: OrderBookState) -> set[str]:
        """The texts of orders that are not closed, maybe of another run."""
        orders = (order for order in state.open.values() if order.source == self._terms.source)
        return {sha1 for order in orders for sha1 in order.ids}

    def _budget(self, state: OrderBookState) -> Budget:
        return budget(state, self.bought, self._terms, self._clock().date())

    def _draft(self, state: OrderBookState, wanted: Sequence[str], texts: Texts) -> Draft | None:
        """What to order of what is wanted; asked after the order book was read, so that nothing is ordered twice."""
        under_way = self._under_way(state)
        new = [sha1 for sha1 in self._unanswered(wanted) if sha1 not in under_way]
        affordable = self._budget(state).left // self._terms.price_micros
        chosen = new[: max(0, affordable)]
        documents = _at_most(texts(chosen), _ORDER_CHARACTERS) if chosen else []
        if not documents:
            return None
        size = self._terms.batch_size
        batches = (documents[start : start + size] for start in range(0, len(documents), size))
        return Draft(
            source=self._terms.source,
            ordered_at=self._clock(),
            price_micros=self._terms.price_micros,
            categories=self._terms.categories,
            requests=tuple(Request(key=uuid4().hex, documents=tuple(batch)) for batch in batches),
        )

    def _finish_orders(self) -> str:
        """Carry out all orders but for what is parked; what keeps that from being done, in words."""
        for order in self._book.read().open.values():
            if order.source == self._terms.source and (why := self._carry_out(order)):
                return why
        return ""

    def _carry_out(self, order: Order) -> str:
        """Send what of an order has no answer, and close it; what keeps that from being done, in words."""
        if self._out_of_order:
            raise self._out_of_order
        known = self.bought.of(order.ids, order.source)
        requests = [request for request in order.requests if not self._tally.is_parked(request, known)]
        why = ""
        if requests:
            now = self._budget(self._book.read())
            affordable = _as_many(requests, known, now.room(order)) if order.number in now.open else []
            why = self._send(order, affordable, known) or (str(now) if len(affordable) < len(requests) else "")
        answers = _flat(self.bought.of(order.ids, order.source))
        if len(answers) == len(order.ids):
            no_label = sum(answer.reason is not None for answer in answers)
            self._book.close(order, billed(answers), self._clock().date(), {"no_label": no_label})
            return ""
        return why

    def _send(self, order: Order, requests: Sequence[Request], known: Mapping[str, list[Answer]]) -> str:
        try:
            require_price(_flat(known), self._terms, order.source)
            return Errand(self._terms, order, requests, self.bought, self._tally).run()
        except LabellingError as error:
            self._out_of_order = error  # so that the next day need not find it out again, which takes minutes
            raise


def _flat(known: Mapping[str, list[Answer]]) -> list[Answer]:
    """Answers by text as one list."""
    return [answer for found in known.values() for answer in found]


def _as_many(requests: Iterable[Request], known: Collection[str], documents: int) -> list[Request]:
    """The first requests that have at most so many documents without an answer together."""
    chosen: list[Request] = []
    for request in requests:
        documents -= sum(document.id not in known for document in request.documents)
        if documents < 0:
            break
        chosen.append(request)
    return chosen


def _at_most(documents: Iterable[Document], characters: int) -> list[Document]:
    """As many as have so many characters together, but one at least."""
    chosen: list[Document] = []
    for document in documents:
        characters -= len(document.text)
        if characters < 0 and chosen:
            break
        chosen.append(document)
    return chosen
