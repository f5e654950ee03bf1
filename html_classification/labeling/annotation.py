"""Pages meet their labels.

Belongs here: choosing the label that counts and making the gold rows. Does not belong here: reading label
files (`label_file`) or judging labels (`refinement`).
"""

import polars as pl

from html_classification.schemas.annotated import ANNOTATED
from html_classification.schemas.outcome import Outcome
from html_classification.transforms.text.document import title_and_content


def annotate(texts: pl.DataFrame, labels: pl.DataFrame) -> Outcome:
    """The labelled pages of a day.

    Args:
        texts: The stage of the default text version.
        labels: The stage `labels`.

    Returns:
        The stage `annotated`, sorted by url. Of several labels of a page the surest counts, then the latest,
        then the first annotator by name. Pages without a label are counted in the figures.
    """
    chosen = labels.sort(
        ["url", "confidence", "labelled_at", "annotator"], descending=[False, True, True, False], nulls_last=True
    ).unique("url", keep="first", maintain_order=True)
    frame = (
        texts.join(chosen.select("url", "category", "confidence", "annotator"), on="url", how="inner")
        .with_columns(text=title_and_content())
        .rename({"annotator": "label_source", "confidence": "label_confidence"})
        .select(list(ANNOTATED.dtypes))
        .sort("url")
    )
    return Outcome(frame, figures={"pages": texts.height, "unlabelled": texts.height - frame.height})
