"""Pages parsed by worker processes: the same rows, whatever happens to the workers."""

import hashlib
import os
import signal
import threading
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from html_classification.lake import Build, Dataset, Lake, RunInfo, materialize
from html_classification.lake.former import FormerVersions
from html_classification.schemas.html_parsing import HTML_PARSING
from html_classification.schemas.outcome import Outcome, Stream
from html_classification.schemas.url_normalization import URL_NORMALIZATION
from html_classification.streams import parsing
from html_classification.streams.parsing import AGREEMENT, parse_day
from html_classification.streams.tasks import PagesPiece, parse_pages, read_rejected
from html_classification.streams.workers import Workers
from html_classification.transforms.html.documents import parse_documents
from html_classification_tests.pages import WORDS, page
from html_classification_tests.streams.conftest import Day

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def pages(count: int, time: datetime = NOON) -> pl.DataFrame:
    """Rows of `preprocess/url-normalization`; every tenth page is a copy, every thirteenth is refused."""
    kinds = list(WORDS)
    rows: list[dict[str, Any]] = []
    for number in range(count):
        shown = number - number % 10 // 9
        html = page(kinds[shown % 3], shown)["html"] if number % 13 else "<p>"
        url = f"https://site.example/{number:05}"
        rows.append({"url": url, "original_url": url, "html": html, "timestamp": time})
    return pl.DataFrame(rows, schema=dict(URL_NORMALIZATION.dtypes))


def drained(stream: Stream) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
    return pl.concat([HTML_PARSING.empty(), *stream.batches]), list(stream.rejected())


def without(frame: pl.DataFrame, *urls: str) -> pl.DataFrame:
    return frame.filter(~pl.col("url").is_in(urls))


def test_a_day_in_pieces_is_the_day_in_memory(workers: Workers, day_of: Day) -> None:
    documents = pages(700)
    expected = parse_documents(documents)
    stream = parse_day(day_of(documents), workers, "lexbor")
    frame, rejected = drained(stream)
    HTML_PARSING.model.validate(frame)
    assert frame.equals(expected.frame)
    assert rejected == expected.rejected
    assert dict(stream.figures) == expected.figures
    assert int(stream.figures["copies"]) > 30
    (check,) = stream.checks
    assert check.name == AGREEMENT
    assert check.passed
    assert not check.blocking
    assert 15 <= check.figures["compared"] <= 20


def test_a_day_without_documents(workers: Workers, day_of: Day) -> None:
    frame, rejected = drained(parse_day(day_of(URL_NORMALIZATION.empty()), workers, "lexbor"))
    assert frame.height == 0
    assert rejected == []


def heavy(paragraphs: int) -> str:
    return "<title>Heavy</title>" + "".join(
        f"<p>paragraph <b>{n}</b> with <i>some</i> words" for n in range(paragraphs)
    )


def test_a_page_that_takes_too_long_is_refused_and_the_others_stay(workers: Workers, day_of: Day) -> None:
    documents = pages(40)
    slow = documents["url"][17]
    html = pl.when(pl.col("url") == slow).then(pl.lit(heavy(60_000))).otherwise("html").alias("html")
    # The reference engine needs seconds for such a page, and milliseconds for the others.
    stream = parse_day(day_of(documents.with_columns(html)), workers, "beautifulsoup", seconds=0.5)
    frame, rejected = drained(stream)
    (refused,) = [row for row in rejected if row["url"] == slow]
    assert refused["reason"] == "took too much processor time"
    assert len(refused["html"]) > 1_000_000
    assert stream.figures["rejected_took_too_much_processor_time"] == 1
    expected = parse_documents(without(documents, slow), "beautifulsoup").frame
    assert frame.equals(expected)


def test_a_page_that_takes_too_much_memory_is_refused_and_the_others_stay(day_of: Day) -> None:
    documents = pages(40)
    large = documents["url"][11]
    html = pl.when(pl.col("url") == large).then(pl.lit(heavy(60_000))).otherwise("html").alias("html")
    with Workers(1, memory_mib=200) as small:
        frame, rejected = drained(parse_day(day_of(documents.with_columns(html)), small, "beautifulsoup"))
    assert [row["url"] for row in rejected if row["url"] == large] == [large]
    assert frame.equals(parse_documents(without(documents, large), "beautifulsoup").frame)


def test_a_worker_that_is_killed_takes_one_page_with_it(workers: Workers, day_of: Day) -> None:
    documents = pages(300)
    slow = documents["url"][20]
    html = pl.when(pl.col("url") == slow).then(pl.lit(heavy(60_000))).otherwise("html").alias("html")
    day = day_of(documents.with_columns(html))
    killed: list[int] = []

    def kill_who_is_at_the_page() -> None:
        marker = day.scratch / "parsed" / "0.at"
        while not killed:
            if marker.exists() and marker.read_bytes()[-1:] == bytes([20]):
                killed.append(_who_has_open(marker))
                os.kill(killed[0], signal.SIGKILL)
            time.sleep(0.2)

    thread = threading.Thread(target=kill_who_is_at_the_page)
    thread.start()
    frame, rejected = drained(parse_day(day, workers, "beautifulsoup"))
    thread.join()
    (refused,) = [row for row in rejected if row["url"] == slow]
    assert refused["reason"] == "ended the process that parsed it (signal 9)"
    assert frame.equals(parse_documents(without(documents, slow), "beautifulsoup").frame)


def _who_has_open(file: Path) -> int:
    """The process that has a file open."""
    for opened in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if opened.resolve() == file.resolve():
                return int(opened.parts[2])
        except OSError:  # it is gone by now
            continue
    raise AssertionError(file)


def put(lake: Lake, day: date, frame: pl.DataFrame, **parameters: Any) -> Dataset:
    build = Build(inputs=lambda day: {}, compute=lambda: Outcome(frame), parameters=parameters)
    return materialize(lake, HTML_PARSING, build, day, RunInfo("html_parsing")).dataset


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def test_unchanged_pages_are_not_parsed_again(workers: Workers, day_of: Day, lake: Lake) -> None:
    yesterday, today = date(2026, 3, 1), date(2026, 3, 2)
    documents = pages(600)
    put(lake, yesterday, parse_documents(documents).frame, engine="lexbor")
    changed = documents["url"][::5].to_list()
    html = pl.when(pl.col("url").is_in(changed)).then(pl.col("html") + "<p>news").otherwise("html").alias("html")
    again = pl.concat([documents.with_columns(html), pages(650)[600:]]).with_columns(
        timestamp=pl.lit(NOON + timedelta(days=1)).cast(documents["timestamp"].dtype)
    )
    former = FormerVersions(lake.store, HTML_PARSING, {"engine": "lexbor"}).before(today)
    stream = parse_day(day_of(again), workers, "lexbor", former=former)
    frame, rejected = drained(stream)
    expected = parse_documents(again)
    assert frame.equals(expected.frame)
    assert rejected == expected.rejected
    assert stream.figures["unchanged"] == sum(
        url not in changed for url in set(parse_documents(documents).frame["url"]) & set(again["url"])
    )


def test_what_the_crawler_says_of_the_encoding_today_counts(workers: Workers, day_of: Day, lake: Lake) -> None:
    documents = pages(20)
    said = documents.with_columns(encoding=pl.lit("koi8-r"))
    put(lake, date(2026, 3, 1), parse_documents(said).frame, engine="lexbor")
    put(lake, date(2026, 3, 2), parse_documents(documents).frame, engine="lexbor")
    for day, today in ((date(2026, 3, 2), documents), (date(2026, 3, 3), said)):
        former = FormerVersions(lake.store, HTML_PARSING, {"engine": "lexbor"}).before(day)
        stream = parse_day(day_of(today, name=str(day)), workers, "lexbor", former=list(former)[-1:])
        frame, _ = drained(stream)
        assert frame.equals(parse_documents(today).frame)
        assert int(stream.figures["unchanged"]) > 10


def test_a_former_version_that_is_not_understood_is_passed_over(lake: Lake, caplog: pytest.LogCaptureFixture) -> None:
    dataset = put(lake, date(2026, 3, 1), parse_documents(pages(3)).frame, engine="lexbor")
    Path(lake.store.uri(f"{dataset.path}/metadata.json")).write_bytes(b"{}")
    assert list(FormerVersions(lake.store, HTML_PARSING, {"engine": "lexbor"}).before(date(2026, 3, 2))) == []
    assert "metadata.json" in caplog.text


def test_where_memory_is_short_a_few_at_a_time_give_the_same(day_of: Day) -> None:
    day = day_of(pages(50))
    whole = PagesPiece(day.files[0].path, range(3, 43), "lexbor", day.scratch / "whole", 10, refused={5: "why"})
    few = replace(whole, target=day.scratch / "few", again=True)
    one, two = parse_pages(whole), parse_pages(few)
    assert pl.read_ipc(one.rows).equals(pl.read_ipc(two.rows))
    assert list(read_rejected([one.rejected])) == list(read_rejected([two.rejected]))
    assert "why" in {row["reason"] for row in read_rejected([two.rejected])}
    assert one.figures == two.figures


@pytest.mark.parametrize("difference", ["engine", "day after", "too long ago"])
def test_only_what_was_computed_in_the_same_way_counts(lake: Lake, difference: str) -> None:
    day = date(2026, 3, 20)
    engine = "beautifulsoup" if difference == "engine" else "lexbor"
    days = {"engine": day, "day after": day + timedelta(days=1), "too long ago": day - timedelta(days=31)}
    put(lake, days[difference], parse_documents(pages(3)).frame, engine=engine)
    assert list(FormerVersions(lake.store, HTML_PARSING, {"engine": "lexbor"}).before(day)) == []


def test_a_former_version_that_is_damaged_is_passed_over(
    workers: Workers, day_of: Day, lake: Lake, caplog: pytest.LogCaptureFixture
) -> None:
    documents = pages(30)
    dataset = put(lake, date(2026, 3, 1), parse_documents(documents).frame, engine="lexbor")
    Path(lake.store.uri(f"{dataset.path}/html-documents.parquet")).write_bytes(b"damaged")
    former = FormerVersions(lake.store, HTML_PARSING, {"engine": "lexbor"}).before(date(2026, 3, 2))
    stream = parse_day(day_of(documents), workers, "lexbor", former=former)
    frame, _ = drained(stream)
    assert frame.equals(parse_documents(documents).frame)
    assert stream.figures["unchanged"] == 0
    assert "pages are parsed again" in caplog.text


def test_the_file_is_the_same_whoever_parses(day_of: Day, tmp_path: Path) -> None:
    documents = pages(600)
    found = set()
    for count in (1, 3):
        lake = Lake(str(tmp_path / f"lake-{count}"))
        day = day_of(documents, name=f"day-{count}")
        with Workers(count) as some:
            build = Build(inputs=lambda day: {}, compute=lambda day=day, some=some: parse_day(day, some, "lexbor"))
            dataset = materialize(lake, HTML_PARSING, build, date(2026, 3, 1), RunInfo("html_parsing")).dataset
        data = lake.store.get(f"{dataset.path}/html-documents.parquet")
        found.add(hashlib.sha1(data).hexdigest())
    assert len(found) == 1


def test_engines_that_disagree_warn(workers: Workers, day_of: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "_MUST_AGREE", 1.1)  # more than there can be
    stream = parse_day(day_of(pages(5)), workers, "lexbor")
    drained(stream)
    (check,) = stream.checks
    assert not check.passed
    assert not check.blocking
