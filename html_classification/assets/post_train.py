"""Post-train: the training data, repaired."""

import polars as pl

from html_classification.assets.silver import TEXT_STAGES
from html_classification.assets.stage_asset import stage_asset
from html_classification.assets.training import PAGE_COLUMNS, TEXT_COLUMNS, WINDOW_DAYS
from html_classification.lake import Build, Step, Upstream
from html_classification.refinement.repair import RepairRules, refine
from html_classification.schemas.html_parsing import HTML_PARSING
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.post_train import POST_TRAIN
from html_classification.schemas.training import PREDICTIONS, TRAINING_SET
from html_classification.training.rows import rows_with_text
from html_classification.transforms.text.versions import DEFAULT_TEXT_VERSION


@stage_asset(
    POST_TRAIN,
    reads={
        "training_set": TRAINING_SET,
        "predictions": PREDICTIONS,
        "texts": TEXT_STAGES[DEFAULT_TEXT_VERSION],
        "pages": HTML_PARSING,
    },
    kinds=("cleanlab", "parquet"),
)
def post_train(training_set: Upstream, predictions: Upstream, texts: Upstream, pages: Upstream) -> Build:
    """The training set with wrong labels corrected or marked, off-topic pages dropped."""
    rules = RepairRules()

    def compute(
        training_set: pl.DataFrame, predictions: pl.DataFrame, texts: pl.DataFrame, pages: pl.DataFrame
    ) -> Outcome:
        return refine(rows_with_text(training_set, texts, pages), predictions, rules)

    return Build(
        inputs=lambda day: {
            "training_set": training_set.day(day),
            "predictions": predictions.day(day),
            "texts": texts.window(day, WINDOW_DAYS, TEXT_COLUMNS),
            "pages": pages.window(day, WINDOW_DAYS, PAGE_COLUMNS),
        },
        compute=compute,
        parameters=rules.model_dump(),
        process=[
            Step(step="find label errors with cleanlab, train and test rows apart"),
            Step(step="find off-topic pages"),
            Step(step="relabel, drop or mark for review", parameters=rules.model_dump()),
        ],
    )
