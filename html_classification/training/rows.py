"""The rows that models learn from and are tested on, with their texts.

Belongs here: joining the training set with a text version and with refined labels. Does not belong here:
choosing the rows (`split`).
"""

import polars as pl

from html_classification.training.errors import TrainingError
from html_classification.transforms.text.document import title_and_content


def rows_with_text(training_set: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
    """The rows of a training set with their text in some text version.

    Args:
        training_set: Rows of `TrainingSet`.
        texts: `url`, `title`, `content`, `day` of the window, of one text version.

    Returns:
        The training set's columns and `text` (`title - content`), sorted by url.

    Raises:
        TrainingError: Some rows have no text there: models would not be trained on the same rows.
    """
    joined = training_set.join(texts.with_columns(text=title_and_content()), on=["url", "day"], how="left")
    missing = joined.filter(pl.col("text").is_null())
    if missing.height:
        days = ", ".join(str(day) for day in missing["day"].unique().sort())
        message = (
            f"{missing.height} of {joined.height} rows of the training set have no text in this text version (days "
            f"{days}): materialize the text version for those days"
        )
        raise TrainingError(message)
    return joined.select(*training_set.columns, "text").sort("url")


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
