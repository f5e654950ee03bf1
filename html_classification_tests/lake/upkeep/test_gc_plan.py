"""What garbage collection decides: which versions go, which stay, and why, on a folder and on a real S3 server.

Belongs here: the reason for each version, and when nothing is decided at all. Does not belong here: what a removal
does to the lake (`test_gc_collect`).
"""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from html_classification.lake import Lake, LakeError
from html_classification.lake.paths import METADATA_FILE
from html_classification.lake.upkeep.gc import plan
from html_classification_tests.lake.builds import DAY
from html_classification_tests.lake.upkeep import chain
from html_classification_tests.lake.upkeep.chain import (
    PAGES,
    TEXTS,
    contents,
    in_days,
    is_clean,
    overwrite,
    put_chain,
    put_pages,
    put_texts,
    run_gc,
    why,
)

OTHER_DAY = DAY + timedelta(days=1)


def test_what_each_version_is_decided_by(lake: Lake) -> None:
    old, new = put_chain(lake, "one"), put_chain(lake, "two")
    superseded = {old["raw"]: "never", old[PAGES]: "-superseded", old[TEXTS]: "-superseded"}
    current = dict.fromkeys(new.values(), "current")
    assert why(lake) == superseded | current
    window = dict.fromkeys(old.values(), "window")
    assert why(lake, now=in_days(29)) == window | current
    assert why(lake, now=in_days(29), keep_days=28) == superseded | current
    assert why(lake, now=in_days(0), keep_days=0) == superseded | current
    assert why(lake, keep_days=365) == window | current


def test_a_plan_says_why_and_how_much(lake: Lake) -> None:
    old = put_chain(lake, "one")
    put_chain(lake, "two")
    before = contents(lake)
    planned = plan(lake, now=in_days(31))
    assert contents(lake) == before
    assert [one.version for one in planned.goes] == sorted([old[PAGES], old[TEXTS]])
    assert planned.bytes == sum(
        len(data)
        for path, data in before.items()
        for one in planned.goes
        if path.startswith(one.version.path) and not path.endswith(METADATA_FILE)
    )
    assert all(one.reason for one in planned.decisions)
    (reason,) = {one.reason for one in planned.goes}
    assert reason == f"not current since {datetime.now(UTC).date()}"


def test_a_version_that_was_gone_back_to_is_current(lake: Lake) -> None:
    old, new = put_chain(lake, "one"), put_chain(lake, "two")
    for version in (old[PAGES], old[TEXTS]):
        lake.publish(lake.dataset(version.stage, DAY, version.version), run=None, reason="rollback")
    decided = why(lake)
    assert {decided[version] for version in (old[PAGES], old[TEXTS], new["raw"])} == {"current"}
    assert decided[old["raw"]] == "ancestor"
    assert {decided[new[PAGES]], decided[new[TEXTS]]} == {"-superseded"}
    run_gc(lake)
    assert is_clean(lake)


def test_what_a_snapshot_names_stays_with_its_ancestors(lake: Lake) -> None:
    old, new = put_chain(lake, "one"), put_chain(lake, "two")
    moment = lake.history(TEXTS, DAY)[0].time
    lake.create_snapshot("named", stages=[TEXTS], as_of=moment)
    decided = why(lake)
    assert [decided[old[stage]] for stage in (TEXTS, PAGES, "raw")] == ["snapshot", "ancestor", "ancestor"]
    assert {decided[version] for version in new.values()} == {"current"}
    assert run_gc(lake).removed == []
    assert lake.read(TEXTS, DAY, snapshot="named").height == 1


def test_the_ancestors_of_what_is_in_the_window_stay(lake: Lake) -> None:
    put_chain(lake, "one")
    later = put_chain(lake, "two", day=OTHER_DAY)
    put_pages(lake, OTHER_DAY)
    # Another code version of the texts; the former ones end in the window, and so do not their pages.
    put_texts(lake, OTHER_DAY, "2")
    decided = why(lake, now=in_days(10))
    assert decided[later[TEXTS]] == "window"
    assert decided[later[PAGES]] == "current"


def test_what_nobody_published_stays_while_it_is_young(lake: Lake) -> None:
    versions = put_chain(lake, "one")
    for stage in (TEXTS, PAGES):
        lake.store.delete([item.path for item in lake.history(stage, DAY)])
    young = why(lake, now=in_days(0.9))
    assert (young[versions[TEXTS]], young[versions[PAGES]]) == ("young", "young")
    old = why(lake, now=in_days(1.1))
    assert (old[versions[TEXTS]], old[versions[PAGES]]) == ("-unpublished", "-unpublished")
    assert why(lake, now=in_days(1.1), grace=timedelta(days=2)) == young
    run_gc(lake)
    assert is_clean(lake)
    put_chain(lake, "one")
    assert lake.read(TEXTS, DAY).height == 1


def test_raw_never_goes(lake: Lake) -> None:
    versions = put_chain(lake, "one")
    lake.store.delete([item.path for item in lake.history("raw", DAY)])
    lake.store.delete([item.path for item in lake.history(PAGES, DAY)])
    lake.store.delete([item.path for item in lake.history(TEXTS, DAY)])
    assert why(lake, keep_days=0, grace=timedelta(0))[versions["raw"]] == "never"
    assert lake.dataset("raw", DAY, versions["raw"].version).metadata.expires_on is None
    texts = lake.dataset(TEXTS, DAY, versions[TEXTS].version).metadata
    assert texts.expires_on == texts.created_at.date() + timedelta(days=30)


def test_what_never_goes_does_not_keep_what_can_be_rebuilt(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(chain, "TEXT_STAGE", replace(chain.TEXT_STAGE, expendable=False))
        old = put_chain(lake, "one")
    put_chain(lake, "two")
    decided = why(lake)
    assert [decided[old[stage]] for stage in (TEXTS, PAGES, "raw")] == ["never", "-superseded", "never"]
    run_gc(lake)
    assert lake.read(TEXTS, DAY, old[TEXTS].version).height == 1
    assert is_clean(lake)


def test_nothing_goes_where_metadata_or_a_snapshot_cannot_be_read(lake: Lake) -> None:
    put_chain(lake, "one")
    new = put_chain(lake, "two")
    lake.create_snapshot("named")
    for path in (f"{new[TEXTS].path}/{METADATA_FILE}", f"{new['raw'].path}/{METADATA_FILE}", "snapshots/named.json"):
        whole = lake.store.get(path)
        for data in (b"{", json.dumps({"metadata_version": 99, "snapshot_version": 99}).encode()):
            overwrite(lake, path, data)
            with pytest.raises(LakeError, match=r"nothing is removed, .*lake verify'$"):
                plan(lake, now=in_days(31))
        overwrite(lake, path, whole)
    for path in (f"{new[TEXTS].path}/{METADATA_FILE}", f"{new['raw'].path}/{METADATA_FILE}"):
        whole = lake.store.get(path)
        lake.store.delete([path])
        with pytest.raises(LakeError, match=r"nothing is removed, .* missing"):
            plan(lake, now=in_days(31))
        lake.store.put_new(path, whole)
    assert len(run_gc(lake).removed) == 2


def test_a_missing_ancestor_stops_it(lake: Lake) -> None:
    old = put_chain(lake, "one")
    lake.create_snapshot("named", stages=[TEXTS])
    put_chain(lake, "two")
    lake.store.delete(item.path for item in lake.store.list(old[PAGES].path))
    with pytest.raises(LakeError, match=f"{old[PAGES]}, which {old[TEXTS]} was made from, is missing"):
        plan(lake, now=in_days(31))
