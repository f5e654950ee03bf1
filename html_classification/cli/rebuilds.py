"""What the commands share that rebuild versions.

Belongs here: the scratch folder, progress, lines about what is not the same. Does not belong here: any command, or how
a version is rebuilt and compared (`reproduction`).
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

from html_classification.cli.output import console, fail, out

if TYPE_CHECKING:
    from html_classification.lake import Lake
    from html_classification.reproduction.provenance import Plan
    from html_classification.reproduction.rebuilding import Verdict

Scratch = Annotated[
    str | None,
    typer.Option(
        metavar="FOLDER",
        help="Rebuild in this empty folder, and keep it. Default: a temporary one, deleted at the end; it takes as "
        "much space as what is rebuilt (TMPDIR says where).",
    ),
]


@contextmanager
def rebuilding(lake: "Lake", plan: "Plan", scratch: str | None) -> "Iterator[tuple[str, Iterator[Verdict]]]":
    """Rebuild the versions of a plan, with a bar on a terminal; Ctrl-C ends the command with one line.

    Args:
        lake: The lake.
        plan: What to rebuild.
        scratch: The folder to rebuild in; without one a temporary folder, which is there as long as the context.

    Yields:
        The folder, and the verdicts as they come.
    """
    from html_classification.reproduction.rebuilding import check_scratch, rebuild

    try:
        with ExitStack() as stack:
            stack.enter_context(_interruptible())
            if scratch is not None:
                check_scratch(lake, scratch)
            folder = scratch or stack.enter_context(TemporaryDirectory(prefix="html-classification-"))
            yield folder, stack.enter_context(_shown(rebuild(lake, plan, folder), plan))
    except KeyboardInterrupt:
        fail("stopped; the lake is as it was" + (f", what was rebuilt is in {scratch}" if scratch else ""), 130)


def say(line: str, style: str = "") -> None:
    """Print a line as it is, however long."""
    out.print(line, markup=False, highlight=False, soft_wrap=True, style=style)


def say_reasons(verdicts: "Iterable[Verdict]") -> None:
    """A line for each reason why versions are not the same, or were taken as they are."""
    verdicts = list(verdicts)
    alike: dict[tuple[str, str, str], list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.reason and verdict.status != "not tried":
            alike.setdefault((verdict.status, verdict.id.stage, verdict.reason), []).append(verdict)
    for (status, _, reason), group in alike.items():
        more = f" and {len(group) - 1} more" if len(group) > 1 else ""
        say(f"{status}: {group[0].id}{more}: {reason}", style="" if group[0].is_good else "red")
    if not_tried := [verdict for verdict in verdicts if verdict.status == "not tried"]:
        say(f"not tried: {len(not_tried)} versions made from those, such as {not_tried[0].id}; --json names all")


def say_where(scratch: str | None) -> None:
    """Where the rebuilt lake is, if it is kept."""
    if scratch:
        say(f"the rebuilt lake is in {scratch.rstrip('/')}/lake")


def json_row(verdict: "Verdict", plan: "Plan") -> dict[str, Any]:
    """A verdict for JSON."""
    return {
        "stage": verdict.id.stage,
        "date": verdict.id.day.isoformat(),
        "version": verdict.id.version,
        "target": verdict.id in plan.targets,
        "status": verdict.status,
        "reason": verdict.reason,
        "files": [asdict(file) for file in verdict.files],
    }


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
