"""Crawl drops: every line is a document or a rejection with its reason."""

import base64
import gzip
import json
import os
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from html_classification.lake import LakeError
from html_classification.lake.crawl_drop import parse_crawl_files, read_crawl_drop
from html_classification.lake.store import Store

DAY = date(2026, 3, 1)


def line(**changes: object) -> bytes:
    row = {"url": "https://a.example/", "html": "<p>x", "timestamp": "2026-03-01T08:00:00+01:00"} | changes
    return json.dumps({key: value for key, value in row.items() if value is not ...}).encode() + b"\n"


def incompressible(count: int) -> bytes:
    import random

    chance = random.Random(0)
    return b"".join(line(html="".join(chance.choices("abcdefghijklmnop", k=3000))) for _ in range(count))


def reasons(data: bytes, name: str = "html-documents.jsonl") -> list[str]:
    return [row["reason"] for row in parse_crawl_files([(name, data)], DAY).rejected]


def test_a_document_is_read_with_its_time_in_utc() -> None:
    outcome = parse_crawl_files([("html-documents.jsonl", line(extra=1))], DAY)
    assert outcome.frame.rows() == [("https://a.example/", "<p>x", datetime(2026, 3, 1, 7, tzinfo=UTC), None)]
    assert outcome.rejected == []


def test_bytes_are_decoded_by_what_the_server_said() -> None:
    page = "<p>caf\u00e9 d\u00e9j\u00e0".encode("iso-8859-1")
    given = {"html": ..., "html_base64": base64.b64encode(page).decode(), "content_type": "text/html; charset=latin1"}
    outcome = parse_crawl_files([("html-documents.jsonl", line(**given))], DAY)
    assert outcome.frame.select("html", "encoding").rows() == [("<p>caf\u00e9 d\u00e9j\u00e0", "windows-1252")]


def test_what_the_crawler_decoded_from_is_kept() -> None:
    outcome = parse_crawl_files([("html-documents.jsonl", line(encoding="Shift_JIS"))], DAY)
    assert outcome.frame["encoding"].to_list() == ["shift_jis"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"garbage\n", "not JSON"),
        (b"\n", "the line is empty"),
        (b"[1]\n", "not a JSON object but list"),
        (b'{"url": "\xff"}\n', "not JSON"),
        (b"[" * 100_000 + b"\n", "not JSON"),
        (line(html=...), "html is missing"),
        (line(url=12), "url is not a string but int"),
        (line(url=""), "url is empty"),
        (line(html=None), "html is not a string but NoneType"),
        (line(html=..., html_base64="%%"), "html_base64 is not base64"),
        (line(html=..., html_base64=1), "html_base64 is not a string but int"),
        (line(timestamp="yesterday"), "timestamp 'yesterday' is not ISO 8601"),
        (line(timestamp="2026-03-01T08:00:00"), "has no offset from UTC"),
        (line(timestamp="1970-01-01T00:00:00Z"), "is absurd"),
        (line(timestamp="2026-03-03T00:00:00Z"), "is absurd"),
        (line(timestamp="0001-01-01T00:00:00+23:59"), "is out of range"),
        (line(timestamp=1_772_323_200), "timestamp is not a string but int"),
    ],
)
def test_a_bad_line_is_kept_with_its_reason_and_place(bad: bytes, reason: str) -> None:
    outcome = parse_crawl_files([("html-documents.jsonl", line() + bad + line())], DAY)
    assert outcome.frame.height == 2
    (rejected,) = outcome.rejected
    assert reason in rejected["reason"]
    assert (rejected["file"], rejected["line"]) == ("html-documents.jsonl", 2)
    assert rejected["row"].startswith(bad[:20].decode(errors="backslashreplace").strip())


def test_half_a_surrogate_pair_does_not_lose_the_page() -> None:
    outcome = parse_crawl_files([("html-documents.jsonl", line(html="a\ud800b"))], DAY)
    assert outcome.frame["html"].to_list() == ["a\ufffdb"]


@pytest.mark.parametrize(("ending", "pack"), [("gz", gzip.compress), ("zst", zstandard.compress)])
def test_compressed_files_are_read_with_all_their_members(ending: str, pack: object) -> None:
    data = pack(line() + line()) + pack(line())  # type: ignore[operator]
    outcome = parse_crawl_files([(f"html-documents.jsonl.{ending}", data)], DAY)
    assert (outcome.frame.height, outcome.rejected) == (3, [])


def test_gzip_may_be_padded_with_zeros() -> None:
    assert reasons(gzip.compress(line()) + b"\0" * 512, "html-documents.jsonl.gz") == []


@pytest.mark.parametrize(("ending", "pack"), [("gz", gzip.compress), ("zst", zstandard.compress)])
def test_of_a_truncated_file_the_lines_before_the_cut_are_kept(ending: str, pack: object) -> None:
    packed = pack(incompressible(200))  # type: ignore[operator]
    outcome = parse_crawl_files([(f"html-documents.jsonl.{ending}", packed[: len(packed) // 2])], DAY)
    assert 50 < outcome.frame.height < 150
    (rejected,) = outcome.rejected
    assert "ends in the middle (truncated)" in rejected["reason"]
    assert rejected["line"] == outcome.frame.height + 1


def test_of_a_damaged_file_the_lines_before_the_damage_are_kept() -> None:
    packed = bytearray(gzip.compress(incompressible(200)))
    packed[len(packed) // 2] ^= 0xFF
    outcome = parse_crawl_files([("html-documents.jsonl.gz", bytes(packed))], DAY)
    assert outcome.frame.height > 50
    assert "is damaged" in outcome.rejected[-1]["reason"]


@pytest.mark.parametrize(("ending", "pack"), [("", bytes), (".gz", gzip.compress), (".zst", zstandard.compress)])
def test_only_the_line_that_is_too_long_is_refused(ending: str, pack: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("html_classification.lake.crawl_drop.LONGEST_LINE", 2000)
    data = line() + line(html="x" * 50_000) + line() + line()
    outcome = parse_crawl_files([(f"html-documents.jsonl{ending}", pack(data))], DAY)  # type: ignore[operator]
    assert outcome.frame.height == 3
    (rejected,) = outcome.rejected
    assert rejected["line"] == 2
    assert "the line is longer than" in rejected["reason"]


def test_gzip_with_a_member_for_each_line_is_read_whole() -> None:
    data = b"".join(gzip.compress(line()) for _ in range(5000))
    assert parse_crawl_files([("html-documents.jsonl.gz", data)], DAY).frame.height == 5000


def test_an_empty_file_is_said() -> None:
    assert reasons(b"") == ["the file has no lines"]
    assert reasons(gzip.compress(b""), "html-documents.jsonl.gz") == ["the file has no lines"]
    assert reasons(b"no gzip at all", "html-documents.jsonl.gz") != []


@given(st.binary(max_size=300))
def test_no_bytes_whatever_stop_the_day(data: bytes) -> None:
    for ending in ("jsonl", "jsonl.gz", "jsonl.zst"):
        good = ("html-documents.jsonl", line())
        outcome = parse_crawl_files([(f"html-documents-x.{ending}", data), good], DAY)
        assert outcome.frame.height >= 1


@given(st.lists(st.sampled_from([b"good", b"bad"]), max_size=20))
def test_every_line_is_a_document_or_a_rejection(kinds: list[bytes]) -> None:
    data = b"".join(line() if kind == b"good" else b"bad\n" for kind in kinds)
    outcome = parse_crawl_files([("html-documents.jsonl", data)], DAY)
    assert outcome.frame.height == kinds.count(b"good")
    assert len(outcome.rejected) == kinds.count(b"bad") + (not kinds)


def test_a_drop_is_found_by_its_day(tmp_path: Path) -> None:
    folder = tmp_path / "2026-03-01"
    folder.mkdir()
    for name in ("part-2.jsonl.gz", "html-documents.jsonl", "notes.txt", "part-1.jsonl.zst"):
        (folder / name).write_bytes(b"x")
    names = [file.name for file in read_crawl_drop(Store(str(tmp_path)), DAY)]
    assert names == ["html-documents.jsonl", "html-documents-part-1.jsonl.zst", "html-documents-part-2.jsonl.gz"]


def test_a_missing_drop_says_what_was_expected_where(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match=rf"no crawl drop for 2026-03-01: expected {tmp_path}/2026-03-01/\*\.jsonl"):
        read_crawl_drop(Store(str(tmp_path)), DAY)


def test_two_files_do_not_get_the_same_name(tmp_path: Path) -> None:
    folder = tmp_path / "2026-03-01"
    folder.mkdir()
    for name in ("a.jsonl", "html-documents-a.jsonl"):
        (folder / name).write_bytes(b"x")
    with pytest.raises(LakeError, match="rename one"):
        read_crawl_drop(Store(str(tmp_path)), DAY)


ODD = ["a b", "a\u00e9", "a%20b", "a%2Fb", "#1", "a#1", "a\u202eb", "a:b*?", "\U0001f600", "x" * 230, "a'b\"<>|&"]


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_odd_file_names_of_a_drop_become_plain_ones(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    root = str(tmp_path / "crawl") if kind == "folder" else request.getfixturevalue("bucket") + "/crawl"
    crawl = Store(root)
    for name in ODD:
        put_as_it_is(crawl, f"2026-03-01/{name}.jsonl.gz", name.encode())
    files = read_crawl_drop(crawl, DAY)
    content = {file.name: crawl.get(file.path) for file in files}
    assert sorted(data.decode() for data in content.values()) == sorted(ODD)
    assert len({file.name.lower() for file in files}) == len(ODD)
    for file in files:
        assert re.fullmatch(r"html-documents[A-Za-z0-9._-]{1,186}\.jsonl\.gz", file.name)
        assert (
            file.uri == f"{root}/2026-03-01/{content[file.name].decode()}.jsonl.gz"
        )  # where it was found, as it was called
    # The same names again: a recipe holds them.
    assert [file.name for file in read_crawl_drop(crawl, DAY)] == [file.name for file in files]
    # And they lie in the lake as they are called.
    lake = Store(f"{root}-lake")
    for file in files:
        lake.put_new(f"raw/{file.name}", content[file.name])
    assert {item.name: lake.get(item.path) for item in lake.list("raw")} == content


def put_as_it_is(crawl: Store, path: str, data: bytes) -> None:
    """What a crawler does, which asks nobody about names."""
    if not crawl.is_s3:
        file = Path(crawl.root, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return
    import boto3

    bucket, _, prefix = crawl.root.removeprefix("s3://").partition("/")
    client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL_S3"])
    client.put_object(Bucket=bucket, Key=f"{prefix}/{path}", Body=data)


def test_plain_file_names_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "2026-03-01").mkdir()
    for name in ("html-documents.jsonl", "part_1.A-z.jsonl.gz", ".hidden.jsonl", "html-documents-2.jsonl.zst"):
        (tmp_path / "2026-03-01" / name).write_bytes(b"x")
    assert [file.name for file in read_crawl_drop(Store(str(tmp_path)), DAY)] == [
        *("html-documents-.hidden.jsonl", "html-documents-2.jsonl.zst", "html-documents.jsonl"),
        "html-documents-part_1.A-z.jsonl.gz",
    ]


@pytest.mark.parametrize("name", ["a\tb.jsonl", "a\x1b[31mb.jsonl", "a\nb.jsonl", b"a\xffb.jsonl"])
def test_a_name_with_control_characters_is_refused_in_one_line(tmp_path: Path, name: str | bytes) -> None:
    (tmp_path / "2026-03-01").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path / "2026-03-01") + b"/" + os.fsencode(name))).write_bytes(b"x")
    with pytest.raises(LakeError, match=r"cannot list .*; rename that file") as caught:
        read_crawl_drop(Store(str(tmp_path)), DAY)
    assert str(caught.value).isprintable()


@given(st.text(max_size=250).filter(lambda name: "/" not in name), st.text(max_size=250).filter(lambda n: "/" not in n))
def test_different_names_stay_different_or_are_refused(one: str, other: str) -> None:
    from html_classification.lake.crawl_drop import _raw_name

    names = [_raw_name(f"2026-03-01/{name}.jsonl") for name in (one, other)]
    for name in names:
        assert re.fullmatch(r"html-documents[A-Za-z0-9._-]*\.jsonl", name)
        assert len(name) <= 200
    prefix = "html-documents-"  # a name with it and the same without it: `read_crawl_drop` refuses the pair
    assert names[0] != names[1] or one.removeprefix(prefix) == other.removeprefix(prefix)
