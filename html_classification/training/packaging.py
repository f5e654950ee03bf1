"""A model as a folder that MLflow loads anywhere: `mlflow.pyfunc.load_model(folder).predict(pages)`.

Belongs here: which files are in the folder, and writing them. Does not belong here: what the model does when it is used
(`inference`, which travels in the folder), MLflow's runs and stored models (`tracking`).

`mlflow.pyfunc.save_model` is not used, since it takes half a minute to find out what is required, which is known. The
folder has the code that predicts, as it was when the model was trained, and the exact versions of all that this code
imports; nothing is pickled.
"""

import ast
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED

import html_classification
from html_classification.inference.stored import CODE, DESCRIPTION, PIPELINE, ModelError, description, read_pipeline
from html_classification.training.errors import TrainingError
from html_classification.training.fitting import Classifier
from html_classification.transforms.text.versions import TEXT_VERSIONS, TextVersion

#: The module that MLflow calls. It, and all that it imports of this project, is the code in the folder.
LOADER = "html_classification.inference.model"

#: What that code imports; besides, the libraries that the rules of text versions name.
PACKAGES = (
    "mlflow-skinny",  # all of MLflow that loading and serving a model needs; MLflow itself brings 60 further packages
    "pandas",
    "polars",
    "numpy",
    "scikit-learn",
    "skops",
    "pydantic",
    "selectolax",
    "can-ada",
    "webencodings",
    "chardet",
    "orjson",
    "py3langid",
)
_OF_RULES = ("simplemma", "stopwordsiso")
_PACKAGE = "html_classification"
_ENVIRONMENT = "python_env.yaml"
_EXAMPLE = "input_example.json"
_SERVED_EXAMPLE = "serving_input_example.json"

#: A page such as the model takes, for those who look at it in MLflow; none of a crawl, which may be personal.
EXAMPLE: Sequence[Mapping[str, str]] = (
    {
        "url": "https://cooking.example/soup",
        "html": "<html lang=en><title>Onion soup</title><article><h1>Onion soup</h1><p>Simmer the onions in butter "
        "for half an hour, then add the stock.</p></article></html>",
    },
)


@dataclass(frozen=True)
class ModelIds:
    """What MLflow calls a stored model.

    Attributes:
        run_id: The run that trained it.
        model_id: MLflow's id of it.
        uri: Where its files are.
    """

    run_id: str
    model_id: str
    uri: str


def package(
    folder: Path,
    classifier: Classifier,
    text_version: str,
    *,
    model_ids: ModelIds | None = None,
    input_example: Sequence[Mapping[str, str]] = EXAMPLE,
) -> None:
    """Write a classifier as a folder that `mlflow.pyfunc.load_model` takes.

    Args:
        folder: Where to; created, and empty where it exists.
        classifier: The fitted classifier.
        text_version: Name of the text version that it learned from.
        model_ids: What MLflow calls it, if it is stored in MLflow; see also `identify`.
        input_example: One or a few pages such as the model takes: rows of `html` and `url`.

    Raises:
        TrainingError: If the folder has files already, or there is no such text version.
    """
    if folder.exists() and any(folder.iterdir()):
        raise TrainingError(f"{folder} is not empty: name a new folder for the model")
    rules = TEXT_VERSIONS.get(text_version)
    if rules is None:
        raise TrainingError(f"there is no text version {text_version}: take one of {', '.join(TEXT_VERSIONS)}")
    write_files(folder, classifier, rules, input_example)
    identify(folder, model_ids)


def write_files(
    folder: Path, classifier: Classifier, text_version: TextVersion, input_example: Sequence[Mapping[str, str]]
) -> None:
    """Write all files but `MLmodel`. MLflow is not imported, so that a worker process may do this.

    Args:
        folder: As in `package`.
        classifier: As in `package`.
        text_version: The text version that it learned from.
        input_example: As in `package`.
    """
    from skops import io

    rows = [[row.get("url"), row["html"]] for row in input_example]
    example = {"columns": ["url", "html"], "data": rows}
    files = {
        DESCRIPTION: _json(description(text_version, classifier.classes)),
        "requirements.txt": "".join(f"{line}\n" for line in requirements()),
        _ENVIRONMENT: f"python: {platform.python_version()}\ndependencies:\n- -r requirements.txt\n",
        _EXAMPLE: _json(example),
        _SERVED_EXAMPLE: _json({"dataframe_split": example}),
    } | {f"{CODE}/{path}": source for path, source in _code().items()}
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
    io.dump(classifier.portable(), folder / PIPELINE, compression=ZIP_DEFLATED, compresslevel=1)


def identify(folder: Path, model_ids: ModelIds | None = None) -> None:
    """Write `MLmodel`, which says what the folder is and what MLflow calls it. Without ids it is written anew.

    Args:
        folder: A folder with all other files.
        model_ids: What MLflow calls the model.
    """
    from mlflow.models import Model
    from mlflow.models.signature import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import Map

    pages = Schema([ColSpec(DataType.string, "html"), ColSpec(DataType.string, "url", required=False)])
    answers = Schema(
        [
            ColSpec(DataType.string, "category", required=False),
            ColSpec(DataType.double, "probability", required=False),
            ColSpec(Map(DataType.double), "probabilities", required=False),
            ColSpec(DataType.string, "reason", required=False),
        ]
    )
    ids: dict[str, Any] = {}
    if model_ids is not None:
        ids = {
            "artifact_path": model_ids.uri,
            "run_id": model_ids.run_id,
            "model_id": model_ids.model_id,
            "model_uuid": model_ids.model_id,
        }
    model = Model(
        signature=ModelSignature(pages, answers),
        saved_input_example_info={
            "artifact_path": _EXAMPLE,
            "pandas_orient": "split",
            "serving_input_path": _SERVED_EXAMPLE,
            "type": "dataframe",
        },
        **ids,
    )
    model.add_flavor(
        "python_function",
        loader_module=LOADER,
        code=CODE,
        env={"virtualenv": _ENVIRONMENT},
        python_version=platform.python_version(),
    )
    model.save(str(folder / "MLmodel"))


def load_pipeline(folder: Path) -> Classifier:
    """Load the classifier of a packaged model, for training and comparison; pages are classified by `inference`.

    Args:
        folder: A folder that `package` wrote.

    Returns:
        The classifier as it was.

    Raises:
        TrainingError: If files are missing or damaged, or of types that are not known.
    """
    try:
        pipeline = read_pipeline(folder / PIPELINE)
    except ModelError as error:
        raise TrainingError(str(error)) from error
    return Classifier(pipeline, [str(name) for name in pipeline.classes_])


def requirements() -> list[str]:
    """What must be installed to use a model, at the versions that are installed here: lines of `requirements.txt`."""
    steps = [step for version in TEXT_VERSIONS.values() for step in version.steps]
    of_rules = {name for step in steps for name in step["parameters"] if name in _OF_RULES}
    return sorted(f"{name}=={installed(name)}" for name in {*PACKAGES, *of_rules})


@cache
def _code() -> dict[str, str]:
    """The modules of this project that `LOADER` imports when it is imported: source code by path."""
    root = Path(html_classification.__file__).parent.parent
    found: dict[str, str] = {}
    left = [LOADER]
    while left:
        name = left.pop()
        module = root.joinpath(*name.split("."))
        path = module / "__init__.py" if module.is_dir() else module.with_suffix(".py")
        relative = path.relative_to(root).as_posix()
        if relative in found or not path.exists():  # what is imported from a module may be no module
            continue
        found[relative] = path.read_text(encoding="utf-8")
        left += [name.rpartition(".")[0]] if "." in name else []
        left += _imported(found[relative])
    return dict(sorted(found.items()))


def _imported(source: str) -> list[str]:
    r"""Modules of this project that a module imports at its top, and what may be modules among what it imports of them.

    >>> _imported("import re\nfrom html_classification.transforms import language")
    ['html_classification.transforms', 'html_classification.transforms.language']
    """
    names: list[str] = []
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Import):
            names += [alias.name for alias in statement.names]
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            names += [statement.module, *(f"{statement.module}.{alias.name}" for alias in statement.names)]
    return [name for name in names if name.split(".")[0] == _PACKAGE]


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
