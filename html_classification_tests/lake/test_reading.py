"""Reading from Python: which versions, which rows, and how little of the files it takes."""

import json
import os
import random
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from socket import create_connection, socket
from urllib.parse import urlsplit

import polars as pl
import pytest

from html_classification.lake import Lake, LakeError, Slice, Upstream
from html_classification.lake.paths import Publication
from html_classification.schemas.columns import StageModel, column
from html_classification.schemas.url_normalization import URL_NORMALIZATION
from html_classification_tests.lake.builds import DAY, PAGES, TIME, pages, put, put_raw

LONG_AGO, BETWEEN = datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 2, 12, tzinfo=UTC)


@pytest.fixture(params=["folder", "s3"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake") if request.param == "folder" else request.getfixturevalue("bucket") + "/lake")


def three_days(lake: Lake) -> tuple[dict[date, str], dict[date, str]]:
    """Three days, of which the second was built again: what was current between, and what is now.

    The publications of what was current first are moved to 2020, so that there is a moment between.
    """
    days = [DAY + timedelta(days=n) for n in range(3)]
    first = {day: put(lake, pages(a=f"first of {day}"), day=day).metadata.version for day in days}
    for item in lake.publications(PAGES):
        data = lake.store.get(item.path)
        lake.store.delete([item.path])
        lake.store.put_new(Publication(PAGES, item.day, LONG_AGO, item.version).path, data)
    second = put(lake, pages(a="second"), day=days[1]).metadata.version
    return first, first | {days[1]: second}


def test_versions_are_chosen_by_range_moment_version_and_snapshot(lake: Lake) -> None:
    before, now = three_days(lake)
    days = list(now)
    assert lake.versions(PAGES) == now
    assert lake.versions(PAGES, days[1]) == {days[1]: now[days[1]]}
    assert lake.versions(PAGES, "2026-03-02", "2026-03-31") == {day: now[day] for day in days[1:]}
    assert lake.versions(PAGES, end=days[0]) == {days[0]: now[days[0]]}
    assert lake.versions(PAGES, as_of=BETWEEN) == before
    assert lake.versions(PAGES, as_of="2020-01-02") == before
    assert lake.versions(PAGES, as_of=LONG_AGO) == before  # that very moment included
    lake.create_snapshot("then", as_of=BETWEEN)
    assert lake.versions(PAGES, snapshot="then") == before
    assert lake.versions(PAGES, days[1], days[2], snapshot="then") == {day: before[day] for day in days[1:]}
    assert lake.versions(PAGES, days[1], version=before[days[1]]) == {days[1]: before[days[1]]}


def test_rows_metadata_and_history_follow_the_choice(lake: Lake) -> None:
    before, now = three_days(lake)
    day = DAY + timedelta(days=1)
    lake.create_snapshot("then", as_of=BETWEEN)
    chosen = [{}, {"version": before[day]}, {"as_of": BETWEEN}, {"snapshot": "then"}]
    texts = ["second", *["first of 2026-03-02"] * 3]
    for choice, text in zip(chosen, texts, strict=True):
        assert lake.read(PAGES, day, **choice)["html"].to_list() == [text]
        assert lake.scan(PAGES, day, **choice).collect()["html"].to_list() == [text]
        assert lake.metadata(PAGES, day, **choice).version == (now if not choice else before)[day]
    assert lake.scan(PAGES, as_of=BETWEEN).select("day", "html").collect().rows() == [
        (one, f"first of {one}") for one in before
    ]
    assert [item.version for item in lake.history(PAGES, day)] == [before[day], now[day]]
    assert lake.history(PAGES, "2027-01-01") == []


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"as_of": "2019-12-31"}, "no version .*as of 2019-12-31"),
        ({"as_of": "tomorrow"}, "'tomorrow' is no time"),
        ({"as_of": "0001-01-01T00:00:00+23:59"}, "is no time in UTC"),
        ({"snapshot": "gone"}, "no snapshot gone in"),
        ({"snapshot": "../../x"}, "is no name for a snapshot"),
        ({"version": "0123456789ab"}, "version 0123456789ab is that of one day"),
        ({"version": "0123456789ab", "as_of": BETWEEN}, "exclude each other"),
        ({"start": "2026-02-30"}, "'2026-02-30' is no date"),
        ({"start": DAY, "version": "0123456789ab"}, "has no version 0123456789ab"),
        ({"start": DAY, "version": "../x"}, "is no version"),
    ],
)
def test_what_cannot_be_chosen_is_said_in_one_line(tmp_path: Path, choice: dict[str, object], said: str) -> None:
    lake = Lake(str(tmp_path))
    put(lake, pages(a="1"))
    with pytest.raises(LakeError, match=said) as caught:
        lake.scan(PAGES, **choice)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def raw_line(url: str, html: str) -> bytes:
    return json.dumps({"url": url, "html": html, "timestamp": TIME.isoformat()}).encode() + b"\n"


def test_raw_documents_are_read_in_the_same_way(lake: Lake) -> None:
    second = DAY + timedelta(days=1)
    old = put_raw(lake, raw_line("a", "old")).metadata.version
    put_raw(lake, raw_line("a", "1") + b"garbage\n" + raw_line("b", "2"))
    put_raw(lake, raw_line("c", "3"), day=second)
    both = lake.scan("raw", DAY, second)
    assert both.collect_schema().names() == ["url", "html", "timestamp", "encoding", "day"]
    assert both.select("url", "day").collect().rows() == [("a", DAY), ("b", DAY), ("c", second)]
    assert both.filter(pl.col("url") > "a").select("html").collect()["html"].to_list() == ["2", "3"]
    assert both.head(1).collect().height == 1
    assert both.select(pl.len()).collect().item() == 3
    assert lake.scan("raw", DAY, version=old).collect()["html"].to_list() == ["old"]
    assert lake.read("raw", DAY, old)["html"].to_list() == ["old"]
    assert lake.metadata("raw", DAY).statistics.rejected_rows == 1


def test_days_from_before_a_column_was_added_or_after_it_was_dropped_have_nulls(lake: Lake) -> None:
    class Newer(StageModel):
        url: str = column("u", "u")
        score: pl.Int64 = column("s", "s")

    put(lake, pages(a="1"))
    rows = pl.DataFrame({"url": ["https://a.example/b"], "score": [7]})
    put(lake, rows, stage=replace(URL_NORMALIZATION, model=Newer), day=DAY + timedelta(days=1))
    scanned = lake.scan(PAGES).select("url", "html", "score", "day").collect()
    assert scanned.rows() == [
        ("https://a.example/a", "1", None, DAY),
        ("https://a.example/b", None, 7, DAY + timedelta(days=1)),
    ]


def test_days_that_all_lack_a_wanted_column_are_named_and_not_called_damaged(lake: Lake) -> None:
    class Newer(StageModel):
        url: str = column("u", "u")
        score: pl.Int64 = column("s", "s")

    days = [DAY + timedelta(days=n) for n in range(3)]
    newer = replace(URL_NORMALIZATION, model=Newer)
    put(lake, pages(a="1"), day=days[0])
    put(lake, pl.DataFrame({"url": ["https://a.example/b"], "score": [7]}), stage=newer, day=days[1])
    put(lake, pages(c="3"), day=days[2])
    upstream = Upstream(lake.store, PAGES, lake.versions(PAGES))

    def said(window: Slice) -> str:
        with pytest.raises(LakeError) as caught:
            window.read()
        return str(caught.value)

    assert said(upstream.window(days[2], 3, ["url", "score"])) == (
        f"{PAGES} 2026-03-01, 2026-03-03 have no column score: an earlier release made them; "
        "materialize those days again"
    )
    assert said(upstream.day(days[0], ["score"])) == (
        f"{PAGES} 2026-03-01 has no column score: an earlier release made it; materialize that day again"
    )
    assert upstream.window(days[1], 2, ["score"]).read()["score"].to_list() == [None, 7]


def test_a_column_that_grew_is_read_over_both_types(lake: Lake) -> None:
    class Narrow(StageModel):
        url: str = column("u", "u")
        size: pl.Int32 = column("s", "s")
        share: pl.Float32 = column("s", "s")

    class Wide(StageModel):
        url: str = column("u", "u")
        size: pl.Int64 = column("s", "s")
        share: pl.Float64 = column("s", "s")

    for number, model in enumerate((Narrow, Wide)):
        stage = replace(URL_NORMALIZATION, model=model)
        rows = pl.DataFrame({"url": ["a"], "size": [number], "share": [0.5]}, schema=dict(stage.dtypes))
        put(lake, rows, stage=stage, day=DAY + timedelta(days=number))
    assert lake.scan(PAGES).select("size", "share").collect().rows() == [(0, 0.5), (1, 0.5)]


def big(lake: Lake, days: int = 2) -> int:
    """Days of three row groups each, nearly all of whose bytes are HTML: the bytes of their data files."""
    chance = random.Random(0)
    total = 0
    for number in range(days):
        names = [f"{n:06d}" for n in range(9000)]
        rows = pages(**{name: chance.randbytes(700).hex() for name in names})
        dataset = put(lake, rows, day=DAY + timedelta(days=number))
        total += next(file.bytes for file in dataset.metadata.files if file.path.endswith(".parquet"))
    return total


def test_a_query_is_one_scan_of_the_columns_and_rows_it_needs(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    big(lake)
    plan = lake.scan(PAGES).filter(pl.col("url") == "https://a.example/000003").select("timestamp").explain()
    assert plan.count("Parquet SCAN") == 1
    assert "PROJECT 2/" in plan
    assert 'SELECTION: col("url") == "https://a.example/000003"' in plan


class Counting(socketserver.BaseRequestHandler):
    """Hands on what a client and the S3 server say to each other, and counts the bytes of the answers."""

    def handle(self) -> None:
        server: CountingServer = self.server  # type: ignore[assignment]
        with create_connection(server.behind) as onward:
            asking = threading.Thread(target=self._pass_on, args=(self.request, onward), daemon=True)
            asking.start()
            self._pass_on(onward, self.request, server)
            asking.join(timeout=10)

    def _pass_on(self, source: socket, target: socket, server: "CountingServer | None" = None) -> None:
        try:
            while piece := source.recv(65536):
                if server:
                    server.answered += len(piece)
                target.sendall(piece)
            target.shutdown(1)
        except OSError:  # one side hung up
            pass


class CountingServer(socketserver.ThreadingTCPServer):
    """Stands before an S3 server."""

    daemon_threads = True
    block_on_close = False
    answered = 0

    def __init__(self, behind: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), Counting)
        self.behind = behind


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingServer]:
    """The environment leads through a server that counts bytes."""
    endpoint = urlsplit(os.environ["AWS_ENDPOINT_URL_S3"])
    with CountingServer((str(endpoint.hostname), int(endpoint.port or 0))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{server.server_address[1]}")
        yield server
        server.shutdown()


def test_from_s3_only_the_needed_parts_of_the_files_are_fetched(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    total = big(Lake(bucket))

    def fetched(server: CountingServer, query: pl.LazyFrame, rows: int) -> float:
        before = server.answered
        assert query.collect().height == rows
        return (server.answered - before) / total

    with counted(monkeypatch) as server:
        scan = Lake(bucket).scan(PAGES)
        one = pl.col("url") == "https://a.example/000003"
        assert fetched(server, scan, 18000) > 0.95
        assert fetched(server, scan.select("timestamp", "day"), 18000) < 0.05  # a column of four
        assert fetched(server, scan.filter(one), 2) < 0.55  # a row group of three, of each day
        assert fetched(server, scan.filter(one).select("timestamp"), 2) < 0.10
        assert fetched(server, Lake(bucket).scan(PAGES, DAY), 9000) < 0.55  # a day of two
