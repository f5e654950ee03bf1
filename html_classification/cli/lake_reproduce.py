"""`lake reproduce`: rebuilding versions from raw.

Belongs here: arguments, progress, the table. Does not belong here: how a version is rebuilt and compared
(`reproduction`).
"""

import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from html_classification.cli.apps import lake_app
from html_classification.cli.output import AsJson, console, fail, open_lake, out, print_json, print_table

if TYPE_CHECKING:
    from html_classification.lake import Lake
    from html_classification.lake.paths import VersionId
    from html_classification.reproduction.provenance import Plan
    from html_classification.reproduction.rebuilding import Verdict

_STATUSES = ("same", "taken as it is", "differs", "cannot", "not tried")


@lake_app.command("reproduce")
def lake_reproduce(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="SNAPSHOT | STAGE DATE VERSION",
            help="The name of a snapshot, also as models carry it (training-set-…), or one version: at least its first "
            "4 digits, 'current' or 'previous'.",
            show_default=False,
        ),
    ],
    scratch: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="Rebuild in this empty folder, and keep it. Default: a temporary one, deleted at the end; it takes as "
            "much space as what is rebuilt (TMPDIR says where).",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Rebuild versions from raw, with all that they were made from, and compare the SHA-1 of every file.

    The lake and MLflow are left as they are. The exit status is 0 only where every version asked for is the same;
    what was bought outside the lake and is gone there, such as labels, is taken as it is.
    """
    lake = open_lake()
    targets = _targets(lake, what)
    # Imports every stage with all that it needs: after what can be wrong with the arguments.
    from html_classification.reproduction.provenance import make_plan
    from html_classification.reproduction.rebuilding import check_scratch, rebuild

    plan = make_plan(lake.store, targets)
    verdicts: list[Verdict] = []
    try:
        with ExitStack() as stack:
            stack.enter_context(_interruptible())
            if scratch is not None:
                check_scratch(lake, scratch)
            folder = scratch or stack.enter_context(TemporaryDirectory(prefix="html-classification-"))
            verdicts += stack.enter_context(_shown(rebuild(lake, plan, folder), plan))
    except KeyboardInterrupt:
        fail("stopped; the lake is as it was" + (f", what was rebuilt is in {scratch}" if scratch else ""), 130)
    if as_json:
        print_json([_row(verdict, plan) for verdict in verdicts])
    else:
        _print(verdicts, plan, " ".join(what), scratch)
    if not all(verdict.is_good for verdict in verdicts if verdict.id in plan.targets):
        raise typer.Exit(1)


def _targets(lake: "Lake", what: list[str]) -> "list[VersionId]":
    from html_classification.reproduction.provenance import target_version, targets_of_snapshot
    from html_classification.schemas.columns import stage_name

    match what:
        case [name]:
            return targets_of_snapshot(lake, name)
        case [stage, day, version]:
            return [target_version(lake, stage_name(stage), day, version)]
        case _:
            fail(f"give the name of a snapshot, or stage, date and version, not {len(what)} words; see 'lake ls'", 2)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Whatever asks the process to end does what Ctrl-C does: the temporary folder goes with it."""
    numbers = (signal.SIGHUP, signal.SIGTERM)
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _shown(verdicts: "Iterator[Verdict]", plan: "Plan") -> "Iterator[Iterator[Verdict]]":
    """The verdicts as they come, with a bar on a terminal."""
    terminal = console(sys.stderr)
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as bar:
        task = bar.add_task("starting", total=len(plan.order))

        def show() -> "Iterator[Verdict]":
            for verdict in verdicts:
                bar.update(task, advance=1, description=str(verdict.id))
                yield verdict

        yield show()


def _row(verdict: "Verdict", plan: "Plan") -> dict[str, Any]:
    return {
        "stage": verdict.id.stage,
        "date": verdict.id.day.isoformat(),
        "version": verdict.id.version,
        "target": verdict.id in plan.targets,
        "status": verdict.status,
        "reason": verdict.reason,
        "files": [asdict(file) for file in verdict.files],
    }


def _print(verdicts: "list[Verdict]", plan: "Plan", what: str, scratch: str | None) -> None:
    rows = [
        {"stage": stage} | {status: sum(item.status == status for item in of_stage) for status in _STATUSES}
        for stage, of_stage in _by_stage(verdicts).items()
    ]
    print_table(["stage", *_STATUSES], rows)
    out.print()
    alike: dict[tuple[str, str, str], list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.reason and verdict.status != "not tried":
            alike.setdefault((verdict.status, verdict.id.stage, verdict.reason), []).append(verdict)
    for (status, _, reason), group in alike.items():
        more = f" and {len(group) - 1} more" if len(group) > 1 else ""
        _say(f"{status}: {group[0].id}{more}: {reason}", style="" if group[0].is_good else "red")
    if not_tried := [verdict for verdict in verdicts if verdict.status == "not tried"]:
        _say(f"not tried: {len(not_tried)} versions made from those, such as {not_tried[0].id}; --json names all")
    asked = [verdict.status for verdict in verdicts if verdict.id in plan.targets]
    taken = f", {asked.count('taken as it is')} taken as they are" if "taken as it is" in asked else ""
    more = f"; with {len(verdicts) - len(asked)} ancestors" if len(verdicts) > len(asked) else ""
    _say(f"{what}: {asked.count('same')} of {len(asked)} versions the same{taken}{more}")
    if scratch:
        _say(f"the rebuilt lake is in {scratch.rstrip('/')}/lake")


def _say(line: str, style: str = "") -> None:
    out.print(line, markup=False, highlight=False, soft_wrap=True, style=style)


def _by_stage(verdicts: "Iterable[Verdict]") -> "dict[str, list[Verdict]]":
    found: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        found.setdefault(verdict.id.stage, []).append(verdict)
    return found
