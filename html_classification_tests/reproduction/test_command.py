"""`lake reproduce` as people and scripts run it.

Belongs here: what it prints, its exit status, what it leaves behind. Does not belong here: what is rebuilt, and how it
is compared (the other modules of this folder).
"""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from html_classification.assets import gold
from html_classification.lake import Lake
from html_classification_tests.cli.command import LakeCommand, in_process
from html_classification_tests.pages import FIRST_DAY, Project
from html_classification_tests.reproduction.rebuilds import HTML_PARSING, change, contents, current


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[LakeCommand]:
    """A `lake` command, run in this process; it leaves no temporary files."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    yield in_process("lake", monkeypatch, capsys)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_the_command_says_what_is_the_same(
    three_days: Project, ask: LakeCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTML_CLASSIFICATION_LAKE", three_days.lake_uri)
    answer = ask("reproduce", "release-1")
    assert (answer.code, answer.err) == (0, "")
    assert "release-1: 24 of 24 versions the same" in answer.lines
    assert re.search("annotated +3 +0 +0 +0 +0\n", answer.out)
    version = current(three_days.lake, "annotated", FIRST_DAY)
    words = ["annotated", str(FIRST_DAY), version.version]
    rows = json.loads(ask("reproduce", *words, "--json").out)
    assert rows[-1] == {
        "stage": "annotated",
        "date": "2026-03-01",
        "version": version.version,
        "target": True,
        "status": "same",
        "reason": "",
        "files": [],
    }
    assert [row["target"] for row in rows].count(True) == 1
    kept = ask("reproduce", *words, "--scratch", f"{tmp_path}/kept")
    assert f"the rebuilt lake is in {tmp_path}/kept/lake" in kept.lines
    assert Lake(str(tmp_path / "kept" / "lake")).read("annotated", FIRST_DAY).height == 12


def test_the_command_fails_where_a_version_differs(
    lake: Lake, ask: LakeCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTML_CLASSIFICATION_LAKE", lake.uri)
    change(monkeypatch, HTML_PARSING, code_version="x")
    answer = ask("reproduce", "release-1")
    assert answer.code == 1
    (differs,) = [line for line in answer.lines if line.startswith("differs: ")]
    assert "and 2 more: this release computes it otherwise: code_version x, was " in differs
    assert "not tried: " in answer.out
    # raw and url-normalization of three days; the label file is there, but its pages are not the same
    assert "release-1: 6 of 24 versions the same" in answer.lines
    raw = current(lake, "raw", FIRST_DAY)
    assert ask("reproduce", "raw", str(FIRST_DAY), raw.version).code == 0


def test_stopping_it_leaves_nothing_behind(
    three_days: Project, ask: LakeCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_: Any, **__: Any) -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setenv("HTML_CLASSIFICATION_LAKE", three_days.lake_uri)
    monkeypatch.setattr(gold, "annotate", ended)
    before, handler = contents(three_days.root), signal.getsignal(signal.SIGTERM)
    assert ask("reproduce", "release-1").code == 130
    assert contents(three_days.root) == before
    assert signal.getsignal(signal.SIGTERM) is handler


def test_a_version_may_be_named_as_elsewhere(
    three_days: Project, ask: LakeCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTML_CLASSIFICATION_LAKE", three_days.lake_uri)
    version = current(three_days.lake, "raw", FIRST_DAY).version
    for name in (version[:4], "current"):
        (row,) = json.loads(ask("reproduce", "raw", str(FIRST_DAY), name, "--json").out)
        assert (row["version"], row["status"]) == (version, "same")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["release-9"], "no snapshot release-9 in"),
        (["../../x"], "is no name for a snapshot"),
        (["a\x1b[2Jb"], "is no name for a snapshot"),
        (["raw", "2026-03-01"], "give the name of a snapshot, or stage, date and version, not 2 words"),
        (["raw", "2026-02-30", "0123456789ab"], "'2026-02-30' is no date"),
        (["../raw", "2026-03-01", "0123456789ab"], "is no stage"),
        (["raw", "2026-03-01", "../x"], "is no version"),
        (["raw", "2026-03-01", "0123456789ab"], "raw 2026-03-01 has no version 0123456789ab"),
        (["raw", "2026-03-01", "previous"], "there is no previous one"),
        (["raw", "2026-03-01", "0000"], "has no version 0000…"),
        (["training-set-2026-02-30-0123456789ab"], "'2026-02-30' is no date"),
    ],
)
def test_odd_arguments_are_one_line(
    three_days: Project, ask: LakeCommand, words: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTML_CLASSIFICATION_LAKE", three_days.lake_uri)
    before = contents(three_days.root)
    assert message in ask("reproduce", *words).error
    assert contents(three_days.root) == before
