"""A day's labels: all that annotators said of its pages.

Belongs here: the rows of the stage `labels`, from the label file and from answers by content. Does not belong here:
getting answers (`desk`), reading label files (`label_file`), or which of several labels counts (`consensus`).
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import polars as pl

from html_classification.labeling.answers import Answer, is_person
from html_classification.labeling.buying import Waiting
from html_classification.labeling.label_file import labels_of_pages
from html_classification.lake.external import ExternalFiles
from html_classification.lake.metadata import Source
from html_classification.lake.recipe import RecipeSource
from html_classification.schemas.described import Check
from html_classification.schemas.labels import LABELS
from html_classification.schemas.outcome import Outcome

#: The input that the label store is, by its name in recipes.
ANSWERS = "answers"
ALL_BOUGHT = "all_bought"
ALL_BOUGHT_DESCRIPTION = (
    "Every text of the day has been judged by the labelling API. If not, the figures say how many wait, and for what: "
    "the budget of the day or month, credit, or an API that does not answer. Run the day again when there is."
)


@dataclass(frozen=True)
class KnownAnswers:
    """The answers in the label store about a day's texts, as the input of a build.

    Attributes:
        uri: The label store's address.
        answers: The answers, bought ones and people's.
        waiting: Texts that wait for an answer.
    """

    uri: str
    answers: Sequence[Answer]
    waiting: Waiting

    @cached_property
    def sha1(self) -> str:
        """SHA-1 of all answers, in whichever order they were found."""
        lines = sorted(answer.model_dump_json() for answer in self.answers)
        return hashlib.sha1("\n".join(lines).encode(), usedforsecurity=False).hexdigest()

    def read(self, scratch: Path) -> Self:
        """Itself."""
        return self

    def sources(self) -> list[Source]:
        """For the metadata: outside of the stages, so described, with no version."""
        people = sum(is_person(answer.annotator) for answer in self.answers)
        description = f"label store: {len(self.answers) - people} bought answers, {people} of people"
        return [Source(uri=self.uri, sha1=self.sha1, description=description)] if self.answers else []

    def recipe_sources(self, name: str) -> list[RecipeSource]:
        """For the recipe: what they say, wherever they lie, and what waits: the check is not to tell of before."""
        known = [RecipeSource(name=name, path=name, sha1=self.sha1)] if self.answers else []
        if not self.waiting.texts:
            return known
        kind = f"{self.waiting.texts} {self.waiting.why.partition(':')[0]}"
        sha1 = hashlib.sha1(kind.encode(), usedforsecurity=False).hexdigest()
        return [*known, RecipeSource(name=name, path="waiting", sha1=sha1)]


def labels_of_day(
    pages: pl.DataFrame,
    answers: KnownAnswers,
    label_file: ExternalFiles | None = None,
    *,
    categories: Sequence[str] = (),
) -> Outcome:
    """All labels of a day's pages.

    Args:
        pages: `url` (normalized) and `content_sha1` of each page.
        answers: What the label store has about their texts.
        label_file: The label file, where there is one: its labels are joined by URL.
        categories: The categories that there are; none: any.

    Returns:
        The stage `labels`: a row for each page and annotator, sorted by url and annotator. Answers that are no label
        are rejected with their reason, and so are labels of other categories.
    """
    rejected: list[dict[str, Any]] = []
    figures: dict[str, int | float | str] = {}
    frames = [_by_content(pages, answers, rejected)]
    if label_file is not None:
        of_file = labels_of_pages(pages, label_file.files[0])
        rejected += of_file.rejected
        figures |= {"superseded_lines": of_file.figures["superseded_lines"]}
        frames.append(of_file.frame)
    rows = pl.concat(frames).unique(["url", "annotator"], keep="last", maintain_order=True)
    if categories:
        known = pl.col("category").is_in(list(categories))
        rejected += _of_other_categories(rows.filter(~known))
        rows = rows.filter(known)
    frame = rows.sort("url", "annotator")
    figures |= {
        "pages": pages.height,
        "pages_labelled": frame["url"].n_unique(),
        "annotators": frame["annotator"].n_unique(),
        "waiting": answers.waiting.texts,
    }
    return Outcome(frame, rejected, figures, checks=[_all_bought(answers.waiting)])


def _by_content(pages: pl.DataFrame, known: KnownAnswers, rejected: list[dict[str, Any]]) -> pl.DataFrame:
    ordered = sorted(known.answers, key=lambda one: (one.content_sha1, one.annotator, one.labelled_at, one.answer))
    rejected += [_refused(answer) for answer in ordered if answer.reason]
    labels = pl.DataFrame(
        [_row(answer) for answer in ordered if not answer.reason],
        schema={name: kind for name, kind in LABELS.dtypes.items() if name != "url"},
    )
    return pages.select("url", "content_sha1").join(labels, on="content_sha1", how="inner").select(list(LABELS.dtypes))


def _row(answer: Answer) -> Mapping[str, Any]:
    return answer.model_dump(exclude={"reason"})


def _refused(answer: Answer) -> dict[str, Any]:
    return {"reason": answer.reason, **answer.model_dump(mode="json", exclude={"reason", "category", "confidence"})}


def _of_other_categories(rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    for row in rows.sort("url", "annotator").iter_rows(named=True):
        reason = "unknown category: not one of HTML_CLASSIFICATION_CATEGORIES"
        labelled_at = row["labelled_at"].isoformat() if row["labelled_at"] else None
        yield {"reason": reason, **row, "labelled_at": labelled_at}


def _all_bought(waiting: Waiting) -> Check:
    figures: dict[str, Any] = {"waiting": waiting.texts} | ({"why": waiting.why} if waiting.texts else {})
    return Check(name=ALL_BOUGHT, passed=not waiting.texts, figures=figures, blocking=False)
