"""Which pages people are asked about.

Belongs here: choosing pages from the lake, and their texts, as questions. Does not belong here: how annotation tools
want them (`label_studio`), or what is worth labelling next (the stage `labeling-queue` says so).
"""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import polars as pl

from html_classification.labeling.label_studio import Question
from html_classification.lake import Lake, LakeError

# Their names, not their schemas: whoever exports need not import pandera, which takes most of a second.
PAGES = "preprocess/html-parsing"
QUEUE = "labeling-queue"
LABELS = "labels"
ANNOTATED = "annotated"
POST_TRAIN = "post-train"

_CANDIDATE = {
    "url": pl.String(),
    "day": pl.Date(),
    "content_sha1": pl.String(),
    "reasons": pl.List(pl.String()),
    "predicted": pl.String(),
    "probability": pl.Float64(),
    "label": pl.String(),
}


@dataclass(frozen=True)
class Chosen:
    """The pages to ask about, and what was left out.

    Attributes:
        source: Where they are from, in words.
        questions: The pages, in the order in which people should be asked.
        candidates: How many pages there were to choose from.
        answered: How many of them a person has answered already.
        copies: How many have the same text as one before them.
        gone: How many have another text now than the source says, so that nobody can be asked about that one.
    """

    source: str
    questions: list[Question]
    candidates: int
    answered: int
    copies: int
    gone: int

    @property
    def left_out(self) -> list[str]:
        """What was left out, in words: how many, and why."""
        counts = {
            "a person has answered": self.answered,
            "the same text": self.copies,
            "another text by now": self.gone,
        }
        return [f"{count:,} {reason}" for reason, count in counts.items() if count]


@dataclass(frozen=True)
class Candidates:
    """Pages in the order in which people should be asked: the columns of `_CANDIDATE`, and where they are from."""

    source: str
    frame: pl.DataFrame


def from_queue(lake: Lake, day: dt.date | None = None) -> Candidates:
    """What the labelling queue of a day says, by default that of the latest day.

    Raises:
        LakeError: There is none.
    """
    day = existing_day(lake, QUEUE, day)
    frame = lake.read(QUEUE, day).sort("rank")
    return Candidates(f"{QUEUE} {day}", _candidates(frame))


def from_review(lake: Lake, day: dt.date | None = None, actions: Sequence[str] = ("review",)) -> Candidates:
    """What refinement of a day put before a person, the most useful first; by default of the latest day.

    Args:
        lake: The lake.
        day: The day of `post-train`.
        actions: What refinement did with the rows. Of what it changed the least certain comes first.

    Raises:
        LakeError: There is no version of post-train, or of the parsed pages of its window; an earlier release made it.
    """
    day = existing_day(lake, POST_TRAIN, day)
    frame = (
        read_refined(lake, day)
        .filter(pl.col("action").is_in(list(actions)))
        .sort("review_rank", -pl.col("label_quality"), -pl.col("outlier_score"), "url", nulls_last=True)
        .rename({"given_category": "label", "suggested_category": "predicted", "suggested_probability": "probability"})
    )
    texts = _pages(lake, frame, ["content_sha1"])
    return Candidates(
        f"{POST_TRAIN} {day}", _candidates(frame.join(texts, on=["url", "day"], how="left", maintain_order="left"))
    )


def read_refined(lake: Lake, day: dt.date) -> pl.DataFrame:
    """The rows of post-train of a day.

    Raises:
        LakeError: They cannot be read, or are of an earlier release, which made no queue.
    """
    frame = lake.read(POST_TRAIN, day)
    if "review_rank" not in frame.columns:
        mend = f"run it again ('html-classification run --from {day} --to {day} --select {POST_TRAIN}')"
        message = f"{POST_TRAIN} {day} in {lake.uri} is of an earlier release, which ranked nothing for review: {mend}"
        raise LakeError(message)
    return frame


def from_unlabelled(lake: Lake, first: dt.date | None = None, last: dt.date | None = None) -> Candidates:
    """The pages of a range of days whose text nobody and nothing has labelled, by day and url.

    Of the copies of a page only the freshest is taken. Where a day has no version of `labels`, its pages are taken as
    unlabelled.

    Args:
        lake: The lake.
        first: The first day; without it the latest that there is.
        last: The last day, included; without it the first one alone.

    Raises:
        LakeError: There are no parsed pages of the range.
    """
    first = first or (existing_day(lake, PAGES, None) if last is None else last)
    last = last or first
    pages = (
        lake.scan(PAGES, first, last)
        .filter(pl.col("duplicate_of").is_null())
        .select("url", "day", "content_sha1")
        .sort("day", "url")
    )
    frame = _collect(lake, PAGES, pages)
    with_labels = {day for day in lake.current(LABELS) if first <= day <= last}
    if with_labels:
        labelled = _collect(lake, LABELS, lake.scan(LABELS, first, last).select("url", "day", "content_sha1").unique())
        frame = frame.join(labelled, on="content_sha1", how="anti", maintain_order="left")
        frame = frame.join(labelled, on=["url", "day"], how="anti", maintain_order="left")
    without = len(set(frame["day"]) - with_labels)
    days = f"{first}" if first == last else f"{first} to {last}"
    told = f" ({without} of these days without a version of {LABELS})" if without else ""
    return Candidates(f"{PAGES} {days}, unlabelled{told}", _candidates(frame))


def choose(lake: Lake, candidates: Candidates, answered: Collection[str], limit: int | None = None) -> Chosen:
    """The candidates that people are asked about, with their texts.

    Args:
        lake: The lake.
        candidates: From one of the functions above.
        answered: The content_sha1 of what is not asked again.
        limit: The most pages; all without it.

    Raises:
        LakeError: The parsed pages cannot be read.
    """
    frame = candidates.frame
    there = frame.filter(pl.col("content_sha1").is_not_null())
    asked = there.filter(~pl.col("content_sha1").is_in(list(answered)))
    one_each = asked.unique("content_sha1", keep="first", maintain_order=True)
    wanted = one_each if limit is None else one_each.head(limit)
    pages = _pages(lake, wanted, ["title", "content", "content_sha1"])
    rows = wanted.join(pages, on=["url", "day", "content_sha1"], how="inner", maintain_order="left")
    return Chosen(
        source=candidates.source,
        questions=[_question(row) for row in rows.iter_rows(named=True)],
        candidates=frame.height,
        answered=there.height - asked.height,
        copies=asked.height - one_each.height,
        gone=frame.height - there.height + wanted.height - rows.height,
    )


def known_categories(lake: Lake) -> list[str]:
    """Every category that the stages `labels` and `annotated` have on any day, sorted.

    Raises:
        LakeError: They cannot be read.
    """
    found: set[str] = set()
    for stage in (LABELS, ANNOTATED):
        if lake.current(stage):
            found.update(_collect(lake, stage, lake.scan(stage).select("category").unique())["category"])
    return sorted(found)


def days_of(lake: Lake, texts: Collection[str]) -> list[dt.date]:
    """The days of the parsed pages that have some of these texts, by their content_sha1, sorted.

    Raises:
        LakeError: They cannot be read.
    """
    if not texts or not lake.current(PAGES):
        return []
    found = lake.scan(PAGES).filter(pl.col("content_sha1").is_in(list(texts))).select("day").unique()
    return sorted(_collect(lake, PAGES, found)["day"])


def _question(row: dict[str, object]) -> Question:
    fields = {name: row[name] for name in ("url", "content_sha1", "day", "title", "predicted", "probability", "label")}
    return Question(text=row["content"], reasons=row["reasons"] or (), **fields)  # type: ignore[arg-type]


def _candidates(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with the columns of candidates, in their order: those that it lacks are null."""
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in _CANDIDATE.items()
    )


def existing_day(lake: Lake, stage: str, day: dt.date | None) -> dt.date:
    """A day that a stage has a version of: the one that is asked for, else the latest.

    Raises:
        LakeError: There is none; the message tells what to run.
    """
    days = lake.current(stage)
    if day in days or (day is None and days):
        return day or max(days)
    when = f" of {day}" if day else ""
    what = f"; the last is of {max(days)}" if days else ""
    mend = f"run it first ('html-classification run --from DATE --to DATE --select {stage}')"
    message = f"{stage} has no version{when} in {lake.uri}{what}: {mend}"
    raise LakeError(message)


def _pages(lake: Lake, wanted: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Some columns of the parsed pages that a frame names by url and day, with url and day."""
    keys = wanted.select("url", "day").drop_nulls().unique()
    first, last = keys["day"].min(), keys["day"].max()
    if not isinstance(first, dt.date) or not isinstance(last, dt.date):
        return pl.DataFrame(schema={"url": pl.String, "day": pl.Date} | dict.fromkeys(columns, pl.String))
    in_days = lake.scan(PAGES, first, last).filter(pl.col("url").is_in(keys["url"].to_list()))
    found = _collect(lake, PAGES, in_days.select("url", "day", *columns))
    return found.join(keys, on=["url", "day"], how="semi")


def _collect(lake: Lake, stage: str, frame: pl.LazyFrame) -> pl.DataFrame:
    try:
        return frame.collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        message = f"cannot read {stage} in {lake.uri} ({reason}): 'html-classification lake verify {stage}' tells more"
        raise LakeError(message) from None
