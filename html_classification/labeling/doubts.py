"""The labels in doubt, as people should see them.

Belongs here: the rows of `post-train` with the texts of their pages, without what a person has answered. Does not
belong here: which rows are in doubt and their order (`refinement`), tasks for annotation tools (`exports`).
"""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, replace

import polars as pl

from html_classification.labeling.exports import POST_TRAIN, choose, existing_day, from_review, read_refined
from html_classification.lake import Lake

_CHANGED = ("relabelled", "dropped")


@dataclass(frozen=True)
class Doubts:
    """What refinement of a day leaves to people.

    Attributes:
        day: The day.
        frame: Rows of `PostTrain` sorted by url. The text of those to look at is the one of the page as it was parsed,
            which is easier to read than what models read.
        left_out: How many rows to look at or changed are not among them, and why, in words.
    """

    day: dt.date
    frame: pl.DataFrame
    left_out: list[str]

    @property
    def queue(self) -> pl.DataFrame:
        """The rows to look at, the most useful first."""
        return self.frame.filter(action="review").sort("review_rank")


def read_doubts(lake: Lake, day: dt.date | None, answered: Collection[str]) -> Doubts:
    """The rows of `post-train`; those to look at are what `labels export --review` makes tasks of.

    Args:
        lake: The lake.
        day: The day; without it the latest.
        answered: The content_sha1 of what people have answered.

    Raises:
        LakeError: There is no version of post-train, or of the parsed pages of its window; an earlier release made it.
    """
    day = existing_day(lake, POST_TRAIN, day)
    chosen = choose(lake, from_review(lake, day), answered)
    changed = from_review(lake, day, _CHANGED).frame
    settled = changed.filter(pl.col("content_sha1").is_in(list(answered)))
    texts = pl.DataFrame(
        [(question.url, f"{question.title}\n{question.text}".strip()) for question in chosen.questions],
        schema={"url": pl.String, "readable": pl.String},
        orient="row",
    )
    frame = (
        read_refined(lake, day)
        .join(texts, on="url", how="left")
        .filter((pl.col("action") != "review") | pl.col("readable").is_not_null())
        .join(settled, on="url", how="anti")
        .with_columns(text=pl.coalesce("readable", "text"))
        .drop("readable")
        .sort("url")
    )
    return Doubts(day, frame, replace(chosen, answered=chosen.answered + settled.height).left_out)
