"""`models ls` and `models rollback`: what people read, what programs read."""

import json

import pytest

from html_classification.cli import models_rollback  # noqa: F401  (adds its command)
from html_classification.training.champions import Decision, settle
from html_classification.training.registry import register
from html_classification_tests.cli.command import LakeCommand, in_process
from html_classification_tests.pages import Project
from html_classification_tests.training.models_in_mlflow import day, new_database, record


@pytest.fixture
def uri(project: Project, monkeypatch: pytest.MonkeyPatch) -> str:
    """Three versions: champions on the first two days, the last one refused."""
    made = new_database(project.root)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", made)
    decisions = [
        Decision(True, "there is no champion yet, and it is better than always 'a': macro-F1 0.9"),
        Decision(True, "better than version 1"),
        Decision(False, "refused: 2 of its 30 test rows are train rows too", refused=True),
    ]
    for number, decision in enumerate(decisions, 1):
        version = register(made, record(made, f"{number:012d}", day(number)))
        assert settle(made, version, decision, against=min(number - 1, 2) or None)
    return made


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> LakeCommand:
    return in_process("models", monkeypatch, capsys)


@pytest.mark.usefixtures("uri")
def test_models_ls_says_why_each_is_champion_or_not(models: LakeCommand) -> None:
    assert models("rollback", "--reason", "odd\nanswers").lines == [
        "version 2 was the champion, version 1 is the champion now"
    ]
    table = models("ls")
    assert table.err == ""
    title, third, second, first = table.lines
    assert title.split()[-2:] == ["f1", "decision"]
    assert third.split()[:3] == ["3", "2026-03-03", "v2"]
    assert third.split()[4:8] == ["70", "30", "0.900", "0.800"]
    assert third.rstrip().endswith("refused: 2 of its 30 test rows are train rows too")
    assert "went back to version 1 on 20" in second
    assert second.isprintable()
    assert first.split()[:2] == ["1", "champion"]
    assert first.rstrip().endswith("better than always 'a'")
    listed = json.loads(models("ls", "--json").out)
    assert [(one["version"], one["refused"], one["rolled_back"] is None) for one in listed] == [
        (3, True, True),
        (2, False, False),
        (1, False, True),
    ]
    agreed = ["name", "version", "aliases", "date", "text_version", "algorithm", "snapshot", "mlflow_run_id", "rows"]
    assert list(listed[0])[:10] == [*agreed, "metrics"]


@pytest.mark.usefixtures("uri")
def test_models_rollback_says_what_it_did_or_why_not(models: LakeCommand) -> None:
    assert models("rollback", "2").lines == ["version 2 is the champion already; nothing was changed"]
    assert models("rollback", "1").lines == ["version 2 was the champion, version 1 is the champion now"]
    refused = models("rollback", "3")
    assert (refused.code, refused.error.split(":")[0]) == (1, "version 3 was refused, so that it cannot be champion")
    assert models("rollback").error.startswith("no champion before version 1 is known: name one")
    assert models("rollback", "7").error == "there is no model version 7: see 'html-classification models ls'"
    assert models("rollback", "0").code == 2


@pytest.mark.usefixtures("project")
def test_without_models_there_is_nothing_to_go_back_to(models: LakeCommand) -> None:
    assert models("ls").lines == ["no models registered yet: run the training group first"]
    assert models("rollback").error.startswith("there is no champion: see 'html-classification models ls'")
