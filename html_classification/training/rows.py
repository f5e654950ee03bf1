"""The rows that models learn from and are tested on, with what models read of them.

Belongs here: joining the training set with a text version, with markup and with refined labels. Does not belong here:
choosing the rows (`split`), which fields there are (`features`).
"""

import polars as pl

from html_classification.training.errors import TrainingError
from html_classification.training.features import FIELDS, address_field
from html_classification.transforms.text.document import title_and_content


def rows_with_text(training_set: pl.DataFrame, texts: pl.DataFrame, pages: pl.DataFrame) -> pl.DataFrame:
    """The rows of a training set with what models read of them, the text in some text version.

    Args:
        training_set: Rows of `TrainingSet`.
        texts: `url`, `title`, `content`, `day` of the window, of one text version.
        pages: `url`, `markup`, `day` of the window, of `preprocess/html-parsing`.

    Returns:
        The training set's columns and `features.FIELDS`, where the text is `title - content`; sorted by url.

    Raises:
        TrainingError: Some rows have no text, no page or no markup there: models would not be trained on the same rows.
    """
    here = training_set.select("url", "day")
    known = texts.join(here, on=["url", "day"], how="semi").select("url", "day", text=title_and_content())
    read = pages.select("url", "day", "markup", parsed=True)
    joined = training_set.join(known, on=["url", "day"], how="left").join(read, on=["url", "day"], how="left")
    _require(joined, "text", "no text in this text version", "materialize the text version for those days")
    _require(joined, "parsed", "no page in preprocess/html-parsing", "materialize html-parsing for those days")
    _require(
        joined,
        "markup",
        "a page without markup in preprocess/html-parsing",
        "an earlier release parsed them; materialize html-parsing for those days again",
    )
    return joined.with_columns(address_field()).select(*training_set.columns, *FIELDS).sort("url")


def refined_rows(rows: pl.DataFrame, post_train: pl.DataFrame) -> pl.DataFrame:
    """Rows as refinement leaves them: train rows corrected or dropped, test rows untouched.

    The test rows keep their given labels, so that models on given and on refined labels are measured by the
    same yardstick.

    Args:
        rows: What `rows_with_text` returned.
        post_train: `url`, `category`, `action` of the same rows.

    Returns:
        The same columns, without the dropped train rows.
    """
    refined = post_train.select("url", "action", refined="category")
    train = pl.col("split") == "train"
    return (
        rows.join(refined, on="url", how="left")
        .filter(~train | (pl.col("action") != "dropped").fill_null(value=True))
        .with_columns(category=pl.when(train).then(pl.coalesce("refined", "category")).otherwise("category"))
        .select(rows.columns)
        .sort("url")
    )


def _require(rows: pl.DataFrame, column: str, problem: str, mend: str) -> None:
    """Refuse rows of which something is missing."""
    missing = rows.filter(pl.col(column).is_null())
    if missing.height:
        days = ", ".join(str(day) for day in missing["day"].unique().sort())
        message = f"{missing.height} of {rows.height} rows of the training set have {problem} (days {days}): {mend}"
        raise TrainingError(message)
