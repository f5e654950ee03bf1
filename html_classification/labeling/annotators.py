"""Annotators: the computation of the stage `annotators`.

Belongs here: from the labels of a window to a row for each annotator. Does not belong here: how quality is found
(`crowd`), how agreement is measured (`agreement`), or which label counts (`consensus`).
"""

from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from html_classification.labeling import label_checks
from html_classification.labeling.agreement import cohens_kappa, krippendorff_alpha
from html_classification.labeling.answers import by_machine, is_person
from html_classification.labeling.crowd import Answers, Judgement, judge
from html_classification.labeling.label_checks import LabelThresholds
from html_classification.schemas.annotators import ANNOTATORS
from html_classification.schemas.described import Check
from html_classification.schemas.outcome import Outcome

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: What is read of the stage `labels`.
LABEL_COLUMNS = ["content_sha1", "category", "confidence", "annotator", "labelled_at", "cost"]

IS_MACHINE = by_machine("annotator")


def judge_annotators(
    labels: pl.DataFrame, day: date | None = None, thresholds: LabelThresholds | None = None
) -> Outcome:
    """Judge who labelled the texts of a window of days.

    Texts are told apart by `content_sha1`, whatever url and day they were found at. Of an annotator's answers about
    one text the latest counts.

    Args:
        labels: The stage `labels` of all days of the window, at least `LABEL_COLUMNS` and `day`.
        day: The window's last day; without it the last that has labels.
        thresholds: Of the check `agreement`; without them the defaults.

    Returns:
        The stage `annotators`, sorted by annotator. Figures: `annotators`, `texts`, `texts_shared` (with several
        answers), and, where defined, `krippendorff_alpha` of all, `krippendorff_alpha_people` of people alone, and
        error rates: `error_rate_<machine>` of each machine, of people without names `error_rate_people` (the mean,
        weighted by the labels) and `error_rate_worst_person`. A check: `agreement`, of the texts that were first seen
        on the last day with those of the days before.
    """
    answers = _counted(labels)
    numbers = _numbered(answers)
    frame = _rows(answers, numbers, judge(numbers))
    counts = numbers.counts()
    alpha = {
        "krippendorff_alpha": krippendorff_alpha(counts),
        "krippendorff_alpha_people": krippendorff_alpha(numbers.only(numbers.people[numbers.annotator]).counts()),
    }
    figures: dict[str, int | float | str] = {
        "annotators": frame.height,
        "texts": numbers.texts,
        "texts_shared": int((counts.sum(axis=1) > 1).sum()),
    }
    figures |= {name: value for name, value in alpha.items() if value is not None}
    figures |= _error_rates(frame)
    first_seen = answers.unique("content_sha1", keep="first", maintain_order=True).select("day")
    last = pl.lit(day or labels["day"].max(), dtype=pl.Date)
    new = first_seen.select((pl.col("day") == last).fill_null(value=False)).to_series()
    check = _agreement(counts, new.to_numpy(), thresholds or LabelThresholds())
    return Outcome(frame, figures=figures, checks=[check])


def _error_rates(frame: pl.DataFrame) -> dict[str, float]:
    """How often annotators are wrong, 1 - quality, where that is known; people are not named: figures are for all."""
    known = frame.filter(pl.col("quality").is_not_null()).with_columns(error=1 - pl.col("quality"))
    people = known.filter(kind="person")
    machines = known.filter(pl.col("kind") != "person")
    rates = {f"error_rate_{name}": error for name, error in machines["annotator", "error"].rows()}
    if people.height:
        weighted = people.select((pl.col("error") * pl.col("labels")).sum() / pl.col("labels").sum()).item()
        rates |= {"error_rate_people": weighted, "error_rate_worst_person": people["error"].max()}
    return {name: round(rate, 6) for name, rate in rates.items()}


def _counted(labels: pl.DataFrame) -> pl.DataFrame:
    """One row for each text and annotator, in order; `day` is the first that the window has the text on."""
    key = ["content_sha1", "annotator"]
    return (
        labels.select(*LABEL_COLUMNS, day=pl.col("day").min().over("content_sha1"), seen="day")
        .sort([*key, "labelled_at", "seen", "category", "confidence", "cost"], nulls_last=False)
        .unique(key, keep="last", maintain_order=True)
        .drop("seen")
    )


def _numbered(answers: pl.DataFrame) -> Answers:
    """Texts, annotators and categories as numbers, in the order of their names."""
    import numpy as np

    text, annotator, category = (
        answers.select(pl.col(name).rank("dense").cast(pl.Int64) - 1).to_series().to_numpy()
        for name in ("content_sha1", "annotator", "category")
    )
    people = np.array([is_person(name) for name in answers["annotator"].unique().sort()], dtype=bool)
    return Answers(text, annotator, category, people, answers["category"].n_unique())


def _rows(answers: pl.DataFrame, numbers: Answers, judgement: Judgement) -> pl.DataFrame:
    """A row for each annotator."""
    totals = answers.group_by("annotator", maintain_order=True).agg(
        labels=pl.len().cast(pl.Int64),
        mean_confidence=pl.col("confidence").mean().round(6),
        cost=pl.col("cost").sum().round(6),
        last_labelled_at=pl.col("labelled_at").max(),
    )
    names = answers["annotator"].unique().sort()
    categories = answers["category"].unique().sort()
    compared = (
        answers[judgement.rows]
        .select("annotator", "category")
        .with_columns(consensus=categories.gather(judgement.consensus))
    )
    stands = pl.col("category") == pl.col("consensus")
    shared = compared.group_by("annotator").agg(shared=pl.len().cast(pl.Int64), agreement=stands.mean().round(6))
    worst = (
        compared.filter(~stands)
        .group_by("annotator", worst_category="consensus")
        .len()
        .sort("annotator", "len", "worst_category", descending=[False, True, False])
        .unique("annotator", keep="first", maintain_order=True)
    )
    quality = pl.DataFrame(
        {"annotator": names, "quality": judgement.quality, "kappa": _kappas(numbers, judgement)},
        schema={"annotator": pl.String, "quality": pl.Float64, "kappa": pl.Float64},
    )
    kind = pl.when(IS_MACHINE).then(pl.col("annotator").str.extract(r"^(\w+):")).otherwise(pl.lit("person"))
    frame = totals.join(quality, on="annotator").join(shared, on="annotator", how="left")
    return (
        frame.join(worst, on="annotator", how="left")
        .with_columns(
            kind=kind, shared=pl.col("shared").fill_null(0), quality=pl.col("quality").fill_nan(None).round(6)
        )
        .select(list(ANNOTATORS.dtypes))
        .sort("annotator")
    )


def _kappas(numbers: Answers, judgement: Judgement) -> list[float | None]:
    """Of each annotator the agreement with the others beyond chance."""
    said, by = numbers.category[judgement.rows], numbers.annotator[judgement.rows]
    return [
        cohens_kappa(said[by == annotator], judgement.others[by == annotator])
        for annotator in range(len(numbers.people))
    ]


def _agreement(counts: "Array", new: "Array", thresholds: LabelThresholds) -> Check:
    """Compare the agreement on the day's new texts with that on the others."""
    sides = [counts[new], counts[~new]]
    shared = [side[side.sum(axis=1) > 1] for side in sides]
    disputed = [int(((side > 0).sum(axis=1) > 1).sum()) for side in shared]
    return label_checks.agreement(
        (krippendorff_alpha(sides[0]), krippendorff_alpha(sides[1])),
        (len(shared[0]), len(shared[1])),
        (disputed[0], disputed[1]),
        thresholds,
    )
