"""Training: which rows, what a model says of rows it has not seen, models side by side, the best of the day."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from html_classification.assets.launching import as_config, chosen
from html_classification.assets.side_by_side import Member, assets_side_by_side
from html_classification.assets.silver import TEXT_STAGES
from html_classification.assets.stage_asset import IO_MANAGER, OWNERS, STAGE_FUNCTIONS, StageFunction, stage_asset
from html_classification.checks import step_results
from html_classification.day_by_day import DayResult, days_of, each_day, record_audits
from html_classification.lake import Build, Slice, Step, Upstream
from html_classification.lake.metadata import Source
from html_classification.lake.recipe import RecipeSource
from html_classification.partitions import BACKFILL_POLICY, daily_partitions
from html_classification.reproduction.archive import Archivist
from html_classification.resources import Tracking, TrainingProcesses
from html_classification.schemas.annotated import ANNOTATED
from html_classification.schemas.html_parsing import HTML_PARSING
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.post_train import POST_TRAIN
from html_classification.schemas.training import LEADERBOARD, PREDICTIONS, TRAINING_SET, model_stage
from html_classification.settings import SettingsError, load_settings
from html_classification.training import candidates, effect, promoting, tracked
from html_classification.training import leaderboard as board_of
from html_classification.training.algorithms import ALGORITHMS, Algorithm, PageStructureParameters, Parameters
from html_classification.training.comparison import PromotionRules
from html_classification.training.data_snapshot import (
    publish_snapshot,
    require_snapshot,
    snapshot_name,
    urls_trained_on,
)
from html_classification.training.errors import TrainingError
from html_classification.training.out_of_sample import out_of_sample
from html_classification.training.rows import refined_rows, rows_with_text
from html_classification.training.split import ANNOTATED_COLUMNS, PARSED_COLUMNS, split_window
from html_classification.training.training_set_checks import TRAINING_SET_CHECKS, TrainingSetThresholds
from html_classification.transforms.text.versions import DEFAULT_TEXT_VERSION

WINDOW_DAYS = load_settings().training_window_days
TEST_SHARE = load_settings().test_share
SPLIT_SITES = load_settings().split_sites
SEED = load_settings().training_seed
#: Out-of-sample predictions are made by it: of the algorithms the best, following its rows closely, which puts wrong
#: labels in order better (see the benchmark `label_repair`).
REFERENCE = ALGORITHMS["page-structure"]
REFERENCE_PARAMETERS = PageStructureParameters(inverse_regularization=10.0)
TEXT_COLUMNS = ["url", "title", "content"]
PAGE_COLUMNS = ["url", "markup"]


@stage_asset(
    TRAINING_SET,
    reads={"annotated": ANNOTATED, "html_parsing": HTML_PARSING},
    checks=TRAINING_SET_CHECKS,
)
def training_set(annotated: Upstream, html_parsing: Upstream) -> Build:
    """The rows of the window, each on one side of the split."""
    split: dict[str, Any] = {"test_share": TEST_SHARE, "by_site": SPLIT_SITES, "seed": SEED}
    return Build(
        inputs=lambda day: {
            "annotated": annotated.window(day, WINDOW_DAYS, ANNOTATED_COLUMNS),
            "parsed": html_parsing.window(day, WINDOW_DAYS, PARSED_COLUMNS),
        },
        compute=partial(split_window, **split),
        parameters={"window_days": WINDOW_DAYS, **split, **TrainingSetThresholds().model_dump()},
        process=[
            Step(step="take the window of days", parameters={"days": WINDOW_DAYS}),
            Step(step="keep the freshest copy of each URL"),
            Step(step="find near duplicates across the window"),
            Step(
                step=f"split by time, {'sites and clusters' if SPLIT_SITES else 'clusters'} on one side",
                parameters=split,
            ),
        ],
        published=publish_snapshot,
    )


@stage_asset(
    PREDICTIONS,
    reads={"training_set": TRAINING_SET, "texts": TEXT_STAGES[DEFAULT_TEXT_VERSION], "pages": HTML_PARSING},
    kinds=("scikitlearn", "parquet"),
)
def predictions(training_set: Upstream, texts: Upstream, pages: Upstream) -> Build:
    """What a model that has not seen the row says of each row of the training set."""
    parameters = REFERENCE_PARAMETERS
    return Build(
        inputs=lambda day: {
            "training_set": training_set.day(day),
            "texts": texts.window(day, WINDOW_DAYS, TEXT_COLUMNS),
            "pages": pages.window(day, WINDOW_DAYS, PAGE_COLUMNS),
        },
        compute=lambda training_set, texts, pages: out_of_sample(
            rows_with_text(training_set, texts, pages), REFERENCE, parameters, seed=SEED
        ),
        parameters={"algorithm": REFERENCE.name, "seed": SEED} | parameters.model_dump(),
        process=[
            Step(
                step="cross-validate the train rows, near duplicates in one fold",
                parameters={"algorithm": REFERENCE.name},
            ),
            Step(step="again, without learning from the labels that this puts in doubt, and take the mean"),
            Step(step="predict the test rows by a model of the train rows that are not in doubt"),
        ],
    )


def chosen_algorithms() -> list[str]:
    """The names of the algorithms that models are trained by, in their own order.

    Raises:
        SettingsError: There is no such algorithm.
    """
    wanted = load_settings().chosen_algorithms or tuple(ALGORITHMS)
    if unknown := [name for name in wanted if name not in ALGORITHMS]:
        message = f"HTML_CLASSIFICATION_ALGORITHMS: there is no {unknown[0]}; there are {', '.join(ALGORITHMS)}"
        raise SettingsError(message)
    return [name for name in ALGORITHMS if name in wanted]


#: One for all models of a step: they have most of their ancestors in common.
_archivist = lru_cache(maxsize=1)(Archivist)


def model(labels: str, text_version: str, algorithm: Algorithm) -> Member:
    """One kind of model: labels × text version × algorithm."""
    kind = candidates.Kind(labels, text_version, algorithm.name)
    reads = {"training_set": TRAINING_SET, "texts": TEXT_STAGES[text_version], "pages": HTML_PARSING}

    def function(
        training_set: Upstream,
        texts: Upstream,
        pages: Upstream,
        tracking: Tracking,
        training_processes: TrainingProcesses,
        parameters: Parameters,
        post_train: Upstream | None = None,
    ) -> Build:
        archivist = _archivist(training_set.store)
        pool = training_processes.pool
        tracked.prepare()

        def inputs(day: date) -> dict[str, Slice]:
            read = {
                "training_set": training_set.day(day),
                "texts": texts.window(day, WINDOW_DAYS, TEXT_COLUMNS),
                "pages": pages.window(day, WINDOW_DAYS, PAGE_COLUMNS),
            }
            return read | ({"post_train": post_train.day(day, ["url", "category", "action"])} if post_train else {})

        def compute(
            training_set: pl.DataFrame,
            texts: pl.DataFrame,
            pages: pl.DataFrame,
            post_train: pl.DataFrame | None = None,
        ) -> Outcome:
            rows = rows_with_text(training_set, texts, pages)
            rows = rows if post_train is None else refined_rows(rows, post_train)
            return pool.run(candidates.train, rows, kind, parameters)

        return Build(
            inputs=inputs,
            compute=compute,
            parameters=parameters.model_dump(),
            process=[
                Step(step="train on the train rows", parameters={"algorithm": algorithm.name, "labels": labels}),
                Step(step="predict the test rows"),
            ],
            session=lambda version: tracked.session(
                tracking.address, kind, parameters, version, archivist, tracking.parent_run_id
            ),
            still_there=lambda version: tracked.is_tracked(tracking.address, version),
        )

    return Member(
        StageFunction(
            model_stage(labels, text_version, algorithm.name),
            reads | ({"post_train": POST_TRAIN} if labels == "refined" else {}),
            function,
            ("tracking", "training_processes"),
            algorithm.parameters,
        ),
        config=algorithm.name.replace("-", "_"),
    )


KINDS = [
    (labels, text_version, algorithm)
    for labels in ("given", "refined")
    for text_version in TEXT_STAGES
    for algorithm in ALGORITHMS.values()
]
MEMBERS = {kind: model(*kind) for kind in KINDS}
#: Those that are not trained any more can be rebuilt all the same.
STAGE_FUNCTIONS.update({member.function.stage.name: member.function for member in MEMBERS.values()})
CHOSEN = [kind for kind in KINDS if kind[2].name in chosen_algorithms()]
Hyperparameters = as_config(
    "Hyperparameters",
    "What can be set of each algorithm; what is not set stays at its default.",
    {
        name.replace("-", "_"): (ALGORITHMS[name].parameters, f"Of all models of {name}.")
        for name in chosen_algorithms()
    },
)
models = [
    assets_side_by_side(
        f"models_on_{labels}_labels",
        [MEMBERS[kind] for kind in CHOSEN if kind[0] == labels],
        Hyperparameters,
        # One more than there are processes: while one writes to MLflow, the others train.
        at_once=lambda resources: resources.training_processes.pool.count + 1,
        kinds=("scikitlearn", "mlflow", "parquet"),
    )
    for labels in ("given", "refined")
]
MODEL_STAGES = {
    f"{labels}_{version}_{algorithm.name}".replace("-", "_"): model_stage(labels, version, algorithm.name)
    for labels, version, algorithm in CHOSEN
}


@dataclass(frozen=True)
class HeldOut:
    """The held-out predictions of all models of a day, as one input."""

    slices: Mapping[str, Slice]

    def read(self, scratch: Path) -> list[board_of.HeldOutRows]:
        """Each model's version, predictions and figures."""
        return [
            board_of.HeldOutRows(
                stage,
                metadata.version,
                snapshot_name(metadata),
                int(metadata.statistics.figures["train_rows"]),
                read.read(),
            )
            for stage, read in self.slices.items()
            for metadata in [read.datasets[0].metadata]
        ]

    def sources(self) -> list[Source]:
        """For the metadata."""
        return [source for read in self.slices.values() for source in read.sources()]

    def recipe_sources(self, name: str) -> list[RecipeSource]:
        """For the recipe."""
        return [source for stage, read in self.slices.items() for source in read.recipe_sources(f"{name}/{stage}")]


def _shown(board: pl.DataFrame) -> dict[str, dg.MetadataValue]:
    """The board as a table, and as a picture that the Dagster UI shows by itself."""
    png = base64.b64encode(board_of.picture(board)).decode()
    return {
        "leaderboard": dg.MetadataValue.md(f"{board_of.effect_to_markdown(board)}\n\n{board_of.to_markdown(board)}"),
        "picture": dg.MetadataValue.md(f"![macro-F1 and accuracy of each model](data:image/png;base64,{png})"),
    }


@stage_asset(
    LEADERBOARD,
    reads={"training_set": TRAINING_SET} | MODEL_STAGES,
    checks={effect.REFINEMENT_HELPS: effect.REFINEMENT_HELPS_DESCRIPTION},
    shows=_shown,
    parameters=board_of.LeaderboardRules,
)
def leaderboard(training_set: Upstream, parameters: board_of.LeaderboardRules, **models: Upstream) -> Build:
    """Every model of the day on the same test rows, best first, and whether refined labels help."""
    return Build(
        inputs=lambda day: {
            # Sorted, as Dagster gives them: their order is part of the recipe, whoever calls.
            "held_out": HeldOut({MODEL_STAGES[name].name: read.day(day) for name, read in sorted(models.items())}),
            "training_set": training_set.day(day, effect.ROW_COLUMNS),
        },
        compute=partial(board_of.rank_day, rules=parameters.refinement),
        parameters=parameters.model_dump(),
        process=[
            Step(step="measure each model on the test rows"),
            Step(step="rank by macro-F1"),
            Step(step="compare models on refined and on given labels", parameters=parameters.refinement.model_dump()),
        ],
    )


Promotion = as_config(
    "Promotion",
    "How a model becomes champion.",
    {"rules": (PromotionRules, "When a model is better, not worse, or worse than the champion.")},
)


@dg.asset(
    key="promotion",
    ins={
        "leaderboard": dg.AssetIn(key=LEADERBOARD.asset_key),
        "training_set": dg.AssetIn(key=TRAINING_SET.asset_key),
        "pages": dg.AssetIn(key=HTML_PARSING.asset_key),
        **{f"texts_{name}": dg.AssetIn(key=stage.asset_key) for name, stage in TEXT_STAGES.items()},
    },
    group_name="training",
    description=(
        "Registers the best model of the day in MLflow and makes it the champion if it is better than the present "
        "champion on the same test rows, or newer, not distinguishable and behind by no more than a margin, and no "
        "category or slice falls by more than one. Models on refined labels take part where these have helped. Nothing "
        "is written to the lake: the registry is the record. Made from leaderboard. Used by whoever serves the model."
    ),
    owners=OWNERS,
    kinds={"mlflow"},
    tags={"layer": "training"},
    code_version="3",
    partitions_def=daily_partitions(),
    backfill_policy=BACKFILL_POLICY,
    io_manager_key=IO_MANAGER,
    required_resource_keys={"tracking"},
    check_specs=[
        dg.AssetCheckSpec(
            promoting.NOT_WORSE,
            asset="promotion",
            description=promoting.NOT_WORSE_DESCRIPTION,
            partitions_def=daily_partitions(),
        )
    ],
)
def promotion(
    context: dg.AssetExecutionContext,
    config: Promotion,  # type: ignore[valid-type] # made of the rules above
    leaderboard: Upstream,
    training_set: Upstream,
    pages: Upstream,
    **texts: Upstream,
) -> Iterator[Any]:
    """The best model of the day meets the champion."""
    uri = context.resources.tracking.address
    rules = chosen(config, "rules", PromotionRules)
    step = context.get_step_execution_context()

    def do(day: date) -> DayResult:
        board, rows_of_day = leaderboard.day(day), training_set.day(day)
        ranked, rows = board.read(), rows_of_day.read()
        require_snapshot(ranked, rows_of_day.datasets[0].metadata)
        versions = {name.removeprefix("texts_"): read for name, read in texts.items()}

        def rows_in(text_version: str) -> pl.DataFrame:
            if text_version not in versions:
                message = f"there is no text version {text_version} any more: {', '.join(versions)}"
                raise TrainingError(message)
            text = versions[text_version].window(day, WINDOW_DAYS, TEXT_COLUMNS).read()
            return rows_with_text(rows, text, pages.window(day, WINDOW_DAYS, PAGE_COLUMNS).read())

        trained_on = partial(urls_trained_on, training_set.store)
        met = promoting.meet_champion(uri, ranked, day, rows_in, trained_on, rules)
        return DayResult(promoting.figures(met), checks=[promoting.check(met)], reused=False, detail=met.reason)

    results = each_day(step, context.asset_key, days_of(context.partition_keys), do)
    yield dg.MaterializeResult()
    record_audits(step, context.asset_key, results)
    yield from step_results([promoting.NOT_WORSE], [result.checks for result in results.values()])
