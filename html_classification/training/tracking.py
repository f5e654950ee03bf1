"""What MLflow keeps of trainings: the runs that they are written to, and finding them again.

Belongs here: the client, opening and closing runs, sending to them, loading from them. Does not belong here: what
stands in a run (`tracked`), how MLflow wants it (`run_values`), and versions, aliases and promotion (`registry`).

Everything names its run by id through `MlflowClient`. MLflow's fluent functions (`mlflow.start_run`) keep an open run
in each thread, so that a training that fails, or the next one, would write into and close another's run.
"""

import logging
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from html_classification.printable import printable, without_passwords
from html_classification.training.abandoned import PROCESS_TAG, process_name
from html_classification.training.errors import TrainingError, TrainingStoppedError
from html_classification.training.fitting import Classifier
from html_classification.training.local_database import commit_quickly, local_database, turn
from html_classification.training.run_values import LONGEST_TAG, TrackedDataset, batches, clipped

if TYPE_CHECKING:
    from mlflow import MlflowClient

#: Tag of runs and model versions: the version of the model's stage in the lake.
VERSION_TAG = "html_classification.version"
#: Tag of runs that failed: why, in one line.
ERROR_TAG = "html_classification.error"


@dataclass(frozen=True)
class TrackedModel:
    """A model that MLflow keeps.

    Attributes:
        run_id: The MLflow run that trained it.
        model_id: MLflow's id of the stored model.
        uri: Where its files are; for a local database a path that `mlflow.pyfunc.load_model` takes.
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

    Raises:
        TrainingError: A local database cannot be opened, or the driver of another one is not installed.
    """
    # The first is read when MLflow is first imported: it would call home otherwise.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    from mlflow import MlflowClient

    # MLflow logs the creation of its tables as if someone had asked.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
    # Two processes that create its tables at once make both fail.
    with turn(tracking_uri):
        commit_quickly(tracking_uri)
        try:
            return MlflowClient(tracking_uri, registry_uri=tracking_uri)
        except ModuleNotFoundError as error:
            message = f"MLFLOW_TRACKING_URI is a database whose driver is not installed: pip install {error.name}"
            raise TrainingError(message) from None


def ensure_experiment(tracking_uri: str, experiment: str) -> str:
    """The id of an experiment, created where there is none, its files beside a local database.

    Args:
        tracking_uri: An MLflow server or database.
        experiment: Its name.

    Returns:
        Its id, also where another process creates it right now.
    """
    from mlflow.exceptions import MlflowException

    mlflow_client = client(tracking_uri)
    found = mlflow_client.get_experiment_by_name(experiment)
    if found is None:
        database = local_database(tracking_uri)
        folder = None if database is None else (database.parent / f"{database.stem}-artifacts").resolve().as_uri()
        try:
            with turn(tracking_uri):
                return str(mlflow_client.create_experiment(experiment, artifact_location=folder))
        except MlflowException as error:
            found = mlflow_client.get_experiment_by_name(experiment)
            if error.error_code != "RESOURCE_ALREADY_EXISTS" or found is None:
                raise
    return str(found.experiment_id)


class TrackedRun:
    """An open MLflow run. Made by `tracked_run`; what is written here is written to this run, whatever else is open.

    Attributes:
        run_id: MLflow's id of it.
    """

    def __init__(self, mlflow_client: "MlflowClient", experiment_id: str, run_id: str) -> None:
        self.run_id = run_id
        self._experiment_id = experiment_id
        self._client = mlflow_client
        self._tracking_uri = mlflow_client.tracking_uri

    def log(
        self,
        parameters: Mapping[str, Any] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, Any] | None = None,
    ) -> None:
        """Write values, as many as there are, under the names that `run_values.mlflow_name` gives them.

        Args:
            parameters: What the model was trained with; values over 6,000 characters are cut.
            metrics: How good it is, and what it took.
            tags: What it can be found by; values over 5,000 characters are cut.

        Raises:
            ValueError: A metric is no number.
        """
        parts = list(batches(parameters or {}, metrics or {}, tags or {}, int(time.time() * 1000)))
        with turn(self._tracking_uri):
            for part in parts:
                self._client.log_batch(self.run_id, **part)

    def log_folder(self, folder: Path) -> None:
        """Keep all files of a folder, under their paths in it, as the run's artifacts.

        Args:
            folder: A folder.
        """
        self._client.log_artifacts(self.run_id, str(folder))

    def log_datasets(self, datasets: Sequence[TrackedDataset]) -> None:
        """Say which data was read.

        Args:
            datasets: The datasets; one that is named twice counts once.
        """
        inputs = [dataset.as_input() for dataset in datasets]
        with turn(self._tracking_uri):
            self._client.log_inputs(self.run_id, inputs)

    def log_model(self, folder: Path) -> TrackedModel:
        """Keep a packaged model as the run's own.

        Args:
            folder: What `packaging.package` or `packaging.write_files` wrote; `MLmodel`, which names run and model, is
                written here.

        Returns:
            The model.

        Raises:
            Exception: Whatever went wrong; the stored model is FAILED then.
        """
        from mlflow.entities import LoggedModelOutput

        from html_classification.training.packaging import ModelIds, identify

        with turn(self._tracking_uri):
            stored = self._client.create_logged_model(self._experiment_id, name="model", source_run_id=self.run_id)
        status: Literal["READY", "FAILED"] = "FAILED"
        try:
            identify(folder, ModelIds(self.run_id, stored.model_id, stored.artifact_location))
            self._client.log_model_artifacts(stored.model_id, str(folder))
            with turn(self._tracking_uri):
                self._client.log_outputs(self.run_id, [LoggedModelOutput(stored.model_id, 0)])
            status = "READY"
        finally:
            with turn(self._tracking_uri):
                self._client.finalize_logged_model(stored.model_id, status)
        return TrackedModel(self.run_id, stored.model_id, stored.artifact_location)

    def _end(self, status: Literal["FINISHED", "FAILED", "KILLED"]) -> None:
        with turn(self._tracking_uri):
            self._client.set_terminated(self.run_id, status)


@contextmanager
def tracked_run(
    tracking_uri: str,
    experiment: str,
    *,
    run_name: str,
    tags: Mapping[str, Any],
    parent_run_id: str | None = None,
) -> Iterator[TrackedRun]:
    """An MLflow run that is open while something is done, and closed exactly once, however that ends.

    It ends as FINISHED; as FAILED where an error is raised, with the tag `html_classification.error`; as KILLED where
    the process is told to end (Ctrl-C, `SystemExit`, an end of the Dagster run). A process that is killed outright
    leaves it RUNNING, until `abandoned.close_abandoned_runs` is called; nothing takes it for a finished one.

    Args:
        tracking_uri: An MLflow server or database. Beside a local database lies the folder of its files.
        experiment: Name of the experiment; created where there is none.
        run_name: What people see.
        tags: What it can be found by; `html_classification.version` at least.
        parent_run_id: The run that this one is shown under.

    Yields:
        The run.

    Raises:
        BaseException: Whatever was raised, after the run has been closed.
    """
    mlflow_client = client(tracking_uri)
    experiment_id = ensure_experiment(tracking_uri, experiment)
    own = {PROCESS_TAG: process_name()} | ({"mlflow.parentRunId": parent_run_id} if parent_run_id else {})
    all_tags = {name: clipped(value, LONGEST_TAG) for name, value in {**tags, **own}.items()}
    with turn(tracking_uri):
        created = mlflow_client.create_run(experiment_id, run_name=run_name, tags=all_tags)
    run = TrackedRun(mlflow_client, experiment_id, created.info.run_id)
    try:
        yield run
        run._end("FINISHED")
    except BaseException as error:
        _give_up(run, error)
        raise


def _give_up(run: TrackedRun, error: BaseException) -> None:
    """Close the run of what failed; where MLflow cannot be reached either, the error says so."""
    from mlflow.exceptions import MlflowException

    try:
        stopped = isinstance(error, TrainingStoppedError) or not isinstance(error, Exception)
        run._end("KILLED" if stopped else "FAILED")
        run.log(tags={ERROR_TAG: printable(without_passwords(" ".join(f"{type(error).__name__}: {error}".split())))})
    except MlflowException as second:
        error.add_note(f"MLflow run {run.run_id} could not be closed: {second}")


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
        run_id: A run that stored a model.

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


def load_classifier(tracking_uri: str, run_id: str) -> Classifier:
    """Load the model that a run stored.

    Args:
        tracking_uri: An MLflow server or database.
        run_id: A run that stored a model.

    Returns:
        The classifier as it was when it was packaged.

    Raises:
        TrainingError: If the run stored no model.
    """
    from mlflow import artifacts

    from html_classification.training.packaging import load_pipeline

    model = tracked_model(tracking_uri, run_id)
    with tempfile.TemporaryDirectory() as folder:
        path = artifacts.download_artifacts(artifact_uri=model.uri, dst_path=folder, tracking_uri=tracking_uri)
        return load_pipeline(Path(path))
