"""Verification: what is whole is clean, and whatever is not is found, on a folder and on a real S3 server."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from html_classification.lake import BuildError, Lake, LakeError
from html_classification.lake.errors import StoreError
from html_classification.lake.paths import METADATA_FILE, Publication
from html_classification.lake.upkeep.findings import Finding
from html_classification.lake.upkeep.gc import collect, plan
from html_classification.lake.upkeep.journal import default_journal
from html_classification.lake.upkeep.verify import Progress, verify
from html_classification_tests.lake.builds import DAY
from html_classification_tests.lake.upkeep.chain import (
    PAGES,
    TEXTS,
    change_json,
    contents,
    overwrite,
    put_chain,
    put_pages,
    put_texts,
)

ORPHAN = "raw/2026-03-01/0123456789ab"


def found(lake: Lake, **options: object) -> list[tuple[str, str]]:
    """Kind and place below the root of each finding; those of a note in brackets."""
    report = verify(lake, **options)  # type: ignore[arg-type]
    for finding in report.findings:
        assert "\n" not in str(finding)
        assert finding.problem
        assert finding.advice
    return [(_kind(finding), finding.uri.removeprefix(f"{lake.uri}/")) for finding in report.findings]


def _kind(finding: Finding) -> str:
    return finding.kind if finding.severity == "problem" else f"({finding.kind})"


def test_a_lake_as_it_was_written_is_clean(lake: Lake) -> None:
    assert verify(lake).versions == 0
    put_chain(lake, "one")
    put_chain(lake, "two", day=DAY + timedelta(days=1))
    put_texts(lake, code_version="2")
    lake.create_snapshot("named")
    before = contents(lake)
    report = verify(lake)
    assert report.findings == []
    assert report.versions == 7
    data = {path: content for path, content in before.items() if METADATA_FILE not in path and path.count("/") > 2}
    data = {path: content for path, content in data.items() if "/published/" not in path}
    assert (report.files, report.bytes) == (len(data), sum(map(len, data.values())))
    assert contents(lake) == before


def test_an_unpublished_version_is_read_too(lake: Lake) -> None:
    versions = put_chain(lake, "one")
    (publication,) = lake.history(TEXTS, DAY)
    lake.store.delete([publication.path])
    assert found(lake) == []
    overwrite(lake, f"{versions[TEXTS].path}/sample.jsonl", b"other")
    assert found(lake) == [("file-damaged", f"{versions[TEXTS].path}/sample.jsonl")]


def _flip(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize(
    ("change", "kind"),
    [(_flip, "file-damaged"), (lambda data: data[:-5], "file-damaged"), (None, "file-missing")],
    ids=["one bit", "cut short", "gone"],
)
def test_a_damaged_file_is_found(lake: Lake, change: Callable[[bytes], bytes] | None, kind: str) -> None:
    versions = put_chain(lake, "one")
    for file in (f"{versions['raw'].path}/html-documents.jsonl", f"{versions[PAGES].path}/html-documents.parquet"):
        data = lake.store.get(file)
        if change:
            overwrite(lake, file, change(data))
        else:
            lake.store.delete([file])
        assert found(lake) == [(kind, file)]
        overwrite(lake, file, data)
    assert found(lake) == []


def test_what_is_found_tells_how_to_mend_it(lake: Lake) -> None:
    version = put_chain(lake, "one")[TEXTS]
    file = f"{version.path}/html-documents.parquet"
    overwrite(lake, file, _flip(lake.store.get(file)))
    (finding,) = verify(lake).problems
    assert f"--from {DAY} --to {DAY} --select {TEXTS} --force" in str(finding)
    both = [file, f"{version.path}/sample.jsonl"]
    lake.store.delete(both)
    with pytest.raises(BuildError, match="was missing, and this computation gave other bytes than those recorded"):
        put_texts(lake, force=True, text="url")
    assert found(lake) == [("file-damaged", path) for path in both]
    lake.store.delete(both)
    put_texts(lake, force=True)
    assert found(lake) == []


def test_metadata_that_cannot_be_read_is_found(lake: Lake) -> None:
    path = f"{put_chain(lake, 'one')[PAGES].path}/{METADATA_FILE}"
    for data in (b"{", b"[]", b"", b"\xff", json.dumps({"metadata_version": 99}).encode()):
        overwrite(lake, path, data)
        assert found(lake) == [("metadata", path)]
    lake.store.delete([path])  # then the next run writes it again
    put_pages(lake)
    assert found(lake) == []


def test_removed_json_that_cannot_be_read_is_found(lake: Lake) -> None:
    put_chain(lake, "one")
    old = lake.history(TEXTS, DAY)[0].id
    put_chain(lake, "two")
    collect(lake, plan(lake, keep_days=0))
    assert found(lake) == []
    path = f"{old.path}/removed.json"
    for data in (b"{", b"{}", b'{"removed_at": "2026-03-01T00:00:00", "reason": "", "metadata": {}}'):
        overwrite(lake, path, data)
        assert found(lake) == [("removed", path)]
        with pytest.raises(LakeError, match="was removed by garbage collection"):
            lake.dataset(TEXTS, DAY, old.version)


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({"date": "2026-03-02"}, ["metadata"]),
        ({"stage": "raw"}, ["metadata"]),
        ({"version": "0123456789ab"}, ["metadata"]),
        ({"recipe": {"stage": "raw"}}, ["metadata", "recipe"]),
        ({"expires_on": "2027-01-01"}, ["metadata"]),
    ],
    ids=str,
)
def test_metadata_that_was_changed_is_found(lake: Lake, changes: dict[str, object], kinds: list[str]) -> None:
    path = f"{put_chain(lake, 'one')[TEXTS].path}/{METADATA_FILE}"
    change_json(lake, path, **changes)
    assert sorted({kind for kind, where in found(lake) if where == path}) == kinds


def test_a_recipe_that_gives_another_version_is_found(lake: Lake) -> None:
    path = f"{put_chain(lake, 'one')[TEXTS].path}/{METADATA_FILE}"
    recipe = json.loads(lake.store.get(path))["recipe"]
    change_json(lake, path, recipe=recipe | {"parameters": {"other": 1}})
    assert ("recipe", path) in found(lake)


def test_counts_that_disagree_are_found(lake: Lake) -> None:
    version = put_chain(lake, "one")[TEXTS]
    path = f"{version.path}/{METADATA_FILE}"
    statistics = json.loads(lake.store.get(path))["statistics"]
    change_json(lake, path, statistics=statistics | {"rows": 7})
    assert ("count", f"{version.path}/rows-1-rejected-0.count") in found(lake)


def test_what_metadata_do_not_list_is_found(lake: Lake) -> None:
    version = put_chain(lake, "one")[TEXTS]
    lake.store.put_new(f"{version.path}/notes.txt", b"mine")
    assert found(lake) == [("file-unlisted", f"{version.path}/notes.txt")]


def test_a_source_that_is_gone_or_another_is_found(lake: Lake) -> None:
    versions = put_chain(lake, "one")
    folder = {path: data for path, data in contents(lake).items() if path.startswith(versions["raw"].path)}
    lake.store.delete(folder)
    kinds = found(lake)
    assert ("source", versions[PAGES].path) in kinds
    assert ("publication", lake.history("raw", DAY)[0].path) in kinds
    for path, data in folder.items():
        lake.store.put_new(path, data)
    assert found(lake) == []
    path = f"{versions[PAGES].path}/{METADATA_FILE}"
    sources = json.loads(lake.store.get(path))["sources"]
    change_json(lake, path, sources=[source | {"sha1": "0" * 40} for source in sources])
    assert ("source", versions[PAGES].path) in found(lake)
    change_json(lake, path, sources=[source | {"version": "../../x"} for source in sources])
    assert ("metadata", path) in found(lake)


def test_publications_that_do_not_resolve_are_found(lake: Lake) -> None:
    version = put_chain(lake, "one")[TEXTS]
    time = datetime.now(UTC) + timedelta(hours=1)
    nowhere = Publication(TEXTS, DAY, time, "0123456789ab")
    lake.store.put_new(nowhere.path, b'{"version": "0123456789ab"}')
    assert found(lake) == [("publication", nowhere.path)]
    lake.store.delete([nowhere.path])
    torn = Publication(TEXTS, DAY, time, version.version)
    for data in (b"", b"{", b"[]", b'{"version": "0123456789ab"}'):
        overwrite(lake, torn.path, data)
        assert found(lake) == [("publication", torn.path)]
    overwrite(lake, torn.path, json.dumps({"version": version.version}).encode())
    assert found(lake) == []  # as it was before the SHA-1 was recorded
    path = f"{version.path}/{METADATA_FILE}"
    checks = json.loads(lake.store.get(path))["checks"]
    change_json(lake, path, checks=[check | {"passed": False} for check in checks])
    assert ("publication", torn.path) in found(lake)


def test_snapshots_that_do_not_resolve_are_found(lake: Lake) -> None:
    put_chain(lake, "one")
    lake.create_snapshot("named")
    path = "snapshots/named.json"
    whole = lake.store.get(path)
    for data in (b"{", b'{"snapshot_version": 99}', whole.replace(b'"named"', b'"other"')):
        overwrite(lake, path, data)
        assert found(lake) == [("snapshot", path)]
    change_json(lake, path, name="named", versions={"raw": {"2026-03-01": "0123456789ab"}})
    assert found(lake) == [("snapshot", path)]
    assert found(lake, stage=TEXTS) == []


def test_leftovers_are_a_problem_only_when_nobody_is_at_work(lake: Lake) -> None:
    put_chain(lake, "one")
    lake.store.put_new(f"{ORPHAN}/html-documents.jsonl", b"{}")
    assert found(lake) == [("(leftover)", ORPHAN)]
    assert found(lake, leftover_age=timedelta(0)) == [("leftover", ORPHAN)]


def test_temporary_files_are_a_note(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    folder = put_chain(lake, "one")[TEXTS].path
    (Path(lake.uri) / folder / "html-documents.parquet#1").write_bytes(b"half")
    assert found(lake, stage=TEXTS) == [("(temporary)", f"{folder}/html-documents.parquet#1")]
    assert found(lake, stage="raw") == []


def test_strays_are_found(lake: Lake) -> None:
    put_chain(lake, "one")
    strays = [
        "notes.txt",
        "raw/2026-03-01/notes.txt",
        "raw/2026-02-31/0123456789ab/x",
        "snapshots/2026-03-01/0123456789ab/x",
    ]
    for path in strays:
        lake.store.put_new(path, b"mine")
    assert found(lake) == sorted(("stray", path) for path in strays)
    assert found(lake, stage=TEXTS) == []


def test_a_part_of_the_lake(lake: Lake) -> None:
    first, second = put_chain(lake, "one"), put_chain(lake, "two", day=DAY + timedelta(days=1))
    for version in (first["raw"], second[TEXTS]):
        lake.store.delete([f"{version.path}/sample.jsonl"])
    damaged = [("file-missing", f"{version.path}/sample.jsonl") for version in (first["raw"], second[TEXTS])]
    assert found(lake) == sorted(damaged, key=lambda one: one[1])
    assert found(lake, stage="raw") == damaged[:1]
    assert found(lake, start=DAY, end=DAY) == damaged[:1]
    assert found(lake, start="2026-03-02") == damaged[1:]
    assert verify(lake, PAGES, DAY, DAY).versions == 1
    assert verify(lake, PAGES, DAY).versions == verify(lake, PAGES, end="2026-03-02").versions == 2
    with pytest.raises(LakeError, match="has no version of annotated"):
        verify(lake, "annotated")
    with pytest.raises(LakeError, match="exchange them"):
        verify(lake, start="2026-03-02", end="2026-03-01")
    with pytest.raises(LakeError, match="is no stage"):
        verify(lake, "../raw")


def test_a_file_that_cannot_be_read_is_one_finding(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = put_chain(lake, "one")
    refused = {f"{versions[TEXTS].path}/html-documents.parquet", f"{versions['raw'].path}/metadata.json"}
    refused.add(lake.history("raw", DAY)[0].path)
    damaged = f"{versions[PAGES].path}/html-documents.parquet"
    overwrite(lake, damaged, _flip(lake.store.get(damaged)))
    stream, find = lake.store.stream, lake.store.find

    def refuse(do: Callable[[str], Any], path: str) -> Any:
        if path in refused:
            raise StoreError(f"cannot read {lake.store.uri(path)}: the server answers 500; run again later")
        return do(path)

    with monkeypatch.context() as patched:
        patched.setattr(lake.store, "stream", lambda path: refuse(stream, path))
        patched.setattr(lake.store, "find", lambda path: refuse(find, path))
        kinds = found(lake, journal=tmp_path / "journal.jsonl")
    assert set(kinds) == {("file-damaged", damaged), *(("unreadable", path) for path in refused)}
    assert found(lake) == [("file-damaged", damaged)]


def test_hostile_names_in_metadata_lead_nowhere(lake: Lake) -> None:
    path = f"{put_chain(lake, 'one')[TEXTS].path}/{METADATA_FILE}"
    files = json.loads(lake.store.get(path))["files"]
    for name in ("../../../../secret", "/etc/passwd", "a\nb\x1b[31m", "x" * 300):
        change_json(lake, path, files=[*files, {"path": name, "bytes": 3, "sha1": "0" * 40}])
        kinds = [kind for kind, _ in found(lake)]
        assert "file-missing" in kinds


class _StopError(Exception):
    pass


def _stop_after(count: int) -> Callable[[Progress], None]:
    def show(progress: Progress) -> None:
        if progress.checked_files >= count:
            raise _StopError

    return show


def test_a_stopped_verification_goes_on(lake: Lake, tmp_path: Path) -> None:
    for number in range(6):
        put_chain(lake, f"page {number}", day=date(2026, 3, 1 + number))
    damaged = f"{lake.versions('raw', DAY)[DAY]}"
    file = f"raw/{DAY}/{damaged}/html-documents.jsonl"
    overwrite(lake, file, _flip(lake.store.get(file)))
    journal = tmp_path / "journal.jsonl"
    with pytest.raises(_StopError):
        verify(lake, journal=journal, on_progress=_stop_after(5))
    with journal.open("ab") as torn:
        torn.write(b'{"path": "raw/2026')
    seen: list[Progress] = []
    report = verify(lake, journal=journal, on_progress=seen.append)
    assert 5 <= seen[0].before == seen[0].checked_files < seen[0].files == 36
    assert seen[-1].checked_files == 36
    assert seen[-1].checked_bytes == seen[-1].bytes
    assert [finding.kind for finding in report.findings] == ["file-damaged"]
    assert not journal.exists()
    verify(lake, journal=journal, on_progress=seen.append)
    assert (seen[-1].before, journal.exists()) == (0, False)


def test_what_changed_since_is_read_again(tmp_path: Path) -> None:
    lake, journal = Lake(str(tmp_path / "lake")), tmp_path / "journal.jsonl"
    file = f"{put_chain(lake, 'one')[TEXTS].path}/html-documents.parquet"

    def stop(progress: Progress) -> None:
        if progress.checked_files == progress.files:
            raise _StopError

    with pytest.raises(_StopError):
        verify(lake, journal=journal, on_progress=stop)
    overwrite(lake, file, _flip(lake.store.get(file)))
    seen: list[Progress] = []
    assert found(lake, journal=journal, on_progress=seen.append) == [("file-damaged", file)]
    assert seen[0].before == seen[0].files - 1


@pytest.mark.parametrize("text", ["something of mine\n", '{"journal_version": 1, "lake": "elsewhere"}\n'])
def test_a_journal_of_something_else_is_left_alone(tmp_path: Path, text: str) -> None:
    lake, journal = Lake(str(tmp_path / "lake")), tmp_path / "mine.txt"
    put_chain(lake, "one")
    journal.write_text(text)
    with pytest.raises(LakeError, match="is no journal of a verification of"):
        verify(lake, journal=journal)
    assert journal.read_text() == text


def test_a_torn_first_line_is_no_obstacle(tmp_path: Path) -> None:
    lake, journal = Lake(str(tmp_path / "lake")), tmp_path / "journal.jsonl"
    put_chain(lake, "one")
    for torn in ("", '{"journal_ver'):
        journal.write_text(torn)
        assert found(lake, journal=journal) == []


def test_every_lake_has_a_journal_of_its_own() -> None:
    assert default_journal("data/lake") != default_journal("s3://bucket/lake")
    assert default_journal("data/lake").parent.name == "html-classification"


KILLED = """
import os, signal, sys
from pathlib import Path
from html_classification.lake import Lake
from html_classification.lake.upkeep.verify import verify
def show(progress):
    if progress.checked_files >= 4:
        os.kill(os.getpid(), signal.SIGKILL)
verify(Lake(sys.argv[1]), journal=Path(sys.argv[2]), on_progress=show)
"""


def test_a_killed_verification_goes_on(tmp_path: Path) -> None:
    lake, journal = Lake(str(tmp_path / "lake")), tmp_path / "journal.jsonl"
    for number in range(4):
        put_chain(lake, f"page {number}", day=date(2026, 3, 1 + number))
    killed = subprocess.run([sys.executable, "-c", KILLED, lake.uri, str(journal)], check=False, env=os.environ.copy())
    assert killed.returncode == -signal.SIGKILL
    seen: list[Progress] = []
    assert verify(lake, journal=journal, on_progress=seen.append).findings == []
    assert 4 <= seen[0].before < seen[0].files
