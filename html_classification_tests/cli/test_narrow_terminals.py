"""Tables on terminals of any width: what a person copies from them is whole.

Belongs here: how tables are laid out. Does not belong here: what is in them (the other modules of this folder).
"""

from pathlib import Path

import pytest

from html_classification.cli.output import out, print_table
from html_classification.lake import Lake
from html_classification_tests.cli.command import LakeCommand, in_process
from html_classification_tests.lake.builds import DAY, PAGES, pages, put

WIDTHS = [40, 60, 80, 120]
ROW = {"stage": "preprocess/text-normalization/v1", "date": "2026-03-01", "version": "0123456789ab"}


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> LakeCommand:
    return in_process("lake", monkeypatch, capsys)


@pytest.mark.parametrize("width", WIDTHS)
def test_stage_date_and_version_are_whole(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(out, "file", None)
    monkeypatch.setattr(out, "width", width)
    figures = {"published_at": "2026-03-02T10:15:00", "rows": 123456, "rejected_rows": 0, "bytes": 1234567890}
    row = {"": "goes", **ROW, **figures, "reason": "not current since then, and for no other reason"}
    print_table(list(row), [row, row | {"rows": "gone"}])
    said = capsys.readouterr().out
    words = said.replace(",", " ").split()
    for value in [*ROW.values(), "2026-03-02T10:15:00", "1234567890", "goes"]:
        assert words.count(value) == 2
    assert words.count("123456") == words.count("gone") == 1
    assert " ".join(ROW.values()) in " ".join(words)
    longest = len(" ".join(ROW.values()))
    assert max(map(len, said.splitlines())) <= max(width, longest)


@pytest.mark.parametrize("width", WIDTHS)
def test_what_the_commands_list_can_be_copied(
    width: int, call: LakeCommand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lake = Lake(str(tmp_path / "lake"))
    monkeypatch.setenv("HTML_CLASSIFICATION_LAKE", lake.uri)
    monkeypatch.setattr(out, "width", width)
    one, other = (put(lake, pages(a=text)).metadata.version for text in "12")
    lake.create_snapshot("a-rather-long-name-for-a-snapshot")
    asked = {
        ("ls",): [PAGES, str(DAY), other],
        ("ls", "--summary"): [PAGES, str(DAY)],
        ("history", PAGES, str(DAY)): [one, other, "run-1"],
        ("snapshot", "ls"): ["a-rather-long-name-for-a-snapshot"],
        ("snapshot", "show", "a-rather-long-name-for-a-snapshot"): [PAGES, str(DAY)],
        ("diff", PAGES, str(DAY)): [PAGES, str(DAY), one, other],
    }
    for arguments, values in asked.items():
        said = call(*arguments).out.replace(",", " ").split()
        assert set(values) <= set(said), arguments


def test_figures_are_right_aligned_wherever_the_first_one_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(out, "file", None)
    monkeypatch.setattr(out, "width", 80)
    print_table(["stage", "rows"], [{"stage": "a", "rows": "gone"}, {"stage": "b", "rows": 7}])
    assert capsys.readouterr().out.splitlines()[-1] == "b         7"
