"""What MLflow keeps of a training: one run with its parameters, metrics, files and the model itself.

Belongs here: writing a run and finding it again. Does not belong here: versions, aliases and promotion
(`registry`).

Everything names its run by id through `MlflowClient`. MLflow's fluent functions (`mlflow.start_run`) share
one current run in a process, so that a training that fails, or two at once, would write into and close each
other's runs. Models are stored in skops' format, which unlike pickle runs no code on loading, with their
requirements named: MLflow would take half a minute to find them.
"""

import fcntl
import logging
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from zipfile import ZIP_DEFLATED

from html_classification.training.errors import TrainingError
from html_classification.training.fitting import TextClassifier

if TYPE_CHECKING:
    from mlflow import MlflowClient

#: Tag of runs and model versions: the version of the model's stage in the lake.
VERSION_TAG = "html_classification.version"
PACKAGES = ("scikit-learn", "skops", "numpy", "scipy")
_SQLITE = "sqlite:///"


@dataclass(frozen=True)
class TrackedModel:
    """A model that MLflow keeps.

    Attributes:
        run_id: The MLflow run that trained it.
        model_id: MLflow's id of the stored model.
        uri: Where its files are; for a local database a path that `mlflow.sklearn.load_model` takes.
    """

    run_id: str
    model_id: str
    uri: str


def client(tracking_uri: str) -> "MlflowClient":
    """The client of an MLflow server or database; a local database is created where there is none.

    Args:
        tracking_uri: Such as `http://mlflow:5000` or `sqlite:///data/mlflow.db`.

    Returns:
        A client.
    """
    # The first is read when MLflow is first imported: it would call home otherwise.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    from mlflow import MlflowClient

    # MLflow logs the creation of its tables as if someone had asked.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
    with _alone(local_database(tracking_uri)):
        return MlflowClient(tracking_uri, registry_uri=tracking_uri)


@contextmanager
def _alone(database: Path | None) -> Iterator[None]:
    """Hold a lock beside a local database: two processes that create its tables at once make both fail."""
    if database is None:
        yield
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    with database.with_name(f"{database.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def local_database(tracking_uri: str) -> Path | None:
    """The file of a local SQLite database, or None for anything else.

    >>> local_database("sqlite:////srv/mlflow.db").as_posix(), local_database("http://mlflow:5000")
    ('/srv/mlflow.db', None)
    """
    return Path(tracking_uri.removeprefix(_SQLITE)) if tracking_uri.startswith(_SQLITE) else None


def log_model_run(  # noqa: PLR0913
    tracking_uri: str,
    experiment: str,
    *,
    run_name: str,
    parameters: Mapping[str, Any],
    metrics: Mapping[str, float],
    tags: Mapping[str, str],
    classifier: TextClassifier,
    input_example: Sequence[str],
    artifacts: Mapping[str, Mapping[str, Any] | str],
    parent_run_id: str | None = None,
) -> str:
    """Record a training and its model as one MLflow run.

    Args:
        tracking_uri: An MLflow server or database. Beside a local database lies the folder of its files.
        experiment: Name of the experiment; created where there is none.
        run_name: What people see.
        parameters: What the model was trained with.
        metrics: How good it is.
        tags: What it can be found by; `html_classification.version` at least.
        classifier: The fitted classifier.
        input_example: One or a few texts such as the model reads; stored with the model.
        artifacts: Further files by name: text, or objects that are written as JSON.
        parent_run_id: The run that this one is shown under.

    Returns:
        The id of the run, which is FINISHED, with one stored model.

    Raises:
        Exception: Whatever went wrong, after the run has been closed as FAILED.
    """
    mlflow_client = client(tracking_uri)
    experiment_id = _experiment(mlflow_client, tracking_uri, experiment)
    with _run(mlflow_client, experiment_id, run_name, tags, parent_run_id) as run_id:
        _log_values(mlflow_client, run_id, parameters, metrics)
        for name, content in artifacts.items():
            if isinstance(content, str):
                mlflow_client.log_text(run_id, content, name)
            else:
                mlflow_client.log_dict(run_id, dict(content), name)
        _log_model(mlflow_client, experiment_id, run_id, classifier, input_example)
    return run_id


def find_run(tracking_uri: str, experiment: str, version_tag: str) -> str | None:
    """The latest finished run of a version, so that nothing is trained twice.

    Args:
        tracking_uri: An MLflow server or database.
        experiment: Name of the experiment.
        version_tag: Value of the tag `html_classification.version`.

    Returns:
        The id of the run, or None.
    """
    mlflow_client = client(tracking_uri)
    found = mlflow_client.get_experiment_by_name(experiment)
    if found is None:
        return None
    runs = mlflow_client.search_runs(
        [found.experiment_id],
        filter_string=f"tags.`{VERSION_TAG}` = '{version_tag}' and attributes.status = 'FINISHED'",
        order_by=["attributes.start_time DESC"],
        max_results=1,
    )
    return str(runs[0].info.run_id) if runs else None


def tracked_model(tracking_uri: str, run_id: str) -> TrackedModel:
    """The model that a run stored.

    Args:
        tracking_uri: An MLflow server or database.
        run_id: A run that `log_model_run` returned.

    Returns:
        The model.

    Raises:
        TrainingError: If the run stored none.
    """
    mlflow_client = client(tracking_uri)
    outputs = mlflow_client.get_run(run_id).outputs
    if outputs is None or not outputs.model_outputs:
        raise TrainingError(
            f"MLflow run {run_id} has no model: it failed, or was not made by this project; train again."
        )
    model_id = outputs.model_outputs[0].model_id
    return TrackedModel(run_id, model_id, mlflow_client.get_logged_model(model_id).artifact_location)


def load_classifier(tracking_uri: str, run_id: str) -> TextClassifier:
    """Load the model that a run stored.

    Args:
        tracking_uri: An MLflow server or database.
        run_id: A run that `log_model_run` returned.

    Returns:
        The classifier as it was when it was logged.

    Raises:
        TrainingError: If the run stored no model.
    """
    model = tracked_model(tracking_uri, run_id)
    from mlflow import artifacts, sklearn

    with tempfile.TemporaryDirectory() as folder:
        path = artifacts.download_artifacts(artifact_uri=model.uri, dst_path=folder, tracking_uri=tracking_uri)
        pipeline = sklearn.load_model(path)
    return TextClassifier(pipeline, list(pipeline.classes_))


def _experiment(mlflow_client: "MlflowClient", tracking_uri: str, name: str) -> str:
    """Id of the experiment, created where there is none, also when another process does so right now."""
    from mlflow.exceptions import MlflowException

    found = mlflow_client.get_experiment_by_name(name)
    if found is None:
        database = local_database(tracking_uri)
        folder = None if database is None else (database.parent / f"{database.stem}-artifacts").resolve().as_uri()
        try:
            return str(mlflow_client.create_experiment(name, artifact_location=folder))
        except MlflowException as error:
            found = mlflow_client.get_experiment_by_name(name)
            if error.error_code != "RESOURCE_ALREADY_EXISTS" or found is None:
                raise
    return str(found.experiment_id)


@contextmanager
def _run(
    mlflow_client: "MlflowClient",
    experiment_id: str,
    run_name: str,
    tags: Mapping[str, str],
    parent_run_id: str | None,
) -> Iterator[str]:
    """A run that is closed as FINISHED, or as FAILED when anything is raised, an interrupt included."""
    parent = {} if parent_run_id is None else {"mlflow.parentRunId": parent_run_id}
    all_tags = {**{name: str(value) for name, value in tags.items()}, **parent}
    run_id = mlflow_client.create_run(experiment_id, run_name=run_name, tags=all_tags).info.run_id
    status = "FAILED"
    try:
        yield run_id
        status = "FINISHED"
    finally:
        mlflow_client.set_terminated(run_id, status)


def _log_values(
    mlflow_client: "MlflowClient", run_id: str, parameters: Mapping[str, Any], metrics: Mapping[str, float]
) -> None:
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    mlflow_client.log_batch(
        run_id,
        metrics=[Metric(name, float(value), now, 0) for name, value in metrics.items()],
        params=[Param(name, str(value)) for name, value in parameters.items()],
    )


def _log_model(
    mlflow_client: "MlflowClient",
    experiment_id: str,
    run_id: str,
    classifier: TextClassifier,
    input_example: Sequence[str],
) -> None:
    """Store the model: what `mlflow.sklearn.log_model` does, with the ids named."""
    import mlflow.sklearn
    import numpy as np
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model
    from mlflow.models.signature import ModelSignature
    from mlflow.types import Schema, TensorSpec
    from skops import io as skops_io

    stored = mlflow_client.create_logged_model(experiment_id, name="model", source_run_id=run_id)
    status: Literal["READY", "FAILED"] = "FAILED"
    # An array of texts: as a data frame the column names would be classified, not the texts.
    texts = Schema([TensorSpec(np.dtype("O"), (-1,))])
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "model")
            mlflow.sklearn.save_model(
                classifier.portable(),
                path,
                mlflow_model=Model(
                    artifact_path=stored.artifact_location,
                    model_uuid=stored.model_id,
                    run_id=run_id,
                    model_id=stored.model_id,
                ),
                serialization_format="skops",
                pip_requirements=[f"{package}=={installed(package)}" for package in PACKAGES],
                signature=ModelSignature(texts, texts),
                input_example=np.array(list(input_example), dtype=object),
            )
            # MLflow writes it uncompressed, four times as large.
            skops_io.dump(classifier.portable(), f"{path}/model.skops", compression=ZIP_DEFLATED)
            mlflow_client.log_model_artifacts(stored.model_id, path)
        mlflow_client.log_outputs(run_id, [LoggedModelOutput(stored.model_id, 0)])
        status = "READY"
    finally:
        mlflow_client.finalize_logged_model(stored.model_id, status)


def ensure_experiment(tracking_uri: str, experiment: str) -> str:
    """The id of an experiment, created where there is none, its files beside a local database.

    Args:
        tracking_uri: An MLflow server or database.
        experiment: Its name.

    Returns:
        Its id.
    """
    return _experiment(client(tracking_uri), tracking_uri, experiment)
