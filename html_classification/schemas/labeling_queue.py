"""The stage `labeling-queue`: which pages to label next."""

from typing import Annotated

import polars as pl

from html_classification.schemas.columns import Stage, StageModel, UtcTimestamp, column
from html_classification.schemas.shared import crawl_time, duplicate_cluster, page_url


class LabelingQueue(StageModel):
    """One page that is worth a label."""

    url: str = page_url()
    rank: int = column(
        "1 for the page to label first.", "Where to begin if not all can be labelled.", unique=True, ge=1
    )
    content_sha1: str = column(
        "SHA-1 of `title - content` in UTF-8: the text to judge.",
        "The answer is stored by it, and found again wherever the text comes back.",
        str_length={"min_value": 40, "max_value": 40},
    )
    day: pl.Date = column("The day of the data that the page's freshest copy is from.", "Where to find its text.")
    title: str = column(
        "Text of the title element; empty where there is none.", "What a person sees first.", tags=("pii",)
    )
    predicted: str = column(
        "The category that the committee of models finds most probable; null where labels are too few for models.",
        "The answer that is offered to the annotator.",
        nullable=True,
    )
    probability: float = column(
        "Mean probability that the committee gives that category; null without models.",
        "How far the offered answer can be trusted.",
        nullable=True,
        ge=0,
        le=1,
    )
    uncertainty: float = column(
        "1 minus the distance of the two most probable categories, by the committee's mean; null without models.",
        "What a label of this page would teach: near 1 the models cannot tell two categories apart.",
        nullable=True,
        ge=0,
        le=1,
    )
    disagreement: float = column(
        "Entropy of the committee's votes, 1 where each model says something else; null without models.",
        "Shows pages that the models read differently.",
        nullable=True,
        ge=0,
        le=1,
    )
    reasons: Annotated[pl.List, pl.String] = column(
        "Why the page was chosen, in words, one entry a reason.", "Lets a person follow the choice."
    )
    duplicate_cluster: str = duplicate_cluster("of the window")
    timestamp: UtcTimestamp = crawl_time()


LABELING_QUEUE = Stage(
    name="labeling-queue",
    layer="gold",
    title="Labeling queue",
    description=(
        "Which pages of the window to label next, with reasons: those that a committee of models is unsure about or "
        "disagrees on, of rare categories rather than of common ones, unlike each other, and no copy of a page that "
        "is labelled. Made from html_parsing, annotated and the text versions. Used by `labels export`."
    ),
    model=LabelingQueue,
    may_be_empty=True,
)
