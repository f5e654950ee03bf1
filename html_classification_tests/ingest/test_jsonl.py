"""JSON lines of any shape: fields by their names, every bad line with its reason."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from html_classification.ingest import Options
from html_classification.ingest.document import Document, Refused
from html_classification.ingest.jsonl import read_jsonl
from html_classification_tests.ingest.archives import MORNING, at

OTHER = Options(url_field="link", html_field="page.body", timestamp_field="fetched_at")


def line(**changes: object) -> bytes:
    row = {"url": "https://a.example/", "html": "<p>x", "timestamp": MORNING} | changes
    return json.dumps({key: value for key, value in row.items() if value is not ...}).encode() + b"\n"


def read(data: bytes, name: str = "x.jsonl", options: Options | None = None) -> tuple[list[Document], list[Refused]]:
    pieces = [data[start : start + 1000] for start in range(0, len(data), 1000)]
    items = list(read_jsonl(pieces, name, options or Options()))
    documents = [item for item in items if isinstance(item, Document)]
    return documents, [item for item in items if isinstance(item, Refused)]


def test_a_line_is_a_document() -> None:
    documents, refused = read(line(encoding="koi8-r", content_type="text/html", more=1) + line())
    assert documents == [
        Document("https://a.example/", "<p>x", at(MORNING), "koi8-r", "text/html", "x.jsonl, line 1"),
        Document("https://a.example/", "<p>x", at(MORNING), "", "", "x.jsonl, line 2"),
    ]
    assert refused == []


def test_fields_have_the_names_that_are_given_and_may_be_nested() -> None:
    row = {"link": "https://a.example/", "page": {"body": "<p>x"}, "fetched_at": MORNING}
    flat = {"link": "https://a.example/", "page.body": "<p>y", "fetched_at": MORNING}
    data = b"".join(json.dumps(each).encode() + b"\n" for each in (row, flat, row | {"page": ["<p>"]}))
    documents, refused = read(data, options=OTHER)
    assert [document.html for document in documents] == ["<p>x", "<p>y"]
    assert [refusal.reason for refusal in refused] == ["no field page.body"]


@pytest.mark.parametrize(
    "time", ["2026-03-01T09:00:00+01:00", "2026-03-01 08:00:00Z", 1772352000, 1772352000.0, 1772352000000]
)
def test_times_are_iso_8601_or_since_1970(time: object) -> None:
    documents, _ = read(line(timestamp=time))
    assert [document.timestamp for document in documents] == [at(MORNING)]


def test_times_without_an_offset_are_taken_as_utc_where_that_is_said() -> None:
    data = line(timestamp="2026-03-01T08:00:00")
    assert [refusal.reason for refusal in read(data)[1]] == ["the timestamp has no offset from UTC"]
    assert [document.timestamp for document in read(data, options=Options(assume_utc=True))[0]] == [at(MORNING)]


@pytest.mark.parametrize("missing", [..., None, ""])
def test_a_time_can_be_given_to_what_has_none(missing: object) -> None:
    data = line(timestamp=missing)
    assert [refusal.reason for refusal in read(data)[1]] == ["no timestamp"]
    documents, _ = read(data + line(), options=Options(timestamp=at("2026-03-02T00:00:00Z")))
    assert [document.timestamp for document in documents] == [at("2026-03-02T00:00:00Z"), at(MORNING)]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"garbage\n", "not JSON"),
        (b"\n", "an empty line"),
        (b"[1]\n", "not a JSON object"),
        (b'{"url": "\xff"}\n', "not JSON"),
        (b"[" * 100_000 + b"\n", "not JSON"),
        (line(html=...), "no field html"),
        (line(url=...), "no field url"),
        (line(url=12), "the field url is no text"),
        (line(url=""), "the field url is empty"),
        (line(html=" "), "the field html is empty"),
        (line(html="%PDF-1.7 as a text"), "not HTML: PDF"),
        (line(timestamp="yesterday"), "the timestamp is no time"),
        (line(timestamp=True), "the timestamp is no time"),
        (line(timestamp=[1]), "the timestamp is no time"),
        (line(timestamp=1e300), "the timestamp is no time"),
        (line(timestamp="0001-01-01T00:00:00+23:59"), "the timestamp is no time"),
    ],
)
def test_a_bad_line_is_refused_with_its_reason_and_place(bad: bytes, reason: str) -> None:
    documents, refused = read(line() + bad + line())
    assert len(documents) == 2
    assert [(refusal.reason, refusal.source) for refusal in refused] == [(reason, "x.jsonl, line 2")]
    assert refused[0].row.startswith(bad[:20].decode(errors="backslashreplace").strip())


def test_half_a_surrogate_pair_does_not_lose_the_page() -> None:
    documents, _ = read(line(html="a\ud800b", url="https://a.example/\udfff"))
    assert (documents[0].html, documents[0].url) == ("a\ufffdb", "https://a.example/\ufffd")
    documents[0].to_line()


@pytest.mark.parametrize(
    ("ending", "pack"), [("", bytes), (".gz", gzip.compress), (".zst", zstandard.compress), (".GZ", gzip.compress)]
)
def test_compressed_files_are_read_and_of_cut_ones_what_there_is(ending: str, pack: Callable[[bytes], bytes]) -> None:
    import random

    chance = random.Random(0)
    data = pack(b"".join(line(html="".join(chance.choices("abcdefghijklmnop", k=3000))) for _ in range(100)))
    documents, refused = read(data, f"x.jsonl{ending}")
    assert (len(documents), refused) == (100, [])
    documents, refused = read(data[: len(data) // 2 - 7], f"x.jsonl{ending}")
    assert 20 < len(documents) < 60
    assert [refusal.source for refusal in refused] == [f"x.jsonl{ending}, line {len(documents) + 1}"]


def test_a_line_that_is_too_large_is_refused_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("html_classification.ingest.jsonl.LARGEST", 1000)
    documents, refused = read(line() + line(html="x" * 5000) + line())
    assert (len(documents), [refusal.reason for refusal in refused]) == (2, ["larger than 64 MiB"])


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["url", "html", "timestamp"]), inner)
        ),
    )
)
def test_any_json_is_a_document_or_a_refusal(value: Any) -> None:
    documents, refused = read(json.dumps(value).encode() + b"\n" + line())
    assert len(documents) + len(refused) == 2
    for item in (*documents, *refused):
        item.to_line()


@given(st.binary(max_size=200), st.sampled_from(["x.jsonl", "x.jsonl.gz", "x.jsonl.zst"]))
def test_any_bytes_are_read_to_their_end(data: bytes, name: str) -> None:
    for item in read_jsonl([data], name, Options()):
        item.to_line()
