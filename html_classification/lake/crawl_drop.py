"""Crawl drops: the JSONL files that a crawler leaves for a day.

Belongs here: finding a day's files, reading them line by line, and saying of each bad line what is wrong
with it. Does not belong here: looking into the HTML (`transforms`).
"""

import base64
import hashlib
import json
import re
from binascii import Error as Base64Error
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import polars as pl

from html_classification.lake.drop_lines import LONGEST_LINE, NO_LINES, BadLineError, Chunk, lines
from html_classification.lake.errors import LakeError
from html_classification.lake.external import DropFile
from html_classification.lake.store import Store
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.raw import RAW

#: Of a refused line this much is kept in rejected.jsonl; the raw files have the rest.
_KEPT = 64 * 1024
_ENDINGS = (".jsonl", ".jsonl.gz", ".jsonl.zst")
_LONE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._-]{1,200}")
_ODD = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_STEM = 160
#: No page is older than the web.
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)


def read_crawl_drop(crawl: Store, day: date) -> list[DropFile]:
    """The files of a day's drop, by name. Nothing is read yet.

    Args:
        crawl: The root of all drops.
        day: The day.

    Raises:
        LakeError: There is no drop for the day, or two of its files would get the same name.
    """
    found = [
        item.path for item in crawl.list(day.isoformat()) if item.path.endswith(_ENDINGS) and item.path.count("/") == 1
    ]
    if not found:
        message = f"no crawl drop for {day}: expected {crawl.uri(day.isoformat())}/*.jsonl, .jsonl.gz or .jsonl.zst"
        raise LakeError(message)
    files = [DropFile(_raw_name(path), crawl, path) for path in found]
    if len({file.name for file in files}) < len(files):
        message = f"files in {crawl.uri(day.isoformat())} would get the same name in the lake: rename one"
        raise LakeError(message)
    return files


def _raw_name(path: str) -> str:
    """What a file of a drop is called in the lake: its own name, behind `html-documents`.

    A name that some store or tool could stumble over is written with `-` for what is odd in it, and with 12 digits of
    its SHA-1, so that two such names stay two.

    >>> _raw_name("2026-03-01/part-1.jsonl.gz"), _raw_name("2026-03-01/part 1.jsonl.gz")
    ('html-documents-part-1.jsonl.gz', 'html-documents-part-1-5d7c49e83bd6.jsonl.gz')
    """
    name = path.rpartition("/")[2]
    given = name if name.startswith("html-documents") else f"html-documents-{name}"
    if _PLAIN_NAME.fullmatch(given):
        return given
    ending = next(ending for ending in _ENDINGS if given.endswith(ending))
    plain = _ODD.sub("-", given.removesuffix(ending))[:_LONGEST_STEM].rstrip("-")
    digits = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()[:12]
    return f"{plain}-{digits}{ending}"


def parse_crawl_files(files: Iterable[tuple[str, bytes]], day: date) -> Outcome:
    """Parse and check every line of a day's files.

    Args:
        files: Name and bytes of each file.
        day: The day of the drop, which timestamps must not be far after.

    Returns:
        The good documents with the columns of the stage `raw`, in the order of the files, and each bad line with
        `reason`, `file`, `line` (counted from 1) and `row` (its text, cut at 64 KiB).
    """
    parsed = _Parsed(day)
    for name, data in files:
        number = 0
        try:
            for number, line in enumerate(lines(name, [data]), start=1):
                parsed.add(name, number, line)
        except BadLineError as error:
            number += 1
            parsed.add_broken(str(error), name, number, error.line)
        if not number:
            parsed.add_broken(NO_LINES, name, 1, b"")
    return parsed.outcome()


def parse_chunk(chunk: Chunk, day: date) -> Outcome:
    """Parse and check the lines of a chunk: see `parse_crawl_files`."""
    parsed = _Parsed(day)
    for number, line in chunk.lines():
        parsed.add(chunk.name, number, line)
    if chunk.broken:
        reason, line = chunk.broken
        parsed.add_broken(reason, chunk.name, chunk.first + chunk.count, line)
    return parsed.outcome()


class _Parsed:
    """Documents, and lines that are none."""

    def __init__(self, day: date) -> None:
        self._day = day
        self._rows: list[tuple[str, str, datetime, str | None]] = []
        self._rejected: list[dict[str, Any]] = []
        self._lines = 0

    def add(self, name: str, number: int, line: bytes) -> None:
        self._lines += 1
        try:
            self._rows.append(_document(line, self._day))
        except BadLineError as error:
            self.reject(str(error), name, number, line)

    def add_broken(self, reason: str, name: str, number: int, line: bytes) -> None:
        self._lines += reason != NO_LINES
        self.reject(reason, name, number, line)

    def reject(self, reason: str, name: str, number: int, line: bytes) -> None:
        row = line[:_KEPT].decode("utf-8", errors="backslashreplace")
        self._rejected.append({"reason": reason, "file": name, "line": number, "row": row})

    def outcome(self) -> Outcome:
        columns = zip(*self._rows, strict=True) if self._rows else ((),) * len(RAW.dtypes)
        frame = pl.DataFrame(dict(zip(RAW.dtypes, map(list, columns), strict=True)), schema=dict(RAW.dtypes))
        return Outcome(frame, self._rejected, {"lines": self._lines})


def _document(line: bytes, day: date) -> tuple[str, str, datetime, str | None]:
    if len(line) > LONGEST_LINE:
        message = f"the line is longer than {LONGEST_LINE // 1024 // 1024} MiB"
        raise BadLineError(message)
    row = _json(line)
    if not isinstance(row, dict):
        message = f"not a JSON object but {type(row).__name__}"
        raise BadLineError(message)
    url, timestamp = _text(row, "url"), _text(row, "timestamp")
    html, encoding = _html(row)
    return url, html, _timestamp(timestamp, day), encoding


def _html(row: dict[str, Any]) -> tuple[str, str | None]:
    """The document, and the encoding that its bytes were in where that is known.

    A crawler that does not decode leaves the bytes as `html_base64`, and the header as `content_type`.
    """
    from html_classification.transforms.encoding import decode

    if "html" in row or "html_base64" not in row:
        encoding = row.get("encoding")
        return _text(row, "html"), encoding.lower() if isinstance(encoding, str) and encoding else None
    try:
        data = base64.b64decode(_text(row, "html_base64"), validate=True)
    except Base64Error as error:
        message = f"html_base64 is not base64: {error}"
        raise BadLineError(message) from None
    content_type = row.get("content_type")
    decoded = decode(data, content_type if isinstance(content_type, str) else "")
    return decoded.text, decoded.encoding


def _json(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        if _LONE_SURROGATE.search(line):
            return _json_with_surrogates(line)
        message = f"not JSON: {error}" if line.strip() else "the line is empty"
        raise BadLineError(message) from None


def _json_with_surrogates(line: bytes) -> Any:
    """JSON as Python's own module writes it for text with half of a surrogate pair: U+FFFD stands for the half."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        message = f"not JSON: {error}"
        raise BadLineError(message) from None
    if not isinstance(row, dict):
        return row
    return {
        key: value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(value, str) else value
        for key, value in row.items()
    }


def _text(row: dict[str, Any], key: str) -> str:
    if key not in row:
        message = f"{key} is missing"
        raise BadLineError(message)
    value = row[key]
    if not isinstance(value, str):
        message = f"{key} is not a string but {type(value).__name__}"
        raise BadLineError(message)
    if not value and not key.startswith("html"):
        message = f"{key} is empty"
        raise BadLineError(message)
    return value


def _timestamp(text: str, day: date) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        message = f"timestamp {text[:40]!r} is not ISO 8601"
        raise BadLineError(message) from None
    if time.tzinfo is None:
        message = f"timestamp {text[:40]!r} has no offset from UTC"
        raise BadLineError(message)
    try:
        time = time.astimezone(UTC)
    except OverflowError:
        message = f"timestamp {text[:40]!r} is out of range"
        raise BadLineError(message) from None
    latest = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=2)
    if not EARLIEST <= time < latest:
        message = f"timestamp {text[:40]!r} is absurd: before 1990, or more than a day after the drop of {day}"
        raise BadLineError(message)
    return time
