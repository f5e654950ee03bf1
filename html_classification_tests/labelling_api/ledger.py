"""The ledger of the labelling API: what it billed, and what it was asked.

Belongs here: the two files, writing and reading them, and sums for tests. Does not belong here: what is billed (`app`).

    ledger.jsonl      a line for each billed document, with the answer that was paid for
    requests.jsonl    a line for each request that was answered, or was to be

Lines are only appended, and handed to the system before the answer is sent: whoever has an answer finds it here.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson


@dataclass(frozen=True)
class Billed:
    """A billed document.

    Attributes:
        time: When, in UTC.
        key: The idempotency key of its request.
        body: SHA-1 of the request's body.
        id: The document's id.
        url: The document's address.
        cost: What it cost, a decimal number.
        answer: What was answered; None where the item is missing on purpose.
    """

    time: str
    key: str
    body: str
    id: str
    url: str
    cost: str
    answer: dict[str, Any] | None


@dataclass(frozen=True)
class Request:
    """A request.

    Attributes:
        time: When it was answered, in UTC.
        status: The status of the answer; 0 where the connection was closed without one.
        key: Its idempotency key; None where it has none.
        attempt: Which attempt with this key it was; None where it was refused before that was looked at.
        documents: How many it has; None likewise.
        billed: How many of these were billed now, not before.
        fault: What happened to it on purpose.
    """

    time: str
    status: int
    key: str | None = None
    attempt: int | None = None
    documents: int | None = None
    billed: int = 0
    fault: str | None = None


class Ledger:
    """A ledger in a folder, for the server that writes it and for those who check it.

    Args:
        folder: Where it lies; made at the first line.
    """

    def __init__(self, folder: Path) -> None:
        self.billed_file, self.requests_file = folder / "ledger.jsonl", folder / "requests.jsonl"

    def bill(self, documents: Iterable[Billed]) -> None:
        """Append billed documents, all of them by one write."""
        os.write(self._ledger, b"".join(map(_line, documents)))

    def note(self, request: Request) -> None:
        """Append a request."""
        os.write(self._requests, _line(request))

    def billed(self) -> list[Billed]:
        """The documents billed, in this order."""
        return [Billed(**fields) for fields in _read(self.billed_file)]

    def total(self) -> Decimal:
        """The money billed."""
        return total(self.billed())

    def times_billed(self) -> Counter[str]:
        """How often each document was billed, by its id."""
        return Counter(one.id for one in self.billed())

    def billed_again(self) -> dict[str, int]:
        """The documents billed more than once, by their id, and how often: it should be none."""
        return {identifier: times for identifier, times in self.times_billed().items() if times > 1}

    def requests(self) -> list[Request]:
        """The requests, in the order of their answers."""
        return [Request(**fields) for fields in _read(self.requests_file)]

    def statuses(self) -> Counter[int]:
        """How many requests were answered with which status."""
        return Counter(request.status for request in self.requests())

    @cached_property
    def _ledger(self) -> int:
        return _append_to(self.billed_file)

    @cached_property
    def _requests(self) -> int:
        return _append_to(self.requests_file)


def total(billed: Iterable[Billed]) -> Decimal:
    """What some documents cost together."""
    return sum((Decimal(one.cost) for one in billed), Decimal(0))


def timestamp(time: datetime) -> str:
    """A time in UTC as the API writes it.

    >>> from datetime import UTC
    >>> timestamp(datetime(2026, 3, 1, 8, tzinfo=UTC))
    '2026-03-01T08:00:00.000000Z'
    """
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _append_to(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


def _line(of: Billed | Request) -> bytes:
    return orjson.dumps(of) + b"\n"


def _read(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        # A line that is being written has no end yet.
        yield from map(orjson.loads, path.read_bytes().split(b"\n")[:-1])
