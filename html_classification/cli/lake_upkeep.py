"""`lake verify` and `lake gc`: looking after the lake.

Belongs here: arguments, progress, lists, exit codes. Does not belong here: what is checked or removed
(`lake.upkeep`), and rebuilding versions to compare them (`lake_reproduce`).
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from html_classification.cli.apps import lake_app
from html_classification.cli.output import AsJson, console, fail, open_lake, out, print_json, print_table
from html_classification.printable import printable

if TYPE_CHECKING:
    from html_classification.lake.upkeep import gc, needs
    from html_classification.lake.upkeep import verify as verification

_DAY = ["%Y-%m-%d"]


@lake_app.command("verify")
def lake_verify(
    stage: Annotated[str | None, typer.Argument(help="Only this stage.")] = None,
    start: Annotated[
        datetime | None, typer.Option("--from", formats=_DAY, metavar="DATE", help="The first day. Default: every day.")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--to", formats=_DAY, metavar="DATE", help="The last day, included.")
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep what is checked in this file. Default: one in the user's cache."),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Check everything anew, also where an earlier one was stopped.")
    ] = False,
    leftover_hours: Annotated[
        float,
        typer.Option(min=0, max=876000, help="What a writer has not ended is a problem when it is older than this."),
    ] = 1,
    as_json: AsJson = False,
) -> None:
    """Re-read every byte of every version and of the label store, and check everything that names a version.

    Prints what is wrong and what to do, one line each; the exit status is 1 where something has to be mended. One that
    was stopped goes on where it was.
    """
    try:
        from html_classification.labeling.stored import check_label_store
        from html_classification.lake.upkeep.journal import default_journal, forget, scope_of
        from html_classification.lake.upkeep.verify import verify
        from html_classification.schemas.columns import stage_name

        lake, wanted = open_lake(), stage_name(stage) if stage else None
        first, last = start.date() if start else None, end.date() if end else None
        journal = journal or default_journal(scope_of(lake.uri, wanted, first, last))
        if restart:
            forget(journal)
        with _reading() as show:
            report = verify(
                lake,
                wanted,
                first,
                last,
                journal=journal,
                leftover_age=timedelta(hours=leftover_hours),
                on_progress=show,
            )
            if not (stage or first or last):
                report += check_label_store(lake.store)
    except KeyboardInterrupt:
        fail("stopped; what was checked is remembered: the same command goes on from there", 130)
    if not report.files and not report.findings:
        fail(f"nothing to verify there and then in {lake.uri}; see 'html-classification lake ls'")
    if as_json:
        print_json([finding.to_json() for finding in report.findings])
    else:
        for finding in report.findings:
            _say(str(finding), "red" if finding.severity == "problem" else "")
        found = f"{_many(len(report.problems), 'problem')} in " if report.problems else "all is well: "
        what = f"{_many(report.versions, 'version')}, {_many(report.files, 'file')}, {decimal(report.bytes)}"
        _say(f"{found}{what} in {lake.uri}")
    if report.problems:
        raise typer.Exit(1)


@lake_app.command("gc")
def lake_gc(
    keep_days: Annotated[
        int | None,
        typer.Option(
            min=0, max=36500, show_default=False, help="What was current within so many days stays. Default: 30."
        ),
    ] = None,
    grace_hours: Annotated[
        float, typer.Option(min=0, max=876000, help="What nobody published, or a writer has not ended, stays so long.")
    ] = 24,
    delete: Annotated[bool, typer.Option("--delete", help="Do it. Without it nothing is deleted.")] = False,
    show_all: Annotated[bool, typer.Option("--all", help="Show what stays too, one by one.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove versions that nothing needs any more, and what killed writers left.

    What is current, in a snapshot, was current within the last days, or is an ancestor of one of those stays, and so do
    raw and labels. Shows what would go and why; --delete removes it.
    """
    try:
        from html_classification.lake.building import KEEP_DAYS
        from html_classification.lake.upkeep.findings import run_again
        from html_classification.lake.upkeep.gc import Collected, collect, plan

        lake, done = open_lake(), Collected()
        planned = plan(
            lake, keep_days=KEEP_DAYS if keep_days is None else keep_days, grace=timedelta(hours=grace_hours)
        )
        if not as_json:
            _print_plan(planned, show_all)
        if delete:
            with _removing(len(planned.goes)) as show:
                done = collect(lake, planned, on_removed=show)
    except KeyboardInterrupt:
        fail("stopped; the lake is in order, and the next 'html-classification lake gc --delete' goes on", 130)
    if as_json:
        removed = {decision.version for decision in done.removed}
        print_json([_row(lake.store.uri(one.version.path), one, one.version in removed) for one in planned.decisions])
    else:
        _print_outcome(planned, done if delete else None)
    for version in done.broken:
        _warn(console(sys.stderr), f"{version} was being built in the moment of its removal: run {run_again(version)}")
    if done.broken:
        raise typer.Exit(1)


def _print_plan(planned: "gc.Plan", show_all: bool) -> None:
    rows = [_row("", one, False) for one in [*planned.goes, *(planned.stays if show_all else [])]]
    if rows:
        print_table(["", "stage", "date", "version", "bytes", "reason"], [row | {"": _verb(row)} for row in rows])
    for one in planned.restored:
        _say(f"is put back: {one.version}: {one.reason}")
    for one in planned.stays:
        if one.why == "lost":
            _say(f"stays: {one.version}: {one.reason}; 'html-classification lake verify' tells what to do")
    for item in planned.temporary:
        _say(f"goes: temporary file {item.path}, {decimal(item.bytes)}")
    for item in planned.strays:
        _say(f"stays: {item.path} has no place in a lake; move it elsewhere or delete it")
    if planned.stays and not show_all:
        counts = Counter(one.why for one in planned.stays)
        _say("stay: " + ", ".join(f"{counts[why]:,} {told}" for why, told in _STAYS.items() if counts[why]))


_STAYS: dict["needs.Why", str] = {
    "current": "current",
    "snapshot": "in a snapshot",
    "window": "current within the history window",
    "ancestor": "ancestors of those",
    "never": "that never go",
    "young": "too young",
    "restored": "to be put back",
    "lost": "without metadata.json",
}


def _print_outcome(planned: "gc.Plan", done: "gc.Collected | None") -> None:
    if done is None:
        count = len(planned.goes) + len(planned.temporary)
        what = f"{_many(count, 'item')} would go and free {decimal(planned.bytes)}"
        if planned.restored:
            what = f"{_many(len(planned.restored), 'version')} would be put back; {what}"
        _say(
            f"{what}: 'html-classification lake gc --delete', with the same options, does it"
            if count or planned.restored
            else "nothing to remove"
        )
        return
    for version in done.restored:
        _say(f"put back: {version}")
    for version, why in done.spared.items():
        _say(f"spared: {version}: {why}")
    freed = sum(one.bytes for one in done.removed) + sum(item.bytes for item in planned.temporary)
    _say(f"removed {_many(len(done.removed) + len(planned.temporary), 'item')}, {decimal(freed)} freed")


def _row(uri: str, decision: "gc.Decision", removed: bool) -> dict[str, Any]:
    version = decision.version
    return {
        "stage": version.stage,
        "date": version.day.isoformat(),
        "version": version.version,
        "goes": decision.goes,
        "why": decision.why,
        "reason": decision.reason,
        "bytes": decision.bytes,
        "removed": removed,
        "uri": uri,
    }


def _verb(row: dict[str, Any]) -> str:
    return "goes" if row["goes"] else "stays"


@contextmanager
def _reading() -> "Iterator[Callable[[verification.Progress], None]]":
    """A bar by bytes on a terminal; everywhere a line where it goes on from an earlier one."""
    terminal = console(sys.stderr)
    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as bar:
        task = bar.add_task("listing", total=None)

        def show(progress: "verification.Progress") -> None:
            if progress.before and bar.tasks[task].total is None:
                _warn(bar.console, f"going on: {progress.before:,} of {progress.files:,} files were checked before")
            described = f"{progress.checked_files:,} of {progress.files:,} files"
            bar.update(task, total=progress.bytes, completed=progress.checked_bytes, description=described)

        yield show


@contextmanager
def _removing(count: int) -> "Iterator[Callable[[gc.Decision], None]]":
    terminal = console(sys.stderr)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as bar:
        task = bar.add_task("removing", total=count)
        yield lambda decision: bar.update(task, advance=1, description=str(decision.version))


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _say(line: str, style: str = "") -> None:
    out.print(Text(printable(line), style=style), soft_wrap=True)


def _warn(stderr: Console, line: str) -> None:
    stderr.print(Text(printable(line)), soft_wrap=True)
