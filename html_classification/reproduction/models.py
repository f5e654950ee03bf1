"""Models that are trained again, and compared with what MLflow has of them.

Belongs here: finding a registered model with its provenance, and comparing its rebuilt version: figures, predictions,
and what the stored model itself says. Does not belong here: rebuilding versions (`rebuilding`), showing it (`cli`).

From a notebook, in the project's folder:

    from html_classification.lake import Lake
    from html_classification.reproduction.models import compare, find_model
    from html_classification.reproduction.provenance import make_plan
    from html_classification.reproduction.rebuilding import rebuild, scratch_lake
    lake, tracking = Lake("data/lake"), "sqlite:///data/mlflow/mlflow.db"
    model = find_model(tracking, "champion")
    plan = make_plan(lake.store, [model.version], model.archive)
    verdicts = list(rebuild(lake, plan, "/tmp/scratch"))
    print(verdicts[-1].status, compare(tracking, model, lake, scratch_lake("/tmp/scratch")).is_same)
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import polars as pl

from html_classification.assets.silver import TEXT_STAGES
from html_classification.assets.training import PAGE_COLUMNS, TEXT_COLUMNS
from html_classification.lake import Lake, Upstream, paths
from html_classification.lake.paths import VersionId
from html_classification.reproduction.archive import Archive, read_archive
from html_classification.reproduction.differences import other_packages
from html_classification.reproduction.provenance import Recorded, open_recorded
from html_classification.schemas.columns import Stage
from html_classification.schemas.html_parsing import HTML_PARSING
from html_classification.schemas.training import TRAINING_SET
from html_classification.training.candidates import Kind
from html_classification.training.errors import TrainingError
from html_classification.training.evaluation import evaluate, probability_matrix
from html_classification.training.fitting import predict
from html_classification.training.local_database import local_database
from html_classification.training.registry import MODEL_NAME, PREFIX
from html_classification.training.rows import rows_with_text
from html_classification.training.run_values import mlflow_name
from html_classification.training.tracked import PROVENANCE
from html_classification.training.tracking import VERSION_TAG, client, load_classifier

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

#: Figures are sums over many rows, whose last bits may depend on the order of adding up.
_LAST_BITS = 1e-12


@dataclass(frozen=True)
class Registered:
    """What MLflow has of a registered model.

    Attributes:
        number: Its version in the registry.
        run_id: The run that trained it.
        version: The version of its stage in the lake.
        figures: All metrics of the run, by name.
        archive: The metadata of all that it was made from; None where the run has none, as of earlier releases.
    """

    number: int
    run_id: str
    version: VersionId
    figures: Mapping[str, float]
    archive: Archive | None

    @property
    def name(self) -> str:
        """The model's name and number."""
        return f"{MODEL_NAME} {self.number}"


@dataclass(frozen=True)
class Figure:
    """A metric as MLflow recorded it, and as it is of the rebuilt predictions."""

    metric: str
    recorded: float
    rebuilt: float

    @property
    def is_same(self) -> bool:
        """Whether both are the same, but for the last bits."""
        return math.isclose(self.recorded, self.rebuilt, rel_tol=_LAST_BITS, abs_tol=_LAST_BITS)


@dataclass(frozen=True)
class StoredModel:
    """What the model in MLflow says of the rebuilt test rows, beside the rebuilt predictions.

    Attributes:
        rows: The test rows.
        other: Those of which it predicts another category than the rebuilt model.
        difference: The largest difference of a probability.
    """

    rows: int
    other: int
    difference: float

    @property
    def is_same(self) -> bool:
        """Whether it says the same of every row, to the last decimal that predictions keep."""
        return not self.other and not self.difference


@dataclass(frozen=True)
class Comparison:
    """A model that was trained again, beside what was recorded of it.

    Attributes:
        figures: Every recorded metric that can be computed again.
        rows: The predicted rows.
        recorded_sha1: SHA-1 of the predictions' file as recorded.
        rebuilt_sha1: SHA-1 of the rebuilt one.
        stored: What the stored model says.
        other_packages: Packages that are not those that the model was trained with, in words; empty where all are.
    """

    figures: Sequence[Figure]
    rows: int
    recorded_sha1: str
    rebuilt_sha1: str
    stored: StoredModel
    other_packages: str

    @property
    def is_same(self) -> bool:
        """Whether nothing differs: predictions byte for byte, figures, and what the stored model says."""
        same_figures = bool(self.figures) and all(figure.is_same for figure in self.figures)
        return same_figures and self.recorded_sha1 == self.rebuilt_sha1 and self.stored.is_same


def find_model(tracking_uri: str, which: str) -> Registered:
    """A registered model, with the provenance that its run keeps.

    Args:
        tracking_uri: An MLflow server or database; a local database that is not there is not created.
        which: Its number in the registry, or an alias such as `champion`.

    Raises:
        TrainingError: There is no such model, it was not registered by this project, or MLflow does not answer.
        LakeError: Its provenance is damaged.
    """
    database = local_database(tracking_uri)
    if database is not None and not database.exists():
        message = f"no model is registered in {tracking_uri}: run the training group first"
        raise TrainingError(message)
    with _explained(f"the registry has no model {which!r}; see 'html-classification models ls'"):
        mlflow_client = client(tracking_uri)
        registered = _registered(mlflow_client, which)
        run = mlflow_client.get_run(registered.run_id or "")
        archive = _archive(mlflow_client, run.info.run_id)
    tags = {**run.data.tags, **registered.tags}
    named = [tags.get(f"{PREFIX}stage"), tags.get(f"{PREFIX}date"), tags.get(VERSION_TAG)]
    if not all(named):
        message = (
            f"{MODEL_NAME} {registered.version} does not say which version of the lake it is (tags {PREFIX}stage, "
            f"{PREFIX}date and {VERSION_TAG}): it was not registered by this project"
        )
        raise TrainingError(message)
    stage, day, version = map(str, named)
    paths.version_path(stage, paths.parse_day(day), version)
    found = VersionId(stage, paths.parse_day(day), version)
    return Registered(int(registered.version), run.info.run_id, found, dict(run.data.metrics), archive)


def compare(tracking_uri: str, model: Registered, lake: Lake, scratch: Lake) -> Comparison | None:
    """Compare a model with its rebuilt version.

    Args:
        tracking_uri: The MLflow server or database that has the model.
        model: The model.
        lake: The lake.
        scratch: The lake in which its version was rebuilt, or could not be.

    Returns:
        What came of it; None where it was not rebuilt.

    Raises:
        TrainingError: MLflow does not have the model's files any more, or does not answer.
        LakeError: A store fails.
    """
    version = model.version
    rebuilt = scratch.find(version.stage, version.day, version.version)
    if rebuilt is None:
        return None
    recorded = open_recorded(lake.store, version, model.archive)
    predictions = rebuilt.read()
    metrics = evaluate(predictions)
    rows = {"train_rows": float(rebuilt.metadata.statistics.figures["train_rows"]), "test_rows": float(metrics.rows)}
    now = {mlflow_name(name): value for name, value in (rows | metrics.all_figures()).items()}
    with _explained(f"MLflow does not have the files of {model.name} any more"):
        classifier = load_classifier(tracking_uri, model.run_id)
    said = predict(classifier, _test_rows(scratch, version, recorded))
    return Comparison(
        [Figure(name, model.figures[name], value) for name, value in now.items() if name in model.figures],
        predictions.height,
        recorded.metadata.data_files[0].sha1,
        rebuilt.metadata.data_files[0].sha1,
        _agreement(said, predictions),
        other_packages(recorded.metadata),
    )


def _test_rows(scratch: Lake, version: VersionId, recorded: Recorded) -> pl.DataFrame:
    """The rows that the model was tested on, with what it reads of them, as they were rebuilt."""

    def window(stage: Stage, columns: list[str]) -> pl.DataFrame:
        days = recorded.days(stage.name)
        upstream = Upstream(scratch.store, stage.name, days)
        return upstream.window(version.day, (version.day - min(days)).days + 1, columns).read()

    training_set = Upstream(scratch.store, TRAINING_SET.name, recorded.days(TRAINING_SET.name)).day(version.day).read()
    texts = window(TEXT_STAGES[Kind.of_stage(version.stage).text_version], TEXT_COLUMNS)
    rows = rows_with_text(training_set, texts, window(HTML_PARSING, PAGE_COLUMNS))
    return rows.filter(pl.col("split") == "test")


def _agreement(said: pl.DataFrame, rebuilt: pl.DataFrame) -> StoredModel:
    """Compare rows of `Predictions` of the same pages, both sorted by url."""
    cells = pl.concat([said["probabilities"], rebuilt["probabilities"]]).explode()
    names = cells.struct.field("category").unique().sort().to_list()
    difference = probability_matrix(said, names) - probability_matrix(rebuilt, names)
    other = said["predicted"].ne_missing(rebuilt["predicted"])
    return StoredModel(rebuilt.height, int(other.sum()), float(abs(difference).max()))


def _registered(mlflow_client: "MlflowClient", which: str) -> "ModelVersion":
    if which.isascii() and which.isdigit():
        return mlflow_client.get_model_version(MODEL_NAME, which)
    return mlflow_client.get_model_version_by_alias(MODEL_NAME, which)


def _archive(mlflow_client: "MlflowClient", run_id: str) -> Archive | None:
    folder = PROVENANCE.rpartition("/")[0]
    if all(item.path != PROVENANCE for item in mlflow_client.list_artifacts(run_id, folder)):
        return None
    with TemporaryDirectory() as local:
        data = Path(mlflow_client.download_artifacts(run_id, PROVENANCE, local)).read_bytes()
    return read_archive(data, f"{PROVENANCE} of MLflow run {run_id}")


@contextmanager
def _explained(missing: str) -> Iterator[None]:
    """Say in one line what MLflow says in a traceback.

    Args:
        missing: What to say where something is not there.
    """
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise TrainingError(missing) from None
        message = f"MLflow does not answer: {str(error).splitlines()[0]}; is MLFLOW_TRACKING_URI right?"
        raise TrainingError(message) from None
