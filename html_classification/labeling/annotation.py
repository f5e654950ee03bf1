"""Pages meet their labels.

Belongs here: making the gold rows, and the checks of a day. Does not belong here: where labels come from
(`label_file`), which of several counts (`consensus`), or judging labels by a model (`refinement`).
"""

from collections.abc import Collection
from datetime import date

import polars as pl

from html_classification.labeling import label_checks
from html_classification.labeling.consensus import consensus, trusted_quality
from html_classification.labeling.label_checks import LabelThresholds
from html_classification.schemas.annotated import ANNOTATED
from html_classification.schemas.outcome import Outcome
from html_classification.transforms.text.document import title_and_content

#: What is read of the stage `labels`.
LABEL_COLUMNS = ["url", "category", "confidence", "annotator", "labelled_at"]


def annotate(
    texts: pl.DataFrame,
    labels: pl.DataFrame,
    annotators: pl.DataFrame | None = None,
    *,
    day: date | None = None,
    categories: Collection[str] | None = None,
    thresholds: LabelThresholds | None = None,
) -> Outcome:
    """The labelled pages of a day.

    Args:
        texts: The day of the stage of the default text version.
        labels: The stage `labels` of all days of a window, at least `LABEL_COLUMNS` and `day`.
        annotators: The day of the stage `annotators`; without it all annotators are trusted alike.
        day: The window's last day; without it the last that has labels, which is wrong for a day without any.
        categories: The categories that there are; without them, those of the days before are known.
        thresholds: Of the checks; without them the defaults.

    Returns:
        The stage `annotated`, sorted by url: for each page the consensus of its annotators. Pages without a label are
        counted in the figures, and so are those that several judged. The checks compare the day with the days before
        in the window.
    """
    thresholds = thresholds or LabelThresholds()
    quality = trusted_quality(annotators) if annotators is not None else None
    chosen = consensus(labels, quality, categories=len(set(categories or [])), by=["day", "url"])
    today = pl.col("day") == (day or chosen["day"].max())
    frame = (
        texts.join(chosen.filter(today).drop("day"), on="url", how="inner")
        .with_columns(text=title_and_content())
        .select(list(ANNOTATED.dtypes))
        .sort("url")
    )
    now, before = _pages(frame), _pages(chosen.filter(~today))
    checks = [
        label_checks.share_labelled(texts.height, frame.height, thresholds),
        label_checks.categories_known(now, before, categories, thresholds),
        label_checks.category_drift(now, before, thresholds),
    ]
    figures = {
        "pages": texts.height,
        "unlabelled": texts.height - frame.height,
        "judged_by_several": frame.filter(pl.col("annotators") > 1).height,
    }
    return Outcome(frame, figures=figures, checks=checks)


def _pages(rows: pl.DataFrame) -> dict[str, int]:
    """Pages by category."""
    return dict(rows["category"].value_counts(sort=True).iter_rows())
