"""`run` and `dev`: materializing days, and the two UIs.

Belongs here: progress and the summary of a range. Does not belong here: how a range is run
(`automation.ranges`).
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from html_classification.cli.apps import app
from html_classification.cli.output import console, fail, out

if TYPE_CHECKING:
    from html_classification.automation.ranges import RangeResult
    from html_classification.day_by_day import DayProgress, DayReport

#: Where there is no terminal, a day that takes long says so this often, in seconds.
_TELL_SECONDS = 30


@app.command()
def run(
    start: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], metavar="DATE", help="The first day.")],
    end: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], metavar="DATE", help="The last day.")],
    select: Annotated[
        list[str] | None,
        typer.Option(
            help="A stage (preprocess/html-parsing), a group (silver), or an expression of Dagster's selection "
            "syntax (key:annotated+). May be given several times. Default: all.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Compute what is there already too, and compare the bytes.")
    ] = False,
) -> None:
    """Materialize a range of days, both included.

    What is up to date is reused. Days fail alone: the others go on, and the exit status is 1.
    """
    import dagster as dg

    from html_classification.automation.dead_runs import close_dead_runs
    from html_classification.automation.ranges import run_range
    from html_classification.automation.selection import SelectionError, select_assets
    from html_classification.definitions import defs
    from html_classification.settings import dagster_home

    days = _days(start.date(), end.date())
    try:
        keys = select_assets(defs.resolve_asset_graph(), select or [])
    except SelectionError as error:
        fail(str(error), 2)
    signal.signal(signal.SIGHUP, signal.default_int_handler)  # a closed terminal ends the run, as Ctrl-C does
    try:
        with dg.DagsterInstance.from_config(str(dagster_home())) as instance, _shown(len(keys) * len(days)) as shown:
            close_dead_runs(instance)
            result = run_range(
                defs, instance, keys, days, force=force, on_report=shown.report, on_progress=shown.progress
            )
    except KeyboardInterrupt:
        fail("stopped; what is published stays, and running again goes on from there", 130)
    _print_summary(result)
    if result.failed:
        raise typer.Exit(1)


def _days(first: date, last: date) -> list[date]:
    from html_classification.partitions import daily_partitions

    keys = daily_partitions().get_partition_keys()
    if first > last:
        fail(f"--from {first} --to {last}: the first day is after the last; exchange them", 2)
    if not keys or first.isoformat() < keys[0] or last.isoformat() > keys[-1]:
        known = f"days from {keys[0]} to {keys[-1]} (yesterday)" if keys else "no days yet"
        fail(f"--from {first} --to {last}: there are {known}; see HTML_CLASSIFICATION_START_DATE", 2)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


class _Shown:
    """Plain lines: one for each asset and day, and one now and then where a day takes long."""

    def __init__(self, terminal: Console) -> None:
        self._terminal = terminal
        self._told = time.monotonic()

    def report(self, report: "DayReport") -> None:
        """An asset and day is done."""
        self._told = time.monotonic()
        _print_report(self._terminal, report)

    def progress(self, progress: "DayProgress") -> None:
        """An asset and day is at some document."""
        if time.monotonic() - self._told >= _TELL_SECONDS:
            self._told = time.monotonic()
            self._terminal.print(Text(str(progress)), soft_wrap=True)


class _ShownAsBar(_Shown):
    """A bar, and lines only for what failed."""

    def __init__(self, terminal: Console, bar: Progress, total: int) -> None:
        super().__init__(terminal)
        self._bar = bar
        self._task = bar.add_task("starting", total=total)

    def report(self, report: "DayReport") -> None:
        """An asset and day is done."""
        self._bar.update(self._task, advance=1, description=f"{report.day} {report.asset}")
        if report.status == "failed":
            _print_report(self._terminal, report)

    def progress(self, progress: "DayProgress") -> None:
        """An asset and day is at some document."""
        self._bar.update(self._task, description=str(progress))


@contextmanager
def _shown(total: int) -> Iterator[_Shown]:
    """A bar on a terminal, plain lines elsewhere."""
    # While a step runs, Dagster takes the standard output for its own log: progress goes to a copy of it.
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as copy:
        terminal = console(copy)
        if not terminal.is_terminal:
            yield _Shown(terminal)
            return
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=terminal, transient=True) as bar:
            yield _ShownAsBar(terminal, bar, total)


def _print_report(console: Console, report: "DayReport") -> None:
    line = f"{report.day} {report.asset} {report.status}: {report.detail}"
    console.print(Text(line, style="red" if report.status == "failed" else ""), soft_wrap=True)


def _print_summary(result: "RangeResult") -> None:
    table = Table(title=None, box=None, pad_edge=False)
    for name in ("asset", "built", "reused", "failed", "left out"):
        table.add_column(name, justify="left" if name == "asset" else "right")
    left_out = [key.to_user_string() for keys in result.blocked.values() for key in keys]
    for asset in dict.fromkeys([report.asset for report in result.reports] + sorted(left_out)):
        counts = {status: 0 for status in ("built", "reused", "failed")}
        for report in result.reports:
            if report.asset == asset:
                counts[report.status] += 1
        table.add_row(asset, *(str(count) for count in counts.values()), str(left_out.count(asset)))
    out.print()
    out.print(table)
    failed: dict[str, list[str]] = {}
    for report in result.failed:
        failed.setdefault(report.asset, []).append(report.day.isoformat())
    for asset, days in failed.items():
        line = f"failed, for the reason above: {', '.join(days)}: {asset}"
        out.print(line, style="red", markup=False, soft_wrap=True)
    alike: dict[str, list[str]] = {}
    for day, keys in sorted(result.blocked.items()):
        alike.setdefault(", ".join(sorted(key.to_user_string() for key in keys)), []).append(day.isoformat())
    for names, days in alike.items():
        line = f"left out, since something before failed: {', '.join(days)}: {names}"
        out.print(line, markup=False, soft_wrap=True)


@app.command()
def dev(
    port: Annotated[int, typer.Option(help="Port of the Dagster UI.")] = 3000,
    mlflow_port: Annotated[int, typer.Option(help="Port of the MLflow UI.")] = 5000,
) -> None:
    """Serve the Dagster UI and the MLflow UI on this lake, on this machine only. Ctrl-C ends both."""
    from html_classification.automation.serving import serve

    raise typer.Exit(serve(port, mlflow_port))
