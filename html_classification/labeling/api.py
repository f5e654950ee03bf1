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
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self

import httpx
import orjson
from pydantic import SecretStr

from html_classification.labeling.answers import Answer
from html_classification.labeling.orders import Request
from html_classification.labeling.responses import UnreadableError, read_answers
from html_classification.labeling.terms import KEY_VARIABLE, Terms
from html_classification.lake.errors import LakeError

ATTEMPTS = 8
_FIRST_WAIT = 0.25  # seconds
_LONGEST_WAIT = 20.0
_LONGEST_RETRY_AFTER = 300.0
_LARGEST_ANSWER = 32 * 1024**2
#: How far behind the pace may be and still catch up, in seconds: timers are not exact.
_SLACK = 0.1
#: How long a request that the API's limit holds up is tried, in seconds.
_PATIENCE = 600.0
#: How often the limit may hold a request up before it waits longer than it is told to.
_FREE_LIMITED = 5
#: What an API says of a request that it does not take: too long, not its kind. For the latter two a part may do.
_REFUSED = (400, 413, 415, 422)
_SPLIT = (413, 422)
#: What is said in place of an API that is not there.
_NOBODY_THERE = (502, 503, 504)


class LabellingError(LakeError):
    """Nothing can be bought of the labelling API now; the message is one line that says why, and what to do."""


class NotNowError(Exception):
    """The API says that the account has no money left, or that its quota begins again much later."""


class UnansweredError(Exception):
    """All attempts of one request failed; the message says how the last one did.

    Attributes:
        nobody_there: Whether the API itself is missing, whatever it is asked.
    """

    def __init__(self, reason: str, *, nobody_there: bool) -> None:
        super().__init__(reason)
        self.nobody_there = nobody_there


class RefusedError(Exception):
    """The API does not take this very request, and never will.

    Attributes:
        may_split: Whether its documents may be asked about by themselves, with other keys: it is too large or one of
            them is to blame, and no attempt before may have been billed.
    """

    def __init__(self, reason: str, *, may_split: bool) -> None:
        super().__init__(reason)
        self.may_split = may_split


class _AgainError(Exception):
    """An attempt failed, and another may not; `wait` is what the API asks for, in seconds."""

    def __init__(
        self, reason: str, wait: float | None = None, *, is_limit: bool = False, nobody_there: bool = False
    ) -> None:
        super().__init__(reason)
        self.wait = wait
        self.is_limit = is_limit
        self.nobody_there = nobody_there


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
        headers = {
            "Authorization": f"Bearer {key.get_secret_value()}",
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",  # so that a few bytes cannot become gigabytes
        }
        trusted = httpx.create_ssl_context()
        # A connection each: a pool of many looks at all of them for every request, which takes most of a second's time.
        self._idle = [
            httpx.AsyncClient(
                headers=headers,
                timeout=terms.timeout,
                verify=trusted,
                trust_env=not terms.is_on_this_machine,  # a proxy would be sent the key in the clear
            )
            for _ in range(terms.concurrency)
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
            RefusedError: The API does not take this request.
            NotNowError: The account has no money left, or the API asks to come back much later.
            LabellingError: The API refuses whatever it is asked: a wrong key, a wrong address.
        """
        # Only what is on record is sent, so that the body stays the same when a release knows more of documents.
        documents = [document.model_dump(mode="json", exclude_unset=True) for document in request.documents]
        body = orjson.dumps({"documents": documents} | ({"categories": list(categories)} if categories else {}))
        failed = limited = 0
        deadline = time.monotonic() + _PATIENCE
        while True:
            await self._pace.turn()
            try:
                return await self._attempt(request, body, first=failed == 0)
            except _AgainError as again:
                limited += again.is_limit
                failed += not again.is_limit
                wait, reason, nobody_there = again.wait or 0.0, str(again), again.nobody_there
            if wait > _LONGEST_RETRY_AFTER:
                raise NotNowError(f"the labelling API asks to come back in {wait / 60:.0f} minutes ({reason})")
            if failed == ATTEMPTS or time.monotonic() > deadline:
                raise UnansweredError(reason, nobody_there=nobody_there)
            if wait:
                self._pace.hold(wait)
            longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (failed + max(0, limited - _FREE_LIMITED)))
            # Where the API says when to come back, everyone does: not all in the same moment.
            jitter = random.uniform(0, min(longest, wait) if wait and not failed else longest)  # noqa: S311
            await asyncio.sleep(jitter)

    async def _attempt(self, request: Request, body: bytes, *, first: bool) -> list[Answer]:
        try:
            status, wait, data = await self._post(request.key, body)
        except (httpx.HTTPError, TimeoutError) as error:
            reason = self._clear(f"{type(error).__name__} {error}")[:200].strip()
            nobody_there = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            raise _AgainError(reason, nobody_there=nobody_there) from None
        if status == httpx.codes.OK:
            try:
                answers = read_answers(data, request, self._terms.source, self._terms.price, datetime.now(UTC))
            except UnreadableError as error:
                raise _AgainError(self._clear(f"its answer is {error}")) from None
            return [self._without_key(answer) for answer in answers]
        if status == httpx.codes.TOO_MANY_REQUESTS or (status == httpx.codes.CONFLICT and wait is not None):
            raise _AgainError("too many requests", wait, is_limit=True)
        said = self._clear(_said(data))
        if status >= 500 or status == httpx.codes.REQUEST_TIMEOUT:
            raise _AgainError(f"status {status}{said}", wait, nobody_there=status in _NOBODY_THERE)
        raise self._given_up(status, said, first=first)

    async def _post(self, key: str, body: bytes) -> tuple[int, float | None, bytes]:
        """The status, the seconds that Retry-After says, and the body."""
        client = self._idle.pop()
        try:
            async with (
                asyncio.timeout(self._terms.timeout * 2),  # httpx's own limit is one for each piece
                client.stream("POST", self._terms.url, content=body, headers={"Idempotency-Key": key}) as response,
            ):
                return response.status_code, _retry_after(response.headers), await _whole(response)
        finally:
            self._idle.append(client)

    def _given_up(self, status: int, said: str, *, first: bool) -> Exception:
        """What no further attempt would mend."""
        if status == httpx.codes.PAYMENT_REQUIRED:
            return NotNowError(f"the account has no credit{said}")
        if status in _REFUSED:
            return RefusedError(f"refused: status {status}{said}", may_split=first and status in _SPLIT)
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            wrong = f"the labelling API {self._terms.source} refuses the key (status {status}{said})"
            return LabellingError(f"{wrong}: set {KEY_VARIABLE}")
        wrong = f"{self._terms.source} does not answer as a labelling API (status {status}{said})"
        return LabellingError(f"{wrong}: look at HTML_CLASSIFICATION_LABELS")

    def _without_key(self, answer: Answer) -> Answer:
        """What an API repeats of the key goes nowhere."""
        texts = {name: getattr(answer, name) for name in ("annotator", "category", "answer", "reason")}
        return answer.model_copy(update={name: self._clear(text) for name, text in texts.items() if text})

    def _clear(self, text: str) -> str:
        key = self._key.get_secret_value()
        return text.replace(key, "***").replace(orjson.dumps(key)[1:-1].decode(), "***")


async def _whole(response: httpx.Response) -> bytes:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        message = "compressed, which was not asked for"
        raise httpx.DecodingError(message)
    data = bytearray()
    async for piece in response.aiter_raw():
        data += piece
        if len(data) > _LARGEST_ANSWER:
            message = f"more than {_LARGEST_ANSWER // 1024**2} MiB"
            raise httpx.DecodingError(message)
    return bytes(data)


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
