"""Asking a labelling API over HTTP, patiently.

Belongs here: one request and all its attempts: backoff, limits, timeouts, what each status means. Does not belong
here: what to ask and what it may cost (`buying`), or what a response says (`responses`).

A request is repeated with the same idempotency key and the same body, so that an answer that was billed and lost is
had again and not billed again (the Idempotency-Key header as in the IETF's draft). Waits grow exponentially with full
jitter (Brooker, "Exponential Backoff And Jitter", 2015), or are what Retry-After says; then everyone waits, since the
limit is everyone's. The key stands in one header and nowhere else: what the API says is cleared of it.
"""

import asyncio
import random
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self

import httpx
import orjson
from pydantic import SecretStr

from html_classification.labeling.answers import Answer
from html_classification.labeling.orders import Request
from html_classification.labeling.responses import UnreadableError, no_label, read_answers
from html_classification.labeling.terms import KEY_VARIABLE, Terms
from html_classification.lake.errors import LakeError

ATTEMPTS = 8
#: How often a request is sent again because of a limit, which says nothing against the API.
LIMITED_ATTEMPTS = 50
_FIRST_WAIT = 0.25  # seconds
_LONGEST_WAIT = 20.0
_LONGEST_RETRY_AFTER = 300.0
_LARGEST_ANSWER = 32 * 1024**2
#: How far behind the pace may be and still catch up, in seconds: timers are not exact.
_SLACK = 0.1
_NOTHING = Decimal(0)
#: What an API says of a document that it does not take: too long, not its kind.
_REFUSED = (400, 413, 415, 422)


class LabellingError(LakeError):
    """Nothing can be bought of the labelling API now; the message is one line that says why, and what to do."""


class NoCreditError(Exception):
    """The API says that the account has no money left."""


class UnansweredError(Exception):
    """All attempts of one request failed; the message says how the last one did."""


class _RefusedError(Exception):
    """The API does not take this very request, and never will."""


class _AgainError(Exception):
    """An attempt failed, and another may not; `wait` is what the API asks for, in seconds."""

    def __init__(self, reason: str, wait: float | None = None, *, is_limit: bool = False) -> None:
        super().__init__(reason)
        self.wait = wait
        self.is_limit = is_limit


class Pace:
    """When the next request may go out, so that the API's limit is kept.

    Args:
        per_second: The limit; None where it is not known.
    """

    def __init__(self, per_second: float | None) -> None:
        self._gap = 1 / per_second if per_second else 0.0
        self._next: float | None = None
        self._held_until = 0.0

    async def turn(self) -> None:
        """Wait until it is one's turn."""
        clock = asyncio.get_running_loop().time
        last = clock() - self._gap if self._next is None else self._next
        self._next = mine = max(last, clock() - _SLACK) + self._gap
        await asyncio.sleep(mine - clock())
        while (held := self._held_until - clock()) > 0:
            await asyncio.sleep(held)

    def hold(self, seconds: float) -> None:
        """Let nobody have a turn for a while."""
        self._held_until = max(self._held_until, asyncio.get_running_loop().time() + seconds)


class LabellingApi:
    """A connection to a labelling API; an asynchronous context.

    Args:
        terms: Where it is, and how fast it may be asked.
        key: What it knows the account by.
    """

    def __init__(self, terms: Terms, key: SecretStr) -> None:
        self._terms = terms
        self._key = key
        self._pace = Pace(terms.requests_per_second)
        headers = {"Authorization": f"Bearer {key.get_secret_value()}", "Content-Type": "application/json"}
        trusted = httpx.create_ssl_context()
        # A connection each: a pool of many looks at all of them for every request, which takes most of a second's time.
        self._idle = [
            httpx.AsyncClient(headers=headers, timeout=terms.timeout, verify=trusted) for _ in range(terms.concurrency)
        ]
        self._clients = list(self._idle)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients:
            await client.aclose()

    async def ask(self, request: Request, categories: tuple[str, ...]) -> list[Answer]:
        """Have the documents of a request judged.

        Args:
            request: The request.
            categories: What the API may choose from; none: any.

        Returns:
            An answer for each document, in order; one that is no label has a reason.

        Raises:
            UnansweredError: All attempts failed.
            NoCreditError: The account has no money left.
            LabellingError: The API refuses whatever it is asked: a wrong key, a wrong address.
        """
        try:
            return await self._patiently(request, categories)
        except _RefusedError as error:
            if len(request.documents) > 1:  # one of them is to blame: the others are judged by themselves
                return [answer for one in request.singly() for answer in await self.ask(one, categories)]
            return [
                no_label(document, self._terms.source, f"refused: {error}", _NOTHING, datetime.now(UTC), "null")
                for document in request.documents
            ]

    async def _patiently(self, request: Request, categories: tuple[str, ...]) -> list[Answer]:
        documents = [document.model_dump(mode="json") for document in request.documents]
        body = orjson.dumps({"documents": documents} | ({"categories": list(categories)} if categories else {}))
        failed = limited = 0
        while True:
            await self._pace.turn()
            try:
                return await self._attempt(request, body, last=failed + 1 == ATTEMPTS)
            except _AgainError as again:
                limited += again.is_limit
                failed += not again.is_limit
                wait = again.wait
                if failed == ATTEMPTS or limited == LIMITED_ATTEMPTS or (wait or 0) > _LONGEST_RETRY_AFTER:
                    raise UnansweredError(str(again)) from None
            if wait is not None:
                self._pace.hold(wait)
            else:
                longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (failed + limited - 1))
                await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 - jitter, not cryptography

    async def _attempt(self, request: Request, body: bytes, *, last: bool) -> list[Answer]:
        try:
            status, wait, data = await self._post(request.key, body)
        except (httpx.HTTPError, TimeoutError) as error:
            raise _AgainError(f"{type(error).__name__} {error}".strip()) from None
        if status == httpx.codes.OK:
            source, price, arrived = self._terms.source, self._terms.price, datetime.now(UTC)
            try:
                return read_answers(data, request, source, price, arrived)
            except UnreadableError as error:
                if not last:
                    raise _AgainError(f"its answer is {error}") from None
                # Billed, and the same each time: kept as it came.
                raw = orjson.dumps(data.decode("utf-8", errors="backslashreplace")).decode()
                reason = f"the answer is {error}"
                return [no_label(one, source, reason, price, arrived, raw) for one in request.documents]
        if status == httpx.codes.TOO_MANY_REQUESTS or (status == httpx.codes.CONFLICT and wait is not None):
            raise _AgainError("too many requests", wait, is_limit=True)
        if status >= 500 or status == httpx.codes.REQUEST_TIMEOUT:
            raise _AgainError(f"status {status}{_said(data)}", wait)
        raise self._given_up(status, data)

    async def _post(self, key: str, body: bytes) -> tuple[int, float | None, bytes]:
        """The status, the seconds that Retry-After says, and the body without the key."""
        client = self._idle.pop()
        try:
            async with (
                asyncio.timeout(self._terms.timeout * 2),  # httpx's own limit is one for each piece
                client.stream("POST", self._terms.url, content=body, headers={"Idempotency-Key": key}) as response,
            ):
                data = await _whole(response)
                data = data.replace(self._key.get_secret_value().encode(), b"***")
                return response.status_code, _retry_after(response.headers), data
        finally:
            self._idle.append(client)

    def _given_up(self, status: int, data: bytes) -> Exception:
        """What no further attempt would mend."""
        said = _said(data)
        if status == httpx.codes.PAYMENT_REQUIRED:
            return NoCreditError(f"the account has no credit{said}")
        if status in _REFUSED:
            return _RefusedError(f"status {status}{said}")
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            wrong = f"the labelling API {self._terms.source} refuses the key (status {status}{said})"
            return LabellingError(f"{wrong}: set {KEY_VARIABLE}")
        wrong = f"{self._terms.source} does not answer as a labelling API (status {status}{said})"
        return LabellingError(f"{wrong}: look at HTML_CLASSIFICATION_LABELS")


async def _whole(response: httpx.Response) -> bytes:
    data = b""
    async for piece in response.aiter_bytes():
        data += piece
        if len(data) > _LARGEST_ANSWER:
            message = f"more than {_LARGEST_ANSWER // 1024**2} MiB"
            raise httpx.DecodingError(message)
    return data


def _said(data: bytes) -> str:
    """What an error says of itself, in a few words."""
    try:
        said = orjson.loads(data)["error"]["message"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""
    return f": {' '.join(said.split())[:200]}" if isinstance(said, str) and said.strip() else ""


def _retry_after(headers: httpx.Headers) -> float | None:
    """Seconds to wait, of a Retry-After header, which is a number or a date (RFC 9110)."""
    said = headers.get("Retry-After", "").strip()
    if not said:
        return None
    try:
        seconds = float(said)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if seconds == seconds else None  # noqa: PLR0124 - not a number
