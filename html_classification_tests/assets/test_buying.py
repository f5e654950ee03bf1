"""The asset of labels on a real graph, with a labelling API: checks, settings, and what Dagster is told."""

import shutil
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from html_classification.automation.ranges import RangeResult, run_range
from html_classification.definitions import build_defs
from html_classification.labeling import api as api_module
from html_classification_tests.faults.backfills import INSTANCE
from html_classification_tests.labelling_api.app import Terms
from html_classification_tests.labelling_api.faults import Faults, RequestFault
from html_classification_tests.labelling_api.serving import LabellingApi, labelling_api
from html_classification_tests.pages import Project

SILVER = ["raw", "preprocess/url_normalization", "preprocess/html_parsing", "preprocess/text_normalization_v2"]
GOLD = ["labels", "annotators", "annotated"]
PRICE = Decimal("0.002")
DAYS = 3
EACH = 2
PAGES = 3 * EACH


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    folder = tmp_path / "dagster"
    folder.mkdir()
    with dg.DagsterInstance.local_temp(str(folder), INSTANCE) as made:
        yield made


class Buyer:
    """A project that buys its labels."""

    def __init__(self, project: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project, self.instance, self._monkeypatch = project, instance, monkeypatch
        self.days = project.write_days(DAYS, EACH)

    def use(self, api: LabellingApi, budget: Decimal | int) -> None:
        """Set the variables that lead to an API."""
        budgets = {f"HTML_CLASSIFICATION_LABELS_BUDGET_PER_{period}": f"{budget}" for period in ("DAY", "MONTH")}
        for name, value in (api.environment | budgets).items():
            self._monkeypatch.setenv(name, value)

    def run(self, *names: str) -> RangeResult:
        """Materialize assets for all days."""
        keys = {dg.AssetKey(name.split("/")) for name in names}
        return run_range(build_defs(), self.instance, keys, self.days)

    def heights(self, stage: str) -> list[int]:
        return [self.project.lake.read(stage, day).height for day in self.days]

    def check(self, asset: str, name: str, day: date) -> Any:
        """What Dagster has of a check and day, the latest."""
        storage = self.instance.event_log_storage
        key = dg.AssetCheckKey(dg.AssetKey(asset), name)
        records = storage.get_asset_check_execution_history(key, limit=100)
        return next(one.evaluation for one in records if one.evaluation and one.evaluation.partition == str(day))


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake of the project's days up to the text, made once."""
    project = Project(tmp_path_factory.mktemp("parsed"))
    days = project.write_days(DAYS, EACH)
    keys = {dg.AssetKey(name.split("/")) for name in SILVER}
    with dg.DagsterInstance.ephemeral() as instance:
        assert not run_range(project.defs(), instance, keys, days).failed
    return Path(project.lake_uri)


@pytest.fixture
def buyer(project: Project, parsed: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Buyer:
    shutil.copytree(parsed, project.lake_uri)
    return Buyer(project, instance, monkeypatch)


def test_when_the_budget_is_spent_the_rest_waits_and_a_check_says_so(buyer: Buyer, tmp_path: Path) -> None:
    with labelling_api(tmp_path / "api", terms=Terms(price=PRICE)) as api:
        buyer.use(api, PRICE * 8)
        assert not buyer.run(*GOLD).failed
        assert buyer.heights("annotated") == [PAGES, 2, 0]
        assert [buyer.check("labels", "all_bought", day).passed for day in buyer.days] == [True, False, False]
        figures = {
            name: value.value for name, value in buyer.check("labels", "all_bought", buyer.days[1]).metadata.items()
        }
        assert figures["waiting"] == 4
        assert figures["why"].startswith("the budget is spent: today 0.016 of 0.016")
        assert buyer.check("labels", "audit", buyer.days[1]).passed
        buyer.use(api, 1)
        result = buyer.run(*GOLD)
        assert [(report.day, report.status) for report in result.reports if report.asset == "labels"] == [
            (buyer.days[0], "reused"),
            (buyer.days[1], "built"),
            (buyer.days[2], "built"),
        ]
        assert buyer.heights("annotated") == [PAGES] * 3
        assert all(buyer.check("labels", "all_bought", day).passed for day in buyer.days)
        asked = len(api.ledger.requests())
        assert {report.status for report in buyer.run(*GOLD).reports} == {"reused"}
        assert len(api.ledger.requests()) == asked
    assert api.ledger.times_billed().most_common(1)[0][1] == 1
    row = buyer.project.lake.read("annotated", buyer.days[0]).row(0, named=True)
    assert row["label_source"] == "api:document-categorizer/2026-01"
    source = next(one for one in buyer.project.lake.metadata("labels", buyer.days[0]).sources if one.stage is None)
    assert (source.uri, source.description) == (
        f"{buyer.project.lake.uri}/label-store",
        "label store: 6 bought answers, 0 of people",
    )


def test_an_api_out_of_order_fails_the_days_with_one_line_and_once(
    buyer: Buyer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_module, "_FIRST_WAIT", 0.01)
    with labelling_api(tmp_path / "api", terms=Terms(faults=Faults(requests={RequestFault.UNAVAILABLE: 1}))) as api:
        buyer.use(api, 1)
        failed = buyer.run(*GOLD).failed
        assert len(api.ledger.requests()) == api_module.ATTEMPTS
    assert [report.asset for report in failed] == ["labels"] * 3
    assert {report.detail for report in failed} == {
        "the labelling API 127.0.0.1 is out of order (status 503: try again later); the answers that came are "
        "stored, run again later"
    }


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("HTML_CLASSIFICATION_LABELS_PRICE", "HTML_CLASSIFICATION_LABELS_PRICE is not set"),
        ("HTML_CLASSIFICATION_LABELS_BUDGET_PER_DAY", "HTML_CLASSIFICATION_LABELS_BUDGET_PER_DAY is not set"),
        ("HTML_CLASSIFICATION_LABELS_BUDGET_PER_MONTH", "HTML_CLASSIFICATION_LABELS_BUDGET_PER_MONTH is not set"),
        ("HTML_CLASSIFICATION_LABELS_KEY", "set HTML_CLASSIFICATION_LABELS_KEY"),
    ],
)
def test_nothing_is_bought_before_all_terms_are_said(
    buyer: Buyer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, said: str
) -> None:
    with labelling_api(tmp_path / "api") as api:
        buyer.use(api, 1)
        monkeypatch.delenv(variable)
        failed = buyer.run(*GOLD).failed
        assert api.ledger.requests() == []
    assert len(failed) == 3
    assert all(said in report.detail and "\n" not in report.detail for report in failed)


def test_what_the_launchpad_says_wins_over_the_environment(buyer: Buyer, tmp_path: Path) -> None:
    with labelling_api(tmp_path / "api", terms=Terms(price=PRICE)) as api:
        buyer.use(api, 1)
        job = build_defs().resolve_implicit_global_asset_job_def()
        config = {"resources": {"label_source": {"config": {"budget_per_day": 0.006, "batch_size": 2}}}}
        done = job.execute_in_process(
            instance=buyer.instance,
            partition_key=str(buyer.days[0]),
            asset_selection=[dg.AssetKey(name) for name in GOLD],
            run_config=config,
        )
        assert done.success
        assert api.ledger.total() == Decimal("0.006")
        assert {request.documents for request in api.ledger.requests()} == {2, 1}


def test_the_key_is_in_no_file_of_the_lake_or_of_dagster(buyer: Buyer, tmp_path: Path) -> None:
    with labelling_api(tmp_path / "api", terms=Terms(key="sesame-open-sesame")) as api:
        buyer.use(api, 1)
        assert not buyer.run(*GOLD).failed
        buyer.use(api, 2)
        buyer.project.write_days(DAYS, EACH + 1)
        assert not buyer.run(*SILVER, *GOLD).failed
    places = [Path(buyer.project.lake.uri), tmp_path / "dagster"]
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    assert len(files) > 50
    assert [path for path in files if b"sesame" in path.read_bytes()] == []


def test_a_run_of_the_command_does_not_wait_for_others_in_the_pool(buyer: Buyer, tmp_path: Path) -> None:
    job, storage = build_defs().resolve_implicit_global_asset_job_def(), buyer.instance.event_log_storage
    assert build_defs().resolve_asset_graph().get(dg.AssetKey("labels")).pools == {"labelling_api"}
    other = buyer.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    storage.initialize_concurrency_limit_to_default("labelling_api")
    assert storage.claim_concurrency_slot("labelling_api", other.run_id, "labels").is_claimed
    with labelling_api(tmp_path / "api") as api:
        buyer.use(api, 1)
        assert not buyer.run(*GOLD).failed
