"""`models export`: a registered model as a folder, or as an ONNX graph."""

import json
from functools import partial
from pathlib import Path

import pytest

from html_classification.cli import models_export  # noqa: F401  (adds its command)
from html_classification.inference.stored import load_model
from html_classification.training.champions import Decision, settle
from html_classification.training.packaging import package
from html_classification.training.registry import register
from html_classification_tests.cli.command import LakeCommand, in_process
from html_classification_tests.inference.material import invented_documents, trained
from html_classification_tests.pages import Project
from html_classification_tests.training.models_in_mlflow import new_database, record

SOUP = "<title>Soup</title><p>onion butter simmer oven recipe"


@pytest.fixture
def models(project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> LakeCommand:
    """The commands on two registered versions, of which the first is champion."""
    uri = new_database(project.root)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    for number, text_version in enumerate(("v1", "v2"), 1):
        classifier = trained(invented_documents(6), text_version)
        run_id = record(uri, f"{number:012d}", write=partial(package, classifier=classifier, text_version=text_version))
        assert register(uri, run_id) == number
    settle(uri, 1, Decision(True, "the first"), against=None)
    return in_process("models", monkeypatch, capsys)


def test_a_version_is_written_as_a_folder_that_predicts(models: LakeCommand, project: Project) -> None:
    assert models("export", "2", "here/model").lines == ["version 2: model written to here/model"]
    folder = project.root / "here" / "model"
    assert load_model(folder).text_version.name == "v2"
    assert load_model(folder).predict(SOUP)["category"].to_list() == ["cooking"]
    assert (folder / "MLmodel").exists()
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_an_alias_names_a_version(models: LakeCommand, project: Project) -> None:
    (project.root / "empty").mkdir()
    assert models("export", "champion", "empty").lines == ["version 1: model written to empty"]
    assert load_model(project.root / "empty").text_version.name == "v1"


def test_the_classifier_is_written_as_onnx_with_its_labels(models: LakeCommand, project: Project) -> None:
    import onnxruntime

    assert models("export", "1", "graph", "--onnx").lines == ["version 1: classifier as an ONNX graph written to graph"]
    folder = project.root / "graph"
    assert sorted(path.name for path in folder.iterdir()) == ["labels.json", "model.onnx"]
    assert json.loads((folder / "labels.json").read_text()) == ["cooking", "finance", "sports"]
    onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])


def test_what_is_there_is_never_written_over(models: LakeCommand, project: Project) -> None:
    (project.root / "notes").mkdir()
    (project.root / "notes" / "mine.txt").write_text("mine")
    assert models("export", "1", "notes").error == "notes exists already: name a new folder"
    assert models("export", "1", "notes/mine.txt").error == "notes/mine.txt exists already: name a new folder"
    assert [path.name for path in (project.root / "notes").iterdir()] == ["mine.txt"]


def test_an_unknown_version_is_named_with_those_that_there_are(models: LakeCommand) -> None:
    advice = "there are champion, 1 to 2; see `html-classification models ls`"
    assert models("export", "7", "new").error == f"no model version 7: {advice}"
    assert models("export", "challenger", "new").error == f"no model version challenger: {advice}"
    assert not Path("new").exists()


@pytest.mark.usefixtures("project")
def test_nothing_is_written_where_nothing_is_registered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(Path().iterdir())
    said = in_process("models", monkeypatch, capsys)("export", "champion", "new").error
    assert said == "no models registered yet: run the training group first"
    assert sorted(Path().iterdir()) == before
