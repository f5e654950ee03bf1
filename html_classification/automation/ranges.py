"""Materializing a range of days, so that a bad day does not hold up the good ones.

Belongs here: the passes that a range takes. Does not belong here: what is done for a day (`io_manager`), or
how progress is shown (`cli`).

A pass is one Dagster run over days that lie side by side and need the same assets. Where a day fails at an
asset, Dagster does not start what is downstream in that run, so a further pass does it for the good days; for
the bad day what is downstream is left out. Every pass finishes or fails something, so the passes end.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import dagster as dg
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from html_classification import day_by_day
from html_classification.automation.dead_runs import process_tag
from html_classification.day_by_day import DayProgress, DayReport
from html_classification.partitions import BACKFILL_POLICY

Pending = dict[date, set[dg.AssetKey]]
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class RangeResult:
    """What became of a range.

    Attributes:
        reports: One entry for each asset and day that was done or failed.
        blocked: For each day the assets left out because something upstream failed.
        run_ids: The Dagster runs, in order.
    """

    reports: list[DayReport] = field(default_factory=list)
    blocked: dict[date, set[dg.AssetKey]] = field(default_factory=dict)
    run_ids: list[str] = field(default_factory=list)

    @property
    def failed(self) -> list[DayReport]:
        """What failed, with its reason."""
        return [report for report in self.reports if report.status == "failed"]


def run_range(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    keys: set[dg.AssetKey],
    days: list[date],
    *,
    force: bool = False,
    on_report: Callable[[DayReport], None] = lambda report: None,
    on_progress: Callable[[DayProgress], None] = lambda progress: None,
) -> RangeResult:
    """Materialize assets for a range of days, in as few runs as the failures allow.

    Args:
        defs: The definitions.
        instance: Where the runs are recorded.
        keys: The assets.
        days: The days, side by side.
        force: Compute what exists too, and compare the bytes.
        on_report: Called for each asset and day as it is done.
        on_progress: Called now and then while the documents of a day are gone through.

    Returns:
        What became of each asset and day.

    Raises:
        KeyboardInterrupt: A person stopped it; what was published by then stays.
    """
    result = RangeResult()
    listener = _Listener(on_report, on_progress)
    graph = defs.resolve_asset_graph()
    pending: Pending = {day: set(keys) for day in days}
    while passes := list(_passes(pending)):
        for pass_days, pass_keys in passes:
            reports = _run(defs, instance, pass_keys, pass_days, force=force, result=result, listener=listener)
            for report in reports:
                _settle(graph, report, pending, result)
    return result


def _passes(pending: Pending) -> Iterator[tuple[list[date], set[dg.AssetKey]]]:
    """Days that lie side by side and need the same assets, at most as many as a run may have."""
    longest = BACKFILL_POLICY.max_partitions_per_run or len(pending)
    group: list[date] = []
    for day in sorted(pending):
        goes_on = group and day - group[-1] == timedelta(days=1) and pending[day] == pending[group[-1]]
        if group and (not goes_on or len(group) == longest):
            yield group, set(pending[group[0]])
            group = []
        if pending[day]:
            group.append(day)
    if group:
        yield group, set(pending[group[0]])


def _settle(graph: AssetGraph, report: DayReport, pending: Pending, result: RangeResult) -> None:
    key = dg.AssetKey.from_user_string(report.asset)
    pending[report.day].discard(key)
    if report.status == "failed":
        downstream = dg.AssetSelection.assets(key).downstream(include_self=False).resolve(graph)
        blocked = pending[report.day] & downstream
        pending[report.day] -= blocked
        if blocked:
            result.blocked.setdefault(report.day, set()).update(blocked)


def _run(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    keys: set[dg.AssetKey],
    days: list[date],
    *,
    force: bool,
    result: RangeResult,
    listener: "_Listener",
) -> list[DayReport]:
    with listener:
        done = defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance,
            asset_selection=sorted(keys),
            run_config=_QUIET | ({"resources": {"lake": {"config": {"force": True}}}} if force else {}),
            tags={
                ASSET_PARTITION_RANGE_START_TAG: days[0].isoformat(),
                ASSET_PARTITION_RANGE_END_TAG: days[-1].isoformat(),
                **process_tag(),
            },
            raise_on_error=False,
        )
        result.run_ids.append(done.run_id)
        _raise_if_interrupted(done)
        graph = defs.resolve_asset_graph()
        nodes = {key: graph.get(key).assets_def.node_def.name for key in keys}
        for report in _failed_outside_of_days(done, nodes, days, listener.reports):
            listener.take(report)
    result.reports += listener.reports
    return listener.reports


def _raise_if_interrupted(done: dg.ExecuteInProcessResult) -> None:
    """Dagster makes a failed step of Ctrl-C; here it stops the whole range."""
    for event in done.all_events:
        if event.is_step_failure and _innermost(event).cls_name == "DagsterExecutionInterruptedError":
            raise KeyboardInterrupt


def _innermost(event: dg.DagsterEvent) -> Any:
    error: Any = event.step_failure_data.error
    while error.cause:
        error = error.cause
    return error


def _failed_outside_of_days(
    done: dg.ExecuteInProcessResult, nodes: Mapping[dg.AssetKey, str], days: list[date], reports: list[DayReport]
) -> Iterator[DayReport]:
    """Reports for assets whose step failed outside of the days, before or after them: all have failed."""
    reported = {nodes[dg.AssetKey.from_user_string(one.asset)] for one in reports if one.status == "failed"}
    failures = {event.node_name: event for event in done.all_events if event.is_step_failure}
    for key in sorted(nodes):
        name = key.to_user_string()
        failure = failures.get(nodes[key])
        if failure and nodes[key] not in reported:
            message = _innermost(failure).message.strip().splitlines()[0]
            for day in days:
                yield DayReport(name, day, "failed", re.sub(r"^[\w.]+\.(\w+: )", r"\1", message))
    if not done.success and not failures and not reports:
        for key in nodes:
            for day in days:
                yield DayReport(key.to_user_string(), day, "failed", f"the run {done.run_id} did not start its steps")


class _Listener(logging.Handler):
    """Collects the reports of days while a run goes on."""

    def __init__(self, on_report: Callable[[DayReport], None], on_progress: Callable[[DayProgress], None]) -> None:
        super().__init__(logging.INFO)
        self.on_report = on_report
        self.on_progress = on_progress
        self.reports: list[DayReport] = []

    def emit(self, record: logging.LogRecord) -> None:
        report = getattr(record, "day_report", None)
        if report:
            self.take(report)
        if progress := getattr(record, "day_progress", None):
            self.on_progress(progress)

    def take(self, report: DayReport) -> None:
        self.reports.append(report)
        self.on_report(report)

    def __enter__(self) -> "_Listener":
        self.reports = []
        self.before = (day_by_day.log.level, day_by_day.log.propagate)
        day_by_day.log.setLevel(logging.INFO)
        day_by_day.log.propagate = False
        day_by_day.log.addHandler(self)
        return self

    def __exit__(self, *exception: object) -> None:
        day_by_day.log.removeHandler(self)
        day_by_day.log.level, day_by_day.log.propagate = self.before
