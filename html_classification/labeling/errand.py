"""Carrying out an order: sending its requests, and storing each answer as it arrives.

Belongs here: many requests at once, and when to stop. Does not belong here: a single request (`api`), or which
requests are sent (`buying`).
"""

import asyncio
from collections import deque
from collections.abc import Collection, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from html_classification.labeling.answers import Answer
from html_classification.labeling.api import (
    LabellingApi,
    LabellingError,
    NotNowError,
    RefusedError,
    UnansweredError,
)
from html_classification.labeling.bought import BoughtAnswers
from html_classification.labeling.orders import Order, Request
from html_classification.labeling.responses import no_label
from html_classification.labeling.terms import MICROS, Terms, api_key
from html_classification.lake.errors import LakeError
from html_classification.streams.progress import Progress

#: After so many requests in a row without an answer, each tried many times, the API is out of order; after the first
#: one where nobody is there.
_OUTAGE = 3


@dataclass
class Tally:
    """How a step has fared with the API so far.

    Attributes:
        answered: Requests that were answered.
        failures: Why requests were not, in a row: since the last that was.
        parked: The keys of requests that were not answered, which are not tried again in this step, and why.
    """

    answered: int = 0
    failures: list[str] = field(default_factory=list)
    parked: dict[str, str] = field(default_factory=dict)

    def parts(self, request: Request, known: Collection[str]) -> list[Request]:
        """The documents of a request to try by themselves, given the texts that have answers."""
        unanswered = (one for one in request.singly() if one.documents[0].id not in known)
        return [one for one in unanswered if one.key not in self.parked]

    def is_parked(self, request: Request, known: Collection[str]) -> bool:
        """Whether nothing of a request is to be tried, given the texts that have answers."""
        return request.key in self.parked or not self.parts(request, known)


class Errand:
    """Some requests of an order being sent.

    Args:
        terms: Where to, and how fast.
        order: The order.
        requests: Those of its requests to send.
        bought: Where answers are stored.
        tally: How the step has fared so far.
    """

    def __init__(
        self, terms: Terms, order: Order, requests: Iterable[Request], bought: BoughtAnswers, tally: Tally
    ) -> None:
        self._terms = terms
        self._order = order
        self._pending = deque(requests)
        self._bought = bought
        self._tally = tally
        self._not_now = ""
        self._progress = Progress(sum(len(request.documents) for request in self._pending))

    def run(self) -> str:
        """Send them all; what keeps them from being answered for now, in words.

        Requests that are merely not answered are parked.

        Raises:
            LabellingError: The API is out of order, refuses the key, or bills more than the price.
            LakeError: An answer cannot be stored.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self._run())
        with ThreadPoolExecutor(1) as beside:  # a loop runs already, as in a notebook
            return beside.submit(asyncio.run, self._run()).result()

    async def _run(self) -> str:
        with ThreadPoolExecutor(self._terms.concurrency) as writers:
            async with LabellingApi(self._terms, api_key()) as api:
                # The first one alone: what is wrong with the price is known before many are sent.
                await self._work(api, writers, most=1)
                await _together([self._work(api, writers) for _ in range(self._terms.concurrency)])
        return self._not_now

    async def _work(self, api: LabellingApi, writers: ThreadPoolExecutor, most: int | None = None) -> None:
        sent = 0
        while self._pending and not self._not_now and sent != most:
            request = self._pending.popleft()
            sent += 1
            try:
                answers = await api.ask(request, self._order.categories)
            except NotNowError as error:
                self._not_now = str(error)
                return
            except RefusedError as error:
                if error.may_split and len(request.documents) > 1:
                    self._split(request)
                    continue
                if len(request.documents) > 1 or not self._tally.answered:
                    self._park(request, str(error))
                    continue
                # An API that answers others takes exception to this very document.
                source, now = self._order.source, datetime.now(UTC)
                answers = [no_label(one, source, str(error), Decimal(0), now, "null") for one in request.documents]
            except UnansweredError as error:
                self._park(request, str(error), nobody_there=error.nobody_there)
                continue
            await asyncio.get_running_loop().run_in_executor(writers, self._store, answers)
            self._tally.answered += 1
            self._tally.failures.clear()
            self._progress.add(len(answers))
            require_price(answers, self._terms, self._order.source)

    def _split(self, request: Request) -> None:
        """Ask about each document by itself."""
        ids = [document.id for document in request.documents]
        self._pending.extendleft(self._tally.parts(request, self._bought.of(ids, self._order.source)))

    def _park(self, request: Request, why: str, *, nobody_there: bool = False) -> None:
        """Leave a request for another run; it may be that one, or the API."""
        self._tally.parked[request.key] = why
        self._tally.failures.append(why)
        if len(self._tally.failures) >= _OUTAGE or (nobody_there and not self._tally.answered):
            raise LabellingError(
                f"the labelling API {self._order.source} is out of order ({why}); the answers that came are stored, "
                "run again later"
            )

    def _store(self, answers: list[Answer]) -> None:
        for answer in answers:
            self._bought.put(self._order.source, answer)


def require_price(answers: Iterable[Answer], terms: Terms, source: str) -> None:
    """Make sure that nothing was billed above the price, or the budget means nothing.

    Raises:
        LabellingError: Something was.
    """
    dearest = max((answer.cost for answer in answers), default=0.0)
    if round(dearest * MICROS) > terms.price_micros:
        message = (
            f"{source} billed {dearest:g} for a document, more than HTML_CLASSIFICATION_LABELS_PRICE, {terms.price:f}: "
            "nothing more is bought until that is the most that one costs"
        )
        raise LabellingError(message)


async def _together(workers: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run all; the first error ends the others, and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for worker in workers:
                group.create_task(worker)
    except* LakeError as errors:
        first: BaseException = errors
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None
