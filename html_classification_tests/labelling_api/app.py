"""The labelling API: an ASGI application with the shape of a paid service.

Belongs here: who may ask, how often, what it costs, what is answered, and that nothing is billed twice. Does not belong
here: which faults happen (`faults`), where the money is on record (`ledger`), the process (`serving`).

Written by hand, without a framework: a request takes it a fifth of a millisecond, so that what is measured against it
is the client.
"""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from html_classification_tests.labelling_api.faults import UNBILLED, BadAnswer, Faults, RequestFault, draw
from html_classification_tests.labelling_api.ledger import Billed, Ledger, Request, timestamp

PATH = "/api/v1/document-categorization"
MODEL = "document-categorizer/2026-01"
CURRENCY = "EUR"
#: What the unknown category of a bad answer is called.
UNKNOWN_CATEGORY = "a-category-of-no-list"
CATEGORIES = ("cooking", "finance", "gardening", "health", "sports", "technology", "travel")

_MESSAGES = {
    400: ("bad_request", "the header Idempotency-Key is missing"),
    401: ("unauthorized", "the key is missing or wrong"),
    402: ("no_credit", "the account has no credit left for this request"),
    404: ("not_found", f"there is only POST {PATH}"),
    409: ("key_reused", "this Idempotency-Key came with another body before"),
    413: ("too_large", "too many documents in one request"),
    422: ("invalid", "the body is not as documented"),
    429: ("too_many_requests", "slow down"),
    500: ("internal", "something went wrong"),
    502: ("bad_gateway", "a server behind this one does not answer"),
    503: ("unavailable", "try again later"),
}
_PROXY_PAGE = b"<html><body><h1>Your request is being processed</h1></body></html>"
#: After how many seconds a refusal at random says to come back.
_COME_BACK = 0.05

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Terms(BaseModel):
    """What the service is like, and the account with it.

    Attributes:
        key: The account's key.
        price: What a document costs.
        half_price: The share of documents that cost half, as if they were short.
        credit: The money in the account; None: as much as is asked for.
        categories: What it answers by hash from, where a request names none.
        latency: Seconds before each answer.
        requests_per_second: The limit; None: none.
        burst: How many requests may come at once within the limit; None: those of a tenth of a second.
        most_documents: How many a request may have.
        now: The time that it always is, for answers that are the same in every run; None: the real one.
        faults: What goes wrong.
    """

    model_config = ConfigDict(frozen=True)

    key: str = "key-of-the-test-account"
    price: Decimal = Decimal("0.002")
    half_price: float = 0
    credit: Decimal | None = None
    categories: tuple[str, ...] = CATEGORIES
    latency: float = 0
    requests_per_second: float | None = None
    burst: int | None = None
    most_documents: int = 1000
    now: datetime | None = None
    faults: Faults = Faults()


class Document(BaseModel):
    """A document of a request."""

    id: str = Field(min_length=1)
    url: str
    title: str | None = None
    text: str


class Order(BaseModel):
    """The body of a request."""

    documents: Annotated[list[Document], Field(min_length=1)]
    categories: list[str] | None = None


@dataclass(frozen=True)
class Reply:
    """What becomes of a request; status 0: the connection is closed without an answer."""

    status: int
    body: bytes = b""
    come_back: float | None = None
    attempt: int | None = None
    documents: int | None = None
    billed: int = 0
    fault: RequestFault | None = None


class Bucket:
    """A token bucket: so many requests a second, and some at once.

    Args:
        rate: Tokens that come in a second.
        burst: Tokens that it holds; it begins full.
        clock: Seconds that only grow.
    """

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._tokens, self._at = burst, clock()

    def take(self) -> float:
        """Take a token: 0, or the seconds until there is one."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return (1 - self._tokens) / self._rate
        self._tokens -= 1
        return 0


class App:
    """The ASGI application.

    Args:
        terms: What the service is like.
        ledger: Where it bills; what is there already is not billed again to whoever asks with its key.
        answers: The category of each address, others cannot be categorized; None: any, by the hash of its text.
    """

    def __init__(self, terms: Terms, ledger: Ledger, answers: Mapping[str, str] | None = None) -> None:
        self._terms, self._ledger, self._answers = terms, ledger, answers
        rate = terms.requests_per_second
        self._bucket = Bucket(rate, terms.burst or max(1, rate / 10)) if rate else None
        self._attempts: dict[str, int] = {}
        self._spent = Decimal(0)
        before: dict[tuple[str, str], list[dict[str, Any] | None]] = {}
        for one in ledger.billed():
            before.setdefault((one.key, one.body), []).append(one.answer)
            self._spent += Decimal(one.cost)
        #: By idempotency key: the SHA-1 of the body, and the answer.
        self._paid = {key: (body, _answer(items)) for (key, body), items in before.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, also where its sender leaves meanwhile: no service can know that in time."""
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message.get("body", b""), message.get("more_body", False)
        if (scope["method"], scope["path"]) != ("POST", PATH):
            await _send(_error(404), send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        key = headers.get(b"idempotency-key")
        reply = await self._refuse(headers) or self._reply(key, body)
        told = (reply.attempt, reply.documents, reply.billed, reply.fault)
        self._ledger.note(Request(self._now(), reply.status, key, *told))
        if reply.fault is RequestFault.LATE:
            await asyncio.sleep(self._terms.faults.late_seconds)
        if reply.fault is RequestFault.CLOSED:
            scope["extensions"]["connection"].close()
            await receive()  # until the server knows; it would send a 500 otherwise
        else:
            await _send(reply, send)

    async def _refuse(self, headers: Mapping[bytes, str]) -> Reply | None:
        """What is answered before the body is looked at; else the time passes that an answer takes."""
        if headers.get(b"authorization") != f"Bearer {self._terms.key}":
            return _error(401)
        if self._bucket and (wait := self._bucket.take()):
            return _error(429, come_back=wait)
        if self._terms.latency:
            await asyncio.sleep(self._terms.latency)
        return None

    def _reply(self, key: str | None, body: bytes) -> Reply:
        # Nothing waits in here, so that of two requests with one key one is first and the other finds its answer.
        if not key:
            return _error(400)
        digest = hashlib.sha1(body).hexdigest()
        order = self._read(key, digest, body)
        if isinstance(order, Reply):
            return order
        attempt = self._attempts[key] = self._attempts.get(key, 0) + 1
        fault = self._terms.faults.of_attempt(key, attempt)
        told: dict[str, Any] = {"attempt": attempt, "documents": len(order.documents), "fault": fault}
        if fault in UNBILLED:
            return _error(int(fault), come_back=_COME_BACK if fault is RequestFault.TOO_MANY else None, **told)
        if key not in self._paid:
            lines = self._lines(key, digest, order)
            cost = sum(Decimal(line.cost) for line in lines)
            if self._terms.credit is not None and self._spent + cost > self._terms.credit:
                return _error(402, **told)
            self._ledger.bill(lines)
            self._spent += cost
            self._paid[key] = (digest, _answer([line.answer for line in lines]))
            told["billed"] = len(lines)
        return _after_billing(fault, self._paid[key][1], told)

    def _read(self, key: str, digest: str, body: bytes) -> Order | Reply:
        try:
            order = Order.model_validate_json(body)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            return _error(422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
        if len(order.documents) > self._terms.most_documents:
            return _error(413)
        return order if key not in self._paid or self._paid[key][0] == digest else _error(409)

    def _lines(self, key: str, digest: str, order: Order) -> list[Billed]:
        now = self._now()
        return [
            Billed(now, key, digest, document.id, document.url, cost, self._item(document, order, cost, now))
            for document in order.documents
            for cost in [self._cost(document)]
        ]

    def _cost(self, document: Document) -> str:
        half = draw("price", document.text) < self._terms.half_price
        return f"{self._terms.price / 2 if half else self._terms.price:f}"

    def _item(self, document: Document, order: Order, cost: str, now: str) -> dict[str, Any] | None:
        category, confidence = self._label(document, order.categories)
        item: dict[str, Any] = {"id": document.id, "category": category, "confidence": confidence}
        item |= {"cost": cost, "labelled_at": now}
        match self._terms.faults.of_document(document.id):
            case BadAnswer.MISSING:
                return None
            case BadAnswer.UNKNOWN_CATEGORY:
                item["category"] = UNKNOWN_CATEGORY
            case BadAnswer.BAD_CONFIDENCE:
                item["confidence"] = 7
            case BadAnswer.BAD_CATEGORY:
                item["category"] = 7
            case BadAnswer.NO_CATEGORY:
                item["category"] = item["confidence"] = None
        return item

    def _label(self, document: Document, categories: list[str] | None) -> tuple[str | None, float | None]:
        if self._answers is None:
            choice = categories or self._terms.categories
            category: str | None = choice[int(draw("category", document.text) * len(choice))]
        else:
            category = self._answers.get(document.url)
        if category is None or (categories and category not in categories):
            return None, None
        return category, round(0.55 + 0.44 * draw("confidence", document.url), 2)

    def _now(self) -> str:
        return timestamp(self._terms.now or datetime.now(UTC))


def _answer(items: list[dict[str, Any] | None]) -> bytes:
    results = [item for item in items if item]
    return orjson.dumps({"model": MODEL, "currency": CURRENCY, "results": results})


def _error(status: int, message: str = "", **others: Any) -> Reply:
    code, usual = _MESSAGES[status]
    return Reply(status, orjson.dumps({"error": {"code": code, "message": message or usual}}), **others)


def _after_billing(fault: RequestFault | None, answer: bytes, told: Mapping[str, Any]) -> Reply:
    if fault is RequestFault.LOST:
        return _error(500, **told)
    if fault is RequestFault.CLOSED:
        return Reply(0, **told)
    return Reply(200, _PROXY_PAGE if fault is RequestFault.NOT_JSON else answer, **told)


async def _send(reply: Reply, send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(reply.body)).encode())]
    if reply.come_back is not None:
        headers.append((b"retry-after", f"{reply.come_back + 0.0005:.3f}".encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    # Returned without its end, a response is ended by closing the connection.
    cut = reply.fault is RequestFault.TRUNCATED
    await send(
        {"type": "http.response.body", "body": reply.body[: len(reply.body) // 2 if cut else None], "more_body": cut}
    )
