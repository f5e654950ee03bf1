"""One MLflow run for each model: what stands in it.

Belongs here: names, tags, datasets and files of a run. Does not belong here: opening and closing runs (`tracking`),
training (`candidates`), and what is asked of the runs later (`registry`, `promoting`).

A run is open while its model is trained, so that a training that fails can be seen; it is FINISHED only when the
model's version is published in the lake.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from html_classification.lake.metadata import Metadata
from html_classification.lake.paths import VersionId
from html_classification.reproduction.archive import Archivist
from html_classification.training.algorithms import Parameters
from html_classification.training.candidates import EXPERIMENT, Candidate, Files, Kind
from html_classification.training.data_snapshot import snapshot_name
from html_classification.training.registry import PREFIX
from html_classification.training.run_values import datasets_of, environment
from html_classification.training.tracking import VERSION_TAG, TrackedRun, find_run, tracked_run
from html_classification.transforms.text.versions import TEXT_VERSIONS

#: Where a run keeps the metadata of all that its model was made from.
PROVENANCE = "data/provenance.jsonl.gz"


def prepare() -> None:
    """Import what several threads are going to need of MLflow: two that import parts of it at once may deadlock."""
    import mlflow.models.signature
    import mlflow.types.schema  # noqa: F401


@contextmanager
def session(
    tracking_uri: str,
    kind: Kind,
    parameters: Parameters,
    version: VersionId,
    archivist: Archivist,
    parent_run_id: Callable[[], str | None],
) -> Iterator[Callable[[Metadata, Candidate], None]]:
    """The run of a model that is about to be trained.

    Args:
        tracking_uri: An MLflow server or database.
        kind: What is trained.
        parameters: The algorithm's parameters.
        version: The model's version in the lake.
        archivist: Knows what the model's data was made from.
        parent_run_id: Gives the run that this one is shown under.

    Yields:
        What writes a trained model to the run.
    """
    tags = {
        VERSION_TAG: version.version,
        f"{PREFIX}stage": version.stage,
        f"{PREFIX}date": version.day.isoformat(),
        f"{PREFIX}labels": kind.labels,
        f"{PREFIX}text_version": kind.text_version,
        f"{PREFIX}algorithm": kind.algorithm,
    }
    run_name = f"{kind.labels} {kind.text_version} {kind.algorithm} {version.day}"
    parent = parent_run_id()
    with tracked_run(tracking_uri, EXPERIMENT, run_name=run_name, tags=tags, parent_run_id=parent) as run:
        yield lambda metadata, candidate: _record(run, kind, parameters, metadata, candidate, archivist)


def _record(
    run: TrackedRun,
    kind: Kind,
    parameters: Parameters,
    metadata: Metadata,
    candidate: Candidate,
    archivist: Archivist,
) -> None:
    run.log(
        parameters.model_dump()
        | {"labels": kind.labels, "text_version": kind.text_version, "algorithm": kind.algorithm}
        | {"preprocessing": "; ".join(TEXT_VERSIONS[kind.text_version].describe())},
        candidate.metrics.all_figures()
        | {f"{side}_rows": float(rows) for side, rows in candidate.rows.items()}
        | {f"{what}_seconds": seconds for what, seconds in candidate.seconds.items()},
        {f"{PREFIX}{name}": value for name, value in _tags(metadata, candidate).items()},
    )
    run.log_datasets(datasets_of(metadata.sources))
    with TemporaryDirectory() as folder:
        report, model = Path(folder) / "report", Path(folder) / "model"
        about = {
            "metadata.json": metadata.to_json(),
            "environment.json": orjson.dumps(environment(metadata), option=orjson.OPT_INDENT_2),
            PROVENANCE: archivist.archive(metadata),
        }
        _write(report, candidate.report | about)
        run.log_folder(report)
        _write(model, candidate.model)
        run.log_model(model)


def _write(folder: Path, files: Files) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def _tags(metadata: Metadata, candidate: Candidate) -> dict[str, str]:
    return {
        "train_rows": str(candidate.rows["train"]),
        "test_rows": str(candidate.rows["test"]),
        "snapshot": snapshot_name(metadata),
        "git_commit": metadata.context.git_commit or "none",
        "host": metadata.context.host,
    }


def is_tracked(tracking_uri: str, version: str) -> bool:
    """Whether MLflow still has the finished run of a version."""
    return find_run(tracking_uri, EXPERIMENT, version) is not None
