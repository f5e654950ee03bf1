"""HTTP responses as crawlers archive them.

Belongs here: status, headers, and undoing transfer and content codings within limits. Does not belong here: the
archive around them (`warc`), or character encodings (`transforms.encoding`).

Some archives keep the headers of codings that they have undone themselves (Common Crawl's old ones do): a body that
is not in its coding at all is taken as it is.
"""

import io
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, parse_headers
from typing import Any

import brotli
import zstandard
from isal import isal_zlib

from html_classification.ingest.document import LARGEST, RefusedError, too_large
from html_classification.ingest.stream import DamagedError, decompressed

_STATUS = re.compile(rb"HTTP/[0-9.]+ +([0-9]{3})\b")
_LONGEST_LINE = 64 * 1024
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\n]{0,1000})?\r?\n")
_MOST_CODINGS = 3
_ZLIB_HEADER = 0x78  # the usual window of 32 KiB; deflate without zlib's header never begins so


@dataclass(frozen=True, slots=True)
class Response:
    """A response: its status, the headers that matter here, and its body as it was sent."""

    status: int
    content_type: str
    content_encoding: str
    transfer_encoding: str
    body: bytes


def parse_response(message: bytes) -> Response:
    """The parts of a response.

    Raises:
        RefusedError: It is none.
    """
    file = io.BytesIO(message)
    status = _STATUS.match(file.readline(_LONGEST_LINE))
    reason = "no HTTP response"
    if not status:
        raise RefusedError(reason)
    try:
        headers = parse_headers(file)
    except HTTPException as error:
        raise RefusedError(reason, str(error)) from None
    content_type, content_encoding, transfer_encoding = (
        str(headers.get(name, "")) for name in ("Content-Type", "Content-Encoding", "Transfer-Encoding")
    )
    return Response(int(status[1]), content_type, content_encoding, transfer_encoding, file.read())


def decode_body(response: Response) -> tuple[bytes, bool]:
    """The body with its codings undone.

    Returns:
        The body, and whether it is whole: what can be read of one that was cut is given.

    Raises:
        RefusedError: It is too large, or cannot be read.
    """
    body, whole = response.body, True
    if "chunked" in response.transfer_encoding.lower():
        body, whole = _join_chunks(body)
    codings = [coding.strip().lower() for coding in response.content_encoding.split(",")]
    codings = [coding.removeprefix("x-") for coding in codings if coding not in ("", "identity")]
    if len(codings) > _MOST_CODINGS:
        reason = "the body is in too many content codings"
        raise RefusedError(reason, response.content_encoding[:100])
    for coding in reversed(codings):
        if coding not in _DECOMPRESSORS:
            reason = "the body is in a content coding that is not known"
            raise RefusedError(reason, coding[:100])
        body, complete = _decompress(body, coding)
        whole = whole and complete
    return body, whole


def _join_chunks(body: bytes) -> tuple[bytes, bool]:
    """Chunked transfer coding undone (RFC 9112, section 7.1), and whether the last chunk is there."""
    joined, at = bytearray(), 0
    while size := _CHUNK_SIZE.match(body, at):
        length = int(size[1], 16)
        if not length:
            return bytes(joined), True
        chunk = body[size.end() : size.end() + length]
        joined += chunk
        at = size.end() + length
        at += 2 if body[at : at + 2] == b"\r\n" else body[at : at + 1] == b"\n"
    return (bytes(joined), False) if at else (body, True)


def _decompress(body: bytes, coding: str) -> tuple[bytes, bool]:
    """A content coding undone, and whether its end is there."""
    if not body:
        return b"", True
    content, complete = bytearray(), True
    try:
        for piece in decompressed(io.BytesIO(body).read, lambda: _DECOMPRESSORS[coding](body)):
            content += piece
            if len(content) > LARGEST:
                raise too_large()
    except DamagedError as error:
        complete = error.behind
        if not content:
            if body.lstrip().startswith(b"<"):
                return body, True
            reason = f"the body is no {coding}"
            raise RefusedError(reason, str(error)) from None
    return bytes(content), complete


class _Brotli:
    """brotli's decompressor, with the names that zlib's has; it gives no more than is refused as too large."""

    unused_data = b""

    def __init__(self) -> None:
        self._decompressor = brotli.Decompressor()
        self._given = 0

    @property
    def eof(self) -> bool:
        return bool(self._decompressor.is_finished())

    def decompress(self, data: bytes) -> bytes:
        content = bytearray()
        try:
            while self._given <= LARGEST:
                piece = self._decompressor.process(data, output_buffer_limit=1024**2)
                content += piece
                self._given += len(piece)
                data = b""
                if self._decompressor.can_accept_more_data():
                    break
        except brotli.error as error:
            raise ValueError(str(error)) from None
        return bytes(content)


def _deflate(body: bytes) -> Any:
    """With zlib's header, as RFC 9110 says, or without, as some servers send it."""
    return isal_zlib.decompressobj(wbits=15 if body[0] == _ZLIB_HEADER else -zlib.MAX_WBITS)


#: By content coding: a decompressor, chosen by the whole body.
_DECOMPRESSORS: dict[str, Callable[[bytes], Any]] = {
    "gzip": lambda _: isal_zlib.decompressobj(wbits=31),
    "deflate": _deflate,
    "br": lambda _: _Brotli(),
    "zstd": lambda _: zstandard.ZstdDecompressor().decompressobj(),
}
