"""Models on the real graph: side by side in processes, tracked, promoted only where they deserve it.

What must not happen is planted: a worse model, a leak, a training that fails or is killed in the middle.
"""

import base64
import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from html_classification.assets import training as training_assets
from html_classification.automation.ranges import RangeResult, run_range
from html_classification.reproduction.archive import read_archive
from html_classification.schemas.outcome import Outcome
from html_classification.training import candidates, split
from html_classification.training.candidates import EXPERIMENT
from html_classification.training.errors import TrainingError
from html_classification.training.registry import champion, list_models
from html_classification.training.tracking import client
from html_classification_tests.assets.running import UP_TO_GOLD, keys, statuses
from html_classification_tests.pages import FIRST_DAY, Project, day_pages, lines

GIVEN = ["models/given_v1_complement_nb", "models/given_v2_complement_nb", "models/given_v2_logistic_regression"]
UP_TO_TRAINING = [*UP_TO_GOLD, "training_set"]
UP_TO_PROMOTION = [*UP_TO_TRAINING, "predictions", "post_train", "leaderboard", "promotion"]
UP_TO_PROMOTION += ["/".join(stage.asset_key) for stage in training_assets.MODEL_STAGES.values()]


@pytest.fixture(autouse=True)
def nothing_stays_open() -> Iterator[None]:
    import mlflow

    yield
    assert mlflow.active_run() is None


class Team:
    """A project with its Dagster instance, and what MLflow has of it."""

    def __init__(self, project: Project, instance: dg.DagsterInstance) -> None:
        self.project, self.instance = project, instance
        self.uri = project.mlflow_uri

    def run(self, names: list[str] | None, days: list[Any], processes: int = 0) -> RangeResult:
        """Materialize assets for days; the models in processes where some are asked for."""
        return run_range(self.project.defs(processes), self.instance, keys(self.project, names), days)

    def runs(self) -> dict[str, Any]:
        """The runs of models, by name."""
        mlflow = client(self.uri)
        experiment = mlflow.get_experiment_by_name(EXPERIMENT)
        found = mlflow.search_runs([experiment.experiment_id]) if experiment else []
        return {run.info.run_name: run for run in found if "mlflow.parentRunId" in run.data.tags}

    def statuses(self) -> dict[str, str]:
        """How the runs of models ended, by name."""
        return {name: run.info.status for name, run in self.runs().items()}

    def board(self, day: Any) -> pl.DataFrame:
        """The leaderboard of a day, best first."""
        return self.project.lake.read("leaderboard", day).sort("rank")

    def promoted(self, day: Any) -> tuple[bool, str]:
        """Whether a model of a day was promoted, and which one took part."""
        metadata = self.check("promotion", "not_worse", day).metadata
        return bool(metadata["promoted"].value), str(metadata["model"].value)

    def check(self, name: str, check: str, day: Any) -> dg.AssetCheckEvaluation:
        """The evaluation of a check for a day."""
        key = dg.AssetCheckKey(dg.AssetKey(name.split("/")), check)
        history = self.instance.event_log_storage.get_asset_check_execution_history(key, limit=100)
        events = [one.event.dagster_event for one in history if one.event and one.event.dagster_event]
        found = [event.asset_check_evaluation_data for event in events]
        return next(one for one in found if one.partition == str(day))


@pytest.fixture
def team(project: Project, instance: dg.DagsterInstance) -> Team:
    return Team(project, instance)


def test_models_are_trained_in_processes_and_each_has_a_whole_run(team: Team, tmp_path: Path) -> None:
    days = team.project.write_days(2)
    assert not team.run([*UP_TO_TRAINING, *GIVEN], days, processes=2).failed
    assert set(team.statuses().values()) == {"FINISHED"}
    assert len(team.runs()) == len(GIVEN) * 2
    run = team.runs()[f"given v2 logistic-regression {days[1]}"]
    lake, tags = team.project.lake, run.data.tags
    version = lake.metadata("models/given-v2-logistic-regression", str(days[1])).version
    snapshot = f"training-set-{days[1]}-{lake.metadata('training-set', str(days[1])).version}"
    assert (tags["html_classification.version"], tags["html_classification.snapshot"]) == (version, snapshot)
    assert lake.snapshot(snapshot).versions["raw"].keys() == set(days)
    assert run.data.params["preprocessing"].startswith("remove special characters; ")
    wanted = {"accuracy", "macro_f1", "log_loss", "roc_auc", "calibration_error", "f1/sports", "fit_seconds"}
    assert wanted < run.data.metrics.keys()
    assert {one.dataset.name.split()[0] for one in run.inputs.dataset_inputs} == {
        "training-set",
        "preprocess/text-normalization/v2",
        "preprocess/html-parsing",
    }
    folder = Path(client(team.uri).download_artifacts(run.info.run_id, "", str(tmp_path)))
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"metadata.json", "environment.json", "misclassified.html", "slices.csv", "feature_weights.json"} < files
    assert {f"plots/{name}.png" for name in ("confusion_matrix", "reliability", "precision_recall")} < files
    archived = read_archive((folder / "data" / "provenance.jsonl.gz").read_bytes())
    assert all(archived.find(version) for version in lake.snapshot(snapshot).ids)


def test_a_training_that_is_killed_is_failed_and_takes_no_other_along(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = team.project.write_days(2)
    assert not team.run(UP_TO_TRAINING, days).failed
    monkeypatch.setattr(candidates, "train", killed_in_the_middle)
    result = team.run(GIVEN, days, processes=2)
    (failed,) = result.failed
    assert (failed.asset, failed.day) == ("models/given_v2_logistic_regression", days[1])
    assert "ended by itself" in failed.detail
    broken = f"given v2 logistic-regression {days[1]}"
    assert team.statuses().pop(broken) == "FAILED"
    assert "ended by itself" in team.runs()[broken].data.tags["html_classification.error"]
    assert [status for name, status in team.statuses().items() if name != broken] == ["FINISHED"] * 5
    monkeypatch.undo()
    assert statuses(team.run(GIVEN, days)) == {"built": {failed.asset}, "reused": set(GIVEN)}


_TRAIN = candidates.train


def killed_in_the_middle(rows: pl.DataFrame, kind: candidates.Kind, parameters: Any) -> Outcome:
    """As `candidates.train`, but one of the trainings is killed."""
    if kind.algorithm == "logistic-regression" and rows["day"].n_unique() == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return _TRAIN(rows, kind, parameters)


def test_a_training_that_fails_in_the_middle_leaves_a_failed_run_and_no_version(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = team.project.write_days(1)
    assert not team.run(UP_TO_TRAINING, days).failed

    def fail(*_: Any) -> None:
        message = "the disk of the report is full"
        raise TrainingError(message)

    monkeypatch.setattr(candidates, "write_report", fail)
    (failed,) = team.run(GIVEN[:1], days).failed
    assert failed.detail == "the disk of the report is full"
    assert set(team.statuses().values()) == {"FAILED"}
    assert team.project.lake.current("models/given-v1-complement-nb") == {}
    assert list_models(team.uri) == []


def test_a_worse_model_is_not_promoted(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    days = team.project.write_days(6, each=12)
    assert not team.run(None, days[:5]).failed
    best = champion(team.uri)
    assert best

    def confused(rows: pl.DataFrame, kind: candidates.Kind, parameters: Any) -> Outcome:
        turned = {"cooking": "sports", "sports": "finance", "finance": "cooking"}
        wrong = pl.when(split="train").then(pl.col("category").replace(turned)).otherwise("category")
        return _TRAIN(rows.with_columns(category=wrong), kind, parameters)

    monkeypatch.setattr(candidates, "train", confused)
    assert not team.run(None, days[5:]).failed
    assert champion(team.uri) == best | {"aliases": ["champion"]}
    (newest, *_) = list_models(team.uri)
    assert (newest["date"], newest["aliases"]) == (str(days[5]), ["challenger"])
    check = team.check("promotion", "not_worse", days[5])
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.WARN
    assert "worse than version" in str(check.metadata["reason"].value)
    assert float(str(check.metadata["macro_f1_difference"].value)) < -0.5


def test_refined_labels_replace_the_given_ones_only_where_they_help(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = team.project.write_days(2, each=90)
    team.project.labels.write_text("".join(json.dumps(label) + "\n" for day in days for label in doubtful(day)))

    def refine_to(categories: dict[str, str]) -> None:
        """Refined labels are the categories that the pages were written for, some of them turned."""

        def refined(rows: pl.DataFrame, post_train: pl.DataFrame) -> pl.DataFrame:
            written = pl.col("url").str.extract("https://([a-z]+)").replace(categories)
            return rows.with_columns(category=pl.when(split="train").then(written).otherwise("category"))

        monkeypatch.setattr(training_assets, "refined_rows", refined)

    refine_to({"cooking": "sports", "sports": "cooking"})
    assert not team.run(UP_TO_PROMOTION, days[:1]).failed
    worse, board = team.check("leaderboard", "refinement_helps", days[0]), team.board(days[0])
    assert (worse.passed, worse.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert str(worse.metadata["reason"].value).startswith("refined labels do not help: macro-F1 ")
    assert float(str(worse.metadata["refinement_gain_macro_f1_high"].value)) < -0.1
    assert dict(board.select("labels", "may_be_promoted").iter_rows()) == {"given": True, "refined": False}
    assert team.promoted(days[0]) == (True, board.filter(labels="given")["model"][0])

    refine_to({})
    assert not team.run(UP_TO_PROMOTION, days[1:]).failed
    helped, board = team.check("leaderboard", "refinement_helps", days[1]), team.board(days[1])
    assert helped.passed
    assert helped.metadata["trusted_labels"].value == "labels of people or agreed on by several annotators"
    assert 50 <= int(str(helped.metadata["trusted_rows"].value)) < board["test_rows"][0]
    assert float(str(helped.metadata["refinement_gain_macro_f1_low"].value)) > 0
    assert board["may_be_promoted"].all()
    assert board["labels"][0] == "refined"
    assert team.promoted(days[1]) == (True, board["model"][0])


def doubtful(day: Any) -> Iterator[dict[str, str]]:
    """Labels that are wrong for sports in the first hours, of which none is tested; those of the last are people's."""
    first_right = 16 if day == FIRST_DAY else 9
    for number, page in enumerate(day_pages(day, each=90)):
        hour = number % 24
        wrong = page["category"] == "sports" and hour < first_right
        label = {"url": page["url"], "category": "finance" if wrong else page["category"]}
        yield label | ({"annotator": "person:ann"} if hour >= 17 else {})


def test_a_training_set_with_a_leak_is_refused(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    days = team.project.write_days(3, each=8)
    copies = [page | {"url": page["url"].replace("pages", "copies")} for page in day_pages(days[0], each=8)]
    team.project.write_drop(days[2], lines(copies, days[2]), "copies.jsonl")
    with team.project.labels.open("a") as labels:
        labels.writelines(json.dumps({"url": page["url"], "category": page["category"]}) + "\n" for page in copies)
    assert not team.run(None, days[:2]).failed
    best = champion(team.uri)

    def forget_copies(rows: pl.DataFrame, *, by_site: bool) -> pl.Series:
        return pl.Series(range(rows.height))

    monkeypatch.setattr(split, "_groups", forget_copies)
    (failed,) = team.run(None, days[2:]).failed
    assert failed.asset == "training_set"
    assert "no_leak: urls_twice 0, clusters_on_both_sides" in failed.detail
    assert days[2] not in team.project.lake.current("training-set")
    assert champion(team.uri) == best


def test_the_leaderboard_shows_a_table_and_a_picture(team: Team) -> None:
    days = team.project.write_days(1, each=8)
    assert not team.run(None, days, processes=2).failed
    (event,) = team.instance.fetch_materializations(dg.AssetKey("leaderboard"), limit=2).records
    metadata = event.asset_materialization.metadata  # type: ignore[union-attr]
    table, picture = (str(metadata[name].value) for name in ("leaderboard", "picture"))
    assert "| given | v2 | logistic-regression |" in table
    assert "help" in table.splitlines()[0] or "nothing to compare" in table.splitlines()[0]
    assert "| text | algorithm | macro-F1 on given labels | on refined labels | difference (95 %) |" in table
    found = re.fullmatch(r"!\[[^\]]+\]\(data:image/png;base64,(.+)\)", picture)
    assert found
    assert base64.b64decode(found[1]).startswith(b"\x89PNG")
