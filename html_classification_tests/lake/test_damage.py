"""What is missing, damaged or removed while others are at work: said or mended, never read as if it were right."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from html_classification.lake import Build, Lake, LakeError, RunInfo, materialize
from html_classification.lake.errors import RemovedError
from html_classification.lake.external import ExternalFile, ExternalFiles
from html_classification.lake.upkeep import gc
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.raw import RAW
from html_classification_tests.lake.test_building import DAY, RUN, Counted, damage, frame, lake
from html_classification_tests.pages import day_pages, lines

__all__ = ["lake"]
STAGE = "preprocess/url-normalization"


def put_raw(lake: Lake, day: date = DAY) -> Any:
    """A raw version of two files."""
    from html_classification.lake.crawl_drop import parse_crawl_files

    pages = day_pages(DAY, each=1)
    files = [
        ExternalFile(f"html-documents-{n}.jsonl", f"/drop/{n}.jsonl", lines([page], DAY))
        for n, page in enumerate(pages[:2])
    ]
    build = Build(
        inputs=lambda day: {"drop": ExternalFiles(files, "crawl drop", day)},
        compute=lambda drop: parse_crawl_files([(file.name, file.data) for file in drop.files], day),
        keeps_files="drop",
    )
    return materialize(lake, RAW, build, day, RunInfo("raw")).dataset


def made_of_raw(lake: Lake) -> Any:
    def compute(raw: pl.DataFrame) -> Outcome:
        return Outcome(raw.select("url", pl.col("url").alias("original_url"), "html", "timestamp", "encoding"))

    upstream = lake.upstream("raw")
    build = Build(inputs=lambda day: {"raw": upstream.day(day)}, compute=compute)
    from html_classification.schemas.url_normalization import URL_NORMALIZATION

    return materialize(lake, URL_NORMALIZATION, build, DAY, RUN)


@pytest.mark.parametrize("kind", ["is missing", "is damaged"])
def test_raw_files_that_are_not_what_was_recorded_are_not_read(lake: Lake, kind: str) -> None:
    raw = put_raw(lake)
    path = f"{raw.path}/html-documents-1.jsonl"
    whole = lake.store.get(path)
    if kind == "is missing":
        lake.store.delete([path])
    else:
        damage(lake, path, whole.replace(b"<p>", b"<q>"))
    says = f"html-documents-1.jsonl {kind}.*put it back from the crawl drop or a copy"
    for use in (lambda: lake.read("raw", DAY), lambda: lake.scan("raw").collect(), lambda: made_of_raw(lake)):
        with pytest.raises((LakeError, pl.exceptions.ComputeError), match=says):
            use()
    assert lake.history(STAGE, DAY) == []
    damage(lake, path, whole)
    assert made_of_raw(lake).dataset.metadata.statistics.rows == 2


def test_a_stray_file_beside_the_crawlers_is_not_read(lake: Lake) -> None:
    raw = put_raw(lake)
    lake.store.put_new(f"{raw.path}/html-documents-z.jsonl", lines(day_pages(DAY)[:1], DAY))
    assert lake.read("raw", DAY).height == lake.scan("raw").collect().height == 2


def test_a_parquet_file_that_is_not_what_was_recorded_is_not_built_upon(lake: Lake) -> None:
    dataset = Counted(frame("a")).materialize(lake).dataset
    path = f"{dataset.path}/html-documents.parquet"
    other = Counted(frame("b"), source=b"other").materialize(lake).dataset
    damage(lake, path, lake.store.get(f"{other.path}/html-documents.parquet"))
    with pytest.raises(LakeError, match="its SHA-1 is not the recorded one; delete its folder and run that day again"):
        dataset.read()


def test_a_current_version_that_is_gone_is_built_again(lake: Lake) -> None:
    build = Counted(frame("a"))
    dataset = build.materialize(lake).dataset
    lake.store.delete([item.path for item in lake.store.list(dataset.path)])
    (listed,) = lake.ls()
    assert (listed.version, listed.rows) == (dataset.metadata.version, None)
    with pytest.raises(LakeError, match="has no version"):
        lake.read(STAGE, DAY)
    again = build.materialize(lake, current=lake.current(STAGE))
    assert (again.reused, build.computed) == (False, 2)
    assert lake.read(STAGE, DAY).equals(frame("a"))
    assert len(lake.history(STAGE, DAY)) == 1


def test_leftovers_that_are_cleared_while_a_build_counts_on_them_are_written_again(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = Counted(frame("a"))
    put, cleared = lake.store.put_new, []

    def put_after_clearing(path: str, data: bytes) -> bool:
        if path.endswith("metadata.json") and not cleared:
            cleared.extend(item.path for item in lake.store.list(STAGE))
            lake.store.delete(cleared)
        return put(path, data)

    monkeypatch.setattr(lake.store, "put_new", put_after_clearing)
    dataset = build.materialize(lake).dataset
    assert len(cleared) == 4
    names = {item.name for item in lake.store.list(dataset.path)}
    assert names == {file.path for file in dataset.metadata.files} | {"metadata.json"}


def test_where_a_version_is_removed_as_it_is_published_the_former_serves_on(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Counted(frame("a")).materialize(lake).dataset
    new = Counted(frame("b"), source=b"other").materialize(lake).dataset
    put = lake.store.put_new

    def removed_before(path: str, data: bytes) -> bool:
        if "/published/" in path and old.metadata.version in path:
            lake.store.delete([f"{old.path}/metadata.json"])
        return put(path, data)

    monkeypatch.setattr(lake.store, "put_new", removed_before)
    with pytest.raises(RemovedError, match="run that day again"):
        lake.publish(old, run=None, reason="by hand")
    assert lake.current(STAGE) == {DAY: new.metadata.version}
    assert lake.read(STAGE, DAY).equals(frame("b"))
    # Asked for by its recipe it is built again instead.
    monkeypatch.undo()
    again = Counted(frame("a")).materialize(lake)
    assert not again.reused
    assert lake.read(STAGE, DAY).equals(frame("a"))


def test_a_scan_of_a_moment_says_what_was_removed_since(lake: Lake) -> None:
    first = Counted(frame("a")).materialize(lake).dataset
    moment = lake.history(STAGE, DAY)[0].time
    Counted(frame("b"), source=b"other").materialize(lake)
    gc.collect(lake, gc.plan(lake, keep_days=0))
    with pytest.raises(LakeError, match=f"{first.metadata.version} was removed by garbage collection .* reproduce"):
        lake.scan(STAGE, as_of=moment)
    assert lake.scan(STAGE).collect().height == 1
