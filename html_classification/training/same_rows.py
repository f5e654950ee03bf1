"""Registered models on the same rows, so that their figures can be compared.

Belongs here: which rows, and what each model says of them. Does not belong here: figures and their differences
(`side_by_side`), and what a new champion is judged by (`promoting`).

Models of one training set were tested on the same rows, and what they said of these lies in the lake. Models of
several answer the test rows of the newest one, each stored model through its own text version, without the rows that
any of them has learned from. Where that is not possible, the rows count that all were tested on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from html_classification.inference.stored import ModelError, read_description
from html_classification.lake import Lake, LakeError, Upstream
from html_classification.lake.dataset import Slice
from html_classification.reproduction.provenance import Recorded, open_recorded
from html_classification.schemas.html_parsing import HTML_PARSING
from html_classification.schemas.text_normalization import text_normalization_stage
from html_classification.training.data_snapshot import snapshot_name, training_set_of, urls_trained_on
from html_classification.training.errors import TrainingError
from html_classification.training.features import FIELDS
from html_classification.training.fitting import Classifier, predict
from html_classification.training.leaks import known_to
from html_classification.training.packaging import load_pipeline
from html_classification.training.registered import Registered
from html_classification.training.rows import rows_with_text
from html_classification.training.tracking import tracked_model

if TYPE_CHECKING:
    from html_classification.lake.paths import VersionId

#: On fewer rows than this, figures of models of several training sets are noise.
FEWEST_ROWS = 30
Which = Literal["the same", "answered anew", "in common"]


@dataclass(frozen=True)
class SameRows:
    """What models say of the same rows.

    Attributes:
        answers: Of each model rows of `Predictions`, with `duplicate_cluster`: the same urls with the same categories.
        which: `the same` that all were tested on; test rows of the newest that all have `answered anew`; or those that
            all were tested on, `in common`, as the others cannot be answered.
        note: In words.
        enough: Whether figures of so few rows say anything.
    """

    answers: Sequence[pl.DataFrame]
    which: Which
    note: str
    enough: bool


def on_same_rows(lake: Lake, tracking_uri: str, models: Sequence[Registered]) -> SameRows:
    """Bring models onto the same rows.

    Args:
        lake: The lake.
        tracking_uri: The MLflow server or database that has the models.
        models: The models, of whatever days.

    Returns:
        Their answers, sorted by url. Categories are those of the newest training set; of several of a day the last.

    Raises:
        TrainingError: One is no model.
        LakeError: The lake has the newest training set no more, or what is needed of the models' answers.
    """
    recorded = [open_recorded(lake.store, model.version) for model in models]
    sets = [training_set_of(one.metadata) for one in recorded]
    newest = max(range(len(models)), key=lambda number: (sets[number].day, number))
    rows = _read(lake, sets[newest])
    test = rows.filter(pl.col("split") == "test").sort("url")
    if len(set(sets)) == 1:
        found = [_stored(lake, model, test) for model in models]
        return SameRows(found, "the same", f"tested on the same {test.height} rows", enough=True)
    contest = _Contest(lake, tracking_uri, models[newest], sets[newest], recorded[newest])
    try:
        kept = _new_to_all(lake, contest, recorded, rows, test)
        found = _answers(contest, models, sets, kept)
    except (TrainingError, LakeError) as error:
        return _in_common(lake, models, test, str(error).splitlines()[0])
    owner, count = f"the {test.height} test rows of version {models[newest].number}", kept.height
    known = f"the {test.height - count} that one of them has learned from" if count < test.height else ""
    if count < FEWEST_ROWS:
        note = f"only {count} rows in common: too few to compare ({owner}{f', without {known}' if known else ''})"
    else:
        note = f"tested on different rows: here all answer {owner}" + (f", without {known}: {count}" if known else "")
    return SameRows(found, "answered anew", note, enough=count >= FEWEST_ROWS)


@dataclass(frozen=True)
class _Contest:
    """Whose test rows are answered, and what is read of them.

    Attributes:
        lake: The lake.
        tracking_uri: Where the stored models are.
        owner: The model whose test rows they are.
        training_set: Its training set.
        recorded: What it was made from.
    """

    lake: Lake
    tracking_uri: str
    owner: Registered
    training_set: "VersionId"
    recorded: Recorded

    def window(self, stage: str, rows: pl.DataFrame, columns: list[str]) -> Slice:
        """A stage of the rows' days: the versions that the owner was made from, or else the current ones."""
        days = set(rows["day"])
        known = self.recorded.days(stage) or self.lake.current(stage)
        versions = {day: version for day, version in known.items() if day in days}
        if not versions:
            raise TrainingError(f"the lake has no {stage} of the days of {self.training_set}")
        last = max(versions)
        return Upstream(self.lake.store, stage, versions).window(last, (last - min(versions)).days + 1, columns)


def _new_to_all(
    lake: Lake, contest: _Contest, recorded: Sequence[Recorded], rows: pl.DataFrame, test: pl.DataFrame
) -> pl.DataFrame:
    """The test rows that no model has learned from, nor from near duplicates of them."""
    learned: frozenset[str] = frozenset()
    for snapshot in sorted({snapshot_name(one.metadata) for one in recorded}):
        urls = urls_trained_on(lake.store, snapshot)
        if urls is None:
            raise TrainingError(f"the lake does not have what models of {snapshot} have learned from any more")
        learned |= urls
    kept = test.join(known_to(test, rows, learned), on="url", how="anti", maintain_order="left")
    if kept.is_empty():
        raise TrainingError(f"one of them has learned from each test row of version {contest.owner.number}")
    return kept


def _answers(
    contest: _Contest, models: Sequence[Registered], sets: Sequence["VersionId"], kept: pl.DataFrame
) -> list[pl.DataFrame]:
    """What models say of some test rows: what the lake has of those that were tested on them, and else the model."""
    pages = contest.window(HTML_PARSING.name, kept, ["url", "markup"]).read()

    @cache
    def read(text_version: str) -> tuple[pl.DataFrame, list[Any]]:
        texts = contest.window(text_normalization_stage(text_version, []).name, kept, ["url", "title", "content"])
        rules = [dataset.metadata.recipe["parameters"].get("rules") for dataset in texts.datasets]
        return rows_with_text(kept, texts.read(), pages), rules

    def answer(model: Registered, training_set: "VersionId") -> pl.DataFrame:
        if training_set == contest.training_set:
            return _stored(contest.lake, model, kept)
        rows, rules = read(model.text_version)
        said = predict(_load(contest.tracking_uri, model, rules), rows)
        return said.join(kept.select("url", "duplicate_cluster"), on="url", how="left", maintain_order="left")

    return [answer(model, training_set) for model, training_set in zip(models, sets, strict=True)]


def _load(tracking_uri: str, model: Registered, rules: Sequence[Any]) -> Classifier:
    """A stored model, which must have learned from such texts and fields as it is given."""
    from mlflow import artifacts
    from mlflow.exceptions import MlflowException

    with TemporaryDirectory() as scratch:
        try:
            uri = tracked_model(tracking_uri, model.run_id).uri
            folder = Path(artifacts.download_artifacts(artifact_uri=uri, dst_path=scratch, tracking_uri=tracking_uri))
            said, classifier = read_description(folder), load_pipeline(folder)
        except (TrainingError, ModelError, MlflowException, OSError) as error:
            why = (str(error).splitlines() or [type(error).__name__])[0].replace(f"{scratch}/", "")
            raise TrainingError(f"version {model.number} cannot be loaded from MLflow ({why})") from error
    if any(one != said["text_version"]["steps"] for one in rules):
        message = f"version {model.number} learned from texts {model.text_version} by other rules than theirs"
        raise TrainingError(message)
    if said["fields"] != list(FIELDS):
        message = f"version {model.number} reads the fields {', '.join(said['fields'])}, not {', '.join(FIELDS)}"
        raise TrainingError(message)
    return classifier


def _in_common(lake: Lake, models: Sequence[Registered], test: pl.DataFrame, why: str) -> SameRows:
    """The rows that all were tested on."""
    for model in models:
        test = test.join(_read(lake, model.version), on="url", how="semi", maintain_order="left")
    found = [_stored(lake, model, test) for model in models]
    if test.height < FEWEST_ROWS:
        note = f"only {test.height} rows in common: too few to compare (others cannot be answered: {why})"
    else:
        note = (
            f"tested on different rows: these figures are of the {test.height} in common (others cannot be answered: "
            f"{why})"
        )
    return SameRows(found, "in common", note, enough=test.height >= FEWEST_ROWS)


def _stored(lake: Lake, model: Registered, test: pl.DataFrame) -> pl.DataFrame:
    """What the lake has of a model's answers to some of its test rows, with the categories and clusters of these."""
    said = _read(lake, model.version)
    truth = test.select("url", "duplicate_cluster", truth="category")
    joined = said.join(truth, on="url").with_columns(category="truth")
    return joined.select(*said.columns, "duplicate_cluster").sort("url")


def _read(lake: Lake, version: "VersionId") -> pl.DataFrame:
    return lake.read(version.stage, version.day, version.version)
