"""WARC files: the pages among their responses.

Belongs here: which records are pages, and what their headers say. Does not belong here: HTTP (`responses`), compression
(`stream`).

As Common Crawl, wget, Heritrix, Browsertrix and others write them: plain, gzip or zstd, WARC 1.0 and 1.1
(https://iipc.github.io/warc-specifications/). Requests, metadata and what else there is beside the responses are no
documents, and are passed over without a word.
"""

from collections.abc import Iterator

from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType

from html_classification.ingest.document import (
    LARGEST,
    Document,
    Options,
    Page,
    Refused,
    RefusedError,
    check_type,
    make_document,
    parse_timestamp,
    too_large,
)
from html_classification.ingest.responses import decode_body, parse_response
from html_classification.ingest.stream import Stream

_TAKEN = WarcRecordType.response | WarcRecordType.revisit
_OK = 200


def read_warc(stream: Stream, name: str, options: Options) -> Iterator[Document | Refused]:
    """The documents of a WARC file, in its order, and what is refused of its responses.

    Where the file is damaged or cut, all that stands before is given, then a refusal that says so.

    Args:
        stream: The file.
        name: Its name, for people.
        options: The time of records that have none.
    """
    records = iter(ArchiveIterator(stream, parse_http=False, stream_detect=False))
    while True:
        try:
            record = next(records, None)
        except OSError as error:
            place = f"{name}, after {stream.tell()} bytes of its content"
            yield Refused("the rest of the file is no WARC", place, detail=str(error)[:200])
            break
        if record is None:
            break
        if record.record_type & _TAKEN:
            yield _read_record(record, f"{name}, {stream.place(record.stream_pos)}", options)
    if stream.damage:
        yield Refused("the rest of the file is lost", name, detail=stream.damage)


def _read_record(record: WarcRecord, source: str, options: Options) -> Document | Refused:
    url = ""
    try:
        url = (record.headers.get("WARC-Target-URI") or "").strip().removeprefix("<").removesuffix(">")
        return _make_document(record, url, source, options)
    except RefusedError as refusal:
        return Refused(refusal.reason, source, detail=refusal.detail, url=url)


def _make_document(record: WarcRecord, url: str, source: str, options: Options) -> Document:
    if not url:
        reason = "no address"
        raise RefusedError(reason)
    if record.record_type == WarcRecordType.revisit:
        reason = "a revisit, whose page is in an earlier crawl"
        raise RefusedError(reason)
    response = parse_response(_read_block(record))
    if response.status != _OK:
        reason = f"not 200: {response.status}"
        raise RefusedError(reason)
    timestamp = parse_timestamp(record.headers.get("WARC-Date"), options)
    body, whole = decode_body(response)
    check_type(response.content_type, body)
    page = Page(body, response.content_type, truncated=not whole or "WARC-Truncated" in record.headers)
    return make_document(url, page, timestamp, source)


def _read_block(record: WarcRecord) -> bytes:
    """All of a record, which may be cut where its file is."""
    if record.content_length > LARGEST:
        raise too_large()
    try:
        pieces = list(iter(record.reader.read, b""))
    except OSError as error:
        reason = "the record is damaged"
        raise RefusedError(reason, str(error)[:200]) from None
    block = b"".join(pieces)
    if len(block) < record.content_length:
        reason = "the record is cut"
        raise RefusedError(reason, f"{len(block)} of {record.content_length} bytes")
    return block
