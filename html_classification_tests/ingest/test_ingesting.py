"""Sources into drops: each document in its day, every refusal listed, the same bytes again, nothing replaced."""

import gzip
import json
import tracemalloc
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from html_classification.ingest import Ingested, Options, Progress, find_sources, ingest
from html_classification.lake import LakeError
from html_classification.lake.crawl_drop import read_crawl_drop
from html_classification.lake.store import Store
from html_classification_tests.ingest.archives import MORNING, common_crawl, http

DAY = date(2026, 3, 1)
LINE = ["url", "html", "timestamp", "encoding", "content_type", "source"]


@pytest.fixture(params=["folder", "s3"])
def crawl(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    root = str(tmp_path / "crawl") if request.param == "folder" else request.getfixturevalue("bucket") + "/crawl"
    return Store(root)


def jsonl(folder: Path, *times: str, name: str = "pages.jsonl", html: str = "<p>x") -> Path:
    rows = [{"url": f"https://a.example/{n}", "html": html, "timestamp": time} for n, time in enumerate(times)]
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def take(path: Path, crawl: Store, day: date | None = DAY, options: Options | None = None) -> Ingested:
    (source,) = find_sources([str(path)])
    return ingest(source, crawl, day, options)


def rows(crawl: Store, path: str) -> list[dict[str, Any]]:
    data = crawl.get(path)
    return [json.loads(line) for line in (gzip.decompress(data) if path.endswith(".gz") else data).splitlines()]


def listed(crawl: Store) -> list[str]:
    return [item.path for item in crawl.list()]


def test_a_source_becomes_a_file_in_the_drop_of_the_day(tmp_path: Path, crawl: Store) -> None:
    path = tmp_path / "CC-MAIN-00001.warc.gz"
    path.write_bytes(b"".join(common_crawl({f"https://a.example/{n}": http() for n in range(3)})))
    done = take(path, crawl)
    name = "2026-03-01/html-documents-CC-MAIN-00001.jsonl.gz"
    assert listed(crawl) == [name]
    assert [(file.uri, file.date, file.documents, file.new) for file in done.files] == [(crawl.uri(name), DAY, 3, True)]
    assert (done.documents, done.refused, done.refused_file) == (3, 0, "")
    written = rows(crawl, name)
    assert [row["url"] for row in written] == [f"https://a.example/{n}" for n in range(3)]
    assert {tuple(row) for row in written} == {tuple(LINE)}
    assert {row["timestamp"] for row in written} == {"2026-03-01T08:00:00+00:00"}
    assert [file.name for file in read_crawl_drop(crawl, DAY)] == [name.partition("/")[2]]


def test_the_same_source_again_finds_the_same_bytes(tmp_path: Path, crawl: Store) -> None:
    path = jsonl(tmp_path, MORNING, "bad")
    first = take(path, crawl)
    before = {item.path: crawl.get(item.path) for item in crawl.list()}
    again = take(path, crawl)
    assert {item.path: crawl.get(item.path) for item in crawl.list()} == before
    assert ([file.new for file in first.files], [file.new for file in again.files]) == ([True], [False])
    assert (again.documents, again.reasons) == (first.documents, first.reasons)


def test_another_file_of_that_name_is_never_replaced(tmp_path: Path, crawl: Store) -> None:
    take(jsonl(tmp_path, MORNING), crawl)
    before = {item.path: crawl.get(item.path) for item in crawl.list()}
    path = jsonl(tmp_path, MORNING, "2026-02-28T08:00:00Z", html="<p>other")
    for day in (DAY, None):  # with None there would be another day's file too: not even that is written
        with pytest.raises(LakeError, match=r"pages\.jsonl\.gz is there already, with other documents: delete it, or"):
            take(path, crawl, day)
    assert {item.path: crawl.get(item.path) for item in crawl.list()} == before


def test_what_is_refused_lies_beside_the_drop(tmp_path: Path, crawl: Store) -> None:
    done = take(jsonl(tmp_path, MORNING, "yesterday", ""), crawl)
    assert done.reasons == {"the timestamp is no time": 1, "no timestamp": 1}
    (path,) = [path for path in listed(crawl) if "rejected" in path]
    assert path.startswith("2026-03-01/rejected/pages-")
    assert crawl.uri(path) == done.refused_file
    assert [(row["reason"], row["source"]) for row in rows(crawl, path)] == [
        ("the timestamp is no time", "pages.jsonl, line 2"),
        ("no timestamp", "pages.jsonl, line 3"),
    ]
    assert len(read_crawl_drop(crawl, DAY)) == 1


def test_a_better_second_try_is_not_in_the_way_of_the_first(tmp_path: Path) -> None:
    crawl = Store(str(tmp_path / "crawl"))
    path = jsonl(tmp_path, "2026-03-01T08:00:00", "bad")
    assert take(path, crawl).documents == 0
    assert take(path, crawl, options=Options(assume_utc=True)).documents == 1
    assert len([name for name in listed(crawl) if "rejected" in name]) == 2


def test_without_a_date_each_document_goes_to_its_own_day_in_utc(tmp_path: Path) -> None:
    crawl = Store(str(tmp_path / "crawl"))
    times = ("2026-03-02T00:30:00+01:00", "2026-03-02T00:30:00Z", "2026-03-01T00:00:00Z", "1989-12-31T00:00:00Z")
    done = take(jsonl(tmp_path, *times), crawl, None)
    assert [(file.date.isoformat(), file.documents) for file in done.files] == [("2026-03-01", 2), ("2026-03-02", 1)]
    urls = {path: [row["url"][-1] for row in rows(crawl, path)] for path in listed(crawl) if path.endswith(".gz")}
    assert urls == {
        "2026-03-01/html-documents-pages.jsonl.gz": ["0", "2"],
        "2026-03-02/html-documents-pages.jsonl.gz": ["1"],
    }
    assert done.refused_file.startswith(crawl.uri("rejected/pages-"))


def test_documents_of_very_many_days_are_sorted_into_them(tmp_path: Path) -> None:
    crawl = Store(str(tmp_path / "crawl"))
    days = [DAY - timedelta(days=n) for n in range(100)]
    done = take(jsonl(tmp_path, *[f"{day}T08:00:00Z" for day in days * 2]), crawl, None)
    assert [(file.date, file.documents) for file in done.files] == [(day, 2) for day in sorted(days)]
    assert len(rows(crawl, f"{days[0]}/html-documents-pages.jsonl.gz")) == 2


@pytest.mark.parametrize(
    ("time", "day", "reason"),
    [
        ("2026-03-03T00:00:00Z", DAY, "the timestamp is more than a day after the drop of 2026-03-01"),
        ("1989-12-31T23:59:59Z", DAY, "the timestamp is before 1990"),
        ("2999-01-01T00:00:00Z", None, "the timestamp is in the future"),
        ("9999-12-31T23:59:59-23:59", None, "the timestamp is no time"),
    ],
)
def test_a_time_that_no_drop_takes_is_refused(tmp_path: Path, time: str, day: date | None, reason: str) -> None:
    done = take(jsonl(tmp_path, MORNING, time), Store(str(tmp_path / "crawl")), day)
    assert (done.documents, done.reasons) == (1, {reason: 1})


def test_a_time_up_to_a_day_after_the_drop_or_long_before_is_taken(tmp_path: Path) -> None:
    path = jsonl(tmp_path, "2026-03-02T23:59:59Z", "1990-01-01T00:00:00Z")
    assert take(path, Store(str(tmp_path / "crawl"))).documents == 2


def test_a_line_that_no_drop_takes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("html_classification.ingest.ingesting.LARGEST", 200)
    done = take(jsonl(tmp_path, MORNING, html='"' * 100), Store(str(tmp_path / "crawl")))
    assert done.reasons == {"larger than 64 MiB": 1}


def test_pages_that_make_up_reasons_do_not_make_the_summary_long(tmp_path: Path) -> None:
    pages = {f"https://a.example/{n}": http(headers=(("Content-Type", f"x/{n}"),)) for n in range(300)}
    path = tmp_path / "a.warc.gz"
    path.write_bytes(b"".join(common_crawl(pages)))
    done = take(path, Store(str(tmp_path / "crawl")))
    assert len(done.reasons) <= 101
    assert (done.reasons["not HTML"], done.refused) == (200, 300)


def test_a_source_that_is_stopped_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    (source,) = find_sources([str(jsonl(tmp_path, *[MORNING] * 10))])

    def stop(progress: Progress) -> None:
        if progress.documents == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(source, Store(str(tmp_path / "crawl")), DAY, on_progress=stop)
    assert listed(Store(str(tmp_path / "crawl"))) == []
    assert list(temporary.iterdir()) == []


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object, line: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("html_classification.ingest.drop._Gzip.write", full)
    with pytest.raises(LakeError, match=r"cannot write temporary files in .*: No space left on device; make room, or"):
        take(jsonl(tmp_path, MORNING), Store(str(tmp_path / "crawl")))
    assert listed(Store(str(tmp_path / "crawl"))) == []


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = jsonl(tmp_path, MORNING)
    (source,) = find_sources([str(path)])
    path.unlink()
    with pytest.raises(LakeError, match=r"cannot read .*pages\.jsonl: No such file or directory; check the file"):
        ingest(source, Store(str(tmp_path / "crawl")), DAY)


def test_progress_tells_what_was_read(tmp_path: Path) -> None:
    path = jsonl(tmp_path, MORNING, "bad", MORNING)
    (source,) = find_sources([str(path)])
    told: list[Progress] = []
    ingest(source, Store(str(tmp_path / "crawl")), DAY, on_progress=told.append)
    assert [(progress.documents, progress.refused) for progress in told] == [(1, 0), (1, 1), (2, 1)]
    assert (told[-1].done, told[-1].total) == (path.stat().st_size, path.stat().st_size)


def test_memory_does_not_grow_with_the_documents(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        path = tmp_path / f"{count}.warc.gz"
        page = http(b"<p>" + b"some words of a page " * 500)
        path.write_bytes(b"".join(common_crawl({f"https://a.example/{n}": page for n in range(count)})))
        tracemalloc.start()
        try:
            done = take(path, Store(str(tmp_path / "crawl")))
            assert done.documents == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(20)  # what is imported on the way
    assert peak(800) < 2 * peak(100)


def test_now_is_not_the_future(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    done = take(jsonl(tmp_path, now.isoformat()), Store(str(tmp_path / "crawl")), None)
    assert done.documents == 1
