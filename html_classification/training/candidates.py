"""Candidates: one model of a day, from training rows to all that is kept of it.

Belongs here: what a process does that trains one. Does not belong here: how an algorithm is fitted (`fitting`), what
is measured (`evaluation`, `report`), where it is kept (`tracked`), who becomes champion (`promoting`).
"""

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from html_classification.schemas.outcome import Outcome
from html_classification.training.algorithms import ALGORITHMS, Parameters
from html_classification.training.errors import TrainingError
from html_classification.training.evaluation import Metrics
from html_classification.training.fitting import fit, predict
from html_classification.training.packaging import EXAMPLE, write_files
from html_classification.training.report import write_report
from html_classification.transforms.text.versions import TEXT_VERSIONS

EXPERIMENT = "html-classification"

Files = dict[str, bytes]


@dataclass(frozen=True)
class Kind:
    """What distinguishes the models of a day."""

    labels: str
    text_version: str
    algorithm: str

    @classmethod
    def of_stage(cls, stage: str) -> "Kind":
        """From the name of a model's stage.

        >>> Kind.of_stage("models/given-v2-complement-nb")
        Kind(labels='given', text_version='v2', algorithm='complement-nb')
        """
        labels, text_version, algorithm = stage.removeprefix("models/").split("-", 2)
        return cls(labels, text_version, algorithm)


@dataclass(frozen=True)
class Candidate:
    """A fitted model with all that MLflow keeps of it.

    Attributes:
        metrics: How good it is on the test rows.
        rows: How many rows there are on each side, by `train` and `test`.
        seconds: Processor time that fitting and predicting took, by `fit` and `predict`.
        report: Content of each file of the report, by its path.
        model: Content of each file of the packaged model, likewise.
    """

    metrics: Metrics
    rows: dict[str, int]
    seconds: dict[str, float]
    report: Files
    model: Files


def train(rows: pl.DataFrame, kind: Kind, parameters: Parameters) -> Outcome:
    """Train on the train rows, predict the test rows, measure. Pure, and picklable for process pools.

    Args:
        rows: What `rows.rows_with_text` gives, or `rows.refined_rows`.
        kind: What to train.
        parameters: The algorithm's parameters.

    Returns:
        Rows of `Predictions` for the test rows; as figures the metrics; as byproduct the `Candidate`.

    Raises:
        TrainingError: There is nothing to learn from, nothing to test on, or a page is on both sides.
    """
    known, held_out = (rows.filter(pl.col("split") == side).sort("url") for side in ("train", "test"))
    if held_out.is_empty():
        raise TrainingError("The training set has no test rows: take more days or rows into the window.")
    _require_no_leak(known, held_out)
    started = time.process_time()
    classifier = fit(known, ALGORITHMS[kind.algorithm], parameters)
    fitted = time.process_time()
    frame = predict(classifier, held_out)
    predicted = time.process_time()
    with TemporaryDirectory() as folder:
        report = write_report(Path(folder) / "report", classifier, held_out, frame)
        write_files(Path(folder) / "model", classifier, TEXT_VERSIONS[kind.text_version], EXAMPLE)
        candidate = Candidate(
            report.metrics,
            {"train": known.height, "test": held_out.height},
            {"fit": fitted - started, "predict": predicted - fitted},
            _files(Path(folder) / "report"),
            _files(Path(folder) / "model"),
        )
    figures = {name: round(value, 6) for name, value in report.metrics.figures().items()}
    return Outcome(frame, figures={"train_rows": known.height, **figures}, byproduct=candidate)


def _files(folder: Path) -> Files:
    """All files below a folder: a process that has ended has none."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _require_no_leak(known: pl.DataFrame, held_out: pl.DataFrame) -> None:
    """Refuse to measure a model on pages, or copies of pages, that it learns from."""
    for column, what in (("url", "pages"), ("duplicate_cluster", "clusters of copies")):
        both = set(known[column]) & set(held_out[column])
        if both:
            message = (
                f"{len(both)} {what} are on both sides of the split, such as {min(both)}: the model would be tested on "
                "what it learned; materialize the training set again"
            )
            raise TrainingError(message)
