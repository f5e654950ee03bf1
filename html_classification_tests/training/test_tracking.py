"""MLflow runs: each is closed exactly once, as what it was, and has what was written to it and nothing else."""

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from dagster._core.errors import DagsterExecutionInterruptedError
from hypothesis import given, settings
from hypothesis import strategies as st

from html_classification.lake.metadata import Source
from html_classification.training import tracking
from html_classification.training.abandoned import PROCESS_TAG, close_abandoned_runs, process_name
from html_classification.training.algorithms import ALGORITHMS
from html_classification.training.errors import TrainingError
from html_classification.training.fitting import fit, predict
from html_classification.training.packaging import EXAMPLE, write_files
from html_classification.training.run_values import LONGEST_PARAMETER, TrackedDataset, datasets_of, mlflow_name
from html_classification.training.tracking import (
    ERROR_TAG,
    VERSION_TAG,
    find_run,
    load_classifier,
    tracked_model,
)
from html_classification.transforms.text.versions import TEXT_VERSIONS
from html_classification_tests.training.corpus import invented_pages
from html_classification_tests.training.models_in_mlflow import new_database
from html_classification_tests.training.runs_at_once import (
    EXPERIMENT,
    opened,
    train,
    train_many,
    train_until_interrupted,
)

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return new_database(tmp_path)


def runs(uri: str) -> dict[str, Any]:
    """All runs by version."""
    mlflow_client = tracking.client(uri)
    experiment = mlflow_client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    found = mlflow_client.search_runs([experiment.experiment_id])
    assert all(run.info.end_time for run in found if run.info.status != "RUNNING")
    assert len({run.data.tags[VERSION_TAG] for run in found}) == len(found)
    return {run.data.tags[VERSION_TAG]: run for run in found}


def packaged(folder: Path) -> Path:
    """A folder in the place of a model."""
    folder.mkdir()
    (folder / "weights.bin").write_bytes(b"1234")
    return folder


def test_a_run_has_what_was_written_to_it(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (elsewhere := tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(elsewhere)
    (files := tmp_path / "files").mkdir()
    (files / "plots").mkdir()
    (files / "plots" / "a.png").write_bytes(b"png")
    (files / "metadata.json").write_text("{}")
    with opened(uri) as run:
        assert runs(uri)["0123456789ab"].info.status == "RUNNING"
        assert find_run(uri, EXPERIMENT, "0123456789ab") is None
        run.log({"C": 3.0, "algorithm": "complement-nb"}, {"accuracy": 0.9, "f1/sports": 0.7}, {"host": "here"})
        run.log_folder(files)
        model = run.log_model(packaged(tmp_path / "model"))
        run.log_datasets([TrackedDataset("training-set", "abc", "s3://lake/training-set", 70, "train", {"url": "str"})])
    assert find_run(uri, EXPERIMENT, "0123456789ab") == run.run_id
    found = runs(uri)["0123456789ab"]
    assert found.info.status == "FINISHED"
    assert found.info.run_name == "run 0123456789ab"
    assert found.data.metrics == {"accuracy": 0.9, "f1/sports": 0.7}
    assert found.data.params == {"C": "3.0", "algorithm": "complement-nb"}
    assert found.data.tags["host"] == "here"
    artifacts = Path(found.info.artifact_uri.removeprefix("file://"))
    kept = sorted(path.relative_to(artifacts).as_posix() for path in artifacts.rglob("*") if path.is_file())
    assert kept == ["metadata.json", "plots/a.png"]
    assert tracked_model(uri, run.run_id) == model
    stored = Path(model.uri.removeprefix("file://"))
    assert sorted(path.name for path in stored.iterdir()) == ["MLmodel", "weights.bin"]
    assert model.model_id in (stored / "MLmodel").read_text()
    assert run.run_id in (stored / "MLmodel").read_text()
    assert (tmp_path / "mlflow-artifacts").is_dir()
    assert list(elsewhere.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_data_is_shown_as_mlflow_shows_data(uri: str) -> None:
    import mlflow.data

    day = TrackedDataset("training-set 2026-03-14", "abc", "s3://lake/training-set", 70, "training", {"url": "str"})
    with opened(uri) as run:
        run.log_datasets([day, TrackedDataset("texts", "def", "/srv/lake/texts")])
    first, second = sorted(
        tracking.client(uri).get_run(run.run_id).inputs.dataset_inputs, key=lambda given: given.dataset.digest
    )
    assert (first.dataset.name, first.dataset.digest) == ("training-set 2026-03-14", "abc")
    assert [(tag.key, tag.value) for tag in first.tags] == [("mlflow.data.context", "training")]
    assert first.dataset.profile == '{"num_rows": 70}'
    assert mlflow.data.get_source(first).uri == "s3://lake/training-set"
    assert mlflow.data.get_source(second).uri == "/srv/lake/texts"


def test_a_window_of_days_is_one_dataset() -> None:
    def source(stage: str | None, day: int, version: str = "v") -> Source:
        return Source(uri=f"{stage}/{day}", stage=stage, date=f"2026-03-{day:02}", version=version)

    window = [source("texts", 3), source("training-set", 3), source("texts", 1), Source(uri="labels.jsonl")]
    texts, rows = datasets_of(window)
    assert (texts.name, texts.uri) == ("texts 2026-03-01 to 2026-03-03", "texts/1")
    assert (rows.name, rows.digest, rows.uri) == ("training-set 2026-03-03", "v", "training-set/3")
    assert datasets_of(window[::-1])[0] == texts
    other = datasets_of([source("texts", 3, "w"), source("texts", 1)])[0]
    assert other.digest != texts.digest
    assert max(len(texts.digest), len(other.digest)) <= 36


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (TrainingError("two\nlines"), "FAILED"),
        (MemoryError(), "FAILED"),
        (KeyboardInterrupt(), "KILLED"),
        (SystemExit(1), "KILLED"),
        (DagsterExecutionInterruptedError(), "KILLED"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_fails_closes_its_own_run_and_says_why(uri: str, error: BaseException, status: str) -> None:
    with opened(uri, "outer") as outer:
        with pytest.raises(type(error)), opened(uri, "inner", parent_run_id=outer.run_id) as inner:
            inner.log(metrics={"accuracy": 0.1})
            raise error
        outer.log(metrics={"accuracy": 0.9})
        assert runs(uri)["outer"].info.status == "RUNNING"
    found = runs(uri)
    assert {name: run.info.status for name, run in found.items()} == {"outer": "FINISHED", "inner": status}
    assert found["inner"].data.metrics == {"accuracy": 0.1}
    assert found["inner"].data.tags["mlflow.parentRunId"] == outer.run_id
    assert found["inner"].data.tags[ERROR_TAG] == f"{type(error).__name__}: {' '.join(str(error).split())}".strip()
    assert found["outer"].data.metrics == {"accuracy": 0.9}
    assert ERROR_TAG not in found["outer"].data.tags
    assert find_run(uri, EXPERIMENT, "inner") is None


def test_a_value_that_is_no_number_fails_the_run(uri: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not-a-number"), opened(uri, "bad") as run:
        run.log(metrics={"accuracy": "not-a-number"})
    with pytest.raises(FileNotFoundError, match="MLmodel"), opened(uri, "no model") as run:
        run.log_model(tmp_path / "nothing")
    assert [run.info.status for run in runs(uri).values()] == ["FAILED", "FAILED"]
    (model,) = tracking.client(uri).search_logged_models([run.info.experiment_id for run in [runs(uri)["bad"]]])
    assert model.status == "FAILED"


def test_a_run_that_cannot_be_closed_does_not_hide_why_it_failed(uri: str) -> None:
    with pytest.raises(TrainingError, match="the reason") as raised, opened(uri) as run:
        tracking.client(uri).delete_run(run.run_id)
        raise TrainingError("the reason")
    assert any(run.run_id in note for note in raised.value.__notes__)


def test_many_at_once_in_two_processes_and_one_interrupted_close_their_own(uri: str) -> None:
    processes = multiprocessing.get_context("spawn")
    ready = processes.Event()
    interrupted = processes.Process(target=train_until_interrupted, args=(uri, "interrupted", ready))
    other = processes.Process(target=train_many, args=(uri, "other", 12))
    interrupted.start()
    other.start()
    train_many(uri, "this", 24)
    assert ready.wait(60)
    assert interrupted.pid is not None
    os.kill(interrupted.pid, signal.SIGINT)
    interrupted.join(60)
    other.join(60)
    assert other.exitcode == 0
    found = runs(uri)
    assert found.pop("interrupted").info.status == "KILLED"
    assert len(found) == 36
    for version, run in found.items():
        kind = int(version.partition("-")[2]) % 3
        assert run.info.status == ("FINISHED", "FAILED", "KILLED")[kind]
        assert run.data.metrics == {"kind": kind} | ({"last": 0} if kind == 0 else {})
        assert run.data.params == {"version": version}
        assert [each.dataset.name for each in run.inputs.dataset_inputs] == [version]
        assert (ERROR_TAG in run.data.tags) == (kind > 0)


def test_a_killed_process_leaves_no_run_open_for_ever(uri: str) -> None:
    processes = multiprocessing.get_context("spawn")
    ready = processes.Event()
    killed = processes.Process(target=train_until_interrupted, args=(uri, "killed", ready))
    killed.start()
    mlflow_client, experiment_id = tracking.client(uri), tracking.ensure_experiment(uri, EXPERIMENT)
    assert ready.wait(60)
    assert close_abandoned_runs(mlflow_client, experiment_id) == []
    killed.kill()
    killed.join(60)
    with opened(uri, "own"), opened(uri, "elsewhere") as elsewhere, opened(uri, "former") as former:
        elsewhere.log(tags={PROCESS_TAG: "another-host:1:12345678"})
        former.log(tags={PROCESS_TAG: f"{process_name()[:-1]}?"})  # of the same number, in a container started again
        assert len(close_abandoned_runs(mlflow_client, experiment_id)) == 2
        status = {name: run.info.status for name, run in runs(uri).items()}
    assert status == {"killed": "KILLED", "former": "KILLED", "own": "RUNNING", "elsewhere": "RUNNING"}


def test_the_fluent_run_of_a_thread_is_left_alone(uri: str) -> None:
    """dagster-mlflow keeps its run, the parent of ours, as the thread's current one."""
    import mlflow

    with opened(uri, "experiment"):
        pass
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    try:
        mlflow.set_experiment(EXPERIMENT)
        parent = mlflow.start_run(tags={VERSION_TAG: "parent"}).info.run_id
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda kind: train(uri, f"thread-{kind}", kind, parent), range(3)))
        for kind in range(3):
            train(uri, f"same-{kind}", kind, parent)
        assert mlflow.active_run().info.run_id == parent
        assert runs(uri)["parent"].info.status == "RUNNING"
        mlflow.end_run("FAILED")
    finally:
        mlflow.end_run()
        mlflow.set_tracking_uri(before)
    found = runs(uri)
    assert found.pop("parent").info.status == "FAILED"
    del found["experiment"]
    ended = ("FINISHED", "FAILED", "KILLED")
    assert {name: run.info.status for name, run in found.items()} == {
        f"{where}-{kind}": status for where in ("thread", "same") for kind, status in enumerate(ended)
    }
    assert {run.data.tags["mlflow.parentRunId"] for run in found.values()} == {parent}


def test_the_model_predicts_as_it_did(uri: str, tmp_path: Path) -> None:
    rows = invented_pages(90).with_columns(markup=pl.lit("form"), address=pl.lit("soup"))
    classifier = fit(rows, ALGORITHMS["logistic-regression"])
    write_files(tmp_path / "model", classifier, TEXT_VERSIONS["v2"], EXAMPLE)
    with opened(uri) as run:
        run.log_model(tmp_path / "model")
    loaded = load_classifier(uri, run.run_id)
    assert loaded.classes == classifier.classes
    assert predict(loaded, rows).equals(predict(classifier, rows))
    with opened(uri, "without") as other:
        pass
    with pytest.raises(TrainingError, match="has no model"):
        load_classifier(uri, other.run_id)


def test_there_is_no_limit_to_values(uri: str) -> None:
    names = [f"f1/category {number}" for number in range(1700)]
    with opened(uri) as run:
        run.log(
            {f"step_{n}": "x" * 9000 for n in range(130)}, dict.fromkeys(names, 0.5), {f"t{n}": n for n in range(130)}
        )
        run.log()
    found = runs(uri)["0123456789ab"].data
    assert found.metrics == dict.fromkeys(names, 0.5)
    assert {len(value) for value in found.params.values()} == {LONGEST_PARAMETER}
    assert len(found.params) == 130
    assert {f"t{n}" for n in range(130)} <= set(found.tags)


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_category_has_a_metric(category: str) -> None:
    from mlflow.utils.validation import _validate_metric_name

    name = mlflow_name(f"f1/{category}")
    _validate_metric_name(name)
    assert len(name) <= 250
    assert mlflow_name(name) == name


def test_different_categories_have_different_metrics() -> None:
    names = ["R&D", "R+D", "R_D", "a//b", "a/b", "..", "__", "", "a" * 300, "a" * 301, "新闻", "a\n", "a"]
    assert len({mlflow_name(f"f1/{name}") for name in names}) == len(names)
    assert mlflow_name("f1/新闻 и mehr") == "f1/新闻 и mehr"


def free_port() -> int:
    for port in range(21000 + os.getpid() % 5000, 32767):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise AssertionError("no free port")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """An MLflow server on loopback that keeps artifacts itself, as a team has one."""
    database = new_database(tmp_path)
    port = free_port()
    command = [str(Path(sys.executable).parent / "mlflow"), "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--artifacts-destination", str(tmp_path / "kept-by-the-server")]
    variables = {"MLFLOW_BACKEND_STORE_URI": database, "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            env=os.environ | variables | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            stdout=log,
            stderr=log,
            cwd=tmp_path,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 120
        while True:
            with socket.socket() as probe:
                if not probe.connect_ex(("127.0.0.1", port)):
                    break
            assert process.poll() is None, (tmp_path / "server.log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "server.log").read_text()
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def test_a_server_keeps_runs_and_models(server: str, tmp_path: Path) -> None:
    (files := tmp_path / "files").mkdir()
    (files / "metadata.json").write_text("{}")
    with opened(server) as run:
        run.log({"C": 3.0}, {"accuracy": 0.9, "f1/新闻": 0.5}, {"host": "here"})
        run.log_folder(files)
        run.log_datasets([TrackedDataset("training-set", "abc", "s3://lake/training-set")])
        run.log_model(packaged(tmp_path / "model"))
    with pytest.raises(TrainingError), opened(server, "bad"):
        raise TrainingError("the reason")
    assert find_run(server, EXPERIMENT, "0123456789ab") == run.run_id
    found = runs(server)
    assert {name: run.info.status for name, run in found.items()} == {"0123456789ab": "FINISHED", "bad": "FAILED"}
    assert found["0123456789ab"].data.metrics == {"accuracy": 0.9, "f1/新闻": 0.5}
    from mlflow import artifacts

    model = tracked_model(server, run.run_id)
    assert model.uri.startswith("mlflow-artifacts:")
    loaded = artifacts.download_artifacts(artifact_uri=model.uri, tracking_uri=server, dst_path=str(tmp_path / "here"))
    assert (Path(loaded) / "weights.bin").read_bytes() == b"1234"
