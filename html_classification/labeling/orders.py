"""Orders: what is asked of a paid API, on record before it is asked, and what it costs.

Belongs here: the order book in the label store, and the money that it says is spent. Does not belong here: asking
(`api`), answers (`bought`), or what is ordered and when (`buying`).

    label-store/orders/00000017.json.gz                                    whole requests, each with its idempotency key
    label-store/orders/00000017-closed-2026-03-01-2026-03-02-1960000.json  ordered on, closed on, billed (millionths)

An order is written before its first request is sent and holds all of them, word for word. Whoever finds one that is
not closed, after a kill or beside a run that still goes on, sends the very same requests with the same keys: what was
billed is not billed again. Until it is closed, the most that it may cost counts as spent, today and this month.

Orders are numbered, and a number is taken by a create-only put. Who takes the next number has seen all orders before,
so that no two runs spend the same money or order the same text; nothing needs a lock.
"""

import datetime as dt
import gzip
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson
from pydantic import BaseModel, ConfigDict, Field

from html_classification.labeling.answers import UtcTime
from html_classification.lake.errors import LakeError
from html_classification.lake.paths import LABEL_STORE
from html_classification.lake.store import Store

FOLDER = f"{LABEL_STORE}/orders"
#: Raised when a reader of an older one would misunderstand an order.
ORDER_VERSION = 1

#: Where an order lies: its number.
ORDER = re.compile(rf"{FOLDER}/(\d{{8}})\.json\.gz")
#: Where it lies that an order is closed: its number, ordered on, closed on, billed (millionths).
CLOSED = re.compile(rf"{FOLDER}/(\d{{8}})-closed-(\d{{4}}-\d\d-\d\d)-(\d{{4}}-\d\d-\d\d)-(\d+)\.json")


class Document(BaseModel):
    """A text to be judged; its id is the SHA-1 of `title - content`."""

    model_config = ConfigDict(frozen=True)

    id: str
    url: str
    title: str
    text: str


class Request(BaseModel):
    """One request to the API: its idempotency key and its documents."""

    model_config = ConfigDict(frozen=True)

    key: str
    documents: tuple[Document, ...]

    def singly(self) -> "list[Request]":
        """The same documents in requests of their own, each with a key that is always the same."""
        return [Request(key=f"{self.key}-{n}", documents=(item,)) for n, item in enumerate(self.documents)]


class Draft(BaseModel):
    """An order before it has its number."""

    model_config = ConfigDict(frozen=True)

    order_version: int = ORDER_VERSION
    source: str = Field(description="The API, by the name of its folder in the label store.")
    ordered_at: UtcTime
    price_micros: int = Field(ge=0, description="The most that a document may cost, in millionths of the currency.")
    categories: tuple[str, ...] = Field((), description="The categories that the API may choose from; none: any.")
    requests: tuple[Request, ...]

    @property
    def documents(self) -> list[Document]:
        """All documents."""
        return [document for request in self.requests for document in request.documents]

    @property
    def ids(self) -> list[str]:
        """The SHA-1 of each document's text."""
        return [document.id for document in self.documents]


class Order(Draft):
    """A numbered order."""

    number: int = Field(ge=1)

    @property
    def reserved(self) -> int:
        """The most that it may cost, in millionths."""
        return len(self.documents) * self.price_micros


@dataclass(frozen=True)
class _Closed:
    ordered_on: str
    closed_on: str
    micros: int

    def is_of(self, period: str) -> bool:
        return self.ordered_on.startswith(period) or self.closed_on.startswith(period)


@dataclass(frozen=True)
class OrderBookState:
    """The order book at a moment.

    Attributes:
        last: The last number taken.
        open: The orders that are not closed, by number.
        closed: The others.
    """

    last: int
    open: Mapping[int, Order]
    closed: Mapping[int, _Closed]

    def spent(self, day: dt.date, of_open: int | None = None) -> tuple[int, int]:
        """What counts as spent on a day and in its month, in millionths.

        A closed order counts on the day of the order and on that of its end, since the API may have billed it on
        either. Open ones count on any day.

        Args:
            day: The day.
            of_open: What the open orders count for; without it, the most that they may cost.
        """
        reserved = sum(order.reserved for order in self.open.values()) if of_open is None else of_open
        periods = (day.isoformat(), f"{day:%Y-%m}-")
        of_day, of_month = (sum(one.micros for one in self.closed.values() if one.is_of(period)) for period in periods)
        return of_day + reserved, of_month + reserved


class OrderBook:
    """The orders in a lake.

    Args:
        store: The lake's store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[int, Order] = {}

    def read(self) -> OrderBookState:
        """What there is now.

        Raises:
            LakeError: An order is damaged, or of a newer release.
        """
        last = 0
        closed: dict[int, _Closed] = {}
        for item in self._store.list(FOLDER):
            if found := ORDER.fullmatch(item.path):
                last = max(last, int(found[1]))
            elif found := CLOSED.fullmatch(item.path):
                number, one = int(found[1]), _Closed(found[2], found[3], int(found[4]))
                # Two that closed it at once may have counted differently: the larger sum is the safe one.
                closed[number] = max(one, closed.get(number, one), key=lambda each: each.micros)
        last = max([last, *closed])
        # All numbers up to the last were taken, also those that the listing missed since they were put meanwhile.
        still_open = {number: self._order(number) for number in range(1, last + 1) if number not in closed}
        return OrderBookState(last, still_open, closed)

    def place(self, draft: Callable[[OrderBookState], Draft | None]) -> Order | None:
        """Put an order on record.

        Args:
            draft: Says what to order, given all orders before, or None; called again where another run was faster.

        Returns:
            The order, on record; None where there is none.

        Raises:
            LakeError: The store fails, or an order in it is damaged.
        """
        while True:
            state = self.read()
            made = draft(state)
            if made is None:
                return None
            order = Order(number=state.last + 1, **dict(made))
            data = gzip.compress(orjson.dumps(order.model_dump(mode="json")), compresslevel=6, mtime=0)
            if self._store.put_new(order_path(order.number), data):
                self._known[order.number] = order
                return order

    def close(self, order: Order, billed_micros: int, closed_on: dt.date, figures: Mapping[str, int]) -> None:
        """Put on record that every document of an order has its answer, and what they cost together.

        Raises:
            LakeError: The store fails.
        """
        name = f"{order.number:08}-closed-{order.ordered_at.date()}-{closed_on}-{billed_micros}.json"
        entry = {"documents": len(order.documents), "billed_micros": billed_micros, **figures}
        self._store.put_new(f"{FOLDER}/{name}", orjson.dumps(entry, option=orjson.OPT_INDENT_2) + b"\n")
        self._known.pop(order.number, None)  # whole texts, which nobody asks for any more

    def _order(self, number: int) -> Order:
        if number not in self._known:
            path = order_path(number)
            data = self._store.find(path)
            if data is None:
                mend = f"put {self._store.uri(path)} back from a copy; nothing is bought until then"
                raise LakeError(f"order {number} was lost: {mend}")
            self._known[number] = parse_order(data, number, self._store.uri(path))
        return self._known[number]


def order_path(number: int) -> str:
    """Where an order lies.

    >>> order_path(17)
    'label-store/orders/00000017.json.gz'
    """
    return f"{FOLDER}/{number:08}.json.gz"


def parse_order(data: bytes, number: int, uri: str) -> Order:
    """An order from its file.

    Args:
        data: The file's bytes.
        number: The number in its name.
        uri: Its address, for messages.

    Raises:
        LakeError: It is damaged, or of a newer release.
    """
    try:
        fields = orjson.loads(gzip.decompress(data))
        if fields["order_version"] > ORDER_VERSION:
            message = f"{uri} was written by a newer release: update this one"
            raise LakeError(message)
        order = Order.model_validate(fields)
        if order.number != number:
            message = f"it says that it is order {order.number}"
            raise ValueError(message)
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        message = f"{uri} is damaged ({reason}); put it back from a copy: an order that is not closed stops all buying"
        raise LakeError(message) from None
    return order


def require_closing(data: bytes, billed_micros: int, uri: str) -> None:
    """Make sure that an entry that an order is closed says the same as its name.

    Raises:
        LakeError: It does not.
    """
    try:
        said = orjson.loads(data)["billed_micros"]
        problem = f"its name says {billed_micros} millionths, it says {said}" if said != billed_micros else ""
    except (ValueError, KeyError, TypeError) as error:
        problem = f"{type(error).__name__}: {error}".partition("\n")[0]
    if problem:
        message = f"{uri} is damaged ({problem}); put it back from a copy: what its name says counts"
        raise LakeError(message)
