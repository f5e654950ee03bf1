"""The history of a day, and going back in it."""

import json
import re
from pathlib import Path

import pytest

from html_classification.lake import BuildError, Lake, LakeError
from html_classification.lake.history import entries, rollback
from html_classification_tests.lake.builds import DAY, PAGES, pages, put


@pytest.fixture(params=["folder", "s3"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake") if request.param == "folder" else request.getfixturevalue("bucket") + "/lake")


def build(lake: Lake, text: str) -> str:
    return put(lake, pages(a=text)).metadata.version


def current(lake: Lake) -> str:
    return lake.versions(PAGES, DAY)[DAY]


def objects(lake: Lake) -> list[str]:
    return [item.path for item in lake.store.list()]


def test_the_version_before_becomes_current_again(lake: Lake) -> None:
    one, two = build(lake, "one"), build(lake, "two")
    done = rollback(lake, PAGES, DAY, reason="the crawl was cut")
    assert (done.before, done.after) == (two, one)
    assert lake.read(PAGES, DAY)["html"].to_list() == ["one"]
    told = entries(lake, PAGES, "2026-03-01")
    assert [(item.version, item.run, item.reason) for item in told] == [
        (one, "run-1", "built"),
        (two, "run-1", "built"),
        (one, None, "rollback: the crawl was cut"),
    ]
    assert [item.time for item in told] == sorted(item.time for item in told)
    written = json.loads(lake.store.get(lake.history(PAGES, DAY)[-1].path))
    assert written["metadata_sha1"] == lake.dataset(PAGES, DAY).metadata_sha1
    # Once more goes back to where it came from; and a build of that day publishes what its recipe says.
    assert rollback(lake, PAGES, DAY).after == two
    assert entries(lake, PAGES, DAY)[-1].reason == f"rollback: from {one}"
    rollback(lake, PAGES, DAY)
    assert build(lake, "two") == current(lake) == two


def test_any_version_that_was_current_can_be_named(lake: Lake) -> None:
    one, *_ = [build(lake, text) for text in ("one", "two", "three")]
    assert rollback(lake, PAGES, DAY, one[:5]).after == one == current(lake)


def test_what_is_current_is_not_published_again(lake: Lake) -> None:
    one = build(lake, "one")
    before = objects(lake)
    done = rollback(lake, PAGES, DAY, one)
    assert (done.before, done.after, done.publication) == (one, one, None)
    assert objects(lake) == before


def test_a_dry_run_writes_nothing_and_refuses_the_same(lake: Lake) -> None:
    one, two = build(lake, "one"), build(lake, "two")
    before = objects(lake)
    done = rollback(lake, PAGES, DAY, dry_run=True)
    assert (done.before, done.after, done.publication) == (two, one, None)
    with pytest.raises(LakeError):
        rollback(lake, PAGES, DAY, "0123", dry_run=True)
    assert objects(lake) == before


def test_what_readers_could_not_rely_on_is_refused(lake: Lake) -> None:
    one, two = build(lake, "one"), build(lake, "two")
    with pytest.raises(BuildError) as caught:
        build_twice(lake)
    failed = re.search(r"version ([0-9a-f]{12}) stays", str(caught.value))
    assert failed
    day = f"{PAGES}/2026-03-01"
    lake.store.put_new(f"{day}/aaaaaaaaaaaa/html-documents.parquet", b"")
    lake.store.put_new(f"{day}/bbbbbbbbbbbb/removed.json", b'{"removed_at": "2026-04-01T00:00:00Z"}')
    never = put(lake, pages(a="never"))
    lake.store.delete([lake.history(PAGES, DAY)[-1].path])
    lake.store.delete([f"{day}/{one}/html-documents.parquet"])
    before = objects(lake)
    for version, said in [
        (failed[1], "failed its audit and cannot be published"),
        ("aaaaaaaaaaaa", "was never completed"),
        ("bbbbbbbbbbbb", "was removed by garbage collection on 2026-04-01"),
        ("cccccccccccc", "has no version cccccccccccc"),
        (never.metadata.version, "was never published"),
        (one, "html-documents.parquet is missing or cut"),
        ("../../x", "is no version"),
    ]:
        for dry_run in (True, False):
            with pytest.raises(LakeError, match=said) as refused:
                rollback(lake, PAGES, DAY, version, dry_run=dry_run)
            assert str(refused.value).isprintable()
    assert objects(lake) == before
    assert current(lake) == two


def build_twice(lake: Lake) -> None:
    put(lake, pages(a="1").vstack(pages(a="2")))


def test_a_day_without_a_history_is_said(lake: Lake) -> None:
    assert entries(lake, PAGES, DAY) == []
    with pytest.raises(LakeError, match="has no version in"):
        rollback(lake, PAGES, DAY)
    build(lake, "one")
    with pytest.raises(LakeError, match="there is no previous one"):
        rollback(lake, PAGES, DAY)


@pytest.mark.parametrize("content", [b"{", b"[" * 100_000])
def test_a_damaged_publication_does_not_hide_the_others(lake: Lake, content: bytes) -> None:
    build(lake, "one")
    path = lake.history(PAGES, DAY)[0].path
    lake.store.delete([path])
    lake.store.put_new(path, content)
    two = build(lake, "two")
    told = entries(lake, PAGES, DAY)
    assert "the file is damaged" in told[0].reason
    assert told[1].version == two
