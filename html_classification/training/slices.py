"""Slices: parts of the test rows that models are measured on one by one, such as a language or a site.

Belongs here: which rows are in which slice, and how good predictions are on each. Does not belong here: figures of
all rows (`evaluation`), and how far a slice may fall (`comparison`).
"""

import polars as pl

from html_classification.training.sites import site

#: Test rows that a site must have to be a slice; all other sites are one slice together.
MIN_SITE_ROWS = 10
OTHER_SITES = "other"
#: The lengths in words, and where each begins.
LENGTHS = {"<50": 0, "50-199": 50, "200-999": 200, "1000+": 1000}
SLICES = ("language", "site", "length", "label_source", "day")
UNKNOWN = "unknown"

#: A character of the scripts that put no spaces between words, or a run of any other characters.
_WORD = (
    r"[\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff]|[^\s\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff]+"
)


def slices_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Say which slices each row is in: one of each kind.

    Args:
        rows: `url`, `language`, `label_source`, `day`, `text`; one row for each url.

    Returns:
        `url`, `slice` (one of `SLICES`), `value`, sorted: five rows for each url. A site is the host of the address
        without `www.`; a length is in words of the text, where each Chinese or Japanese character counts as a word.

    >>> rows = {"url": ["https://www.a.example/x"], "language": ["en"], "label_source": ["file"]}
    >>> slices_of(pl.DataFrame({**rows, "day": ["2026-03-01"], "text": ["two words"]})).rows()[2:4]
    [('https://www.a.example/x', 'language', 'en'), ('https://www.a.example/x', 'length', '<50')]
    """
    words = pl.col("text").fill_null("").str.count_matches(_WORD)
    length = pl.lit(UNKNOWN)
    for name, least in LENGTHS.items():
        length = pl.when(words >= least).then(pl.lit(name)).otherwise(length)
    return (
        rows.select("url", "language", "label_source", pl.col("day").cast(pl.String), length=length, site=site())
        .with_columns(site=pl.when(pl.len().over("site") >= MIN_SITE_ROWS).then("site").otherwise(pl.lit(OTHER_SITES)))
        .unpivot(on=list(SLICES), index="url", variable_name="slice")
        .with_columns(pl.col("value").fill_null(UNKNOWN))
        .sort("url", "slice")
    )


def evaluate_slices(predictions: pl.DataFrame, slices: pl.DataFrame) -> pl.DataFrame:
    """Measure predictions on each slice.

    Args:
        predictions: Rows of `Predictions`.
        slices: What `slices_of` says of their urls; of urls without a prediction nothing is taken.

    Returns:
        `slice`, `value`, `rows`, `accuracy`, `macro_f1`, sorted by slice and value. Macro-F1 is the mean over the
        categories given or predicted in the slice, as `evaluation.evaluate` computes it.
    """
    part = ["slice", "value"]
    answers = predictions.select("url", "category", "predicted").join(slices, on="url")
    right = (pl.col("category") == pl.col("predicted")).sum()
    counts = pl.concat(
        answers.group_by(*part, pl.col(column).alias("name")).agg(right=right, rows=pl.len())
        for column in ("category", "predicted")
    )
    # F1 is 2 * right / (given + predicted): the right ones are counted on both sides here.
    f1 = counts.group_by(*part, "name").agg(f1=pl.col("right").sum() / pl.col("rows").sum())
    return (
        answers.group_by(part)
        .agg(rows=pl.len().cast(pl.Int64), accuracy=right / pl.len())
        .join(f1.group_by(part).agg(macro_f1=pl.col("f1").sort().mean()), on=part)
        .sort(part)
    )
