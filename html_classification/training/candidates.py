"""Candidates: the models of a day, from training rows to their place on the leaderboard.

Belongs here: training one, writing it to MLflow, ranking all. Does not belong here: how an algorithm is
fitted (`fitting`), what MLflow keeps (`tracking`), who becomes champion (`promoting`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from html_classification.lake.metadata import Metadata
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.training import LEADERBOARD
from html_classification.training.algorithms import Algorithm, Parameters
from html_classification.training.errors import TrainingError
from html_classification.training.evaluation import Metrics, evaluate
from html_classification.training.fitting import TextClassifier, fit, predict
from html_classification.training.registry import PREFIX
from html_classification.training.tracking import VERSION_TAG, find_run, log_model_run

EXPERIMENT = "html-classification"


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
    """A fitted model with its figures."""

    classifier: TextClassifier
    metrics: Metrics
    train_rows: int
    example: str


def train(rows: pl.DataFrame, algorithm: Algorithm, parameters: Parameters) -> Outcome:
    """Train on the train rows, predict the test rows.

    Args:
        rows: `url`, `category`, `split`, `text`.
        algorithm: The algorithm.
        parameters: Its parameters.

    Returns:
        Rows of `Predictions` for the test rows; as figures the metrics; as byproduct the `Candidate`.

    Raises:
        TrainingError: There is nothing to learn from, or nothing to test on.
    """
    sides = {side: rows.filter(pl.col("split") == side).sort("url") for side in ("train", "test")}
    if sides["test"].is_empty():
        raise TrainingError("The training set has no test rows: take more days or rows into the window.")
    known, held_out = sides["train"], sides["test"]
    classifier = fit(known["text"].to_list(), known["category"].to_list(), algorithm, parameters)
    frame = predict(classifier, *(held_out[name].to_list() for name in ("url", "text", "category")))
    metrics = evaluate(frame)
    figures = {name: round(value, 6) for name, value in metrics.figures().items()}
    candidate = Candidate(classifier, metrics, known.height, held_out["text"][0][:500])
    return Outcome(frame, figures={"train_rows": known.height, **figures}, byproduct=candidate)


def track(
    metadata: Metadata,
    candidate: Candidate,
    kind: Kind,
    parameters: Parameters,
    tracking_uri: str,
    parent_run_id: Callable[[], str | None],
) -> None:
    """Write a candidate to MLflow: one run, tagged with the version of its stage in the lake."""
    log_model_run(
        tracking_uri,
        EXPERIMENT,
        run_name=f"{kind.labels} {kind.text_version} {kind.algorithm} {metadata.date}",
        parameters=parameters.model_dump()
        | {"labels": kind.labels, "text_version": kind.text_version, "algorithm": kind.algorithm},
        metrics=candidate.metrics.figures()
        | {"train_rows": float(candidate.train_rows), "test_rows": float(candidate.metrics.rows)}
        | {f"f1/{name}": figures.f1 for name, figures in candidate.metrics.categories.items()},
        tags={
            VERSION_TAG: metadata.version,
            **{f"{PREFIX}{name}": value for name, value in _tags(metadata, candidate, kind).items()},
        },
        classifier=candidate.classifier,
        input_example=[candidate.example],
        artifacts={"metadata.json": metadata.model_dump(mode="json")},
        parent_run_id=parent_run_id(),
    )


def _tags(metadata: Metadata, candidate: Candidate, kind: Kind) -> dict[str, str]:
    return {
        "stage": metadata.stage,
        "date": metadata.date.isoformat(),
        "labels": kind.labels,
        "text_version": kind.text_version,
        "algorithm": kind.algorithm,
        "train_rows": str(candidate.train_rows),
        "test_rows": str(candidate.metrics.rows),
        "snapshot": snapshot(metadata),
        "git_commit": metadata.context.git_commit or "none",
    }


def snapshot(metadata: Metadata) -> str:
    """The name of the exact data a model was trained on: the training set's day and version."""
    for source in metadata.sources:
        if source.stage == "training-set":
            return f"training-set-{source.date}-{source.version}"
    raise TrainingError(f"{metadata.stage} {metadata.date} names no training set among its sources.")


def is_tracked(tracking_uri: str, version: str) -> bool:
    """Whether MLflow still has the run of a version."""
    return find_run(tracking_uri, EXPERIMENT, version) is not None


@dataclass(frozen=True)
class HeldOutRows:
    """What the lake keeps of a model: its stage, version, number of train rows, predictions of the test rows."""

    stage: str
    version: str
    train_rows: int
    predictions: pl.DataFrame


def rank(held_out: Sequence[HeldOutRows]) -> Outcome:
    """The leaderboard of a day.

    Args:
        held_out: The models, all of the same test rows.

    Returns:
        Rows of `Leaderboard`, by rank: macro-F1, then accuracy, then the name.
    """
    rows = []
    for model in held_out:
        kind, metrics = Kind.of_stage(model.stage), evaluate(model.predictions)
        rows.append(
            {
                "model": model.stage,
                "version": model.version,
                "labels": kind.labels,
                "text_version": kind.text_version,
                "algorithm": kind.algorithm,
                "train_rows": model.train_rows,
                "test_rows": metrics.rows,
                "accuracy": round(metrics.accuracy, 6),
                "macro_f1": round(metrics.macro_f1, 6),
            }
        )
    frame = (
        pl.DataFrame(rows)
        .sort(["macro_f1", "accuracy", "model"], descending=[True, True, False])
        .with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))
        .select(list(LEADERBOARD.dtypes))
    )
    return Outcome(frame, figures={"best_macro_f1": frame["macro_f1"][0], "best_accuracy": frame["accuracy"][0]})
