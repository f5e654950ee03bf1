"""Assets of one step, built side by side: each with its own days, checks and parameters, each failing alone."""

from datetime import date, timedelta
from threading import Barrier
from typing import Any

import dagster as dg
import polars as pl
import pytest
from pydantic import BaseModel, Field

from html_classification.assets.launching import as_config
from html_classification.assets.side_by_side import Member, assets_side_by_side
from html_classification.assets.stage_asset import StageFunction, stage_asset
from html_classification.automation.ranges import RangeResult, run_range
from html_classification.io_manager import LakeIOManager
from html_classification.lake import Build, TheDay, Upstream
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.training import PREDICTIONS, model_stage
from html_classification.training.errors import TrainingError
from html_classification_tests.assets.running import materialized, statuses
from html_classification_tests.pages import FIRST_DAY, Project

pytestmark = [
    pytest.mark.filterwarnings("ignore:Specifying a partitions_def on an AssetCheckSpec"),
    pytest.mark.filterwarnings("ignore:Parameter `backfill_policy`"),
]

DAYS = [FIRST_DAY + timedelta(days=n) for n in range(3)]
NAMES = ["one", "two"]
STAGES = {name: model_stage("given", "v0", name) for name in NAMES}


class Size(BaseModel):
    """How large it is."""

    rows: int = Field(2, ge=1, description="Rows of a day.")


class Work:
    """What the assets do; tests change it."""

    def __init__(self) -> None:
        self.fails: set[tuple[str, date]] = set()
        self.meeting: Barrier | None = None

    def rows(self, name: str, day: date, count: int) -> pl.DataFrame:
        if (name, day) in self.fails:
            message = f"no {name} on {day}"
            raise TrainingError(message)
        if self.meeting:
            self.meeting.wait(timeout=30)
        row = {"category": "a", "predicted": "a", "confidence": 1.0, "probabilities": []}
        rows = [{"url": f"https://{name}.example/{number}", **row} for number in range(count)]
        return pl.DataFrame(rows, schema=dict(PREDICTIONS.dtypes))


@pytest.fixture
def work() -> Work:
    return Work()


def member(name: str, work: Work) -> Member:
    def function(parameters: Size) -> Build:
        return Build(
            inputs=lambda day: {"day": TheDay(day)},
            compute=lambda day: Outcome(work.rows(name, day, parameters.rows)),
            parameters=parameters.model_dump(),
        )

    return Member(StageFunction(STAGES[name], {}, function, (), Size), config=name)


@pytest.fixture
def defs(project: Project, work: Work, monkeypatch: pytest.MonkeyPatch) -> dg.Definitions:
    # What rebuilds versions, in other tests of this process, must not meet these functions.
    monkeypatch.setattr("html_classification.assets.stage_asset.STAGE_FUNCTIONS", {})
    config = as_config("Sizes", "Sizes.", {name: (Size, f"Of {name}.") for name in NAMES})
    both = assets_side_by_side(
        "both", [member(name, work) for name in NAMES], config, at_once=lambda resources: 2, kinds=("parquet",)
    )

    @stage_asset(PREDICTIONS, reads=STAGES)
    def below(one: Upstream, two: Upstream) -> Build:
        return Build(
            inputs=lambda day: {"one": one.day(day), "two": two.day(day)},
            compute=lambda one, two: Outcome(pl.concat([one, two])),
        )

    return dg.Definitions(
        [both, below], resources={"lake": LakeIOManager(lake=project.lake_uri)}, executor=dg.in_process_executor
    )


def run(defs: dg.Definitions, instance: dg.DagsterInstance, **options: Any) -> RangeResult:
    keys = set(defs.resolve_asset_graph().materializable_asset_keys)
    return run_range(defs, instance, keys, DAYS, **options)


def test_each_asset_has_its_days_and_what_follows_reads_them(
    defs: dg.Definitions, instance: dg.DagsterInstance, project: Project
) -> None:
    assert statuses(run(defs, instance)) == {"built": {"models/given_v0_one", "models/given_v0_two", "predictions"}}
    assert materialized(instance, "models/given_v0_one") == {str(day) for day in DAYS}
    assert project.lake.read("predictions", str(DAYS[1])).height == 4
    assert statuses(run(defs, instance)) == {"reused": {"models/given_v0_one", "models/given_v0_two", "predictions"}}


def test_two_are_built_at_once(defs: dg.Definitions, instance: dg.DagsterInstance, work: Work) -> None:
    work.meeting = Barrier(2)
    assert not run(defs, instance).failed


def test_one_fails_alone_on_one_day(
    defs: dg.Definitions, instance: dg.DagsterInstance, project: Project, work: Work
) -> None:
    work.fails = {("two", DAYS[1])}
    result = run(defs, instance)
    assert [(report.asset, report.day, report.detail) for report in result.failed] == [
        ("models/given_v0_two", DAYS[1], f"no two on {DAYS[1]}")
    ]
    assert materialized(instance, "models/given_v0_one") == {str(day) for day in DAYS}
    assert materialized(instance, "models/given_v0_two") == {str(DAYS[0]), str(DAYS[2])}
    assert materialized(instance, "predictions") == {str(DAYS[0]), str(DAYS[2])}
    work.fails = set()
    assert not run(defs, instance).failed
    assert project.lake.read("predictions", str(DAYS[1])).height == 4


def test_one_of_them_may_be_run_alone_with_parameters_of_its_own(
    defs: dg.Definitions, instance: dg.DagsterInstance, project: Project
) -> None:
    key = dg.AssetKey(["models", "given_v0_two"])
    done = defs.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        asset_selection=[key],
        partition_key=str(DAYS[0]),
        run_config={"ops": {"both": {"config": {"two": {"rows": 5}}}}},
    )
    assert [event.asset_key for event in done.get_asset_materialization_events()] == [key]
    assert [(one.asset_key, one.check_name, one.passed) for one in done.get_asset_check_evaluations()] == [
        (key, "audit", True)
    ] * len(done.get_asset_check_evaluations())
    assert project.lake.read(STAGES["two"].name, str(DAYS[0])).height == 5
    assert project.lake.metadata(STAGES["two"].name, str(DAYS[0])).recipe["parameters"] == {"rows": 5}
    assert project.lake.current(STAGES["one"].name) == {}


def test_a_parameter_that_cannot_be_is_refused_before_anything_runs(
    defs: dg.Definitions, instance: dg.DagsterInstance, project: Project
) -> None:
    done = defs.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(["models", "given_v0_two"])],
        partition_key=str(DAYS[0]),
        run_config={"ops": {"both": {"config": {"two": {"rows": 0}}}}},
        raise_on_error=False,
    )
    assert not done.success
    assert project.lake.current(STAGES["two"].name) == {}


def test_the_launchpad_explains_each_parameter(defs: dg.Definitions) -> None:
    fields = defs.resolve_assets_def(dg.AssetKey(["models", "given_v0_one"])).node_def.config_schema.config_type.fields
    assert fields["one"].description == "Of one."
    assert fields["one"].config_type.fields["rows"].description == "Rows of a day."
    assert fields["one"].config_type.fields["rows"].default_value == 2
