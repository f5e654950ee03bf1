"""Copies among the pages of a window of days: the computation of the stage `preprocess/duplicates`.

Belongs here: which rows of a window count, and what is told of the pages of its last day. Does not belong here: how
copies are found (`clusters`), how the window is read (`assets`).
"""

import polars as pl

from html_classification.schemas.duplicates import DUPLICATES
from html_classification.schemas.outcome import Outcome
from html_classification.transforms.duplicates.clusters import cluster_rows


def window_duplicates(pages: pl.DataFrame) -> Outcome:
    """Compute `preprocess/duplicates`: the copies of the last day's pages in the whole window.

    A url is one page, and what its latest day says of it counts: what stood there on earlier days is left out, so
    that a page that changed is no copy of what copies its old text. A page that was crawled again and did not change
    is thereby no copy of itself: without copies under other urls it is alone in its cluster.

    Args:
        pages: The rows of `preprocess/html-parsing` of all days of the window: `url`, `content_sha1`, `minhash`,
            `timestamp` and `day`. The last day is the latest of `day`.

    Returns:
        One row for each page of the last day, sorted by url, with the columns of the stage. Figures: `days` that
        there are in the window, `window_pages` (urls), `copies` (pages of the day that are not the freshest of their
        cluster), `exact_copies` among them, and `copied_from_earlier_days`: pages of the day in whose cluster there
        is a page that was last seen on an earlier day.
    """
    numbered = pages.select("url", "content_sha1", "timestamp", "day", place=pl.int_range(pl.len()))
    facts = numbered.sort("url", "day", "timestamp", "content_sha1").unique("url", keep="last", maintain_order=True)
    clusters = cluster_rows(facts, pages["minhash"])
    clusters = clusters.join(facts.drop("place"), on="url", how="left", maintain_order="left")
    clusters = clusters.with_columns(oldest=pl.col("day").min().over("duplicate_cluster"))
    original = facts.select("url", original_sha1="content_sha1", duplicate_day="day")
    rows = (
        clusters.filter(pl.col("day") == pl.col("day").max())
        .join(original, left_on="duplicate_of", right_on="url", how="left", maintain_order="left")
        .with_columns(
            duplicate_kind=pl.when(pl.col("content_sha1") == pl.col("original_sha1"))
            .then(pl.lit("exact"))
            .when(pl.col("duplicate_of").is_not_null())
            .then(pl.lit("near"))
        )
        .sort("url")
    )
    figures = {
        "days": pages["day"].n_unique(),
        "window_pages": facts.height,
        "copies": rows["duplicate_of"].count(),
        "exact_copies": rows.filter(pl.col("duplicate_kind") == "exact").height,
        "copied_from_earlier_days": rows.filter(pl.col("oldest") < pl.col("day")).height,
    }
    return Outcome(rows.select(list(DUPLICATES.dtypes)), figures=figures)
