"""Drops of any size give the rows that small ones give."""

import gzip
import json
import random
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from html_classification.lake import drop_lines
from html_classification.lake.crawl_drop import parse_crawl_files
from html_classification.lake.errors import LakeError
from html_classification.schemas.outcome import Stream
from html_classification.schemas.url_normalization import URL_NORMALIZATION
from html_classification.streams import parsed_drops
from html_classification.streams.raw import check_drop
from html_classification.streams.urls import normalize_day
from html_classification.streams.workers import Workers
from html_classification.transforms.urls import normalize_documents
from html_classification_tests.pages import FIRST_DAY
from html_classification_tests.streams.conftest import Day


def documents(count: int) -> bytes:
    """Lines with repeated addresses, equally fresh copies, refused addresses, and lines that are none."""
    chance = random.Random(count)
    rows: list[bytes] = []
    for number in range(count):
        url = f"https://site-{number % 7}.example/{chance.randrange(count // 2)}?utm_source={number % 3}"
        odd = {3: "ftp://files.example/", 5: "/relative"}.get(number % 50, url)
        time = f"{FIRST_DAY}T{chance.randrange(3):02d}:00:00+00:00"
        html = f"<p>page {chance.randrange(4)} \u00e9\u4e2d" + "x" * chance.randrange(300)
        rows.append(json.dumps({"url": odd, "html": html, "timestamp": time}).encode())
        if number % 40 == 0:
            rows.append(b'{"url": "https://a.example/", "html": 1}')
    return b"\n".join(rows) + b"\n"


def drained(stream: Stream) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
    frames = list(stream.batches)
    return pl.concat(frames) if frames else pl.DataFrame(), list(stream.rejected())


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dozens of pieces of a small drop."""
    monkeypatch.setattr(drop_lines, "_CHUNK", 5_000)
    monkeypatch.setattr(drop_lines, "_READ", 4096)
    monkeypatch.setattr(drop_lines, "_READ", 4096)


@pytest.mark.usefixtures("small_chunks")
def test_lines_in_pieces_are_the_lines_of_the_files(workers: Workers, day_of: Day) -> None:
    data = documents(1000)
    packed = gzip.compress(data, mtime=0)
    files = {"a.jsonl": data[: len(data) // 2], "b.jsonl.gz": packed, "c.jsonl.gz": packed[:5000], "d.jsonl": b""}
    expected = parse_crawl_files(sorted(files.items()), FIRST_DAY)
    stream = check_drop(day_of(files), workers)
    frame, rejected = drained(stream)
    assert frame.equals(expected.frame)
    assert rejected == expected.rejected
    assert dict(stream.figures) == expected.figures
    assert {row["file"] for row in rejected} == set(files)


@pytest.mark.usefixtures("small_chunks")
def test_a_day_in_pieces_has_the_freshest_copy_of_each_address(workers: Workers, day_of: Day) -> None:
    data = documents(2000)
    expected = normalize_documents(parse_crawl_files([("a.jsonl", data)], FIRST_DAY).frame)
    stream = normalize_day(day_of({"a.jsonl": data}), workers)
    frame, rejected = drained(stream)
    URL_NORMALIZATION.model.validate(frame)
    assert frame.equals(expected.frame)
    assert rejected == expected.rejected
    assert len(rejected) == 80
    assert dict(stream.figures) == expected.figures
    assert int(stream.figures["older_copies"]) > 100


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("room", ["enough", "too little"])
def test_what_this_run_has_parsed_is_not_parsed_again(day_of: Day, monkeypatch: pytest.MonkeyPatch, room: str) -> None:
    from html_classification.streams import urls

    if room == "too little":
        monkeypatch.setattr(parsed_drops, "LIMIT_BYTES", 100_000)
    day = day_of({"a.jsonl": documents(1000)})
    with Workers(2) as workers:
        expected = drained(normalize_day(day, workers))
        shutil.rmtree(day.scratch / "pieces")
        drained(check_drop(day, workers))
        kept = list(workers.parsed_drops.new_folder().parent.rglob("*.arrow"))
        assert bool(kept) == (room == "enough")
        if room == "enough":
            monkeypatch.setattr(urls, "drop_pieces", None)
        frame, rejected = drained(normalize_day(day, workers))
        assert not [path for path in kept if path.exists()]
    assert frame.equals(expected[0])
    assert rejected == expected[1]


def test_the_same_file_on_two_days_is_judged_by_each_day(workers: Workers, day_of: Day) -> None:
    time = f"{FIRST_DAY + timedelta(days=2)}T10:00:00+00:00"
    data = json.dumps({"url": "https://a.example/", "html": "<p>x", "timestamp": time}).encode()
    early, late = day_of({"a.jsonl": data}, name="early"), day_of({"a.jsonl": data}, name="late")
    late = replace(late, day=FIRST_DAY + timedelta(days=2))
    assert [drained(check_drop(day, workers))[0].height for day in (early, late)] == [0, 1]
    assert [drained(normalize_day(day, workers))[0].height for day in (early, late)] == [0, 1]


def test_a_member_without_content_is_no_line(workers: Workers, day_of: Day) -> None:
    data = gzip.compress(documents(10)) + gzip.compress(b"")  # as bgzip ends its files
    expected = parse_crawl_files([("a.jsonl.gz", data)], FIRST_DAY)
    stream = check_drop(day_of({"a.jsonl.gz": data}), workers)
    frame, rejected = drained(stream)
    assert frame.equals(expected.frame)
    assert rejected == expected.rejected


@pytest.mark.usefixtures("small_chunks")
def test_refused_rows_of_many_pieces_are_merged(workers: Workers, day_of: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    from html_classification.streams import tasks

    day = day_of({"a.jsonl": documents(1000)})
    _, expected = drained(normalize_day(day, workers))
    monkeypatch.setattr(tasks, "_MOST_OPEN", 3)
    _, rejected = drained(normalize_day(day, workers))
    assert rejected == expected


def test_equally_fresh_copies_are_told_apart_across_pieces(
    workers: Workers, day_of: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drop_lines, "_CHUNK", 1)  # each line is a piece
    monkeypatch.setattr(drop_lines, "_READ", 100)
    monkeypatch.setattr(drop_lines, "_READ", 100)
    time = f"{FIRST_DAY}T10:00:00+00:00"
    rows = [{"url": "https://a.example/", "html": f"<p>{number}", "timestamp": time} for number in range(9)]
    found = []
    for order in (rows, rows[::-1]):
        data = b"".join(json.dumps(row).encode() + b"\n" for row in order)
        frame, _ = drained(normalize_day(day_of({"a.jsonl": data}, name=f"day-{len(found)}"), workers))
        found.append(frame.rows())
    assert found[0] == found[1]
    assert len(found[0]) == 1


def test_a_drop_without_documents_is_a_day_without_rows(workers: Workers, day_of: Day) -> None:
    stream = normalize_day(day_of({"a.jsonl": b"garbage\n"}), workers)
    frame, rejected = drained(stream)
    assert frame.height == 0
    assert rejected == []
    assert dict(stream.figures) == {"documents": 0, "older_copies": 0}


def test_a_full_disk_is_one_line(workers: Workers, day_of: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.open

    def full(path: Path, mode: str = "r") -> Any:
        if mode == "wb":
            raise OSError(28, "No space left on device")
        return real(path, mode)

    day = day_of({"a.jsonl": documents(10)})
    monkeypatch.setattr(Path, "open", full)
    stream = check_drop(day, workers)
    with pytest.raises(LakeError, match="No space left on device; set TMPDIR to a folder with room"):
        list(stream.batches)


def test_the_day_of_the_drop_counts_for_every_piece(workers: Workers, day_of: Day) -> None:
    late = f"{FIRST_DAY + timedelta(days=3)}T00:00:00+00:00"
    row = {"url": "https://a.example/", "html": "<p>x", "timestamp": late}
    _, rejected = drained(check_drop(day_of({"a.jsonl": json.dumps(row).encode()}), workers))
    assert "is absurd" in rejected[0]["reason"]
