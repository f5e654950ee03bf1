"""Buying labels: once each, within the budget, and so that no answer is lost.

Belongs here: what is ordered, carrying orders out, and when to stop. Does not belong here: the order book (`orders`),
a single request (`api`), or what a day's labels are (`day_labels`).

In this order: what was ordered before and never finished is finished; texts without an answer are put on record as an
order, as many as the budget allows; the order's requests are sent, and each answer is stored as it arrives; when the
last one is there, the order is closed. Killed in between, the next run goes on from there.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

from html_classification.labeling.answers import Answer
from html_classification.labeling.api import LabellingApi, LabellingError, NoCreditError, UnansweredError
from html_classification.labeling.bought import BoughtAnswers
from html_classification.labeling.orders import Document, Draft, Order, OrderBook, OrderBookState, Request
from html_classification.labeling.terms import MICROS, Terms, api_key, micros
from html_classification.lake.store import Store
from html_classification.streams.progress import Progress

#: What an order holds at most, so that it fits into memory many times over.
ORDER_DOCUMENTS = 2000
_ORDER_CHARACTERS = 32_000_000
#: More of a text than this is not sent: no API takes it, and no category depends on it.
LONGEST_TEXT = 50_000
#: After so many requests in a row without an answer, each tried many times, the API is out of order.
_OUTAGE = 3


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
        self._out_of_order: LabellingError | None = None

    def buy(self, sha1s: Sequence[str], texts: Callable[[Collection[str]], Iterable[Document]]) -> Waiting:
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
        for start in range(0, len(wanted), ORDER_DOCUMENTS):
            if why := self._buy_some(wanted[start : start + ORDER_DOCUMENTS], texts):
                return Waiting(len(self._unanswered(wanted[start:])), why)
        return Waiting()

    def _buy_some(self, sha1s: list[str], texts: Callable[[Collection[str]], Iterable[Document]]) -> str:
        """The same for as many as one order has; what keeps that from being done, in words."""
        while wanted := self._unanswered(sha1s):
            if why := self._finish_orders():
                return why
            order = self._book.place(partial(self._draft, wanted=wanted, texts=texts))
            if order is None:
                state = self._book.read()
                if self._under_way(state).isdisjoint(wanted) and self._unanswered(wanted):
                    return self._spent(state)
            elif why := self._carry_out(order):
                return why
        return ""

    def _unanswered(self, sha1s: Iterable[str]) -> list[str]:
        every = list(dict.fromkeys(sha1s))
        known = self.bought.of(every, self._terms.source)
        return [sha1 for sha1 in every if sha1 not in known]

    def _draft(
        self, state: OrderBookState, wanted: Sequence[str], texts: Callable[[Collection[str]], Iterable[Document]]
    ) -> Draft | None:
        """What to order of what is wanted; asked after the order book was read, so that nothing is ordered twice."""
        under_way = self._under_way(state)
        new = [sha1 for sha1 in self._unanswered(wanted) if sha1 not in under_way]
        affordable = self._left(state) // self._terms.price_micros
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

    def _under_way(self, state: OrderBookState) -> set[str]:
        """The texts that are ordered and have no answer yet, maybe by another run."""
        orders = (order for order in state.open.values() if order.source == self._terms.source)
        return {document.id for order in orders for document in order.documents}

    def _left(self, state: OrderBookState) -> int:
        """What may still be spent now, in millionths; below zero where the budget was lowered."""
        of_day, of_month = state.spent(self._clock().date(), self._terms.price_micros)
        return min(
            micros(self._terms.budget_per_day) - of_day,
            micros(self._terms.budget_per_month) - of_month,
        )

    def _spent(self, state: OrderBookState) -> str:
        of_day, of_month = state.spent(self._clock().date(), self._terms.price_micros)
        return (
            f"the budget is spent: today {of_day / MICROS:g} of {self._terms.budget_per_day:f}, this month "
            f"{of_month / MICROS:g} of {self._terms.budget_per_month:f}, a document costs {self._terms.price:f}"
        )

    def _finish_orders(self) -> str:
        """Carry out what was ordered before; what keeps that from being done, in words."""
        state = self._book.read()
        for order in state.open.values():
            if order.source == self._terms.source:
                if self._left(state) < 0:
                    return self._spent(state)
                if why := self._carry_out(order):
                    return why
        return ""

    def _carry_out(self, order: Order) -> str:
        """Send an order's requests and close it; what keeps that from being done, in words."""
        if self._out_of_order:
            raise self._out_of_order
        try:
            why = _run(_Errand(self._terms, order, self.bought).go())
        except LabellingError as error:
            self._out_of_order = error  # so that the next day need not find it out again, which takes minutes
            raise
        ids = [document.id for document in order.documents]
        answers = [answer for found in self.bought.of(ids, order.source).values() for answer in found]
        if not why and len(answers) == len(ids):
            refused = sum(answer.reason is not None for answer in answers)
            self._book.close(order, _billed(answers), self._clock().date(), {"no_label": refused})
        return why


class _Errand:
    """One order being carried out."""

    def __init__(self, terms: Terms, order: Order, bought: BoughtAnswers) -> None:
        self._terms = terms
        self._order = order
        self._bought = bought
        self._answered = 0
        self._failures: list[str] = []  # in a row
        self._unanswered = 0
        self._no_credit = ""
        self._progress = Progress(len(order.documents))

    async def go(self) -> str:
        """Send what has no answer yet; why some have none after that, in words."""
        known = self._bought.of((document.id for document in self._order.documents), self._order.source)
        pending = (request for request in self._order.requests if any(one.id not in known for one in request.documents))
        with ThreadPoolExecutor(self._terms.concurrency) as writers:
            async with LabellingApi(self._terms, api_key()) as api:
                workers = [self._work(api, pending, writers) for _ in range(self._terms.concurrency)]
                await _together(workers)
        if self._no_credit:
            return self._no_credit
        if self._failures and not self._answered:
            raise self._outage()
        return f"{self._unanswered} requests were not answered" if self._unanswered else ""

    async def _work(self, api: LabellingApi, pending: Iterator[Request], writers: ThreadPoolExecutor) -> None:
        for request in pending:
            if self._no_credit:
                return
            try:
                answers = await api.ask(request, self._order.categories)
            except NoCreditError as error:
                self._no_credit = str(error)
                return
            except UnansweredError as error:
                self._unanswered += 1
                self._failures.append(str(error))
                if len(self._failures) >= _OUTAGE:
                    raise self._outage() from None
                continue
            self._failures.clear()
            await asyncio.get_running_loop().run_in_executor(writers, self._store, answers)
            self._answered += 1
            self._progress.add(len(answers))
            self._require_price(answers)

    def _store(self, answers: list[Answer]) -> None:
        for answer in answers:
            self._bought.put(self._order.source, answer)

    def _require_price(self, answers: list[Answer]) -> None:
        dearest = max(answer.cost for answer in answers)
        if _billed([answer for answer in answers if answer.cost == dearest][:1]) > self._terms.price_micros:
            message = (
                f"{self._order.source} billed {dearest:g} for a document, more than HTML_CLASSIFICATION_LABELS_PRICE, "
                f"{self._terms.price:f}: nothing more is bought until that is the most that one costs"
            )
            raise LabellingError(message)

    def _outage(self) -> LabellingError:
        return LabellingError(
            f"the labelling API {self._order.source} is out of order ({self._failures[-1]}); the answers that came are "
            "stored, run again later"
        )


async def _together(workers: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run all; the first error ends the others, and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for worker in workers:
                group.create_task(worker)
    except* LabellingError as errors:
        first: BaseException = errors
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


def _run(errand: Coroutine[Any, Any, str]) -> str:
    """Run to the end, also where an event loop runs already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(errand)
    with ThreadPoolExecutor(1) as beside:
        return beside.submit(asyncio.run, errand).result()


def _at_most(documents: Iterable[Document], characters: int) -> list[Document]:
    """As many as have so many characters together, but one at least."""
    chosen: list[Document] = []
    for document in documents:
        characters -= len(document.text)
        if characters < 0 and chosen:
            break
        chosen.append(document)
    return chosen


def _billed(answers: Iterable[Answer]) -> int:
    """What answers cost together, in millionths."""
    return sum(round(answer.cost * MICROS) for answer in answers)
