"""Answers: what an annotator said of a text, and what became of it.

Belongs here: the one record that the label store keeps, whoever answered. Does not belong here: where answers lie
(`bought`, `imports`), how they are bought (`buying`), or which of several counts (`consensus`).
"""

import datetime as dt
from typing import Annotated

import polars as pl
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

#: What the names of annotators begin with that are no people.
MACHINES = ("api:", "file:")


def _utc(time: dt.datetime) -> dt.datetime:
    try:
        return time.astimezone(dt.UTC)
    except OverflowError:
        message = "no time between the years 1 and 9999 in UTC"
        raise ValueError(message) from None


#: A time with an offset, as UTC.
UtcTime = Annotated[AwareDatetime, AfterValidator(_utc)]


class Answer(BaseModel):
    """What an annotator said of a text; where it is no label, the reason why."""

    model_config = ConfigDict(frozen=True)

    content_sha1: str = Field(pattern=r"^[0-9a-f]{40}$", description="SHA-1 of the text that was judged.")
    annotator: str = Field(min_length=1, description="Who answered: `api:<name and version>` or `person:<name>`.")
    category: str | None = Field(min_length=1, description="The category; null where the answer is no label.")
    confidence: float | None = Field(None, ge=0, le=1, description="How sure the annotator is; null where not said.")
    labelled_at: UtcTime = Field(description="When it was answered, in UTC.")
    cost: float = Field(0.0, ge=0, allow_inf_nan=False, description="What it cost, in the currency of the account.")
    answer: str = Field(description="The answer as it came, JSON.")
    reason: str | None = Field(None, description="Why it is no label; null where it is one.")


def is_person(annotator: str) -> bool:
    """Whether an annotator is a person.

    >>> is_person("person:ann"), is_person("ann"), is_person("api:categorizer/3"), is_person("file:labels.jsonl")
    (True, True, False, False)
    """
    return not annotator.startswith(MACHINES)


def by_machine(column: str) -> pl.Expr:
    """The same of a column of a frame, the other way about: whether machines gave the answer or the label.

    >>> pl.DataFrame({"label_source": ["person:ann", "api:x/1"]}).select(by_machine("label_source")).rows()
    [(False,), (True,)]
    """
    return pl.any_horizontal(*(pl.col(column).str.starts_with(prefix) for prefix in MACHINES))
