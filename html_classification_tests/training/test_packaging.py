"""The folder that a model becomes: complete, loaded by MLflow where nothing else is, refused where it is not right."""

import json
import shutil
import warnings
from importlib.metadata import distribution
from pathlib import Path
from zipfile import ZipFile

import pytest

from html_classification.inference import PagePipeline
from html_classification.inference import model as loader
from html_classification.inference.stored import CODE, DESCRIPTION, PIPELINE, ModelError, load_model
from html_classification.training.errors import TrainingError
from html_classification.training.fitting import Classifier, predict
from html_classification.training.packaging import (
    EXAMPLE,
    PACKAGES,
    ModelIds,
    identify,
    load_pipeline,
    package,
    requirements,
)
from html_classification.transforms.text.versions import TEXT_VERSIONS
from html_classification_tests.inference import isolated
from html_classification_tests.inference.material import invented_documents, lake_rows, trained

#: Loads models as MLflow documents it, and says what they predict, what is imported, and what cannot be.
PROGRAM = """
import importlib.util, json
import mlflow.pyfunc, pandas as pd

table = pd.DataFrame(json.loads(sys.argv[1]), columns=["url", "html"])
said = {"models": []}
for folder in sys.argv[2:]:
    model = mlflow.pyfunc.load_model(folder)
    said["models"].append({
        "table": model.predict(table).to_dict("records"),
        "html": model.predict(table[["html"]])["category"].tolist(),
        "rows": model.predict([{"html": html} for html in table["html"]])["category"].tolist(),
        "raw": model.get_raw_model().predict(table["html"].tolist())["category"].to_list(),
        "example": model.predict(model.input_example)["category"].tolist(),
    })
said["imported"] = sorted({name.partition(".")[0] for name in sys.modules})
said["code"] = __import__("html_classification").__file__
parts = [f"html_classification.{part}" for part in ("lake", "assets", "definitions", "labeling")]
said["missing"] = [name for name in ["dagster", "pandera", *parts] if importlib.util.find_spec(name) is None]
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return trained(invented_documents(), "v2")


@pytest.fixture(scope="module")
def made(classifier, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("packaged") / "model"
    package(folder, classifier, "v2")
    return folder


@pytest.fixture
def folder(made, tmp_path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "model"))


def test_it_loads_and_predicts_the_same_where_only_its_requirements_are(tmp_path):
    folders = [tmp_path / version for version in TEXT_VERSIONS]
    for folder in folders:
        package(folder, trained(invented_documents(), folder.name), folder.name)
    environment = tmp_path / "environment"
    isolated.link(isolated.closure((folders[0] / "requirements.txt").read_text().splitlines()), environment)
    pages = [
        *invented_documents().select("url", "html").head(4).rows(),
        (None, "<title>Tor</title><p>goal match — team’s final 🏆 in Zürich"),
        ("https://a.example/?utm_source=x", "<p>bank &amp; loan"),
        ("https://a.example/deep", "<div>" * 6_000),
        ("ftp://a.example/", "<p>soup"),
        (None, ""),
    ]
    said = json.loads(isolated.run(environment, PROGRAM, json.dumps(pages), *map(str, folders)))
    for folder, answers in zip(folders, said["models"], strict=True):
        model = load_model(folder)
        assert answers["table"] == model.predict([{"url": url, "html": html} for url, html in pages]).to_dicts()
        assert answers["html"] == model.predict([html for _, html in pages])["category"].to_list()
        assert answers["rows"] == answers["raw"] == answers["html"]
        assert answers["example"] == model.predict(list(EXAMPLE))["category"].to_list()
    assert Path(said["code"]).is_relative_to(folders[0])
    parts = [f"html_classification.{part}" for part in ("lake", "assets", "definitions", "labeling")]
    assert said["missing"] == ["dagster", "pandera", *parts]
    for name in PACKAGES:
        modules = {file.parts[0].partition(".")[0] for file in distribution(name).files or ()}
        assert modules & set(said["imported"]), f"{name} is required, and nothing imports it"


def test_the_folder_has_all_that_is_needed_and_no_pickle(made):
    files = {path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()}
    own = {"MLmodel", "requirements.txt", "python_env.yaml", "input_example.json", "serving_input_example.json"}
    code = {name for name in files if name.startswith(f"{CODE}/")}
    assert files - code == own | {PIPELINE, DESCRIPTION}
    assert all(name.endswith(".py") for name in code)
    assert f"{CODE}/html_classification/inference/model.py" in code
    assert not [name for name in code if "duplicates" in name or "/lake/" in name]
    assert all("==" in line for line in requirements())


def test_mlflow_reads_ids_signature_and_example(folder):
    from mlflow.models import Model

    identify(folder, ModelIds("run", "m-1", "file:///models/m-1"))
    read = Model.load(str(folder))
    assert (read.run_id, read.model_id, read.artifact_path) == ("run", "m-1", "file:///models/m-1")
    assert read.get_input_schema().required_input_names() == ["html"]
    assert read.get_input_schema().optional_input_names() == ["url"]
    assert read.get_output_schema().input_names() == ["category", "probability", "probabilities", "reason"]
    assert read.load_input_example(str(folder)).to_dict("records") == [dict(EXAMPLE[0])]


def test_the_classifier_comes_back_as_it_was(folder, classifier):
    rows = lake_rows(invented_documents(), "v2")
    loaded = load_pipeline(folder)
    assert loaded.classes == classifier.classes
    assert predict(loaded, rows).equals(predict(classifier, rows))


def test_the_same_classifier_gives_the_same_files_but_for_mlflows_own(folder, classifier, tmp_path):
    package(tmp_path / "again", classifier, "v2")
    for path in folder.rglob("*"):
        if path.is_file() and path.name not in ("MLmodel", "pipeline.skops"):  # a time, and times in an archive
            assert path.read_bytes() == (tmp_path / "again" / path.relative_to(folder)).read_bytes(), path


def test_it_is_written_to_a_new_folder_only(folder, classifier):
    with pytest.raises(TrainingError, match="is not empty"):
        package(folder, classifier, "v2")


def test_an_unknown_text_version_is_refused(tmp_path, classifier):
    with pytest.raises(TrainingError, match="no text version v9: take one of v1, v2"):
        package(tmp_path / "model", classifier, "v9")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"text_version": {"name": "v9", "steps": []}}, "text version v9, which is not known here"),
        (
            {"text_version": {"name": "v2", "steps": [{"step": "lowercase", "parameters": {}}]}},
            "with the rules lowercase;",
        ),
        ({"fields": ["text"]}, "reads the fields text, here there are text, markup"),
        ({"format": 99}, "has format 99, here it is 1"),
    ],
    ids=["unknown-version", "other-rules", "other-fields", "other-format"],
)
def test_a_model_that_would_read_pages_otherwise_here_is_refused_in_one_line(folder, change, said):
    path = folder / DESCRIPTION
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ModelError, match=said) as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [PIPELINE, DESCRIPTION])
@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_damaged_model_is_refused_in_one_line(folder, name, damage):
    path = folder / name
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ModelError, match=path.name) as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("schema", [None, "nothing", "[]", "{}"])
def test_an_archive_that_is_no_pipeline_is_refused_in_one_line(folder, schema):
    with ZipFile(folder / PIPELINE, "w") as archive:
        archive.writestr("other.json" if schema is None else "schema.json", schema or "{}")
    with pytest.raises(TrainingError, match=r"pipeline.skops cannot be read .*: get the model again") as caught:
        load_pipeline(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("start", [200, 2_000])
def test_a_pipeline_with_changed_bytes_is_refused_in_one_line(folder, start):
    path = folder / PIPELINE
    content = bytearray(path.read_bytes())
    content[start : start + 100] = bytes(100)
    path.write_bytes(bytes(content))
    with pytest.raises(TrainingError, match="cannot be read"):
        load_pipeline(folder)


def test_a_pipeline_that_could_run_anything_is_refused(folder):
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer
    from skops import io

    io.dump(Pipeline([("features", FunctionTransformer(shutil.rmtree))]), folder / PIPELINE)
    with pytest.raises(TrainingError, match=r"not trusted .*rmtree"):
        load_pipeline(folder)
    with pytest.raises(ModelError, match="not trusted"):
        load_model(folder)


def test_a_process_with_other_code_is_warned(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert isinstance(loader._load_pyfunc(str(folder)).get_raw_model(), PagePipeline)
    changed = folder / CODE / "html_classification" / "transforms" / "language.py"
    changed.write_text(changed.read_text() + "\n")
    with pytest.warns(UserWarning, match=r"transforms/language.py and 0 other files differ"):
        loader._load_pyfunc(str(folder))
