"""The command line.

Belongs here: arguments, progress, tables, exit codes. Does not belong here: what the commands do
(`automation`, `lake`, `training`). Heavy imports are made by the command that needs them, so that `--help`
answers at once.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TextIO

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from html_classification.automation.ranges import RangeResult
    from html_classification.day_by_day import DayReport

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Crawled HTML through the medallion layers to document classifiers.",
)
lake_app = typer.Typer(no_args_is_help=True, help="Look at the datasets in the lake.")
models_app = typer.Typer(no_args_is_help=True, help="Look at the models in the registry.")
app.add_typer(lake_app, name="lake")
app.add_typer(models_app, name="models")


def _console(file: TextIO) -> Console:
    """Outside of a terminal a line may be as long as it must: nothing is cut in a log."""
    return Console(file=file, width=None if file.isatty() else 240)


out = _console(sys.stdout)

Day = Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], metavar="DATE", help="The day of the data.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON array.")]


def main() -> None:
    """Run the command line: errors that a person can mend are one line on stderr, without a traceback."""
    from html_classification.lake.errors import LakeError
    from html_classification.settings import ENVIRONMENT, SettingsError
    from html_classification.training.errors import TrainingError

    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        status = app(standalone_mode=False)
    except (LakeError, SettingsError, TrainingError) as error:
        _fail(str(error))
    except typer.TyperException as error:  # without arguments it has no message: the help has been printed
        if error.format_message():
            _fail(f"{error.format_message()} See --help", error.exit_code)
        status = error.exit_code
    raise SystemExit(status)


def _fail(message: str, code: int = 1) -> NoReturn:
    Console(stderr=True, soft_wrap=True).print(f"html-classification: {escape(message)}", style="red", highlight=False)
    raise SystemExit(code)


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
        _fail(str(error), 2)
    signal.signal(signal.SIGHUP, signal.default_int_handler)  # a closed terminal ends the run, as Ctrl-C does
    try:
        with dg.DagsterInstance.from_config(str(dagster_home())) as instance, _progress(len(keys) * len(days)) as show:
            close_dead_runs(instance)
            result = run_range(defs, instance, keys, days, force=force, on_report=show)
    except KeyboardInterrupt:
        _fail("stopped; what is published stays, and running again goes on from there", 130)
    _print_summary(result)
    if result.failed:
        raise typer.Exit(1)


def _days(first: date, last: date) -> list[date]:
    from html_classification.partitions import daily_partitions

    keys = daily_partitions().get_partition_keys()
    if first > last:
        _fail(f"--from {first} --to {last}: the first day is after the last; exchange them", 2)
    if not keys or first.isoformat() < keys[0] or last.isoformat() > keys[-1]:
        known = f"days from {keys[0]} to {keys[-1]} (yesterday)" if keys else "no days yet"
        _fail(f"--from {first} --to {last}: there are {known}; see HTML_CLASSIFICATION_START_DATE", 2)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


@contextmanager
def _progress(total: int) -> "Iterator[Callable[[DayReport], None]]":
    """A bar on a terminal, a plain line for each asset and day elsewhere."""
    # While a step runs, Dagster takes the standard output for its own log: progress goes to a copy of it.
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as copy:
        console = _console(copy)
        if not console.is_terminal:
            yield lambda report: _print_report(console, report)
            return
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("starting", total=total)

            def show(report: "DayReport") -> None:
                bar.update(task, advance=1, description=f"{report.day} {report.asset}")
                if report.status == "failed":
                    _print_report(console, report)

            yield show


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


@lake_app.command("ls")
def lake_ls(
    stage: Annotated[str | None, typer.Argument(help="Only this stage.")] = None,
    summary: Annotated[bool, typer.Option("--summary", help="One line a stage.")] = False,
    as_json: AsJson = False,
) -> None:
    """The current version of every stage and day."""
    from html_classification.schemas.columns import stage_name

    lake = _lake()
    stage = stage_name(stage) if stage else None
    rows = [asdict(row) for row in lake.ls(stage or "")]
    if stage and not rows:
        _fail(f"{stage} has no published version in {lake.uri}; 'html-classification lake ls' shows what there is")
    columns = ["stage", "date", "version", "published_at", "rows", "rejected_rows", "bytes"]
    if summary:
        rows, columns = _by_stage(rows), ["stage", "days", "first", "last", "rows", "rejected_rows", "bytes"]
    if as_json:
        _print_json(rows)
        return
    if not rows:
        out.print(f"nothing published in {lake.uri} yet", markup=False)
        return
    _print_table(columns, [row | {"published_at": row["published_at"][:19]} if not summary else row for row in rows])


def _by_stage(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    stages = dict.fromkeys(row["stage"] for row in rows)
    days = {stage: [row for row in rows if row["stage"] == stage] for stage in stages}
    return [
        {"stage": stage, "days": len(of_stage), "first": of_stage[0]["date"], "last": of_stage[-1]["date"]}
        | {name: sum(row[name] for row in of_stage) for name in ("rows", "rejected_rows", "bytes")}
        for stage, of_stage in days.items()
    ]


@lake_app.command("show")
def lake_show(
    stage: Annotated[str, typer.Argument(help="The stage, such as preprocess/html-parsing.")],
    day: Day,
    version: Annotated[str | None, typer.Option(help="A version; default: the current one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print metadata.json as it is.")] = False,
) -> None:
    """What a version says about itself: sources, steps, figures, checks, sample."""
    from html_classification.lake.show import describe
    from html_classification.schemas.columns import stage_name

    dataset = _lake().dataset(stage_name(stage), day.date(), version)
    if as_json:
        sys.stdout.write(dataset.metadata.to_json().decode())
        return
    for line in describe(dataset):
        out.print(line, markup=False, highlight=False, soft_wrap=True)


@models_app.command("ls")
def models_ls(as_json: AsJson = False) -> None:
    """The registered models, newest first, with their aliases and figures."""
    from html_classification.settings import load_settings
    from html_classification.training.registry import list_models

    rows = list_models(load_settings().mlflow_tracking_uri)
    if as_json:
        _print_json(rows)
        return
    if not rows:
        out.print("no models registered yet: run the training group first")
        return
    shown = [row | {"aliases": ", ".join(row["aliases"]), **row["rows"], **_rounded(row["metrics"])} for row in rows]
    _print_table(
        ["version", "aliases", "date", "text_version", "algorithm", "train", "test", "accuracy", "macro_f1"], shown
    )


def _rounded(metrics: dict[str, float]) -> dict[str, str]:
    return {name: f"{value:.3f}" for name, value in metrics.items()}


def _lake() -> Any:
    from html_classification.lake import Lake
    from html_classification.settings import load_settings

    return Lake(load_settings().lake)


def _print_json(rows: list[dict[str, Any]]) -> None:
    sys.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")


def _print_table(columns: list[str], rows: list[dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(name.replace("_", " "), justify="right" if isinstance(rows[0][name], int) else "left")
    for row in rows:
        table.add_row(*(escape(str(row[name])) for name in columns))
    out.print(table)


if __name__ == "__main__":
    main()
