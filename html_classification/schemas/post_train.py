"""The stage `post-train`: the training set with repaired labels."""

from typing import Annotated

import polars as pl

from html_classification.schemas.columns import Stage, StageModel, UtcTimestamp, column
from html_classification.schemas.shared import crawl_time, duplicate_cluster, given_category, model_text, page_url

ACTIONS = ["kept", "relabelled", "dropped", "review"]
#: What may be wrong with a row, in the order in which reasons are told.
ISSUES = ["empty_text", "broken_text", "off_topic", "conflicting_duplicates", "label_error", "ambiguous"]


class PostTrain(StageModel):
    """One row of the training set after refinement."""

    url: str = page_url()
    day: pl.Date = column("The day of the data that the page's freshest copy is from.", "Where to find the page.")
    split: str = column(
        "`train` or `test`, as in the training set.",
        "Only train rows are repaired for models; test rows are judged for people.",
        isin=["train", "test"],
    )
    text: str = model_text()
    category: str = column("The category after refinement.", "The supervised target, repaired.")
    given_category: str = given_category()
    label_source: str = column(
        "Who gave the given category: annotators in order of names, joined by `, `.",
        "What a person decided is never changed, nor asked again.",
        tags=("pii",),
    )
    action: str = column(
        "`kept`, `relabelled`, `dropped` (not to be trained on) or `review` (kept, and a person should look).",
        "What was done with the row.",
        isin=ACTIONS,
    )
    issues: Annotated[pl.List, pl.String] = column(
        "What may be wrong with it: `empty_text`, `broken_text`, `off_topic`, `conflicting_duplicates`, `label_error`, "
        "`ambiguous`.",
        "What to count and to filter by.",
    )
    reasons: Annotated[pl.List, pl.String] = column(
        "Why, in words, one entry a finding.", "Lets a person follow the decision."
    )
    suggested_category: str = column(
        "The category that would be right by the evidence; null where there is none but the given one.",
        "What is offered to the person who looks.",
        nullable=True,
    )
    suggested_probability: float = column(
        "Out-of-sample probability of the suggested category; null where it is not from a model.",
        "How far the suggestion can be trusted.",
        nullable=True,
        ge=0,
        le=1,
    )
    label_quality: float = column(
        "0 to 1: probability of the given label against that of the likeliest other one, out of sample; below 0.5 the "
        "other is likelier. 1 where no model has judged the row.",
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
    review_rank: int = column(
        "1 for the row that a person should look at first; null where none should.",
        "Where to begin if not all can be looked at.",
        nullable=True,
        ge=1,
    )
    duplicate_cluster: str = duplicate_cluster("of the window")
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
    code_version="3",
)
