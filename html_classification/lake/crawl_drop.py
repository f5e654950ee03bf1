"""Crawl drops: the JSONL files that a crawler leaves for a day.

Belongs here: finding a day's files, reading them line by line, and saying of each bad line what is wrong
with it. Does not belong here: looking into the HTML (`transforms`).
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import polars as pl
import zstandard
from isal import isal_zlib

from html_classification.lake.errors import LakeError
from html_classification.lake.external import ExternalFile
from html_classification.lake.store import Store
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.raw import RAW

#: A longer line is refused: a page of this size is an accident or an attack.
LONGEST_LINE = 64 * 1024 * 1024
#: Of a refused line this much is kept in rejected.jsonl; the raw files have the rest.
_KEPT = 64 * 1024
_ENDINGS = (".jsonl", ".jsonl.gz", ".jsonl.zst")
_LONE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_DAMAGED: tuple[Any, ...] = (isal_zlib.error, zstandard.ZstdError)
#: Compressed bytes at a time: small, since what a damaged bite holds is lost, and a bomb's bite swells.
_BITE = 512
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._-]{1,200}")
_ODD = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_STEM = 160
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)


class BadLineError(ValueError):
    """A line that is no document; the message says why.

    Attributes:
        line: What there is of the line.
    """

    def __init__(self, message: str, line: bytes = b"") -> None:
        super().__init__(message)
        self.line = line


def read_crawl_drop(crawl: Store, day: date) -> list[ExternalFile]:
    """The files of a day's drop, by name.

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
    files = [ExternalFile(_raw_name(path), crawl.uri(path), crawl.get(path)) for path in found]
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
        The good documents as `url`, `html`, `timestamp` in the order of the files, and each bad line with
        `reason`, `file`, `line` (counted from 1) and `row` (its text, cut at 64 KiB).
    """
    rows: list[tuple[str, str, datetime]] = []
    rejected: list[dict[str, Any]] = []
    lines = 0
    for name, data in files:
        number = 0
        try:
            for number, line in enumerate(_lines(name, data), start=1):
                try:
                    rows.append(_document(line, day))
                except BadLineError as error:
                    rejected.append(_rejected(str(error), name, number, line))
        except BadLineError as error:
            number += 1
            rejected.append(_rejected(str(error), name, number, error.line))
        if not number:
            rejected.append(_rejected("the file has no lines", name, 1, b""))
        lines += number
    frame = pl.DataFrame(rows, schema=dict(RAW.dtypes), orient="row")
    return Outcome(frame, rejected, {"lines": lines})


def _rejected(reason: str, name: str, number: int, line: bytes) -> dict[str, Any]:
    row = line[:_KEPT].decode("utf-8", errors="backslashreplace")
    return {"reason": reason, "file": name, "line": number, "row": row}


def _lines(data_name: str, data: bytes) -> Iterator[bytes]:
    """The lines of a file; BadLineError where the file itself is broken, after all that stood before the break."""
    pending = bytearray()
    try:
        for chunk in _decompressed(data_name, data):
            *whole, rest = chunk.split(b"\n")
            if whole:
                yield bytes(pending + whole[0])
                yield from whole[1:]
                pending.clear()
            # Of a line that is too long only as much is held as shows that it is.
            pending += rest[: LONGEST_LINE + 1 - len(pending)]
    except _DAMAGED as error:
        message = f"the compressed file is damaged ({error}); the lines before are kept"
        raise BadLineError(message, bytes(pending)) from None
    except EOFError:
        message = "the compressed file ends in the middle (truncated); the lines before are kept"
        raise BadLineError(message, bytes(pending)) from None
    if pending:
        yield bytes(pending)


def _decompressed(name: str, data: bytes) -> Iterator[bytes]:
    """The content in pieces, so that what stands before a break is not lost with it; EOFError where it is cut."""
    if name.endswith(".gz"):
        # 31: with gzip's own header, so that its checksum is checked too.
        return _pieces(data, lambda: isal_zlib.decompressobj(wbits=31))
    if name.endswith(".zst"):
        return _pieces(data, lambda: zstandard.ZstdDecompressor().decompressobj())
    return iter([data])


def _pieces(data: bytes, make: Callable[[], Any]) -> Iterator[bytes]:
    view, at, member = memoryview(data), 0, make()
    while at < len(data):
        if member.eof:  # several members one behind the other are one file; zeros behind the last are padding
            if data[at] == 0 and not data[at:].strip(b"\0"):
                return
            member = make()
        bite = view[at : at + _BITE]
        yield member.decompress(bite)
        at += len(bite) - len(member.unused_data)
    if not member.eof:
        raise EOFError


def _document(line: bytes, day: date) -> tuple[str, str, datetime]:
    if len(line) > LONGEST_LINE:
        message = f"the line is longer than {LONGEST_LINE // 1024 // 1024} MiB"
        raise BadLineError(message)
    row = _json(line)
    if not isinstance(row, dict):
        message = f"not a JSON object but {type(row).__name__}"
        raise BadLineError(message)
    url, html, timestamp = (_text(row, key) for key in ("url", "html", "timestamp"))
    return url, html, _timestamp(timestamp, day)


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
    if not value and key != "html":
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
    if not _EARLIEST <= time < latest:
        message = f"timestamp {text[:40]!r} is absurd: before 1990, or more than a day after the drop of {day}"
        raise BadLineError(message)
    return time
