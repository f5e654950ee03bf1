"""Ranges of days on the real graph: the passes that failures make, and what is left out because of them."""

from collections.abc import Callable
from datetime import date
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from html_classification.assets import gold
from html_classification.automation.ranges import RangeResult, run_range
from html_classification.day_by_day import DayReport
from html_classification.lake import LakeError
from html_classification.streams import texts
from html_classification_tests.pages import Project

V1, V2 = "preprocess/text_normalization_v1", "preprocess/text_normalization_v2"


def run(
    project: Project,
    instance: dg.DagsterInstance,
    days: list[date],
    names: list[str],
    on_report: Callable[[DayReport], None] = lambda report: None,
) -> RangeResult:
    keys = {dg.AssetKey(name.split("/")) for name in names}
    return run_range(project.defs(), instance, keys, days, on_report=on_report)


def ranges(instance: dg.DagsterInstance, result: RangeResult) -> list[tuple[str, str, int]]:
    """First day, last day and number of assets of each run."""
    runs = [instance.get_run_by_id(run_id) for run_id in result.run_ids]
    assert all(runs)
    return [
        (
            run.tags[ASSET_PARTITION_RANGE_START_TAG],  # type: ignore[union-attr]
            run.tags[ASSET_PARTITION_RANGE_END_TAG],  # type: ignore[union-attr]
            len(run.asset_selection or ()),  # type: ignore[union-attr]
        )
        for run in runs
    ]


def outcomes(result: RangeResult) -> set[tuple[str, str, str]]:
    return {(report.asset, str(report.day), report.status) for report in result.reports}


def test_a_failing_middle_day_splits_the_range_once(project: Project, instance: dg.DagsterInstance) -> None:
    days = project.write_days(4, each=1)
    (project.crawl / str(days[2]) / "html-documents.jsonl.gz").unlink()
    seen: list[DayReport] = []
    names = ["raw", "preprocess/url_normalization", "preprocess/html_parsing"]
    result = run(project, instance, days, names, seen.append)
    assert ranges(instance, result) == [
        ("2026-03-01", "2026-03-04", 3),
        ("2026-03-01", "2026-03-02", 2),
        ("2026-03-04", "2026-03-04", 2),
    ]
    assert seen == result.reports
    assert len(seen) == 4 + 3 + 3  # no asset and day twice
    assert [(report.asset, report.day) for report in result.failed] == [("raw", days[2])]
    assert result.blocked == {days[2]: {dg.AssetKey(name.split("/")) for name in names[1:]}}


def test_a_branch_that_fails_leaves_the_other_branch_to_be_done(
    project: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = project.write_days(2, each=1)
    names = ["raw", "preprocess/url_normalization", "preprocess/html_parsing", V1, V2]
    names += ["labels", "annotators", "annotated"]
    real = texts.normalize_texts

    def broken(pages: Any, version: Any) -> Any:
        if version.name == "v2" and pages["timestamp"].dt.date().max() == days[0]:
            message = "no rules for\nthis day"
            raise LookupError(message)
        return real(pages, version)

    monkeypatch.setattr(texts, "normalize_texts", broken)
    result = run(project, instance, days, names)
    (failed,) = result.failed
    assert (failed.asset, failed.day, failed.detail) == (V2, days[0], "LookupError: no rules for")
    assert result.blocked == {days[0]: {dg.AssetKey("annotated")}}
    for name in (V1, "labels", "annotators"):
        assert {(name, str(day), "built") for day in days} <= outcomes(result)
    assert ("annotated", str(days[1]), "built") in outcomes(result)
    assert len(result.reports) == len(names) * 2 - 1


def test_a_run_has_at_most_thirty_days(project: Project, instance: dg.DagsterInstance) -> None:
    days = project.write_days(32, each=1)
    result = run(project, instance, days, ["raw"])
    assert ranges(instance, result) == [("2026-03-01", "2026-03-30", 1), ("2026-03-31", "2026-04-01", 1)]
    assert outcomes(result) == {("raw", str(day), "built") for day in days}


def test_a_step_that_fails_before_its_days_fails_all_of_them(
    project: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(uri: str) -> None:
        message = f"cannot list {uri}\nfor some reason"
        raise LakeError(message)

    days = project.write_days(2, each=1)
    names = ["raw", "preprocess/url_normalization", "preprocess/html_parsing", "labels", "annotators", "annotated", V2]
    monkeypatch.setattr(gold, "cache", lambda function: broken("labels"))
    result = run(project, instance, days, names)
    assert {(report.asset, report.day) for report in result.failed} == {("labels", day) for day in days}
    assert {report.detail.endswith("cannot list labels") for report in result.failed} == {True}
    assert result.blocked == {day: {dg.AssetKey("annotators"), dg.AssetKey("annotated")} for day in days}
    assert {(V2, str(day), "built") for day in days} <= outcomes(result)


def test_a_step_that_fails_after_its_days_is_not_passed_over(
    project: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    from html_classification.assets import stage_asset

    def broken(names: Any, days: Any) -> None:
        message = "the event log is full"
        raise OSError(message)

    days = project.write_days(1, each=1)
    monkeypatch.setattr(stage_asset, "step_results", broken)
    result = run(project, instance, days, ["raw", "preprocess/url_normalization"])
    (failed,) = result.failed
    assert (failed.asset, failed.day) == ("raw", days[0])
    assert "the event log is full" in failed.detail
    assert result.blocked == {days[0]: {dg.AssetKey(["preprocess", "url_normalization"])}}


def test_a_lake_that_cannot_be_written_to_fails_every_day_and_the_passes_end(
    project: Project, instance: dg.DagsterInstance
) -> None:
    days = project.write_days(3, each=1)
    (project.root / "lake").write_text("a file where the lake should be")
    result = run(project, instance, days, ["raw", "preprocess/url_normalization"])
    assert outcomes(result) == {("raw", str(day), "failed") for day in days}
    assert all("lake" in report.detail and "\n" not in report.detail for report in result.failed)
    assert set(result.blocked) == set(days)
    assert len(result.run_ids) == 1


def test_assets_without_their_upstream_say_what_is_missing(project: Project, instance: dg.DagsterInstance) -> None:
    days = project.write_days(1, each=1)
    (failed,) = run(project, instance, days, ["annotated"]).failed
    assert failed.detail == "preprocess/text-normalization/v2 has no version for 2026-03-01: materialize it first"
