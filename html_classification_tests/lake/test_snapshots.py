"""Snapshots: what is named stays named, by exact version."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from html_classification.lake import Lake, LakeError
from html_classification.lake.paths import Publication
from html_classification_tests.lake.builds import DAY, PAGES, pages, put, put_raw

NEXT = DAY + timedelta(days=1)


@pytest.fixture(params=["folder", "s3"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake") if request.param == "folder" else request.getfixturevalue("bucket") + "/lake")


def line(url: str) -> bytes:
    return json.dumps({"url": url, "html": "", "timestamp": "2026-03-01T10:00:00Z"}).encode() + b"\n"


def two_stages(lake: Lake) -> dict[str, dict[object, str]]:
    return {
        PAGES: {day: put(lake, pages(a="1"), day=day).metadata.version for day in (DAY, NEXT)},
        "raw": {DAY: put_raw(lake, line("a")).metadata.version},
    }


def test_a_snapshot_names_what_is_current_for_good(lake: Lake) -> None:
    current = two_stages(lake)
    made = lake.create_snapshot("before-the-change", reason="to compare")
    assert made.versions == current
    put(lake, pages(a="2"))
    assert lake.snapshot("before-the-change") == made
    assert made.reason == "to compare"
    assert lake.read(PAGES, DAY, snapshot="before-the-change")["html"].to_list() == ["1"]
    assert [(item.stage, item.day, item.version) for item in made.ids] == [
        (stage, day, version) for stage in sorted(current) for day, version in current[stage].items()
    ]


def test_it_may_name_some_stages_and_days_only(lake: Lake) -> None:
    current = two_stages(lake)
    assert lake.create_snapshot("raw-only", stages=["raw"]).versions == {"raw": current["raw"]}
    assert lake.create_snapshot("a-day", start=NEXT).versions == {PAGES: {NEXT: current[PAGES][NEXT]}}
    assert lake.create_snapshot("all-days", start="2026-03-01", end="2026-12-31").versions == current
    assert [item.name for item in lake.snapshots()] == ["a-day", "all-days", "raw-only"]


def test_it_may_name_what_was_current_once(lake: Lake) -> None:
    old = put(lake, pages(a="1")).metadata.version
    (published,) = lake.publications(PAGES)
    lake.store.delete([published.path])
    then = datetime(2020, 1, 1, tzinfo=UTC)
    lake.store.put_new(Publication(PAGES, DAY, then, old).path, b"{}")
    put(lake, pages(a="2"))
    assert lake.create_snapshot("then", as_of="2020-06-01").versions == {PAGES: {DAY: old}}
    with pytest.raises(LakeError, match="nothing was published there and then"):
        lake.create_snapshot("earlier", as_of="2019-06-01")


def test_a_name_is_given_once(lake: Lake) -> None:
    two_stages(lake)
    made = lake.create_snapshot("x")
    assert lake.create_snapshot("x", reason="again") == made
    put(lake, pages(a="2"))
    with pytest.raises(LakeError, match="snapshots never change: take another name"):
        lake.create_snapshot("x")
    assert lake.snapshot("x") == made


def test_what_was_removed_since_is_not_named(lake: Lake) -> None:
    gone = put(lake, pages(a="1"))
    lake.store.put_new(f"{gone.path}/removed.json", b'{"removed_at": "2026-04-01T00:00:00Z"}')
    lake.store.delete([f"{gone.path}/{name}" for name in ("metadata.json", "html-documents.parquet")])
    with pytest.raises(LakeError, match=rf"{gone.metadata.version} was removed since and cannot be named"):
        lake.create_snapshot("x")
    assert lake.snapshots() == []


def test_what_is_removed_while_it_is_named_is_said(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = [put(lake, pages(a="1"), day=day) for day in (DAY, NEXT)]
    put_new = lake.store.put_new

    def put_after_removal(path: str, data: bytes) -> bool:
        # Garbage collection has deleted a version, and asked which snapshots there are, right before this one is put.
        if path.startswith("snapshots/"):
            lake.store.delete([f"{one.path}/metadata.json" for one in gone])
        return put_new(path, data)

    monkeypatch.setattr(lake.store, "put_new", put_after_removal)
    said = (
        rf"{PAGES} {DAY} {gone[0].metadata.version} and 1 more were removed while snapshot x was written, which stands"
    )
    with pytest.raises(LakeError, match=said) as caught:
        lake.create_snapshot("x")
    assert str(caught.value).isprintable()
    assert lake.snapshot("x").versions == {PAGES: {one.metadata.date: one.metadata.version for one in gone}}


@pytest.mark.parametrize(
    "name", ["../../x", "/x", "X", "", ".x", "a/b", "a\nb", "\x1b[31m", "é", "x" * 201, "a b", "a\0"]
)
def test_a_name_cannot_lead_out_of_the_lake(tmp_path: Path, name: str) -> None:
    lake = Lake(str(tmp_path / "lake"))
    put(lake, pages(a="1"))
    before = sorted(tmp_path.rglob("*"))
    for ask in (lake.create_snapshot, lake.snapshot, lambda name: lake.ls(snapshot=name)):
        with pytest.raises(LakeError, match="is no name for a snapshot") as caught:
            ask(name)
        assert str(caught.value).isprintable()
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"stages": ["../x"]}, "is no stage"),
        ({"stages": ["raw", "annotated"]}, "annotated, raw has no version there and then"),
        ({"start": "2026-02-30"}, "is no date"),
        ({"as_of": "\x1b"}, "is no time"),
        ({"start": "2027-01-01"}, "nothing was published there and then"),
    ],
)
def test_what_cannot_be_named_is_said(tmp_path: Path, choice: dict[str, object], said: str) -> None:
    lake = Lake(str(tmp_path))
    put(lake, pages(a="1"))
    with pytest.raises(LakeError, match=said) as caught:
        lake.create_snapshot("x", **choice)  # type: ignore[arg-type]
    assert str(caught.value).isprintable()
    assert lake.snapshots() == []


def test_damage_and_newer_releases_are_said(lake: Lake) -> None:
    two_stages(lake)
    whole = json.loads(lake.create_snapshot("x").to_json())
    lake.store.put_new("snapshots/newer.json", json.dumps(whole | {"snapshot_version": 2}).encode())
    lake.store.put_new("snapshots/cut.json", lake.store.get("snapshots/x.json")[:-20])
    with pytest.raises(LakeError, match="written by a newer release"):
        lake.snapshot("newer")
    with pytest.raises(LakeError, match=r"snapshots/cut\.json is not readable .* it is damaged"):
        lake.snapshot("cut")
    # Whoever deletes it lifts the protection of what it names.
    with pytest.raises(LakeError, match=r"put it back from a copy; until then gc deletes nothing"):
        lake.snapshot("cut")


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"snapshot_version": Infinity}',
        b'{"snapshot_version": 1e400}',
        b'{"snapshot_version": null}',
        b'{"snapshot_version": 0}',
        b'{"snapshot_version": "1"}',
        b'{"snapshot_version": 1, "versions": ' + b'{"a":' * 1000 + b"1" + b"}" * 1000 + b"}",
        b'{"snapshot_version": 1, "created_at": 1e308, "name": "odd", "versions": {}}',
    ],
)
def test_odd_json_is_damage(tmp_path: Path, content: bytes) -> None:
    lake = Lake(str(tmp_path))
    lake.store.put_new("snapshots/odd.json", content)
    with pytest.raises(LakeError, match=r"odd\.json is not readable .* it is damaged") as caught:
        lake.snapshot("odd")
    assert str(caught.value).isprintable()


def test_ls_tells_what_a_snapshot_names_and_what_was_current(lake: Lake) -> None:
    old = put(lake, pages(a="1", b="2")).metadata.version
    other = put(lake, pages(a="1"), day=NEXT).metadata.version
    lake.create_snapshot("x", stages=[PAGES], start=DAY)
    at = lake.history(PAGES, NEXT)[-1].time
    new = put(lake, pages(a="2")).metadata.version
    put_raw(lake, line("a"))
    assert [(row.version, row.rows) for row in lake.ls(snapshot="x")] == [(old, 2)]
    assert lake.ls("raw", snapshot="x") == []
    assert [row.version for row in lake.ls(as_of=at)] == [old, other]
    assert [row.version for row in lake.ls(PAGES)] == [new, other]
    (row,) = lake.ls(snapshot="x")
    assert row.published_at == lake.history(PAGES, DAY)[0].time.isoformat()
    with pytest.raises(LakeError, match="exclude each other"):
        lake.ls(snapshot="x", as_of=at)
    with pytest.raises(LakeError, match="is no stage"):
        lake.ls("../x", snapshot="x")


def test_ls_of_a_moment_tells_what_was_removed_since(lake: Lake) -> None:
    gone = put(lake, pages(a="1"))
    at = lake.history(PAGES, DAY)[-1].time
    put(lake, pages(a="2"))
    names = [file.path for file in gone.metadata.files]
    lake.store.put_new(f"{gone.path}/removed.json", b'{"removed_at": "2026-04-01T00:00:00Z"}')
    lake.store.delete([f"{gone.path}/{name}" for name in ["metadata.json", *names]])
    (row,) = lake.ls(as_of=at)
    assert (row.version, row.rows, row.rejected_rows, row.bytes) == (gone.metadata.version, None, None, 0)
