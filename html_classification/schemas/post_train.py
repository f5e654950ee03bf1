"""The stage `post-train`: the training set with repaired labels."""

from typing import Annotated

import polars as pl

from html_classification.schemas.columns import Stage, StageModel, UtcTimestamp, column
from html_classification.schemas.shared import crawl_time, given_category, model_text, page_url

ACTIONS = ["kept", "relabelled", "dropped", "review"]


class PostTrain(StageModel):
    """One row of the training set after refinement."""

    url: str = page_url()
    text: str = model_text()
    category: str = column("The category after refinement.", "The supervised target, repaired.")
    given_category: str = given_category()
    action: str = column(
        "`kept`, `relabelled`, `dropped` (not to be trained on) or `review` (kept, and a person should look).",
        "What was done with the row.",
        isin=ACTIONS,
    )
    reasons: Annotated[pl.List, pl.String] = column(
        "Why, in words, one entry a finding.", "Lets a person follow the decision."
    )
    label_quality: float = column(
        "0 to 1: how well the given label fits the out-of-sample prediction (cleanlab).",
        "The lowest are the likeliest label errors.",
        ge=0,
        le=1,
    )
    outlier_score: float = column(
        "0 to 1: how typical the text is of the collection; low is off-topic.",
        "The lowest are pages that belong to no category.",
        ge=0,
        le=1,
    )
    timestamp: UtcTimestamp = crawl_time()


POST_TRAIN = Stage(
    name="post-train",
    layer="post-train",
    title="Refined training data",
    description=(
        "The day's training set after refinement: wrong labels corrected or marked for review, off-topic pages "
        "dropped, each with its reasons. Made from training_set, predictions and the default text version, with "
        "cleanlab. Used by the models on refined labels."
    ),
    model=PostTrain,
    code_version="2",
)
