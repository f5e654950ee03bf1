"""Models that are in the lake and in MLflow, with pipelines that were really fitted.

Belongs here: making them from pages of two categories. Does not belong here: either half alone (`models_in_lake`,
`models_in_mlflow`), and expectations.
"""

from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from html_classification.lake import Lake
from html_classification.lake.paths import VersionId
from html_classification.schemas.training import model_stage
from html_classification.training import registry
from html_classification.training.algorithms import ALGORITHMS
from html_classification.training.candidates import Kind
from html_classification.training.fitting import fit
from html_classification.training.packaging import package
from html_classification.training.registered import Registered, find_models
from html_classification_tests.training.models_in_lake import Row, id_of, put_model
from html_classification_tests.training.models_in_mlflow import new_database, record

SPORTS, COOKING = "the match and the goal of the team", "the soup and the onion in the pan"
V1 = model_stage("given", "v1", "complement-nb")


def pages(name: str, split: str, each: int) -> list[Row]:
    """Pages of both categories, called `<name>-<category>-<number>`, whose texts give them away."""
    texts = {"sports": SPORTS, "cooking": COOKING}
    return [
        Row(f"{name}-{category}-{n}", category, split, text) for category, text in texts.items() for n in range(each)
    ]


@dataclass(frozen=True)
class Models:
    """A lake and an MLflow."""

    lake: Lake
    uri: str

    @classmethod
    def below(cls, folder: Path) -> "Models":
        """Both, empty, below a folder."""
        return cls(Lake(str(folder / "lake")), new_database(folder))

    def put(self, day: date, some: list[Row], *, stored: bool = True, **lake: Any) -> int:
        """A model of these rows; its number in the registry.

        Args:
            day: Its day.
            some: The rows of its training set.
            stored: Whether MLflow has a pipeline to load; it goes by the words of the train rows.
            lake: As `put_model` takes them: stage, wrong answers, refined labels, rules.
        """
        made = id_of(put_model(self.lake, day, some, **lake))
        return self.register(made, some if stored else None)

    def register(self, made: VersionId, learned: list[Row] | None = None) -> int:
        """Register a model that the lake has; without rows that it learned from there is nothing to load."""
        text_version = Kind.of_stage(made.stage).text_version
        recorded = partial(record, self.uri, made.version, made.day, stage=made.stage, text_version=text_version)
        if learned is None:
            return registry.register(self.uri, recorded())
        train = [(row.category, row.page, row.text, "", "") for row in learned if row.split == "train"]
        columns = ["category", "duplicate_cluster", "text", "markup", "address"]
        classifier = fit(pl.DataFrame(train, schema=columns, orient="row"), ALGORITHMS["complement-nb"])
        run_id = recorded(write=lambda folder: package(folder, classifier, text_version))
        return registry.register(self.uri, run_id)

    def find(self, *numbers: int) -> list[Registered]:
        """Registered models by their numbers."""
        return find_models(self.uri, [str(number) for number in numbers])
