"""WARC files: the pages among the responses, whoever wrote them, however damaged they are."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from fastwarc.warc import WarcRecordType
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from html_classification.ingest import Options
from html_classification.ingest.document import Document, Refused
from html_classification.ingest.stream import Stream
from html_classification.ingest.warc import read_warc
from html_classification_tests.ingest.archives import HTML, MORNING, PAGE, at, common_crawl, http, record


def read(folder: Path, data: bytes, options: Options | None = None) -> tuple[list[Document], list[Refused]]:
    path = folder / "x.warc"
    path.write_bytes(data)
    with Stream(path) as stream:
        items = list(read_warc(stream, "x.warc", options or Options()))
    documents = [item for item in items if isinstance(item, Document)]
    return documents, [item for item in items if isinstance(item, Refused)]


def records(count: int = 5) -> list[bytes]:
    import random

    chance = random.Random(0)
    bodies = [PAGE + bytes(chance.choices(b"abcdefghijklmnop ", k=3000)) for _ in range(count)]
    return [record(http(body), f"https://a.example/{number}") for number, body in enumerate(bodies)]


PACKED: dict[str, Callable[[list[bytes]], bytes]] = {
    "plain": b"".join,
    "gzip, a member each": lambda parts: b"".join(map(gzip.compress, parts)),
    "gzip, one member": lambda parts: gzip.compress(b"".join(parts)),
    "zstd": lambda parts: b"".join(map(zstandard.compress, parts)),
}
packed = pytest.mark.parametrize("pack", PACKED.values(), ids=PACKED)


@packed
def test_responses_are_read_however_they_are_packed(tmp_path: Path, pack: Callable[[list[bytes]], bytes]) -> None:
    documents, refused = read(tmp_path, pack(records()))
    assert [document.url for document in documents] == [f"https://a.example/{number}" for number in range(5)]
    assert {document.timestamp for document in documents} == {at(MORNING)}
    assert {(document.encoding, document.content_type) for document in documents} == {("utf-8", HTML[0][1])}
    assert all(document.html.startswith(PAGE.decode()) for document in documents)
    assert refused == []


def test_a_file_of_common_crawl_gives_its_pages_and_where_they_lie(tmp_path: Path) -> None:
    pages = {f"https://a.example/{number}": http(PAGE + b"%d" % number) for number in range(3)}
    members = common_crawl(pages)
    documents, refused = read(tmp_path, b"".join(members))
    assert {document.url: document.html for document in documents} == {
        url: message.partition(b"\r\n\r\n")[2].decode() for url, message in pages.items()
    }
    assert refused == []
    for document, number in zip(documents, (2, 5, 8), strict=True):
        offset = sum(map(len, members[:number]))
        assert document.source == f"x.warc, offset {offset}"
        alone, _ = read(tmp_path, b"".join(members)[offset:])  # as an index of Common Crawl's would be used
        assert alone[0].html == document.html


@packed
def test_of_a_cut_file_what_was_before_is_kept_and_the_rest_is_said(
    tmp_path: Path, pack: Callable[[list[bytes]], bytes]
) -> None:
    data = pack(records())
    documents, refused = read(tmp_path, data[: len(data) // 2])
    assert [document.url for document in documents] == ["https://a.example/0", "https://a.example/1"]
    assert {refusal.reason for refusal in refused} <= {"the record is cut", "the rest of the file is lost"}
    assert refused


def test_of_a_broken_member_what_was_before_is_kept_and_the_rest_is_said(tmp_path: Path) -> None:
    members = [bytearray(gzip.compress(part)) for part in records()]
    members[2][len(members[2]) // 2] ^= 0xFF
    documents, refused = read(tmp_path, b"".join(members))
    assert [document.url for document in documents] == ["https://a.example/0", "https://a.example/1"]
    assert refused[-1].reason == "the rest of the file is lost"
    assert "damaged at byte" in refused[-1].detail


def test_what_is_no_warc_is_said(tmp_path: Path) -> None:
    for data in (b"<html>" * 100, gzip.compress(b"{}" * 100), b"\x1f\x8b\x08" + b"x" * 100):
        documents, refused = read(tmp_path, data)
        assert documents == []
        assert refused[-1].reason.startswith("the rest of the file is ")
    assert read(tmp_path, b"") == ([], [])


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (http(status="HTTP/1.1 404 Not Found"), "not 200: 404"),
        (http(status="HTTP/1.1 301 Moved"), "not 200: 301"),
        (http(b"{}", (("Content-Type", "application/json"),)), "not HTML: application/json"),
        (http(b"%PDF-1.7\n", (("Content-Type", "application/pdf"),)), "not HTML: PDF"),
        (http(b"%PDF-1.7\n"), "not HTML: PDF"),
        (http(b"\x89PNG\r\n\x1a\n"), "not HTML: PNG"),
        (http(b"plain", ()), "not HTML: no content type"),
        (http(b""), "empty"),
        (http(b" \r\n"), "empty"),
        (b"", "no HTTP response"),
        (b"20260301 a.example 192.0.2.1", "no HTTP response"),
        (http(headers=(*HTML, *((f"X-{n}", "y") for n in range(200)))), "no HTTP response"),
        (http(headers=(*HTML, ("Content-Encoding", "compress"))), "the body is in a content coding that is not known"),
    ],
)
def test_a_response_that_is_no_page_is_refused_with_its_reason(tmp_path: Path, block: bytes, reason: str) -> None:
    documents, refused = read(tmp_path, record(block) + records(1)[0])
    assert len(documents) == 1
    assert [(refusal.reason, refusal.url, refusal.source) for refusal in refused] == [
        (reason, "https://a.example/", "x.warc, offset 0")
    ]


def test_pages_are_known_by_their_type_or_by_how_they_begin(tmp_path: Path) -> None:
    for headers in ((("content-type", "TEXT/HTML"),), (("Content-Type", "application/xhtml+xml; charset=utf-8"),), ()):
        documents, _ = read(tmp_path, record(http(headers=headers)))
        assert [document.html for document in documents] == [PAGE.decode()]


@pytest.mark.parametrize("status", ["HTTP/1.1 200 OK", "HTTP/1.0 200", "HTTP/2 200", "HTTP/1.1  200  Fine"])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_heads_are_read_as_servers_write_them(tmp_path: Path, status: str, end: str) -> None:
    documents, _ = read(tmp_path, record(http(status=status, end=end)))
    assert [document.content_type for document in documents] == [HTML[0][1]]


def test_the_header_tells_the_encoding(tmp_path: Path) -> None:
    body = "<p>Сегодня хорошая погода".encode("koi8-r")
    documents, _ = read(tmp_path, record(http(body, (("Content-Type", "text/html; charset=KOI8-R"),))))
    assert (documents[0].html, documents[0].encoding) == ("<p>Сегодня хорошая погода", "koi8-r")


def test_brackets_around_an_address_are_not_of_it(tmp_path: Path) -> None:
    documents, _ = read(tmp_path, record(http(), "<https://a.example/b>"))
    assert documents[0].url == "https://a.example/b"


@pytest.mark.parametrize(
    "date", ["2026-03-01T08:00:00Z", "2026-03-01T08:00:00.000000000Z", "2026-03-01T09:00:00+01:00"]
)
def test_dates_of_both_versions_of_warc_are_read(tmp_path: Path, date: str) -> None:
    documents, _ = read(tmp_path, record(http(), date=date))
    assert documents[0].timestamp == at(MORNING)


def test_what_has_no_address_or_time_is_refused(tmp_path: Path) -> None:
    _, refused = read(tmp_path, record(http(), None) + record(http(), date=None) + record(http(), date="yesterday"))
    assert [refusal.reason for refusal in refused] == ["no address", "no timestamp", "the timestamp is no time"]
    documents, _ = read(tmp_path, record(http(), date=None), Options(timestamp=at(MORNING)))
    assert documents[0].timestamp == at(MORNING)


def test_a_revisit_is_said_and_other_records_are_passed_over(tmp_path: Path) -> None:
    kinds = [WarcRecordType.revisit, WarcRecordType.resource, WarcRecordType.conversion, WarcRecordType.metadata]
    documents, refused = read(tmp_path, b"".join(record(http(), kind=kind) for kind in kinds))
    assert documents == []
    assert [refusal.reason for refusal in refused] == ["a revisit, whose page is in an earlier crawl"]


def test_a_page_that_the_crawler_cut_says_so(tmp_path: Path) -> None:
    documents, _ = read(tmp_path, record(http(), WARC_Truncated="length") + record(http()))
    assert [document.truncated for document in documents] == [True, False]


def test_a_record_that_is_too_large_is_passed_over_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("html_classification.ingest.warc.LARGEST", 5000)
    documents, refused = read(tmp_path, gzip.compress(record(http(b"<p>" + b"x" * 50_000)) + records(1)[0]))
    assert [document.url for document in documents] == ["https://a.example/0"]
    assert [refusal.reason for refusal in refused] == ["larger than 64 MiB"]


@pytest.mark.parametrize("length", ["-1", "99999999999999999999999", "999999999999", "x", ""])
def test_a_length_that_lies_costs_no_memory(tmp_path: Path, length: str) -> None:
    parts = records(3)
    number = len(parts[1].partition(b"\r\n\r\n")[2]) - 4
    parts[1] = parts[1].replace(b"Content-Length: %d" % number, b"Content-Length: " + length.encode())
    documents, refused = read(tmp_path, b"".join(parts))
    assert [document.url for document in documents] == ["https://a.example/0"]
    assert refused


def test_an_archive_with_its_own_dictionary_is_read(tmp_path: Path) -> None:
    parts = records(50)
    dictionary = zstandard.train_dictionary(4096, parts * 10)
    compressor = zstandard.ZstdCompressor(dict_data=dictionary)
    content = dictionary.as_bytes()
    for inside in (content, zstandard.compress(content)):
        frame = b"\x5d\x2a\x4d\x18" + len(inside).to_bytes(4, "little") + inside
        members = [compressor.compress(part) for part in parts]
        documents, refused = read(tmp_path, frame + b"".join(members))
        assert len(documents) == 50
        assert refused == []
        assert documents[1].source == f"x.warc, offset {len(frame) + len(members[0])}"


DAMAGE = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=4)), min_size=1, max_size=4)


@packed
@given(damage=DAMAGE)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_no_damage_whatever_stops_the_reading(
    tmp_path: Path, pack: Callable[[list[bytes]], bytes], damage: list[tuple[float, bytes]]
) -> None:
    data = pack(records(3))
    for where, change in damage:
        place = int(where * len(data))
        data = data[:place] + change + data[place + 1 :]
    documents, refused = read(tmp_path, data)
    assert len(documents) + len(refused) <= 8
    for item in (*documents, *refused):
        item.to_line()
