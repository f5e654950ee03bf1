"""The label that counts, of all that annotators gave a page, and how sure it is.

Belongs here: weighing answers. Does not belong here: how good annotators are (`annotators`), or the gold rows
(`annotation`).
"""

from collections.abc import Mapping, Sequence

import polars as pl

from html_classification.labeling.annotators import IS_MACHINE
from html_classification.labeling.crowd import ABOVE_CHANCE, MOST, RIGHT, WRONG

#: The quality of an annotator that nothing is known of.
UNKNOWN = RIGHT / (RIGHT + WRONG)
#: How many shared texts weigh as much as knowing nothing.
_PRIOR_TEXTS = 10


def trusted_quality(annotators: pl.DataFrame) -> dict[str, float]:
    """How far each annotator is trusted: its quality, drawn towards that of an unknown one where few texts show it.

    Args:
        annotators: Rows of the stage `annotators`.

    >>> frame = pl.DataFrame({"annotator": ["ann", "ben"], "shared": [90, 0], "quality": [0.95, None]})
    >>> trusted_quality(frame)
    {'ann': 0.935, 'ben': 0.8}
    """
    known, unknown = pl.col("quality").fill_null(UNKNOWN) * pl.col("shared"), UNKNOWN * _PRIOR_TEXTS
    trusted = ((known + unknown) / (pl.col("shared") + _PRIOR_TEXTS)).round(6)
    return dict(annotators.select("annotator", trusted).iter_rows())


def consensus(
    labels: pl.DataFrame,
    quality: Mapping[str, float] | None = None,
    *,
    categories: int | None = None,
    by: Sequence[str] = ("url",),
) -> pl.DataFrame:
    """Settle on one label for each page.

    A person wins over the machine: where people judged, only their answers count. One answer is taken as it is. Of
    several, each is right with the quality of its annotator (where a confidence is stated, with the mean of both) and
    else any other category, evenly; the most probable category wins: the posterior of a one-coin Dawid-Skene model
    with all categories equally likely before (Dawid and Skene 1979). Machines err alike, so that the odds of several
    are averaged: two that agree are no surer than one. Of equally probable categories that of the latest answer wins,
    then that of the first annotator by name.

    Args:
        labels: Rows of the stage `labels`, one for each page and annotator.
        quality: How often each annotator is right, 0 to 1; without it, that of an unknown one.
        categories: How many categories there are; without it, as many as `labels` has.
        by: The columns that tell pages apart.

    Returns:
        A row for each page, sorted by it: the columns of `by`, `category`, `label_source` (who gave the category, in
        order of names, joined by `, `), `label_confidence` (of one answer its own, which may be null; of several the
        probability), `annotators` (how many answers were weighed).
    """
    by = list(by)
    number = max(categories or 0, labels["category"].n_unique(), 2)
    person = ~pl.col("machine")
    counted = (
        labels.select(*by, "category", "confidence", "annotator", "labelled_at", machine=IS_MACHINE)
        .sort([*by, "annotator", "labelled_at", "category", "confidence"])
        .filter(person | ~person.any().over(by))
        .with_columns(annotators=pl.len().over(by).cast(pl.Int64), odds=_log_odds(quality or {}, number))
        .with_columns(odds=pl.when("machine").then(pl.col("odds") / pl.col("annotators")).otherwise("odds"))
    )
    voted = counted.group_by([*by, "category"], maintain_order=True).agg(
        pl.col("annotators").first(),
        odds=pl.col("odds").sum().round(9),
        said=pl.col("confidence").first(),
        latest=pl.col("labelled_at").max(),
        first=pl.col("annotator").first(),
        label_source=pl.col("annotator").unique(maintain_order=True).str.join(", "),
    )
    # Categories that nobody gave have odds of 1 each. All relative to the best, so that many votes do not overflow.
    best = pl.col("odds").max().over(by)
    rest = (number - pl.len().over(by)) * (-best).exp()
    probability = (pl.col("odds") - best).exp() / ((pl.col("odds") - best).exp().sum().over(by) + rest)
    return (
        voted.with_columns(probability=probability.clip(0, 1).round(6))
        .sort(
            [*by, "odds", "latest", "first", "category"],
            descending=[False] * len(by) + [True, True, False, False],
            nulls_last=True,
        )
        .unique(by, keep="first", maintain_order=True)
        .select(
            *by,
            "category",
            "label_source",
            pl.when(pl.col("annotators") > 1).then("probability").otherwise("said").alias("label_confidence"),
            "annotators",
        )
    )


def _log_odds(quality: Mapping[str, float], categories: int) -> pl.Expr:
    """How much an answer speaks for its category against each other one."""
    known = pl.col("annotator").replace_strict(dict(quality), default=UNKNOWN, return_dtype=pl.Float64)
    right = pl.mean_horizontal(known, "confidence").clip(1 / categories + ABOVE_CHANCE, MOST)
    return (right * (categories - 1) / (1 - right)).log()
