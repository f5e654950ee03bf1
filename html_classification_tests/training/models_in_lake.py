"""Models as the lake keeps them: pages, a training set of these, answers to its test rows.

Belongs here: making them from a few rows, with exact provenance. Does not belong here: MLflow (`models_in_mlflow`), and
expectations.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from html_classification.assets.silver import TEXT_STAGES
from html_classification.lake import Build, Dataset, Lake, RunInfo, materialize
from html_classification.lake.paths import VersionId
from html_classification.schemas.columns import Stage, StageModel, column
from html_classification.schemas.html_parsing import HTML_PARSING
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.post_train import POST_TRAIN
from html_classification.schemas.training import PREDICTIONS, TRAINING_SET, model_stage
from html_classification.training.candidates import Kind
from html_classification.transforms.text.versions import TEXT_VERSIONS

GIVEN = model_stage("given", "v2", "complement-nb")
REFINED = model_stage("refined", "v2", "complement-nb")
CATEGORIES = ("cooking", "sports")


class _Pages(StageModel):
    url: str = column("Address.", "Page.")
    content_sha1: str = column("SHA-1 of the text.", "Text.")
    markup: str = column("Markup.", "Markup.")


class _Texts(StageModel):
    url: str = column("Address.", "Page.")
    title: str = column("Title.", "Title.")
    content: str = column("Content.", "Content.")


class _Rows(StageModel):
    url: str = column("Address.", "Page.")
    day: pl.Date = column("Day of the page.", "Day.")
    category: str = column("Category.", "Label.")
    split: str = column("Side.", "Side.")
    duplicate_cluster: str = column("Near duplicates.", "Near duplicates.")


class _Refined(StageModel):
    url: str = column("Address.", "Page.")
    category: str = column("Category.", "Label.")
    action: str = column("What was done.", "Action.")


@dataclass(frozen=True)
class Row:
    """A row of a training set."""

    page: str
    category: str
    split: str = "train"
    text: str = "a text"
    copy_of: str = ""

    @property
    def url(self) -> str:
        """The page's address."""
        return f"https://a.example/{self.page}"


def rows(train: Mapping[str, str], test: Mapping[str, str]) -> list[Row]:
    """Rows from the categories of pages, by their names."""
    sides = (("train", train), ("test", test))
    return [Row(page, category, side) for side, pages in sides for page, category in pages.items()]


def frame_of(some: Sequence[Row]) -> pl.DataFrame:
    """Rows as `data_difference.rows_of_model` gives them."""
    found = [(row.url, row.category, row.split, hashlib.sha1(row.text.encode()).hexdigest()) for row in some]
    return pl.DataFrame(
        found, schema=dict.fromkeys(["url", "category", "split", "content_sha1"], pl.String), orient="row"
    )


def put_model(
    lake: Lake,
    day: date,
    some: Sequence[Row],
    *,
    stage: Stage = GIVEN,
    wrong: Collection[str] = (),
    refined: Mapping[str, tuple[str, str]] | None = None,
    rules: Sequence[Mapping[str, Any]] | None = None,
) -> Dataset:
    """Materialize a model's stage with all that it is made from, as current of the day.

    Args:
        lake: The lake.
        day: The day of all of it.
        some: The rows of the training set.
        stage: The model's stage.
        wrong: Test pages of which the model says the other category.
        refined: For a model on refined labels: category and action, by page.
        rules: By which the texts were made; without them those of the text version.
    """
    pages = (
        frame_of(some)
        .with_columns(
            day=pl.lit(day),
            markup=pl.lit(""),
            title=pl.lit(""),
            content=pl.Series([row.text for row in some], dtype=pl.String),
            duplicate_cluster=pl.Series([row.copy_of or row.page for row in some], dtype=pl.String),
        )
        .sort("url")
    )
    html_parsing, training_set = replace(HTML_PARSING, model=_Pages), replace(TRAINING_SET, model=_Rows)
    _put(lake, html_parsing, day, pages.select(*html_parsing.dtypes))
    text_version = Kind.of_stage(stage.name).text_version
    texts = replace(TEXT_STAGES[text_version], model=_Texts)
    steps = {"rules": TEXT_VERSIONS[text_version].steps if rules is None else list(rules)}
    _put(lake, texts, day, pages.select(*texts.dtypes), [HTML_PARSING.name], steps)
    _put(lake, training_set, day, pages.select(*training_set.dtypes), [HTML_PARSING.name])
    reads = [TRAINING_SET.name, HTML_PARSING.name, texts.name]
    if refined is not None:
        found = [(f"https://a.example/{page}", *said) for page, said in sorted(refined.items())]
        changed = pl.DataFrame(found, schema=["url", "category", "action"], orient="row")
        _put(lake, replace(POST_TRAIN, model=_Refined), day, changed, reads)
        reads = [*reads, POST_TRAIN.name]
    return _put(lake, stage, day, _answers(some, wrong), reads)


def id_of(dataset: Dataset) -> VersionId:
    """The exact name of a version."""
    return VersionId(dataset.metadata.stage, dataset.metadata.date, dataset.metadata.version)


def _answers(some: Sequence[Row], wrong: Collection[str]) -> pl.DataFrame:
    said = []
    for row in sorted(some, key=lambda row: row.url):
        if row.split == "test":
            other = CATEGORIES[1 - CATEGORIES.index(row.category)]
            predicted = other if row.page in wrong else row.category
            cells = [{"category": name, "probability": 0.9 if name == predicted else 0.1} for name in CATEGORIES]
            said.append((row.url, row.category, predicted, 0.9, cells))
    return pl.DataFrame(said, schema=dict(PREDICTIONS.dtypes), orient="row")


def _put(
    lake: Lake,
    stage: Stage,
    day: date,
    frame: pl.DataFrame,
    reads: Sequence[str] = (),
    parameters: Mapping[str, Any] | None = None,
) -> Dataset:
    """Other rows are another version."""
    build = Build(
        inputs=lambda day: {name.rpartition("/")[2].replace("-", "_"): lake.upstream(name).day(day) for name in reads},
        compute=lambda **_: Outcome(frame, figures={"train_rows": 10}),
        parameters=dict(parameters or {}) | {"rows": hashlib.sha1(frame.write_json().encode()).hexdigest()},
    )
    return materialize(lake, stage, build, day, RunInfo(stage.name)).dataset
