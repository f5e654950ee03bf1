"""WARC files for tests, written by FastWARC's writer.

Belongs here: records and the files made of them. Does not belong here: what should be read from them.
"""

import gzip
import io
from datetime import datetime

from fastwarc.warc import WarcRecord, WarcRecordType

HTML = (("Content-Type", "text/html; charset=utf-8"),)
PAGE = b"<!doctype html><title>A page</title><p>Some text of it."
MORNING = "2026-03-01T08:00:00Z"


def http(
    body: bytes = PAGE, headers: tuple[tuple[str, str], ...] = HTML, status: str = "HTTP/1.1 200 OK", end: str = "\r\n"
) -> bytes:
    """A response as it was sent."""
    head = end.join([status, *(f"{name}: {value}" for name, value in headers)])
    return head.encode() + end.encode() * 2 + body


def record(
    block: bytes,
    url: str | None = "https://a.example/",
    date: str | None = MORNING,
    kind: WarcRecordType = WarcRecordType.response,
    **headers: str,
) -> bytes:
    """A record, not compressed."""
    made = WarcRecord()
    made.init_headers(kind)
    made.headers["Content-Type"] = "application/http; msgtype=response"
    if url is not None:
        made.headers["WARC-Target-URI"] = url
    if date is None:
        made.headers.remove("WARC-Date")
    else:
        made.headers.set("WARC-Date", date)
    for name, value in headers.items():
        made.headers[name.replace("_", "-")] = value
    made.set_bytes_content(block)
    written = io.BytesIO()
    made.write(written)
    return written.getvalue()


def common_crawl(pages: dict[str, bytes], date: str = MORNING) -> list[bytes]:
    """The members of a file as Common Crawl publishes them: each record is one, requests and metadata between."""
    members = [record(b"isPartOf: CC-MAIN-2026-10\r\n", None, date, WarcRecordType.warcinfo)]
    for url, message in pages.items():
        members += [
            record(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", url, date, WarcRecordType.request),
            record(message, url, date),
            record(b"fetchTimeMs: 173\r\n", url, date, WarcRecordType.metadata),
        ]
    return [gzip.compress(member) for member in members]


def at(text: str) -> datetime:
    """A time."""
    return datetime.fromisoformat(text)
