"""Post-train: the training data, repaired."""

from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from html_classification.assets.silver import TEXT_STAGES
from html_classification.assets.stage_asset import stage_asset
from html_classification.assets.training import PAGE_COLUMNS, TEXT_COLUMNS, WINDOW_DAYS
from html_classification.lake import Build, Step, TheDay, Upstream
from html_classification.refinement import review
from html_classification.refinement.drift import NO_DRIFT, NO_DRIFT_DESCRIPTION
from html_classification.refinement.refining import RefinementRules, refine
from html_classification.refinement.trends import FEW_CHANGES, FEW_CHANGES_DESCRIPTION
from html_classification.schemas.html_parsing import HTML_PARSING
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.post_train import POST_TRAIN
from html_classification.schemas.training import PREDICTIONS, TRAINING_SET
from html_classification.training.data_snapshot import require_same_training_set
from html_classification.training.rows import rows_with_text
from html_classification.transforms.text.versions import DEFAULT_TEXT_VERSION


def _shown(frame: pl.DataFrame) -> dict[str, dg.MetadataValue]:
    """What people should look at, so that they need not leave Dagster to see it."""
    return {"review_queue": dg.MetadataValue.md(review.preview(frame))}


@stage_asset(
    POST_TRAIN,
    reads={
        "training_set": TRAINING_SET,
        "predictions": PREDICTIONS,
        "texts": TEXT_STAGES[DEFAULT_TEXT_VERSION],
        "pages": HTML_PARSING,
    },
    kinds=("cleanlab", "parquet"),
    checks={NO_DRIFT: NO_DRIFT_DESCRIPTION, FEW_CHANGES: FEW_CHANGES_DESCRIPTION},
    shows=_shown,
    parameters=RefinementRules,
)
def post_train(
    training_set: Upstream, predictions: Upstream, texts: Upstream, pages: Upstream, parameters: RefinementRules
) -> Build:
    """The training set with wrong labels corrected or queued for a person, and useless pages dropped."""

    def compute(
        training_set: pl.DataFrame, predictions: pl.DataFrame, texts: pl.DataFrame, pages: pl.DataFrame, day: date
    ) -> Outcome:
        return refine(rows_with_text(training_set, texts, pages), predictions, day, parameters)

    def inputs(day: date) -> dict[str, Any]:
        rows, said = training_set.day(day), predictions.day(day)
        require_same_training_set(said.datasets[0].metadata, rows.datasets[0].metadata)
        return {
            "training_set": rows,
            "predictions": said,
            "texts": texts.window(day, WINDOW_DAYS, TEXT_COLUMNS),
            "pages": pages.window(day, WINDOW_DAYS, PAGE_COLUMNS),
            "day": TheDay(day),
        }

    return Build(
        inputs=inputs,
        compute=compute,
        parameters=parameters.model_dump(),
        process=_steps(parameters),
    )


def _steps(rules: RefinementRules) -> list[Step]:
    """The processing steps, each with its rules."""
    steps: dict[str, dict[str, Any]] = {
        "find empty and broken texts": rules.texts.model_dump(),
        "find off-topic pages": rules.outliers.model_dump(),
        "find near duplicates with different labels": rules.duplicates.model_dump(),
        "find label errors with cleanlab, train and test rows apart": rules.label_errors.model_dump(),
        "find ambiguous pages": rules.ambiguity.model_dump(),
        "compare the days": rules.drift.model_dump(),
        "relabel, drop, or queue for a person; what a person decided stays": rules.repair.model_dump(),
    }
    return [Step(step=step, parameters=parameters) for step, parameters in steps.items()]
