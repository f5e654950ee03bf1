"""`models export`: a registered model as files, to take elsewhere.

Belongs here: the command, finding the version, writing a folder that is complete or not there. Does not belong here:
what is in a packaged model (`training.packaging`), ONNX (`training.onnx_export`).
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from rich.text import Text

from html_classification.cli.apps import models_app
from html_classification.cli.output import fail, out

_VERSION = typer.Argument(metavar="VERSION", help="Number of a model version, or champion or challenger.")
_FOLDER = typer.Argument(metavar="FOLDER", help="Where to: a new folder.")


@models_app.command("export")
def models_export(
    version: Annotated[str, _VERSION],
    folder: Annotated[Path, _FOLDER],
    onnx: Annotated[
        bool, typer.Option("--onnx", help="Only the classifier, as model.onnx with its labels.json: fields in.")
    ] = False,
) -> None:
    """Write a registered model to a new folder, from which mlflow.pyfunc.load_model takes it."""
    from html_classification.settings import load_settings

    uri = load_settings().mlflow_tracking_uri
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        fail(f"{folder} exists already: name a new folder")
    entry = _find(uri, version)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
            made = _download(uri, entry["mlflow_run_id"], Path(scratch))
            if onnx:
                made = _as_onnx(made, Path(scratch) / "onnx")
            made.replace(folder)
    except OSError as error:
        fail(f"cannot write {folder}: {error.strerror or error}; name a folder that can be written")
    what = "classifier as an ONNX graph" if onnx else "model"
    out.print(Text(f"version {entry['version']}: {what} written to {folder}"), soft_wrap=True)


def _find(uri: str, version: str) -> dict[str, Any]:
    """The entry of a version in `models ls`, by its number or alias."""
    from html_classification.training.registry import list_models

    models = list_models(uri)
    if not models:
        fail("no models registered yet: run the training group first")
    for entry in models:
        if version in (str(entry["version"]), *entry["aliases"]):
            return entry
    aliases = sorted(alias for entry in models for alias in entry["aliases"])
    numbers = sorted(entry["version"] for entry in models)
    known = ", ".join([*aliases, f"{numbers[0]} to {numbers[-1]}"])
    fail(f"no model version {version}: there are {known}; see `html-classification models ls`")


def _download(uri: str, run_id: str, scratch: Path) -> Path:
    """The files of the model that a run stored."""
    from html_classification.training.tracking import tracked_model

    model = tracked_model(uri, run_id)
    from mlflow import artifacts

    (scratch / "model").mkdir()
    path = artifacts.download_artifacts(artifact_uri=model.uri, dst_path=str(scratch / "model"), tracking_uri=uri)
    return Path(path)


def _as_onnx(packaged: Path, folder: Path) -> Path:
    from html_classification.training.onnx_export import export
    from html_classification.training.packaging import load_pipeline

    classifier = load_pipeline(packaged)
    folder.mkdir()
    (folder / "model.onnx").write_bytes(export(classifier))
    labels = json.dumps(classifier.classes, indent=2, ensure_ascii=False) + "\n"
    (folder / "labels.json").write_text(labels, encoding="utf-8")
    return folder
