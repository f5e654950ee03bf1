"""What garbage collection does not remove, though it looks like rubbish, and what it puts back.

Belongs here: interrupted removals, lost metadata, old plans, versions being built again, files of people. Does not
belong here: the usual reasons (`test_gc_plan`), and what an ordinary removal leaves (`test_gc_collect`).
"""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from html_classification.lake import Lake, LakeError
from html_classification.lake.history import rollback
from html_classification.lake.paths import METADATA_FILE, REMOVED_FILE, VersionId
from html_classification.lake.upkeep.gc import collect, plan
from html_classification.lake.upkeep.verify import verify
from html_classification_tests.lake.builds import DAY
from html_classification_tests.lake.upkeep.chain import (
    PAGES,
    TEXTS,
    files,
    id_of,
    in_days,
    interrupt,
    is_clean,
    overwrite,
    put_chain,
    put_pages,
    put_texts,
    run_gc,
    why,
)

NOW = timedelta(0)


def test_what_is_needed_again_after_an_interrupted_removal_is_put_back(lake: Lake) -> None:
    versions = put_chain(lake, "one")
    texts, pages = interrupt(lake, versions[TEXTS]), interrupt(lake, versions[PAGES])
    found = [str(finding) for finding in verify(lake, leftover_age=NOW).problems]
    assert len([line for line in found if "lake gc --delete' puts it back" in line]) == 4  # leftovers, publications
    planned = plan(lake, now=in_days(31))
    assert {one.version for one in planned.restored} == {versions[TEXTS], versions[PAGES]}
    assert planned.goes == []
    done = collect(lake, planned)
    assert (sorted(done.restored), done.removed) == (sorted([versions[TEXTS], versions[PAGES]]), [])
    assert lake.store.get(f"{versions[TEXTS].path}/{METADATA_FILE}") == texts
    assert lake.store.get(f"{versions[PAGES].path}/{METADATA_FILE}") == pages
    assert lake.read(TEXTS, DAY).height == 1
    assert is_clean(lake)


def test_an_ancestor_whose_removal_was_interrupted_is_put_back(lake: Lake) -> None:
    old = put_chain(lake, "one")
    lake.create_snapshot("named", stages=[TEXTS])
    put_chain(lake, "two")
    interrupt(lake, old[PAGES])
    assert why(lake)[old[PAGES]] == "restored"
    assert run_gc(lake).restored == [old[PAGES]]
    assert is_clean(lake)


def test_an_older_removed_json_gives_the_same_metadata_back(lake: Lake) -> None:
    version = put_chain(lake, "one")[TEXTS]
    data = interrupt(lake, version)
    path = f"{version.path}/{REMOVED_FILE}"
    older = json.loads(lake.store.get(path))
    del older["metadata_text"]
    overwrite(lake, path, json.dumps(older, indent=2).encode())
    run_gc(lake)
    assert lake.store.get(f"{version.path}/{METADATA_FILE}") == data


def test_a_current_version_that_was_removed_is_a_problem(lake: Lake) -> None:
    version = put_chain(lake, "one")[TEXTS]
    interrupt(lake, version)
    lake.store.delete(f"{version.path}/{name}" for name in files(lake, version) - {REMOVED_FILE})
    (finding,) = verify(lake).problems
    assert (finding.kind, finding.uri) == ("publication", lake.store.uri(lake.history(TEXTS, DAY)[-1].path))
    assert f"run --from {DAY} --to {DAY} --select {TEXTS} --force'" in finding.advice
    put_texts(lake, force=True)
    assert is_clean(lake)


def test_an_old_plan_removes_nothing_that_is_being_built_again(lake: Lake) -> None:
    old = put_chain(lake, "one")
    put_chain(lake, "two")
    planned = plan(lake, now=in_days(31))
    collect(Lake(lake.uri), planned)
    half = f"{old[TEXTS].path}/html-documents.parquet"
    lake.store.put_new(half, b"a writer at work")
    done = collect(Lake(lake.uri), planned)
    assert old[TEXTS] in done.spared
    assert lake.store.get(half) == b"a writer at work"
    lake.store.delete([half])
    put_chain(lake, "one")
    lake.store.delete([lake.history(stage, DAY)[-1].path for stage in ("raw", PAGES, TEXTS)])  # not published yet
    assert old[TEXTS] in collect(Lake(lake.uri), planned).spared
    assert lake.read(TEXTS, DAY, old[TEXTS].version).height == 1


def test_what_was_removed_once_and_is_built_again_is_young(lake: Lake) -> None:
    old = put_chain(lake, "one")
    put_chain(lake, "two")
    run_gc(lake)
    put_chain(lake, "one")
    lake.store.delete([lake.history(stage, DAY)[-1].path for stage in (PAGES, TEXTS)])  # not published yet
    decided = why(lake, now=in_days(0), keep_days=0)
    assert (decided[old[TEXTS]], decided[old[PAGES]]) == ("young", "young")
    assert why(lake, now=in_days(1.1), keep_days=0)[old[TEXTS]] == "-superseded"


@pytest.mark.parametrize("stage", ["raw", PAGES])
def test_what_only_lost_its_metadata_stays(lake: Lake, stage: str) -> None:
    old = put_chain(lake, "one")
    put_chain(lake, "two")
    lake.store.delete([f"{old[stage].path}/{METADATA_FILE}"])
    before = files(lake, old[stage])
    assert why(lake)[old[stage]] == "lost"
    run_gc(lake)
    assert files(lake, old[stage]) == before
    told = [finding.advice for finding in verify(lake, leftover_age=NOW).problems if finding.kind == "leftover"]
    again = f"run --from {DAY} --to {DAY} --select {stage} --force'"
    assert told == [f"put metadata.json back from a copy, or run 'html-classification {again}"]


def test_leftovers_of_a_stage_that_never_goes_stay(lake: Lake) -> None:
    put_chain(lake, "one")
    orphan = VersionId("raw", DAY, "0123456789ab")
    lake.store.put_new(f"{orphan.path}/html-documents.jsonl", b"{}")
    assert why(lake)[orphan] == "lost"
    run_gc(lake)
    assert files(lake, orphan) == {"html-documents.jsonl"}


def test_an_ancestor_that_was_built_later_stays_when_its_descendant_is_spared(lake: Lake) -> None:
    old = put_chain(lake, "one")
    lake.store.delete(item.path for item in lake.store.list(old[PAGES].path))
    again = put_pages(lake)  # as after its loss: of the same name, and younger than the texts
    assert id_of(again) == old[PAGES]
    assert again.metadata.created_at > lake.metadata(TEXTS, DAY).created_at
    put_chain(lake, "two")
    planned = plan(lake, now=in_days(31))
    assert {one.version for one in planned.goes} == {old[PAGES], old[TEXTS]}
    rollback(Lake(lake.uri), TEXTS, DAY, old[TEXTS].version)
    done = collect(lake, planned)
    assert done.removed == []
    assert set(done.spared) >= {old[PAGES], old[TEXTS]}
    assert is_clean(lake)


def test_files_of_people_stay_beside_what_goes(lake: Lake) -> None:
    old = put_chain(lake, "one")
    put_chain(lake, "two")
    mine = [f"{old[TEXTS].path}/{name}" for name in ("notes.txt", "sub/metadata.json", "sub/thesis.txt")]
    for path in mine:
        lake.store.put_new(path, b"mine")
    assert [item.path for item in plan(lake, now=in_days(31)).strays] == mine
    assert old[TEXTS] in [one.version for one in run_gc(lake).removed]
    assert [item.path for item in lake.store.list(old[TEXTS].path)] == sorted(
        [*mine, f"{old[TEXTS].path}/{REMOVED_FILE}"]
    )
    planned = plan(lake, now=in_days(31))
    assert (planned.goes, [item.path for item in planned.strays]) == ([], mine)
    found = {(finding.kind, finding.uri) for finding in verify(lake, leftover_age=NOW).problems}
    assert found == {
        ("file-unlisted", lake.store.uri(mine[0])),
        *(("stray", lake.store.uri(path)) for path in mine[1:]),
    }


def test_only_temporary_files_of_the_lake_go(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    folder = Path(lake.uri) / put_chain(lake, "one")[TEXTS].path
    root = Path(lake.uri)
    (root / "snapshots").mkdir()
    ours = [folder / "sample.jsonl#1", root / "lake.json#23", root / "snapshots" / "a.json#4"]
    ours.append(root / f"{lake.history(TEXTS, DAY)[0].path}#5")
    theirs = [root / "minutes of meeting #12", folder / "notes #3", root / "snapshots" / "My list #1"]
    for path in (*ours, *theirs):
        path.write_bytes(b"x")
    (root / "x#1").symlink_to("/nonexistent")
    planned = plan(lake, now=in_days(31))
    strays = {*theirs, root / "x#1"}
    assert {root / item.path for item in planned.strays} == strays
    assert {Path(finding.uri) for finding in verify(lake).problems} == strays
    assert {Path(finding.uri) for finding in verify(lake).notes} == set(ours)
    collect(lake, planned)
    assert [path.exists() for path in (*ours, *theirs)] == [False] * 4 + [True] * 3
    assert (root / "x#1").is_symlink()


@pytest.mark.parametrize("name", ["Paper.json", "notes.txt", "sub/paper.json"])
def test_what_is_no_snapshot_among_the_snapshots_stops_it(lake: Lake, name: str) -> None:
    put_chain(lake, "one")
    lake.create_snapshot("paper")
    whole = lake.store.get("snapshots/paper.json")
    put_chain(lake, "two")
    planned = plan(lake, now=in_days(31))
    lake.store.put_new(f"snapshots/{name}", whole)
    with pytest.raises(LakeError, match=r"nothing is removed, .*lake verify'$"):
        plan(lake, now=in_days(31))
    if planned.goes:
        with pytest.raises(LakeError, match="nothing is removed"):
            collect(lake, planned)
    (finding,) = verify(lake).problems
    assert (finding.kind, finding.uri) == ("stray", lake.store.uri(f"snapshots/{name}"))
    assert "removes nothing while it is there" in finding.problem
