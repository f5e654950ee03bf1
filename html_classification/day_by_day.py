"""Days fail alone.

Belongs here: going through the days of a Dagster step so that a bad day does not take the good ones along,
and telling Dagster of each. Does not belong here: what is done for a day (`io_manager`, `assets`).

In a run over a range of days Dagster knows only one outcome for a step. So where some days failed, each good
one is recorded by itself, and then the step fails naming the bad ones: Dagster shows exactly the good days as
materialized, and "missing and failed" launches the others. What is downstream does not start in that run;
`html-classification run` goes on with the good days in a further one.
"""

import logging
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as Materialized,
)
from dagster._core.events import DagsterEvent
from dagster._core.execution.context.system import StepExecutionContext

from html_classification.checks import day_evaluations
from html_classification.lake import BuildError, LakeError
from html_classification.printable import without_passwords
from html_classification.schemas.described import Check
from html_classification.settings import SettingsError
from html_classification.streams.progress import DocumentsDone
from html_classification.streams.progress import log as documents_log
from html_classification.training.errors import TrainingError

log = logging.getLogger(__name__)

#: A long day tells Dagster's log how far it is, but seldom: each line there is a write to its database.
_TELL_DAGSTER_SECONDS = 15


@dataclass(frozen=True)
class DayReport:
    """What became of one day of one asset: for progress displays.

    Attributes:
        asset: The asset key, joined by `/`.
        day: The day.
        status: `built`, `reused` or `failed`.
        detail: Rows, or the reason of the failure.
    """

    asset: str
    day: date
    status: str
    detail: str


@dataclass(frozen=True)
class DayProgress:
    """How far a day of an asset is, told a few times a second while its documents are gone through.

    Attributes:
        asset: The asset key, joined by `/`.
        day: The day.
        done: How many documents are done.
        total: How many there are; None where nobody has counted them yet.
    """

    asset: str
    day: date
    done: int
    total: int | None

    def __str__(self) -> str:
        of = f" of {self.total:,}" if self.total is not None else ""
        return f"{self.asset} {self.day}: {self.done:,}{of} documents"


@dataclass(frozen=True)
class DayResult:
    """What Dagster is told of a day that went well."""

    metadata: Mapping[str, Any]
    checks: list[Check]
    reused: bool
    detail: str


def each_day(
    step: StepExecutionContext, key: dg.AssetKey, days: Iterable[date], do: Callable[[date], DayResult]
) -> dict[date, DayResult]:
    """Do something for each day, in order, and record it in Dagster day by day.

    Args:
        step: The step that runs.
        key: The asset.
        days: The days of the step.
        do: What to do for a day.

    Returns:
        The result of each day, where all went well.

    Raises:
        dagster.Failure: Some days failed; it names each with its reason. The good ones are recorded.
    """
    outcome = _Outcome(sorted(days))
    for day in outcome.days:
        with _telling_progress(step, key, day):
            found = _attempt(do, day)
        outcome.take(step, key, day, found)
    return _finish(step, {key: outcome})[key]


def side_by_side(
    step: StepExecutionContext,
    keys: Iterable[dg.AssetKey],
    days: Iterable[date],
    do: Callable[[dg.AssetKey, date], DayResult],
    at_once: int,
) -> dict[dg.AssetKey, dict[date, DayResult]]:
    """The same for several assets of one step, some at once: each asset and day fails alone.

    Args:
        step: The step that runs.
        keys: The assets.
        days: The days of the step.
        do: What to do for an asset and a day; called in threads.
        at_once: How many of them at once.

    Returns:
        The result of each asset and day, where all went well.

    Raises:
        dagster.Failure: Some failed; it names each with its reason. The good ones are recorded.
    """
    outcomes = {key: _Outcome(sorted(days)) for key in keys}
    threads = ThreadPoolExecutor(at_once, thread_name_prefix="side-by-side")
    try:
        begun = {
            threads.submit(_attempt, partial(do, key), day): (key, day) for day in sorted(days) for key in outcomes
        }
        for future in as_completed(begun):
            key, day = begun[future]
            outcomes[key].take(step, key, day, future.result())
    finally:
        # Who was interrupted waits neither for what has not begun nor for what goes on: its processes are ended next.
        threads.shutdown(wait=False, cancel_futures=True)
    return _finish(step, outcomes)


@dataclass(frozen=True)
class _Problem:
    """Why a day failed: in one line; the checks that it failed; the traceback of what nobody foresaw."""

    reason: str
    checks: Sequence[Check] = ()
    trace: str | None = None


@dataclass
class _Outcome:
    """What became of the days of one asset."""

    days: list[date]
    done: dict[date, DayResult] = field(default_factory=dict)
    failed: dict[date, str] = field(default_factory=dict)

    def take(self, step: StepExecutionContext, key: dg.AssetKey, day: date, found: DayResult | _Problem) -> None:
        """Note what became of a day, and tell who listens."""
        if isinstance(found, DayResult):
            self.done[day] = found
        else:
            self.failed[day] = found.reason
            for evaluation in day_evaluations(key, day, found.checks, None) if found.checks else ():
                DagsterEvent.asset_check_evaluation(step, evaluation)
            if found.trace:
                step.log.error(f"{key.to_user_string()} {day}: {found.trace}")
        _report(key, day, self.done, self.failed)


def _attempt(do: Callable[[date], DayResult], day: date) -> DayResult | _Problem:
    try:
        return do(day)
    except (LakeError, SettingsError, TrainingError) as error:
        return _Problem(without_passwords(str(error)), error.checks if isinstance(error, BuildError) else ())
    except Exception as error:  # noqa: BLE001 - a day fails alone whatever went wrong; the traceback is logged
        first = str(error).strip().splitlines()[0] if str(error).strip() else ""
        reason, trace = f"{type(error).__name__}: {first}", traceback.format_exc()
        return _Problem(without_passwords(reason), trace=without_passwords(trace))


def _finish(
    step: StepExecutionContext, outcomes: Mapping[dg.AssetKey, _Outcome]
) -> dict[dg.AssetKey, dict[date, DayResult]]:
    """Tell Dagster: of all days with the step, or, where some failed, of each good one by itself."""
    if any(outcome.failed for outcome in outcomes.values()):
        for key, outcome in outcomes.items():
            for day, result in sorted(outcome.done.items()):
                recorded = dg.AssetMaterialization(key, partition=day.isoformat(), metadata=dict(result.metadata))
                DagsterEvent.asset_materialization(step, recorded)
            record_audits(step, key, outcome.done)
        raise _failure(outcomes)
    for key, outcome in outcomes.items():
        for day, result in sorted(outcome.done.items()):
            step.add_asset_metadata(dict(result.metadata), asset_key=key, partition_key=day.isoformat())
    return {key: dict(sorted(outcome.done.items())) for key, outcome in outcomes.items()}


def record_audits(step: StepExecutionContext, key: dg.AssetKey, results: Mapping[date, DayResult]) -> None:
    """Record the audit of each day, after the days are recorded as materialized.

    What a step itself says of a check belongs to no day, wherever it runs over a range, be it of a single day.

    Args:
        step: The step that runs.
        key: The asset.
        results: The days that went well.
    """
    audited = {day.isoformat(): result for day, result in results.items() if result.checks}
    if not audited:
        return
    materialized = dg.DagsterEventType.ASSET_MATERIALIZATION
    ids = step.instance.event_log_storage.get_latest_storage_id_by_partition(key, materialized, set(audited))
    for name, result in audited.items():
        target = Materialized(storage_id=ids[name], run_id=step.run_id, timestamp=time.time())
        for evaluation in day_evaluations(key, date.fromisoformat(name), result.checks, target):
            DagsterEvent.asset_check_evaluation(step, evaluation)


def days_of(partition_keys: Iterable[str]) -> list[date]:
    """Partition keys as days."""
    return [date.fromisoformat(key) for key in partition_keys]


class _Teller(logging.Handler):
    """Passes on how many documents of a day are done: always to who listens here, now and then to Dagster's log."""

    def __init__(self, step: StepExecutionContext, key: dg.AssetKey, day: date) -> None:
        super().__init__(logging.INFO)
        self._step = step
        self._asset = key.to_user_string()
        self._day = day
        self._told = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        documents: DocumentsDone | None = getattr(record, "documents", None)
        if documents is None:
            return
        progress = DayProgress(self._asset, self._day, documents.done, documents.total)
        log.info("%s", progress, extra={"day_progress": progress})
        if time.monotonic() - self._told >= _TELL_DAGSTER_SECONDS:
            self._told = time.monotonic()
            self._step.log.info(str(progress))


@contextmanager
def _telling_progress(step: StepExecutionContext, key: dg.AssetKey, day: date) -> Iterator[None]:
    teller = _Teller(step, key, day)
    before = (documents_log.level, documents_log.propagate)
    documents_log.setLevel(logging.INFO)
    documents_log.propagate = False
    documents_log.addHandler(teller)
    try:
        yield
    finally:
        documents_log.removeHandler(teller)
        documents_log.level, documents_log.propagate = before


def _report(key: dg.AssetKey, day: date, done: Mapping[date, DayResult], failed: Mapping[date, str]) -> None:
    if day in failed:
        report = DayReport(key.to_user_string(), day, "failed", failed[day])
    else:
        status = "reused" if done[day].reused else "built"
        report = DayReport(key.to_user_string(), day, status, done[day].detail)
    log.info("%s %s %s: %s", report.asset, report.day, report.status, report.detail, extra={"day_report": report})


def _failure(outcomes: Mapping[dg.AssetKey, _Outcome]) -> dg.Failure:
    bad = {key.to_user_string(): outcome for key, outcome in outcomes.items() if outcome.failed}
    said = []
    for name, outcome in bad.items():
        days = ", ".join(day.isoformat() for day in sorted(outcome.failed))
        said.append(f"{name}: {len(outcome.failed)} of {len(outcome.days)} days failed ({days})")
    first = next(reason for outcome in bad.values() for _, reason in sorted(outcome.failed.items()))
    reasons = {
        day.isoformat() if len(outcomes) == 1 else f"{name} {day}": reason
        for name, outcome in bad.items()
        for day, reason in sorted(outcome.failed.items())
    }
    return dg.Failure(description=f"{'; '.join(said)}; the first: {first}", metadata=reasons, allow_retries=False)
