"""What changed in the data between two models.

Belongs here: the rows that a model learned from and was tested on, at their exact versions, and the difference between
two such sets of rows. Does not belong here: what changed in the metrics (`side_by_side`), and the difference between
any two versions of a stage (`lake.diff`).
"""

from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from html_classification.lake import Lake, LakeError, Upstream
from html_classification.lake.paths import VersionId
from html_classification.reproduction.provenance import open_recorded
from html_classification.schemas.html_parsing import HTML_PARSING
from html_classification.schemas.post_train import POST_TRAIN
from html_classification.schemas.training import TRAINING_SET
from html_classification.training.errors import TrainingError
from html_classification.training.rows import refined_rows

#: Kinds of changes that single rows can have, in the order in which they are told.
CHANGES = ("added", "removed", "relabelled", "moved_to_train", "moved_to_test", "text_changed")


class CategoryChange(BaseModel):
    """What changed in one category."""

    model_config = ConfigDict(frozen=True)

    category: str = Field(description="The category.")
    before: int = Field(description="Its rows in the former data.")
    after: int = Field(description="Its rows in the later data.")
    added: int = Field(description="Rows of pages that the former data does not have.")
    removed: int = Field(description="Rows of pages that the later data does not have.")
    relabelled_to: int = Field(description="Rows of the same page that have it only in the later data.")
    relabelled_from: int = Field(description="Rows of the same page that had it only in the former data.")


class Relabelling(BaseModel):
    """How many rows went from one category to another."""

    model_config = ConfigDict(frozen=True)

    before: str = Field(description="The former category.")
    after: str = Field(description="The later one.")
    rows: int = Field(description="Rows.")


class Example(BaseModel):
    """A row that changed."""

    model_config = ConfigDict(frozen=True)

    change: str = Field(description="One of `CHANGES`.")
    url: str = Field(description="The page.")
    before: str | None = Field(description="Category and side before; none of an added page.")
    after: str | None = Field(description="Category and side after; none of a removed page.")


class DataDifference(BaseModel):
    """What changed from the data of one model to that of another."""

    model_config = ConfigDict(frozen=True)

    before: dict[str, int] = Field(description="Rows of the former data, by `train` and `test`.")
    after: dict[str, int] = Field(description="Rows of the later data, likewise.")
    added: int = Field(description="Pages that only the later data has.")
    removed: int = Field(description="Pages that only the former data has; also those that refinement drops.")
    relabelled: int = Field(description="Pages of both whose category is another.")
    moved_to_train: int = Field(description="Pages of both that models were tested on before and learn from now.")
    moved_to_test: int = Field(description="Pages of both that models learned from before and are tested on now.")
    text_changed: int | None = Field(description="Pages of both whose text is another; none where it is not known.")
    text_unknown: str | None = Field(description="Why the texts could not be compared.")
    categories: list[CategoryChange] = Field(description="Every category, by name.")
    relabellings: list[Relabelling] = Field(description="The relabelled rows by categories, the most first.")
    examples: list[Example] = Field(description="The first rows of each change, by url.")

    @property
    def is_same(self) -> bool:
        """Whether nothing changed, as far as is known."""
        return not any(getattr(self, change) for change in CHANGES)

    def figures(self) -> dict[str, int]:
        """The numbers of changed rows, as Dagster's metadata and MLflow's tags take them."""
        return {change: count for change in CHANGES if (count := getattr(self, change)) is not None}


def rows_of_model(lake: Lake, model: VersionId) -> tuple[pl.DataFrame, str | None]:
    """The rows that a model learned from and was tested on, with the labels that it learned.

    Args:
        lake: The lake.
        model: The version of the model's stage.

    Returns:
        `url`, `category`, `split`, `content_sha1` (of the page's text), sorted by url; and why the latter is null
        everywhere, where it is.

    Raises:
        TrainingError: The version is no model.
        LakeError: The lake has its training set or its refined labels no more.
    """
    sources = open_recorded(lake.store, model).sources
    read = {source.stage: source for source in sources if source.stage in (TRAINING_SET.name, POST_TRAIN.name)}
    if TRAINING_SET.name not in read:
        raise TrainingError(f"{model} names no training set among its sources: it is no model")
    training_set = read[TRAINING_SET.name]
    rows = _open(lake, training_set).select("url", "day", "category", "split")
    if POST_TRAIN.name in read:
        rows = refined_rows(rows, _open(lake, read[POST_TRAIN.name]).select("url", "category", "action"))
    pages = open_recorded(lake.store, training_set).days(HTML_PARSING.name)
    try:
        sha1s = _window(lake, HTML_PARSING.name, pages, ["url", "content_sha1"])
    except LakeError as error:
        return rows.select("url", "category", "split", content_sha1=pl.lit(None, pl.String)), str(error)
    joined = rows.join(sha1s, on=["url", "day"], how="left", maintain_order="left")
    return joined.select("url", "category", "split", "content_sha1"), None


def data_difference(lake: Lake, before: VersionId, after: VersionId, *, examples: int = 5) -> DataDifference:
    """What changed from the data of one model to that of another.

    Args:
        lake: The lake.
        before: The version of one model's stage.
        after: That of the other.
        examples: How many rows of each change to show.

    Raises:
        TrainingError: One is no model.
        LakeError: The lake has the data of one no more.
    """
    (old, old_unknown), (new, new_unknown) = rows_of_model(lake, before), rows_of_model(lake, after)
    return compare_rows(old, new, text_unknown=old_unknown or new_unknown, examples=examples)


def compare_rows(
    before: pl.DataFrame, after: pl.DataFrame, *, text_unknown: str | None = None, examples: int = 5
) -> DataDifference:
    """What changed from some rows to others.

    Args:
        before: `url`, `category`, `split`, `content_sha1`; one row for each url.
        after: Likewise.
        text_unknown: Why the texts cannot be compared; None where they can.
        examples: How many rows of each change to show.

    Returns:
        The difference, the same for any order of the rows.
    """
    both = before.join(after, on="url", how="full", suffix="_after", coalesce=True).sort("url")
    old, new = pl.col("category"), pl.col("category_after")
    there, stays = old.is_not_null(), old.is_not_null() & new.is_not_null()
    moved = stays & (pl.col("split") != pl.col("split_after"))
    changed = {
        "added": ~there,
        "removed": new.is_null(),
        "relabelled": stays & (old != new),
        "moved_to_train": moved & (pl.col("split_after") == "train"),
        "moved_to_test": moved & (pl.col("split_after") == "test"),
        "text_changed": stays & (pl.col("content_sha1") != pl.col("content_sha1_after")),
    }
    marked = both.with_columns(pl.coalesce(condition, pl.lit(value=False)).alias(n) for n, condition in changed.items())
    counts: dict[str, Any] = {name: int(marked[name].sum()) for name in CHANGES}
    relabelled = marked.filter("relabelled").group_by(before="category", after="category_after").agg(rows=pl.len())
    relabelled = relabelled.sort(["rows", "before", "after"], descending=[True, False, False])
    return DataDifference(
        before=_sides(before),
        after=_sides(after),
        **counts | ({"text_changed": None} if text_unknown else {}),
        text_unknown=text_unknown,
        categories=_categories(marked),
        relabellings=[Relabelling(**row) for row in relabelled.iter_rows(named=True)],
        examples=[example for name in CHANGES for example in _examples(marked, name, examples)],
    )


def _open(lake: Lake, version: VersionId) -> pl.DataFrame:
    return lake.read(version.stage, version.day, version.version)


def _window(lake: Lake, stage: str, versions: dict[Any, str], columns: list[str]) -> pl.DataFrame:
    """The rows of exact versions of several days, with their day."""
    last = max(versions)
    return Upstream(lake.store, stage, versions).window(last, (last - min(versions)).days + 1, columns).read()


def _sides(rows: pl.DataFrame) -> dict[str, int]:
    return {side: rows.filter(split=side).height for side in ("train", "test")}


def _categories(marked: pl.DataFrame) -> list[CategoryChange]:
    """What changed in each category."""
    old = marked.group_by(category="category").agg(
        before=pl.len(), removed=pl.col("removed").sum(), relabelled_from=pl.col("relabelled").sum()
    )
    new = marked.group_by(category="category_after").agg(
        after=pl.len(), added=pl.col("added").sum(), relabelled_to=pl.col("relabelled").sum()
    )
    both = old.join(new, on="category", how="full", coalesce=True).drop_nulls("category")
    return [CategoryChange(**row) for row in both.fill_null(0).sort("category").iter_rows(named=True)]


def _examples(marked: pl.DataFrame, change: str, count: int) -> list[Example]:
    def said(side: str) -> pl.Expr:
        return pl.concat_str(f"category{side}", pl.lit(" ("), f"split{side}", pl.lit(")"))

    rows = marked.filter(change).head(count).select("url", before=said(""), after=said("_after"))
    return [Example(change=change, **row) for row in rows.iter_rows(named=True)]
