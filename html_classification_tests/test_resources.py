"""MLflow's run of a Dagster run: opened with the first model that is trained, always closed, above the models' own."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg
import pytest
from dagster._core.errors import DagsterExecutionInterruptedError

from html_classification.automation.ranges import run_range
from html_classification.definitions import build_defs
from html_classification.io_manager import LakeIOManager
from html_classification.resources import Tracking, TrainingProcesses
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
        self.children = sorted((run.info.run_name, run.info.status) for run in runs if run not in parents)
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
        if kind.algorithm == algorithm and rows.height == day_rows:
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
    assert tracked.parents() == {first: ("FINISHED", 2), second: ("FAILED", 2)}
    assert [status for name, status in tracked.children if name.startswith("given v2 complement-nb")] == [
        "FINISHED"
    ] * 2
    assert [status for name, status in tracked.children if name.startswith("given v2 logistic")] == [
        "FINISHED",
        "FAILED",
    ]
    third = tracked.run(tracked.days[2])
    expected = {first: ("FINISHED", 2), second: ("FAILED", 2), third: ("FINISHED", 2)}
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
    assert tracked.parents() == {run_id: ("FAILED", 6)}
    assert [status for _, status in tracked.children].count("FAILED") == 1


def test_a_run_without_training_knows_nothing_of_mlflow(tracked: Tracked) -> None:
    keys = set(KEYS) - {dg.AssetKey(name.split("/")) for name in MODELS}
    assert run_range(tracked.project.defs(), tracked.instance, keys, tracked.days[:1]).failed == []
    assert not (tracked.project.root / "mlflow").exists()


def test_a_run_that_is_stopped_leaves_its_mlflow_runs_killed(tracked: Tracked, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any) -> Any:
        raise DagsterExecutionInterruptedError  # what Dagster makes of Ctrl-C

    monkeypatch.setattr(candidates, "train", stop)
    with pytest.raises(KeyboardInterrupt):
        run_range(tracked.project.defs(), tracked.instance, set(KEYS), tracked.days[:1])
    runs = tracked.runs()
    assert runs
    assert {run.info.status for run in runs if "mlflow.parentRunId" in run.data.tags} == {"KILLED"}
    assert {run.info.status for run in runs} == {"KILLED"}


def test_the_password_of_a_server_is_told_to_nobody(tracked: Tracked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    keys = set(KEYS) - {dg.AssetKey(name.split("/")) for name in MODELS}
    assert not run_range(tracked.project.defs(), tracked.instance, keys, tracked.days[:1]).failed
    defs = build_defs(
        {
            "lake": LakeIOManager(lake=tracked.project.lake_uri),
            "tracking": Tracking(uri="http://ann:s3cr3t@127.0.0.1:9"),
            "training_processes": TrainingProcesses(count=0),
        }
    )
    models = {dg.AssetKey(name.split("/")) for name in MODELS}
    result = run_range(defs, tracked.instance, models, tracked.days[:1])
    assert {report.status for report in result.reports} == {"failed"}
    assert "127.0.0.1:9" in result.failed[0].detail
    events = [str(entry) for run_id in result.run_ids for entry in tracked.instance.all_logs(run_id)]
    assert not [entry for entry in [*events, *(report.detail for report in result.reports)] if "s3cr3t" in entry]
