"""Material for the tests of the registry: MLflow databases, and runs with models whose answers are known.

Belongs here: what several tests of the registry need. Does not belong here: expectations.
"""

import json
import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from html_classification.inference.stored import DESCRIPTION, description
from html_classification.training import tracking
from html_classification.training.candidates import EXPERIMENT
from html_classification.training.fitting import Classifier
from html_classification.training.registry import PREFIX
from html_classification.transforms.text.versions import TEXT_VERSIONS

FIRST = date(2026, 3, 1)


def day(number: int) -> date:
    return FIRST + timedelta(days=number - 1)


@cache
def _empty_database() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        tracking.client(f"sqlite:///{path}")
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # all of it in the one file
        return path.read_bytes()


def new_database(folder: Path) -> str:
    """The address of an MLflow database of its own; creating its tables takes seconds, copying does not."""
    (folder / "mlflow.db").write_bytes(_empty_database())
    return f"sqlite:///{folder / 'mlflow.db'}"


def _without_a_model(folder: Path) -> None:
    from mlflow.models import Model

    folder.mkdir()
    Model(artifact_path="model").save(str(folder / "MLmodel"))
    (folder / DESCRIPTION).parent.mkdir()
    (folder / DESCRIPTION).write_text(json.dumps(description(TEXT_VERSIONS["v2"], [])))


def record(
    uri: str, version: str, of: date = FIRST, *, write: Callable[[Path], object] = _without_a_model, **tags: str
) -> str:
    """A finished run with a model.

    Args:
        uri: The MLflow database.
        version: The version of the model's stage.
        of: Its day.
        write: Writes the model into a folder; without it, it only says what it is, and there is nothing to load.
        tags: Further tags, without their prefix.

    Returns:
        The id of the run.
    """
    own = {"version": version, "date": str(of), "snapshot": f"training-set-{of}-{version}"} | tags
    with tracking.tracked_run(
        uri, EXPERIMENT, run_name=version, tags={f"{PREFIX}{key}": value for key, value in own.items()}
    ) as run:
        run.log(
            {"algorithm": "complement-nb", "text_version": "v2"},
            {"accuracy": 0.9, "macro_f1": 0.8, "f1/sports": 0.7, "train_rows": 70, "test_rows": 30},
        )
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder) / "model")
            run.log_model(Path(folder) / "model")
    return str(run.run_id)


@dataclass(frozen=True)
class Knowing(Classifier):
    """A classifier that says of each page what it was told to say.

    Attributes:
        said: The category that it says, by url.
    """

    said: Mapping[str, str]

    def probabilities(self, rows: pl.DataFrame) -> Any:
        """All on one category."""
        return np.array([[float(self.said[url] == name) for name in self.classes] for url in rows["url"]])


def knowing(said: Mapping[str, str]) -> Knowing:
    """A classifier that says this, by url."""
    return Knowing(None, sorted(set(said.values())), said)  # type: ignore[arg-type]
