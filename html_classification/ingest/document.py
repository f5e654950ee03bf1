"""One document on its way into a drop, or the reason why it is refused.

Belongs here: what every kind of source has in common: times, bytes to text, what is no page. Does not belong here:
how a kind of source is read (`warc`, `folder`, `jsonl`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson

from html_classification.lake.crawl_drop import EARLIEST
from html_classification.lake.drop_lines import LONGEST_LINE
from html_classification.transforms.encoding import begins_as_html, binary_kind, decode

#: A larger page is refused, in bytes: decompressed, and as the line of a drop, which takes no longer ones.
LARGEST = LONGEST_LINE
_HTML_TYPES = ("text/html", "application/xhtml+xml")
_MILLISECONDS = 100_000_000_000  # as seconds this is the year 5138, as milliseconds 1973
_SHOWN = 60  # characters of what a source says


@dataclass(frozen=True, slots=True)
class Options:
    """What a person says of the sources.

    Attributes:
        base_url: What the path of an HTML file in its folder is put behind; without it the page says its address.
        timestamp: The time of HTML files, and of what else has none.
        assume_utc: Whether times without an offset are UTC; they are refused otherwise.
        url_field: Where the address is in JSON lines; dots lead into nested objects.
        html_field: Where the page is, likewise.
        timestamp_field: Where the time is, likewise.
    """

    base_url: str | None = None
    timestamp: datetime | None = None
    assume_utc: bool = False
    url_field: str = "url"
    html_field: str = "html"
    timestamp_field: str = "timestamp"


@dataclass(frozen=True, slots=True)
class Document:
    """A page for a drop.

    Attributes:
        url: Its address, as the source has it.
        html: The page as text.
        timestamp: When it was crawled, in UTC.
        encoding: What its bytes were read by, WHATWG's name; empty where the source is text.
        content_type: The HTTP header of that name; empty where it is not known.
        source: The file and the place in it, for people.
        truncated: Whether the crawler, or the end of the transport, cut the page.
    """

    url: str
    html: str
    timestamp: datetime
    encoding: str
    content_type: str
    source: str
    truncated: bool = False

    def to_line(self) -> bytes:
        """The line of a drop, with its line end."""
        row: dict[str, Any] = {
            "url": self.url,
            "html": self.html,
            "timestamp": self.timestamp.isoformat(),
            "encoding": self.encoding,
            "content_type": self.content_type,
            "source": self.source,
        }
        return orjson.dumps(row | ({"truncated": True} if self.truncated else {}), option=orjson.OPT_APPEND_NEWLINE)


@dataclass(frozen=True, slots=True)
class Refused:
    """What is not taken.

    Attributes:
        reason: Why, in a few words that many share, such as `not HTML: PDF`.
        source: The file and the place in it.
        detail: More of the reason, of this one alone.
        url: The address, where it is known.
        row: What there is of a bad line.
    """

    reason: str
    source: str
    detail: str = ""
    url: str = ""
    row: str = ""

    def to_line(self) -> bytes:
        """The line of the file of what was refused, with its line end; what is not known is left out."""
        known = {name: value for name in self.__slots__ if (value := getattr(self, name))}
        return orjson.dumps(known, option=orjson.OPT_APPEND_NEWLINE)


class RefusedError(ValueError):
    """Something makes of a document a refused one.

    Attributes:
        reason: Why, in a few words that many share.
        detail: More of the reason.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Page:
    """The bytes of a page: the whole body as the server meant it, its HTTP content type, and whether it was cut."""

    body: bytes
    content_type: str = ""
    truncated: bool = False


def make_document(url: str, page: Page, timestamp: datetime, source: str) -> Document:
    """The document that bytes are.

    Raises:
        RefusedError: They are too many or none, or no text.
    """
    if len(page.body) > LARGEST:
        raise too_large()
    if kind := binary_kind(page.body):
        reason = f"not HTML: {kind}"
        raise RefusedError(reason)
    if not page.body.strip():
        reason = "empty"
        raise RefusedError(reason)
    read = decode(page.body, page.content_type)
    return Document(url, read.text, timestamp, read.encoding, page.content_type, source, page.truncated)


def check_type(content_type: str, body: bytes) -> None:
    """Accept pages only: by their HTTP header, and by how they begin where there is none.

    Raises:
        RefusedError: It is none.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in _HTML_TYPES or (not media_type and begins_as_html(body)):
        return
    kind = binary_kind(body)
    reason = f"not HTML: {kind or media_type[:_SHOWN] or 'no content type'}"
    raise RefusedError(reason)


def too_large() -> RefusedError:
    """What is said of what is too large."""
    return RefusedError(f"larger than {LARGEST // 1024**2} MiB")


def parse_timestamp(value: object, options: Options) -> datetime:
    """A time in UTC, from ISO 8601 or the seconds or milliseconds since 1970.

    >>> parse_timestamp("2026-03-01T09:00:00+01:00", Options()).isoformat()
    '2026-03-01T08:00:00+00:00'

    Raises:
        RefusedError: There is none, it is no such time, or it has no offset.
    """
    if value in (None, ""):
        if options.timestamp is None:
            reason = "no timestamp"
            raise RefusedError(reason, "--timestamp gives one to what has none")
        return options.timestamp
    try:
        time = _read_time(value)
        if time.tzinfo is None and not options.assume_utc:
            reason = "the timestamp has no offset from UTC"
            raise RefusedError(reason, f"{str(value)[:_SHOWN]!r}; --assume-utc takes such as UTC")
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (TypeError, OverflowError, OSError) as error:
        reason = "the timestamp is no time"
        raise RefusedError(reason, repr(value)[:_SHOWN]) from error


def _read_time(value: object) -> datetime:
    """TypeError where it is none."""
    try:
        if isinstance(value, str):
            return datetime.fromisoformat(value.strip())
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if value > _MILLISECONDS else value, UTC)
    except ValueError as error:
        raise TypeError from error
    raise TypeError


def day_of(timestamp: datetime, day: date | None, today: date) -> date:
    """The drop that a document goes into.

    Args:
        timestamp: Its time in UTC.
        day: The drop that a person wants, or None for the day of the time.
        today: The present day in UTC.

    Raises:
        RefusedError: No drop of that day takes this time.
    """
    target = day or timestamp.date()
    if timestamp < EARLIEST:
        reason = "the timestamp is before 1990"
        raise RefusedError(reason, timestamp.isoformat())
    if timestamp.date() > target + timedelta(days=1):
        reason = f"the timestamp is more than a day after the drop of {target}"
        raise RefusedError(reason, timestamp.isoformat())
    if target > today:
        reason = "the timestamp is in the future"
        raise RefusedError(reason, timestamp.isoformat())
    return target


def field(row: Mapping[str, Any], name: str) -> Any:
    """A value of a row by its name, or by the dotted way to it through nested objects; None where it is not there.

    >>> field({"page": {"body": "<p>"}}, "page.body"), field({"a.b": 1}, "a.b"), field({"a": 1}, "a.b")
    ('<p>', 1, None)
    """
    if name in row:
        return row[name]
    value: Any = row
    for part in name.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value
