"""JSON lines of any shape.

Belongs here: lines to documents by the names of their fields. Does not belong here: cutting
files into lines (`lake.drop_lines`), or the lines of drops, whose shape is fixed (`lake.crawl_drop`).
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from html_classification.ingest.document import (
    LARGEST,
    Document,
    Options,
    Refused,
    RefusedError,
    field,
    parse_timestamp,
    too_large,
)
from html_classification.lake.drop_lines import BadLineError, lines
from html_classification.transforms.encoding import binary_kind

#: Of a refused line this much is kept.
_KEPT = 64 * 1024
_LOOKED_AT = 2000  # characters: enough to see that a page is none


def read_jsonl(pieces: Iterable[bytes], name: str, options: Options) -> Iterator[Document | Refused]:
    """The documents of a JSONL file, in its order, and what is refused of its lines.

    Where the file is damaged or cut, all whole lines before are given, then a refusal that says so.

    Args:
        pieces: The file's bytes.
        name: Its name, whose ending says how it is compressed.
        options: How the fields are called, and the time of lines that have none.
    """
    number = 0
    try:
        for number, line in enumerate(lines(name.lower(), pieces), start=1):
            yield _read_line(line, f"{name}, line {number}", options)
    except BadLineError as error:
        place = f"{name}, line {number + 1}"
        yield Refused("the rest of the file is lost", place, detail=str(error), row=_kept(error.line))


def _read_line(line: bytes, source: str, options: Options) -> Document | Refused:
    try:
        return _make_document(line, source, options)
    except RefusedError as refusal:
        return Refused(refusal.reason, source, detail=refusal.detail, row=_kept(line))


def _make_document(line: bytes, source: str, options: Options) -> Document:
    if len(line) > LARGEST:
        raise too_large()
    row = _read_json(line)
    url, html = (_text(row, name) for name in (options.url_field, options.html_field))
    if kind := binary_kind(html[:_LOOKED_AT].encode()):
        reason = f"not HTML: {kind}"
        raise RefusedError(reason)
    timestamp = parse_timestamp(field(row, options.timestamp_field), options)
    encoding, content_type = (_known(row, name) for name in ("encoding", "content_type"))
    return Document(url, html, timestamp, encoding, content_type, source)


def _read_json(line: bytes) -> dict[str, Any]:
    try:
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            row = json.loads(line)  # takes half of a surrogate pair, which orjson refuses
    except (ValueError, RecursionError) as error:
        reason = "not JSON" if line.strip() else "an empty line"
        raise RefusedError(reason, str(error)[:200]) from None
    if not isinstance(row, dict):
        reason = "not a JSON object"
        raise RefusedError(reason, type(row).__name__)
    return row


def _text(row: dict[str, Any], name: str) -> str:
    value = field(row, name)
    if value is None:
        reason = f"no field {name}"
        raise RefusedError(reason, "what there is: " + ", ".join(sorted(map(str, row)))[:200])
    if not isinstance(value, str):
        reason = f"the field {name} is no text"
        raise RefusedError(reason, type(value).__name__)
    if not value.strip():
        reason = f"the field {name} is empty"
        raise RefusedError(reason)
    return _encodable(value)


def _known(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    return _encodable(value) if isinstance(value, str) else ""


def _encodable(text: str) -> str:
    """The text with U+FFFD for halves of surrogate pairs, which no UTF-8 file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _kept(line: bytes) -> str:
    return line[:_KEPT].decode("utf-8", errors="backslashreplace")
