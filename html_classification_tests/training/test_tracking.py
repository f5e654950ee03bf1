import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from html_classification.training import tracking
from html_classification.training.algorithms import ALGORITHMS
from html_classification.training.errors import TrainingError
from html_classification.training.evaluation import CategoryMetrics, Metrics
from html_classification.training.fitting import TextClassifier, fit, predict
from html_classification.training.registry import champion, decide, list_models, promote, propose, register
from html_classification.training.tracking import (
    VERSION_TAG,
    find_run,
    load_classifier,
    log_model_run,
    tracked_model,
)
from html_classification_tests.training.corpus import invented_pages

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


@pytest.fixture(scope="module")
def classifier() -> TextClassifier:
    pages = invented_pages()
    return fit(pages["text"].to_list(), pages["category"].to_list(), ALGORITHMS["logistic-regression"])


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("mlflow") / "empty.db"
    tracking.client(f"sqlite:///{path}")
    return path.read_bytes()


@pytest.fixture
def uri(tmp_path, empty_database) -> str:
    (tmp_path / "mlflow.db").write_bytes(empty_database)
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


def log(uri: str, classifier: TextClassifier, version: str = "0123456789ab", **changes) -> str:
    settings = {
        "run_name": "a run",
        "parameters": {"algorithm": "logistic-regression", "text_version": "v2", "C": 3.0},
        "metrics": {"accuracy": 0.9, "macro_f1": 0.8, "f1/sports": 0.7, "train_rows": 70, "test_rows": 30},
        "tags": {
            VERSION_TAG: version,
            "html_classification.date": "2026-03-14",
            "html_classification.snapshot": "s",
        },
        "classifier": classifier,
        "input_example": ["goal match"],
        "artifacts": {"recipe.json": {"stage": "models"}, "notes.txt": "hello"},
    }
    return log_model_run(uri, "tests", **{**settings, **changes})


def metrics(macro_f1: float, rows: int = 30) -> Metrics:
    one = {"a": CategoryMetrics(precision=1, recall=1, f1=1, support=rows)}
    figures = {"accuracy": 0.9, "macro_precision": 0.9, "macro_recall": 0.9, "log_loss": 0.1}
    return Metrics(rows=rows, macro_f1=macro_f1, categories=one, **figures)


def test_a_run_is_complete_and_its_model_predicts_the_same(uri, classifier, tmp_path, monkeypatch, capfd):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    run_id = log(uri, classifier, parent_run_id=None)
    run = tracking.client(uri).get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["accuracy"] == 0.9
    assert run.data.params["C"] == "3.0"
    pages = invented_pages(12, seed=3)
    columns = (pages["url"], pages["text"], pages["category"])
    loaded = load_classifier(uri, run_id)
    assert loaded.classes == classifier.classes
    assert predict(loaded, *columns).equals(predict(classifier, *columns))
    assert os.listdir() == []  # noqa: PTH208
    assert (tmp_path / "mlflow-artifacts").is_dir()
    assert capfd.readouterr() == ("", "")


def test_the_model_serves_through_mlflow(uri, classifier):
    import mlflow.pyfunc

    model = mlflow.pyfunc.load_model(tracked_model(uri, log(uri, classifier)).uri)
    texts = np.array(["goal match coach league", "onion oven butter flour"], dtype=object)
    assert model.predict(texts).tolist() == ["sports", "cooking"]


def test_a_model_is_stored_without_its_index_and_without_pickle(uri, classifier):
    predict(classifier, ["https://a.example/"], ["goal"], ["sports"])
    folder = Path(tracked_model(uri, log(uri, classifier)).uri.removeprefix("file://"))
    assert "vocabulary_" not in (folder / "MLmodel").read_text()
    assert not hasattr(classifier.portable()[0], "vocabulary_")
    assert (folder / "model.skops").exists()
    assert not list(folder.glob("*.pkl"))


def test_a_failed_training_closes_its_own_run_as_failed(uri, classifier):
    with pytest.raises(ValueError, match="not-a-number"):
        log(uri, classifier, version="bad", metrics={"accuracy": "not-a-number"})
    good = log(uri, classifier, version="good")
    with pytest.raises(AttributeError):
        log(uri, None, version="worse")
    mlflow_client = tracking.client(uri)
    experiment = mlflow_client.get_experiment_by_name("tests").experiment_id
    runs = {run.data.tags[VERSION_TAG]: run.info.status for run in mlflow_client.search_runs([experiment])}
    assert runs == {"bad": "FAILED", "good": "FINISHED", "worse": "FAILED"}
    assert find_run(uri, "tests", "good") == good
    assert find_run(uri, "tests", "bad") is None
    assert find_run(uri, "other", "good") is None


def test_trainings_at_once_do_not_mix(uri, classifier):
    def train(number: int) -> str | None:
        bad = {"accuracy": "x"} if number % 2 else {"accuracy": number / 10}
        try:
            return log(uri, classifier, version=f"v{number}", metrics=bad)
        except ValueError:
            return None

    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(train, range(8)))
    mlflow_client = tracking.client(uri)
    for number, run_id in enumerate(runs):
        assert (run_id is None) == bool(number % 2)
        assert find_run(uri, "tests", f"v{number}") == run_id
        if run_id is not None:
            run = mlflow_client.get_run(run_id)
            assert run.data.metrics == {"accuracy": number / 10}
            assert len(run.outputs.model_outputs) == 1
    experiment = mlflow_client.get_experiment_by_name("tests").experiment_id
    assert {run.info.status for run in mlflow_client.search_runs([experiment])} == {"FINISHED", "FAILED"}


def test_a_version_is_registered_once_and_listed_as_agreed(uri, classifier):
    run_id = log(uri, classifier)
    assert register(uri, run_id) == register(uri, run_id) == register(uri, log(uri, classifier)) == 1
    promote(uri, 1, alias="challenger")
    promote(uri, 1)
    assert list_models(uri) == [
        {
            "name": "html-classification",
            "version": 1,
            "aliases": ["champion"],
            "date": "2026-03-14",
            "text_version": "v2",
            "algorithm": "logistic-regression",
            "snapshot": "s",
            "mlflow_run_id": run_id,
            "rows": {"train": 70, "test": 30},
            "metrics": {"accuracy": 0.9, "macro_f1": 0.8},
        }
    ]


def test_nothing_is_listed_and_nothing_created_where_nothing_is(tmp_path):
    assert list_models(f"sqlite:///{tmp_path / 'none.db'}") == []
    assert list(tmp_path.iterdir()) == []


def test_a_worse_model_is_never_promoted(uri, classifier):
    first, second, third = (register(uri, log(uri, classifier, version=name)) for name in ("1", "2", "3"))
    assert champion(uri) is None
    assert propose(uri, first, metrics(0.8), None).promoted
    worse = propose(uri, second, metrics(0.79), metrics(0.8))
    assert not worse.promoted
    assert "0.7900" in worse.reason
    assert {model["version"]: model["aliases"] for model in list_models(uri)} == {
        first: ["champion"],
        second: ["challenger"],
        third: [],
    }
    assert propose(uri, third, metrics(0.8), metrics(0.8)).promoted
    assert champion(uri)["version"] == third
    with pytest.raises(TrainingError, match="measure it"):
        propose(uri, second, metrics(0.99), None)


def test_figures_of_other_rows_are_not_compared():
    with pytest.raises(TrainingError, match="30 rows"):
        decide(metrics(0.9, rows=30), metrics(0.1, rows=31))
