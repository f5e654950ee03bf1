"""Twelve models on 10,000 documents: the time that a run takes, against the time that fitting alone takes on all cores.

The documents are texts of 600 words in ten categories, each of which prefers some words; half of the time is the words'
own. The models are the real assets: all on given labels, and those on refined labels of one text version. What is
timed is what their Dagster steps take, from the processes' start to the last file in MLflow; before that the same was
done on a few documents, so that what Python imports once is not counted. What fitting takes is processor time of each
fit alone, which counts its words by itself: in a run the algorithms of a text version share them. The refined rows are
the given ones here, and take as long.
"""

import os
import random
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import dagster as dg
import polars as pl

from benchmarks.measure import Figure, Ratio, Result, workspace
from benchmarks.texts import day_of_texts
from html_classification.assets.silver import TEXT_STAGES
from html_classification.assets.training import MODEL_STAGES
from html_classification.automation.ranges import run_range
from html_classification.definitions import defs
from html_classification.lake import Build, Lake, RunInfo, TheDay, materialize
from html_classification.schemas.columns import Stage
from html_classification.schemas.html_parsing import HTML_PARSING
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.post_train import POST_TRAIN
from html_classification.schemas.training import TRAINING_SET
from html_classification.training.algorithms import ALGORITHMS
from html_classification.training.counting import forget_counts
from html_classification.training.features import address_field
from html_classification.training.fitting import fit
from html_classification.transforms.text.document import title_and_content

DAYS = [date(2026, 3, 1) + timedelta(days=number) for number in range(10)]
DOCUMENTS = 10_000
WORDS = 600
CATEGORIES = [f"category {number}" for number in range(10)]
#: The given labels with every algorithm and text version; of the refined ones those of one text version.
MODELS = 12


def run() -> Iterator[Result]:
    """Train a few documents first, then all."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    chosen = _chosen()
    with workspace() as folder:
        _train(folder / "few", 200, chosen)
    with workspace() as folder:
        walls = _train(folder / "all", DOCUMENTS, chosen)
    alone = _fit_alone(chosen)
    fits = {key: alone[key.path[-1].replace("refined", "given")] for key in chosen}
    yield Ratio(
        f"{len(fits)} models, {DOCUMENTS:,} documents: steps of the run",
        [sum(walls)],
        [sum(fits.values()) / cores],
        f"processor time of the fits / {cores} cores",
        at_most=1.3,
    )
    for name, seconds in sorted(alone.items()):
        yield Figure(f"fit of {name}", [seconds])


def _chosen() -> list[dg.AssetKey]:
    names = sorted(MODEL_STAGES)
    given = [name for name in names if name.startswith("given")]
    refined = [name for name in names if name.startswith("refined_v2")]
    return [dg.AssetKey(MODEL_STAGES[name].asset_key) for name in (given + refined)[:MODELS]]


def _fit_alone(chosen: list[dg.AssetKey]) -> dict[str, float]:
    """The processor time of each kind of fit on the given labels, by the name of its asset."""
    rows = pl.concat([made_up_day(day, DOCUMENTS // len(DAYS)) for day in DAYS[:7]])
    rows = rows.with_columns(title_and_content().alias("text"), address_field())
    found = {}
    for key in chosen:
        name = key.path[-1]
        if name.startswith("given"):
            forget_counts()
            started = time.process_time()
            fit(rows, ALGORITHMS[name.split("_", 2)[2].replace("_", "-")])
            found[name] = time.process_time() - started
    return found


def _train(folder: Path, documents: int, chosen: list[dg.AssetKey]) -> list[float]:
    """The seconds of each step."""
    folder.mkdir()
    tracking = f"sqlite:///{folder}/mlflow.db"
    environment = {"HTML_CLASSIFICATION_LAKE": str(folder / "lake"), "MLFLOW_TRACKING_URI": tracking}
    with patch.dict(os.environ, environment), dg.DagsterInstance.local_temp(str(folder)) as instance:
        _write(Lake(str(folder / "lake")), documents)
        result = run_range(defs, instance, set(chosen), DAYS[-1:])
        if result.failed:
            message = f"benchmark: {result.failed[0].detail}"
            raise RuntimeError(message)
        stats = [step for one in result.run_ids for step in instance.get_run_step_stats(one)]
        return [step.end_time - step.start_time for step in stats if step.end_time and step.start_time]


def _write(lake: Lake, documents: int) -> None:
    """The stages that models read."""
    each = documents // len(DAYS)
    rows = pl.concat([made_up_day(day, each) for day in DAYS])
    for day in DAYS:
        of_day = rows.filter(pl.col("day") == day)
        for stage in (*TEXT_STAGES.values(), HTML_PARSING):
            # No two text versions have the same texts.
            _put(lake, stage, day, of_day.with_columns(content=pl.col("content") + f" {stage.name}"))
    split = pl.when(pl.col("day") >= DAYS[7]).then(pl.lit("test")).otherwise(pl.lit("train"))
    training_set = rows.with_columns(split=split)
    _put(lake, TRAINING_SET, DAYS[-1], training_set)
    refined = training_set.with_columns(
        given_category="category", action=pl.lit("kept"), label_quality=1.0, outlier_score=1.0, text="content"
    )
    _put(lake, POST_TRAIN, DAYS[-1], refined)


def made_up_day(day: date, count: int) -> pl.DataFrame:
    """Rows of a day whose texts have words of their own for each category."""
    chance = random.Random(str(day))  # noqa: S311 - seeded, not cryptography
    texts = day_of_texts(day, count, WORDS)
    categories = [chance.choice(CATEGORIES) for _ in range(count)]

    def content(text: str, category: str) -> str:
        own = [f"{category.replace(' ', '')}word{number}" for number in range(50)]
        return " ".join(chance.choice(own) if chance.random() < 0.02 else word for word in text.split(" "))

    contents = [content(text, category) for text, category in zip(texts["content"], categories, strict=True)]
    markup = [
        " ".join(f"{chance.choice(['p', 'li', 'td'])}:{chance.randint(0, 9)}" for _ in range(40)) for _ in contents
    ]
    return texts.with_columns(
        day=pl.lit(day),
        category=pl.Series(categories),
        content=pl.Series(contents),
        markup=pl.Series(markup),
        duplicate_cluster="url",
        label_source=pl.lit("benchmark"),
    )


def _put(lake: Lake, stage: Stage, day: date, rows: pl.DataFrame) -> None:
    """A version of a stage; columns that no model reads are of no matter."""
    filling = {"html_sha1": "0" * 40, "content_sha1": "0" * 40}
    moment = datetime(2026, 1, 1, tzinfo=UTC)

    def value(name: str, kind: pl.DataType) -> pl.Expr:
        if name in rows.columns:
            return pl.col(name).cast(kind)
        empty = {"String": filling.get(name, ""), "Int64": 0, "Float64": 0.5, "Date": None}
        if kind == pl.List:
            return pl.lit([], dtype=kind).alias(name)
        return pl.lit(moment if kind == pl.Datetime else empty[str(kind)], dtype=kind).alias(name)

    frame = rows.select(value(name, kind) for name, kind in dict(stage.dtypes).items()).sort("url")
    build = Build(inputs=lambda day: {"day": TheDay(day)}, compute=lambda day: Outcome(frame))
    materialize(lake, stage, build, day, RunInfo(stage.name))
