"""MLflow's run of a Dagster run: opened with the first model that is trained, always closed, above the models' own."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg
import pytest

from html_classification.automation.ranges import run_range
from html_classification.training import candidates
from html_classification.training.errors import TrainingError
from html_classification.training.tracking import client
from html_classification_tests.pages import Project

MODELS = ["models/given_v2_complement_nb", "models/given_v2_logistic_regression"]
NAMES = ["raw", "preprocess/url_normalization", "preprocess/html_parsing", "preprocess/text_normalization_v2"]
NAMES += ["labels", "annotators", "annotated", "training_set", *MODELS]
KEYS = [dg.AssetKey(name.split("/")) for name in NAMES]
DAYS = 3


class Tracked:
    """A project whose days are run one after another in this process, and what MLflow has of it."""

    def __init__(self, project: Project, instance: dg.DagsterInstance) -> None:
        self.project, self.instance = project, instance
        self.days = project.write_days(DAYS)

    def run(self, day: date) -> str:
        """Run a day; the id of the Dagster run."""
        job = self.project.defs().resolve_implicit_global_asset_job_def()
        done = job.execute_in_process(
            instance=self.instance, partition_key=str(day), asset_selection=KEYS, raise_on_error=False
        )
        return done.run_id

    def runs(self) -> list[Any]:
        """All runs of MLflow, the oldest first."""
        mlflow = client(self.project.mlflow_uri)
        found = mlflow.get_experiment_by_name(candidates.EXPERIMENT)
        experiments = [found.experiment_id] if found else []
        return mlflow.search_runs(experiments, order_by=["attributes.start_time ASC"]) if experiments else []

    def parents(self) -> dict[str, tuple[str, int]]:
        """For each Dagster run that has one: the status of its MLflow run, and how many models are below it."""
        runs = self.runs()
        children = [run.data.tags["mlflow.parentRunId"] for run in runs if "mlflow.parentRunId" in run.data.tags]
        parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
        assert len(children) == len(runs) - len(parents)
        assert set(children) <= {run.info.run_id for run in parents}
        assert all(run.info.end_time for run in runs)
        return {run.data.tags["dagster_run_id"]: (run.info.status, children.count(run.info.run_id)) for run in parents}


@pytest.fixture
def tracked(project: Project, instance: dg.DagsterInstance) -> Tracked:
    return Tracked(project, instance)


@pytest.fixture(autouse=True)
def nothing_stays_open() -> Iterator[None]:
    import mlflow

    yield
    assert mlflow.active_run() is None


def fail_for(monkeypatch: pytest.MonkeyPatch, algorithm: str, day_rows: int) -> None:
    """Let the training of one algorithm fail on training sets of some size."""
    real = candidates.train

    def train(rows: Any, kind: Any, parameters: Any) -> Any:
        if kind.name == algorithm and rows.height == day_rows:
            message = "nothing to learn from"
            raise TrainingError(message)
        return real(rows, kind, parameters)

    monkeypatch.setattr(candidates, "train", train)


def test_each_dagster_run_has_its_own_closed_run_above_its_models(
    tracked: Tracked, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tracked.run(tracked.days[0])
    assert tracked.parents() == {first: ("FINISHED", 2)}
    fail_for(monkeypatch, "logistic-regression", day_rows=24)
    second = tracked.run(tracked.days[1])
    assert tracked.parents() == {first: ("FINISHED", 2), second: ("FAILED", 1)}
    third = tracked.run(tracked.days[2])
    expected = {first: ("FINISHED", 2), second: ("FAILED", 1), third: ("FINISHED", 2)}
    assert tracked.parents() == expected
    # What is there already opens no run.
    tracked.run(tracked.days[0])
    assert tracked.parents() == expected


def test_a_range_has_one_run_and_a_bad_day_makes_it_failed(tracked: Tracked, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_for(monkeypatch, "logistic-regression", day_rows=24)
    result = run_range(tracked.project.defs(), tracked.instance, set(KEYS), tracked.days[:3])
    (failed,) = result.failed
    assert (failed.asset, failed.day, failed.detail) == (MODELS[1], tracked.days[1], "nothing to learn from")
    (run_id,) = result.run_ids
    assert tracked.parents() == {run_id: ("FAILED", 5)}


def test_a_run_without_training_knows_nothing_of_mlflow(tracked: Tracked) -> None:
    keys = set(KEYS) - {dg.AssetKey(name.split("/")) for name in MODELS}
    assert run_range(tracked.project.defs(), tracked.instance, keys, tracked.days[:1]).failed == []
    assert not (tracked.project.root / "mlflow").exists()
