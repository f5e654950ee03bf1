"""Training: which rows, what a model says of rows it has not seen, models side by side, the best of the day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from html_classification.assets.silver import TEXT_STAGES
from html_classification.assets.stage_asset import IO_MANAGER, OWNERS, stage_asset
from html_classification.day_by_day import DayResult, days_of, each_day
from html_classification.lake import Build, Metadata, Slice, Step, Upstream
from html_classification.lake.metadata import Source
from html_classification.lake.recipe import RecipeSource
from html_classification.partitions import BACKFILL_POLICY, daily_partitions
from html_classification.resources import Tracking
from html_classification.schemas.annotated import ANNOTATED
from html_classification.schemas.columns import Stage
from html_classification.schemas.html_parsing import HTML_PARSING
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.post_train import POST_TRAIN
from html_classification.schemas.training import LEADERBOARD, PREDICTIONS, TRAINING_SET, model_stage
from html_classification.settings import load_settings
from html_classification.training import candidates, promoting
from html_classification.training.algorithms import ALGORITHMS, Algorithm
from html_classification.training.fitting import out_of_sample
from html_classification.training.rows import refined_rows, rows_with_text
from html_classification.training.split import split_window
from html_classification.transforms.text.versions import DEFAULT_TEXT_VERSION

WINDOW_DAYS = load_settings().training_window_days
TEST_SHARE = 0.3
SEED = 0
#: Out-of-sample predictions are made by it: of the algorithms the one with honest probabilities.
REFERENCE = ALGORITHMS["logistic-regression"]
TEXT_COLUMNS = ["url", "title", "content"]


@stage_asset(
    TRAINING_SET,
    reads={"annotated": ANNOTATED, "html_parsing": HTML_PARSING},
)
def training_set(annotated: Upstream, html_parsing: Upstream) -> Build:
    """The rows of the window, each on one side of the split."""
    parsed_columns = ["url", "language", "content_sha1", "minhash", "timestamp"]
    return Build(
        inputs=lambda day: {
            "annotated": annotated.window(day, WINDOW_DAYS, ["url", "category", "timestamp"]),
            "parsed": html_parsing.window(day, WINDOW_DAYS, parsed_columns),
        },
        compute=lambda annotated, parsed: split_window(annotated, parsed, test_share=TEST_SHARE, seed=SEED),
        parameters={"window_days": WINDOW_DAYS, "test_share": TEST_SHARE, "seed": SEED},
        process=[
            Step(step="take the window of days", parameters={"days": WINDOW_DAYS}),
            Step(step="keep the freshest copy of each URL"),
            Step(step="find near duplicates across the window"),
            Step(step="split by time, clusters on one side", parameters={"test_share": TEST_SHARE}),
        ],
    )


@stage_asset(
    PREDICTIONS,
    reads={"training_set": TRAINING_SET, "texts": TEXT_STAGES[DEFAULT_TEXT_VERSION]},
    kinds=("scikitlearn", "parquet"),
)
def predictions(training_set: Upstream, texts: Upstream) -> Build:
    """What a model that has not seen the row says of each row of the training set."""
    parameters = REFERENCE.parameters()
    return Build(
        inputs=lambda day: {
            "training_set": training_set.day(day),
            "texts": texts.window(day, WINDOW_DAYS, TEXT_COLUMNS),
        },
        compute=lambda training_set, texts: out_of_sample(
            rows_with_text(training_set, texts), REFERENCE, parameters, seed=SEED
        ),
        parameters={"algorithm": REFERENCE.name, "seed": SEED} | parameters.model_dump(),
        process=[
            Step(
                step="cross-validate the train rows, near duplicates in one fold",
                parameters={"algorithm": REFERENCE.name},
            ),
            Step(step="predict the test rows by a model of all train rows"),
        ],
    )


def model(labels: str, text_version: str, algorithm: Algorithm) -> dg.AssetsDefinition:
    """The asset of one kind of model: labels × text version × algorithm."""
    stage = model_stage(labels, text_version, algorithm.name)
    refined = labels == "refined"
    reads: dict[str, Stage] = {
        "training_set": TRAINING_SET,
        "texts": TEXT_STAGES[text_version],
    }

    @stage_asset(
        stage,
        reads=reads | ({"post_train": POST_TRAIN} if refined else {}),
        resources=("tracking",),
        kinds=("scikitlearn", "mlflow", "parquet"),
    )
    def asset(training_set: Upstream, texts: Upstream, tracking: Tracking, post_train: Upstream | None = None) -> Build:
        parameters = algorithm.parameters()

        def inputs(day: date) -> dict[str, Slice]:
            read = {
                "training_set": training_set.day(day),
                "texts": texts.window(day, WINDOW_DAYS, TEXT_COLUMNS),
            }
            return read | ({"post_train": post_train.day(day, ["url", "category", "action"])} if post_train else {})

        def compute(training_set: pl.DataFrame, texts: pl.DataFrame, post_train: pl.DataFrame | None = None) -> Outcome:
            rows = rows_with_text(training_set, texts)
            rows = rows if post_train is None else refined_rows(rows, post_train)
            return candidates.train(rows, algorithm, parameters)

        def track(metadata: Metadata, candidate: candidates.Candidate) -> None:
            kind = candidates.Kind(labels, text_version, algorithm.name)
            candidates.track(metadata, candidate, kind, parameters, tracking.address, tracking.parent_run_id)

        return Build(
            inputs=inputs,
            compute=compute,
            parameters=parameters.model_dump(),
            process=[
                Step(step="train on the train rows", parameters={"algorithm": algorithm.name, "labels": labels}),
                Step(step="predict the test rows"),
            ],
            after=track,
            still_there=lambda version: candidates.is_tracked(tracking.address, version),
        )

    return asset


KINDS = [
    (labels, text_version, algorithm)
    for labels in ("given", "refined")
    for text_version in TEXT_STAGES
    for algorithm in ALGORITHMS.values()
]
models = [model(*kind) for kind in KINDS]
MODEL_STAGES = {
    f"{labels}_{version}_{algorithm.name}".replace("-", "_"): model_stage(labels, version, algorithm.name)
    for labels, version, algorithm in KINDS
}


@dataclass(frozen=True)
class HeldOut:
    """The held-out predictions of all models of a day, as one input."""

    slices: Mapping[str, Slice]

    def read(self, scratch: Path) -> list[candidates.HeldOutRows]:
        """Each model's version, predictions and figures."""
        return [
            candidates.HeldOutRows(stage, metadata.version, int(metadata.statistics.figures["train_rows"]), read.read())
            for stage, read in self.slices.items()
            for metadata in [read.datasets[0].metadata]
        ]

    def sources(self) -> list[Source]:
        """For the metadata."""
        return [source for read in self.slices.values() for source in read.sources()]

    def recipe_sources(self, name: str) -> list[RecipeSource]:
        """For the recipe."""
        return [source for stage, read in self.slices.items() for source in read.recipe_sources(f"{name}/{stage}")]


@stage_asset(LEADERBOARD, reads=MODEL_STAGES)
def leaderboard(**models: Upstream) -> Build:
    """Every model of the day on the same test rows, best first."""
    return Build(
        inputs=lambda day: {
            # Sorted, as Dagster gives them: their order is part of the recipe, whoever calls.
            "held_out": HeldOut({MODEL_STAGES[name].name: read.day(day) for name, read in sorted(models.items())}),
        },
        compute=candidates.rank,
        process=[Step(step="measure each model on the test rows"), Step(step="rank by macro-F1")],
    )


@dg.asset(
    key="promotion",
    ins={
        "leaderboard": dg.AssetIn(key=LEADERBOARD.asset_key),
        "training_set": dg.AssetIn(key=TRAINING_SET.asset_key),
        **{f"texts_{name}": dg.AssetIn(key=stage.asset_key) for name, stage in TEXT_STAGES.items()},
    },
    group_name="training",
    description=(
        "Registers the best model of the day in MLflow and makes it the champion if it is not worse than the present "
        "champion on the same test rows. Nothing is written to the lake: the registry is the record. Made from "
        "leaderboard. Used by whoever serves the model."
    ),
    owners=OWNERS,
    kinds={"mlflow"},
    tags={"layer": "training"},
    code_version="1",
    partitions_def=daily_partitions(),
    backfill_policy=BACKFILL_POLICY,
    io_manager_key=IO_MANAGER,
    required_resource_keys={"tracking"},
)
def promotion(
    context: dg.AssetExecutionContext, leaderboard: Upstream, training_set: Upstream, **texts: Upstream
) -> None:
    """The best model of the day meets the champion."""
    uri = context.resources.tracking.address

    def do(day: date) -> DayResult:
        board = leaderboard.day(day).read()
        rows = training_set.day(day).read()
        versions = {name.removeprefix("texts_"): read for name, read in texts.items()}

        def test_rows(text_version: str) -> pl.DataFrame:
            text = versions[text_version].window(day, WINDOW_DAYS, TEXT_COLUMNS).read()
            return rows_with_text(rows, text).filter(pl.col("split") == "test")

        decision = promoting.meet_champion(uri, board, day, test_rows)
        figures: dict[str, Any] = decision.model_dump()
        return DayResult(figures, checks=[], reused=False, detail=decision.reason)

    each_day(context.get_step_execution_context(), context.asset_key, days_of(context.partition_keys), do)
