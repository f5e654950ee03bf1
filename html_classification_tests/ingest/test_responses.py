"""HTTP bodies: codings undone, cut ones kept, bombs refused."""

import contextlib
import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from html_classification.ingest.document import RefusedError
from html_classification.ingest.responses import Response, decode_body, parse_response
from html_classification_tests.ingest.archives import HTML, PAGE, http


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


CODINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("X-GZIP", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.compress),
}
codings = pytest.mark.parametrize(("coding", "pack"), CODINGS.values(), ids=CODINGS)
LONG = PAGE + bytes(range(32, 127)) * 500


def response(body: bytes, coding: str = "", transfer: str = "") -> Response:
    return parse_response(http(body, (*HTML, ("Content-Encoding", coding), ("Transfer-Encoding", transfer))))


def chunked(body: bytes, size: int = 1000) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x;a=b\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\nTrailer: x\r\n\r\n"


@codings
def test_content_codings_are_undone(coding: str, pack: Callable[[bytes], bytes]) -> None:
    assert decode_body(response(pack(LONG), coding)) == (LONG, True)
    assert decode_body(response(chunked(pack(LONG)), coding, "chunked")) == (LONG, True)


@codings
def test_of_a_cut_body_what_there_is_is_kept(coding: str, pack: Callable[[bytes], bytes]) -> None:
    import random

    body = PAGE + bytes(random.Random(0).choices(b"abcdefghijklmnop", k=400_000))
    packed = pack(body)
    kept, whole = decode_body(response(packed[: len(packed) * 3 // 4], coding))
    assert not whole
    assert body.startswith(kept)
    assert len(kept) > len(body) // 4
    kept, whole = decode_body(response(chunked(packed)[: len(packed) * 3 // 4], coding, "chunked"))
    assert (body.startswith(kept), whole) == (True, False)


@codings
def test_a_body_that_the_archive_has_decoded_is_taken_as_it_is(coding: str, pack: Callable[[bytes], bytes]) -> None:
    assert decode_body(response(PAGE, coding, "chunked")) == (PAGE, True)


@codings
def test_what_is_not_in_its_coding_is_refused(coding: str, pack: Callable[[bytes], bytes]) -> None:
    with pytest.raises(RefusedError, match="the body is no "):
        decode_body(response(b"\xff\xff\xff\xff not this", coding))


@codings
def test_a_bomb_is_refused_before_it_swells(
    coding: str, pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("html_classification.ingest.responses.LARGEST", 1_000_000)
    with pytest.raises(RefusedError, match="larger than"):
        decode_body(response(pack(b"<" * 50_000_000), coding))


def test_codings_upon_codings_are_undone_in_their_order() -> None:
    assert decode_body(response(brotli.compress(gzip.compress(LONG)), "gzip, br")) == (LONG, True)
    with pytest.raises(RefusedError, match="too many content codings"):
        decode_body(response(PAGE, "gzip, gzip, gzip, gzip"))
    assert decode_body(response(PAGE, "identity")) == (PAGE, True)


def test_what_stands_behind_a_body_does_not_make_it_cut() -> None:
    assert decode_body(response(gzip.compress(PAGE) + b"\r\n", "gzip")) == (PAGE, True)
    assert decode_body(response(gzip.compress(PAGE) + gzip.compress(LONG), "gzip")) == (PAGE + LONG, True)


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "br", "zstd", "chunked"]))
def test_any_body_is_read_or_refused(body: bytes, coding: str) -> None:
    transfer, content = ("chunked", "") if coding == "chunked" else ("", coding)
    with contextlib.suppress(RefusedError):
        decode_body(response(body, content, transfer))


@given(st.binary(max_size=300))
def test_any_message_is_read_or_refused(message: bytes) -> None:
    for data in (message, b"HTTP/1.1 200 OK\r\n" + message):
        with contextlib.suppress(RefusedError):
            decode_body(parse_response(data))
