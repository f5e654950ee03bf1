"""A model's own files in its packaged folder: the fitted pipeline, and what it must meet to predict the same.

Belongs here: their names, their form, reading them safely. Does not belong here: MLflow's files around them
(`training.packaging` writes them), predicting (`pipeline`).

The pipeline is stored by skops, which unlike pickle runs no code on loading: only types that are known are made.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from html_classification.inference.pipeline import PagePipeline
from html_classification.training.features import FIELDS
from html_classification.transforms.text.versions import TEXT_VERSIONS, TextVersion

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

#: The files, below the model's folder.
PIPELINE = "model/pipeline.skops"
DESCRIPTION = "model/model.json"
CODE = "code"

_FORMAT = 1


class ModelError(Exception):
    """A packaged model cannot be used here; one line: what is wrong, where, what to do."""


def description(text_version: TextVersion, classes: list[str]) -> dict[str, Any]:
    """What `model.json` says: what must be the same where the model predicts as where it was trained."""
    return {
        "format": _FORMAT,
        "text_version": {"name": text_version.name, "steps": text_version.steps},
        "fields": list(FIELDS),
        "classes": classes,
    }


def load_model(folder: Path) -> PagePipeline:
    """Read a model's own files.

    Args:
        folder: A packaged model's folder.

    Returns:
        The model.

    Raises:
        ModelError: If files are missing or of another form, the text version's rules are not here what they were, or
            the pipeline has types that are not known.
    """
    said = read_description(folder)
    if difference := reads_otherwise(said):
        raise ModelError(
            f"{difference}: load it in a process of its own, where its own code is used, with the versions in its "
            "requirements.txt"
        )
    return PagePipeline(read_pipeline(folder / PIPELINE), TEXT_VERSIONS[said["text_version"]["name"]])


def read_description(folder: Path) -> dict[str, Any]:
    """Read what a model says about itself, as `description` has it.

    Args:
        folder: A packaged model's folder.

    Raises:
        ModelError: If it is missing, damaged or of another form.
    """
    try:
        said = json.loads((folder / DESCRIPTION).read_bytes())
        form = said["format"]
        if form == _FORMAT:
            return {key: said[key] for key in ("text_version", "fields", "classes")}
    except FileNotFoundError as error:
        raise ModelError(f"{folder} has no {DESCRIPTION}: it is not a model of html-classification") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{folder / DESCRIPTION} cannot be read ({error}): get the model again") from error
    raise ModelError(f"{folder / DESCRIPTION} has format {form}, here it is {_FORMAT}: load it with its own code")


def reads_otherwise(said: dict[str, Any]) -> str | None:
    """Why a model would read the same page otherwise here than where it was trained.

    Args:
        said: What it says about itself, as of `read_description`.

    Returns:
        The difference in words; None where there is none.
    """
    name, steps = said["text_version"]["name"], said["text_version"]["steps"]
    here = TEXT_VERSIONS.get(name)
    if here is None:
        return f"the model was trained on text version {name}, which is not known here"
    rules = json.loads(json.dumps(here.steps))  # as JSON has them: tuples are lists
    if rules != steps:
        return (
            f"the model was trained on text version {name} with the rules {_in_words(steps)}; here they are "
            f"{_in_words(rules)}"
        )
    if said["fields"] != list(FIELDS):
        return f"the model reads the fields {', '.join(said['fields'])}, here there are {', '.join(FIELDS)}"
    return None


def read_pipeline(path: Path) -> "Pipeline":
    """Read a fitted pipeline in skops' format.

    Args:
        path: The file.

    Returns:
        The pipeline.

    Raises:
        ModelError: If the file is damaged, or has types that are not known: they could run anything.
    """
    import zlib
    from zipfile import BadZipFile

    from skops import io

    # What zipfile, zlib and skops raise of files that are cut, changed or none of skops'.
    damage = (BadZipFile, zlib.error, EOFError, OSError, KeyError, ValueError, TypeError, AttributeError)
    try:
        unknown = sorted(io.get_untrusted_types(file=path))
        if unknown:
            raise ModelError(f"{path} has types that are not trusted ({', '.join(unknown)}): it was not made here")
        return io.load(path)
    except damage as error:
        raise ModelError(f"{path} cannot be read ({error}): get the model again") from error


def _in_words(steps: list[dict[str, Any]]) -> str:
    """The rules in one line.

    >>> _in_words([{"step": "lowercase", "parameters": {}}, {"step": "lemmatize", "parameters": {"simplemma": "2"}}])
    "lowercase, lemmatize {'simplemma': '2'}"
    """
    return ", ".join(f"{step['step']} {step['parameters'] or ''}".strip() for step in steps)
