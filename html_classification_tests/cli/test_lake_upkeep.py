"""`lake verify` and `lake gc` as people and scripts run them, on a folder and on a real S3 server."""

import json
import re
import signal
from datetime import timedelta
from pathlib import Path

import pytest

from html_classification.labeling.answers import Answer
from html_classification.labeling.imports import import_answers
from html_classification.lake import Lake
from html_classification.lake.building import KEEP_DAYS
from html_classification.lake.paths import LABEL_STORE
from html_classification.lake.upkeep.journal import Journal, default_journal
from html_classification_tests.cli.command import LakeCommand, call_on_a_terminal, in_process
from html_classification_tests.lake.builds import DAY, TIME
from html_classification_tests.lake.upkeep.chain import PAGES, TEXTS, contents, interrupt, overwrite, put_chain

FINDING = ["uri", "kind", "problem", "advice", "severity"]
DECISION = ["stage", "date", "version", "goes", "why", "reason", "bytes", "removed", "uri"]


@pytest.fixture(params=["folder", "s3"])
def lake(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    uri = str(tmp_path / "lake") if request.param == "folder" else request.getfixturevalue("bucket") + "/lake"
    monkeypatch.setenv("HTML_CLASSIFICATION_LAKE", uri)
    monkeypatch.chdir(tmp_path)
    return Lake(uri)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setenv("HTML_CLASSIFICATION_LAKE", str(tmp_path / "lake"))
    monkeypatch.chdir(tmp_path)
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def ask(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> LakeCommand:
    """A `lake` command, run in this process."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return in_process("lake", monkeypatch, capsys)


def damage(lake: Lake) -> str:
    """A file of the lake that is damaged then."""
    version = lake.dataset(TEXTS, DAY)
    overwrite(lake, f"{version.path}/sample.jsonl", b"other")
    return f"{version.uri}/sample.jsonl"


def test_a_whole_lake_is_said_to_be_well_in_one_line(lake: Lake, ask: LakeCommand) -> None:
    put_chain(lake, "one")
    answer = ask("verify")
    assert (answer.code, answer.err) == (0, "")
    assert re.fullmatch(r"all is well: 3 versions, 9 files, .* (kB|bytes) in \S+", *answer.lines)
    for arguments in (("--json",), ("raw", "--json"), (PAGES.replace("-", "_"), "--from", str(DAY), "--json")):
        answer = ask("verify", *arguments)
        assert (answer.code, json.loads(answer.out), answer.err) == (0, [], "")


def test_what_is_wrong_is_listed_with_exit_status_1(lake: Lake, ask: LakeCommand) -> None:
    put_chain(lake, "one")
    path = damage(lake)
    answer = ask("verify")
    assert (answer.code, answer.err) == (1, "")
    finding, summary = answer.lines
    assert finding.startswith(f"problem: file-damaged: {path}: it has ")
    assert summary.startswith("1 problem in 3 versions, 9 files, ")
    answer = ask("verify", "--json")
    (row,) = json.loads(answer.out)
    assert answer.code == 1
    assert (list(row), row["uri"], row["kind"]) == (FINDING, path, "file-damaged")
    assert ask("verify", "raw").code == 0


def test_the_label_store_is_looked_at_where_all_is(lake: Lake, ask: LakeCommand) -> None:
    said = Answer(content_sha1="0" * 40, annotator="person:ann", category="sports", labelled_at=TIME, answer="{}")
    lake.mark()
    import_answers(lake.store, [said], [])
    answer = ask("verify")
    assert (answer.code, answer.err) == (0, "")
    assert re.fullmatch(r"all is well: 0 versions, 1 file, .* bytes in \S+", *answer.lines)
    put_chain(lake, "one")
    (path,) = [item.path for item in lake.store.list(LABEL_STORE)]
    overwrite(lake, path, b"")
    damage(lake)
    answer = ask("verify")
    assert answer.code == 1
    assert [line.split(": ")[1] for line in answer.lines[:-1]] == ["label-store", "file-damaged"]
    assert answer.lines[0] == f"problem: label-store: {lake.store.uri(path)}: is empty; put it back from a copy"
    assert answer.lines[2].startswith("2 problems in 3 versions, 10 files, ")
    for arguments in (("raw",), ("--from", str(DAY)), ("--to", str(DAY))):
        assert "problem: label-store" not in ask("verify", *arguments).out


def test_notes_are_told_and_are_no_failure(lake: Lake, ask: LakeCommand) -> None:
    put_chain(lake, "one")
    lake.store.put_new(f"raw/{DAY}/0123456789ab/html-documents.jsonl", b"{}")
    answer = ask("verify")
    assert answer.code == 0
    assert answer.lines[0].startswith("note: leftover: ")
    assert answer.lines[1].startswith("all is well")
    assert ask("verify", "--leftover-hours", "0").code == 1


def test_ctrl_c_is_one_line_and_the_next_one_goes_on(
    lake: Lake, ask: LakeCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_chain(lake, "one")
    path, record = damage(lake), Journal.record

    def and_stop(self: Journal, *arguments: object) -> None:
        record(self, *arguments)  # type: ignore[arg-type]
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "record", and_stop)
        stopped = ask("verify")
    assert (stopped.code, stopped.out) == (130, "")
    assert "the same command goes on from there" in stopped.error
    assert default_journal(lake.uri).is_file()
    answer = ask("verify")
    assert answer.err.splitlines() == ["going on: 1 of 5 files were checked before"]
    assert path in answer.out
    assert not default_journal(lake.uri).exists()


def test_restart_begins_anew(folder: Lake, ask: LakeCommand, tmp_path: Path) -> None:
    put_chain(folder, "one")
    journal = tmp_path / "journal.jsonl"
    with pytest.raises(ZeroDivisionError), Journal(journal, folder.uri) as kept:
        for item in folder.store.list():
            kept.record(item, "0" * 40)
        raise ZeroDivisionError
    copy = journal.read_bytes()
    assert ask("verify", "--journal", str(journal)).code == 1
    assert not journal.exists()
    journal.write_bytes(copy)
    assert ask("verify", "--journal", str(journal), "--restart").err == ""
    journal.write_text("mine")
    for arguments in ((), ("--restart",)):
        answer = ask("verify", "--journal", str(journal), *arguments)
        assert (answer.code, answer.out) == (1, "")
        assert "is no journal" in answer.error
    assert journal.read_text() == "mine"
    assert "cannot keep what is checked" in ask("verify", "--journal", str(tmp_path)).error


def test_a_terminal_gets_a_bar(folder: Lake, ask: LakeCommand, tmp_path: Path) -> None:
    put_chain(folder, "one")
    code, received = call_on_a_terminal(tmp_path, "lake", "verify")
    assert code == 0
    assert "━" in received
    assert "all is well" in received


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("verify", "../x"), "is no stage"),
        (("verify", "a\nb\x1b[31m"), "is no stage"),
        (("verify", "annotated"), "has no version of annotated"),
        (("verify", "--from", "2026-02-30"), "--from"),
        (("verify", "--from", "2026-03-02", "--to", "2026-03-01"), "exchange them"),
        (("verify", TEXTS, "--from", "2026-03-02"), "nothing to verify there and then in "),
        (("verify", "--leftover-hours", "-1"), "--leftover-hours"),
        (("verify", "--leftover-hours", "1e300"), "--leftover-hours"),
        (("gc", "--keep-days", "-1"), "--keep-days"),
        (("gc", "--keep-days", "9" * 30), "--keep-days"),
        (("gc", "--grace-hours", "1e300"), "--grace-hours"),
        (("gc", "--grace-hours", "nan"), "--grace-hours"),
    ],
)
def test_what_cannot_be_is_one_line(folder: Lake, ask: LakeCommand, arguments: tuple[str, ...], said: str) -> None:
    put_chain(folder, "one")
    before = contents(folder)
    answer = ask(*arguments)
    assert (answer.code > 0, answer.out) == (True, "")
    assert said in answer.error
    assert contents(folder) == before


def test_an_empty_lake_is_left_empty(folder: Lake, ask: LakeCommand, tmp_path: Path) -> None:
    assert ask("gc", "--delete").code == 0
    assert json.loads(ask("gc", "--json").out) == []
    assert not Path(folder.uri).exists()


def test_a_lake_in_which_nothing_is_found_is_no_success(folder: Lake, ask: LakeCommand) -> None:
    for arguments in ((), ("--from", "2026-03-01"), ("--json",)):
        answer = ask("verify", *arguments)
        assert (answer.code, answer.out) == (1, "")
        assert f"nothing to verify there and then in {folder.uri}" in answer.error


def test_from_a_day_on_is_to_the_last_one(folder: Lake, ask: LakeCommand) -> None:
    put_chain(folder, "one")
    put_chain(folder, "two", day=DAY + timedelta(days=1))
    for arguments in (("--from", str(DAY)), ("--to", "2026-03-02"), ("--from", str(DAY), "--to", "2026-03-02")):
        assert ask("verify", *arguments).lines[-1].startswith("all is well: 6 versions")
    assert ask("verify", "--from", "2026-03-02").lines[-1].startswith("all is well: 3 versions")


def test_a_part_has_a_journal_of_its_own(
    folder: Lake, ask: LakeCommand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put_chain(folder, "one")
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "record", lambda *_: signal.raise_signal(signal.SIGINT))
        assert ask("verify").code == 130
    kept = default_journal(folder.uri).read_bytes()
    for arguments in (("raw",), ("--from", str(DAY))):
        assert (ask("verify", *arguments).code, default_journal(folder.uri).read_bytes()) == (0, kept)
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(kept)
    answer = ask("verify", "raw", "--journal", str(journal))
    assert (answer.code, journal.read_bytes()) == (1, kept)
    assert "is no journal of a verification of" in answer.error


def test_gc_tells_what_it_puts_back(folder: Lake, ask: LakeCommand) -> None:
    version = put_chain(folder, "one")[TEXTS]
    interrupt(folder, version)
    shown = ask("gc")
    assert f"is put back: {version}: its removal was interrupted" in shown.lines[0]
    assert shown.lines[-1].startswith("1 version would be put back; ")
    assert f"put back: {version}" in ask("gc", "--delete").lines
    assert ask("verify").code == 0


def test_gc_shows_and_does_nothing_unless_told_to(lake: Lake, ask: LakeCommand) -> None:
    old, new = put_chain(lake, "one"), put_chain(lake, "two")
    before = contents(lake)
    kept = ask("gc", "--delete")
    assert kept.code == 0
    assert "stay: 3 current, 3 current within the history window" in kept.lines
    assert kept.lines[-1] == "removed 0 items, 0 bytes freed"
    answer = ask("gc", "--keep-days", "0")
    assert (answer.code, answer.err) == (0, "")
    assert [line.split()[:4] for line in answer.lines[1:3]] == [
        ["goes", stage, str(DAY), old[stage].version] for stage in (TEXTS, PAGES)
    ]
    assert all("not current since 20" in line for line in answer.lines[1:3])
    assert answer.lines[3] == "stay: 3 current, 1 that never go"
    assert re.match(r"2 items would go and free .*: 'html-classification lake gc --delete'", answer.lines[4])
    assert contents(lake) == before
    shown = ask("gc", "--keep-days", "0", "--all")
    assert len([line for line in shown.lines if line.startswith("stays ")]) == 4
    rows = json.loads(ask("gc", "--keep-days", "0", "--json").out)
    assert all(list(row) == DECISION for row in rows)
    assert {row["version"] for row in rows if row["goes"]} == {old[PAGES].version, old[TEXTS].version}
    assert contents(lake) == before
    removed = ask("gc", "--keep-days", "0", "--delete")
    assert re.fullmatch(r"removed 2 items, .* freed", removed.lines[-1])
    assert lake.store.list(old[TEXTS].path)[0].name == "removed.json"
    assert lake.dataset(TEXTS, DAY).metadata.version == new[TEXTS].version
    assert ask("verify").code == 0
    assert ask("gc", "--keep-days", "0").lines[-1] == "nothing to remove"


def test_gc_as_json_tells_what_was_removed(lake: Lake, ask: LakeCommand) -> None:
    old = put_chain(lake, "one")
    put_chain(lake, "two")
    answer = ask("gc", "--keep-days", "0", "--delete", "--json")
    rows = json.loads(answer.out)
    assert (answer.code, answer.err) == (0, "")
    assert {row["version"] for row in rows if row["removed"]} == {old[PAGES].version, old[TEXTS].version}
    assert {row["uri"] for row in rows if row["stage"] == TEXTS} == {
        lake.store.uri(version.path) for version in (old[TEXTS], lake.history(TEXTS, DAY)[-1].id)
    }


def test_gc_that_is_not_sure_is_one_line(lake: Lake, ask: LakeCommand) -> None:
    put_chain(lake, "one")
    overwrite(lake, f"{put_chain(lake, 'two')[TEXTS].path}/metadata.json", b"{")
    for arguments in ((), ("--delete",), ("--json",)):
        answer = ask("gc", "--keep-days", "0", *arguments)
        assert (answer.code, answer.out) == (1, "")
        assert answer.error.startswith("nothing is removed")
        assert "lake verify" in answer.error


def test_help_tells_the_usual_window(ask: LakeCommand) -> None:
    told = ask("gc", "--help")
    assert told.code == 0
    assert f"Default: {KEEP_DAYS}." in " ".join(told.out.replace("│", " ").split())
