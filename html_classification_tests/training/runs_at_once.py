"""Trainings that write to one MLflow database at once, each in a run of its own: what the tests start in processes.

Belongs here: what another process must be able to import quickly. Does not belong here: expectations.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

from html_classification.training.errors import TrainingError
from html_classification.training.run_values import TrackedDataset
from html_classification.training.tracking import VERSION_TAG, TrackedRun, tracked_run

EXPERIMENT = "tests"


def opened(uri: str, version: str = "0123456789ab", **settings: Any) -> AbstractContextManager[TrackedRun]:
    """A run of a version."""
    return tracked_run(uri, EXPERIMENT, run_name=f"run {version}", tags={VERSION_TAG: version}, **settings)


def train(uri: str, version: str, kind: int, parent_run_id: str | None = None) -> None:
    """A training that ends well, in an error, or in an interrupt."""
    try:
        with opened(uri, version, parent_run_id=parent_run_id) as run:
            run.log({"version": version}, {"kind": kind}, {"kind": str(kind)})
            run.log_datasets([TrackedDataset(version, version, "/srv")])
            if kind == 1:
                raise TrainingError(version)
            if kind == 2:
                raise KeyboardInterrupt
            run.log(metrics={"last": kind})
    except (TrainingError, KeyboardInterrupt):
        pass


def train_many(uri: str, name: str, count: int) -> None:
    """In four threads."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: train(uri, f"{name}-{number}", number % 3), range(count)))


def train_until_interrupted(uri: str, version: str, ready: Any) -> None:
    """A training that ends only when its process is told to."""
    with opened(uri, version):
        ready.set()
        time.sleep(60)
