"""`lake ls` and `lake show`: looking at what there is.

Belongs here: the commands that only read. Does not belong here: those that compare, publish or name versions
(`lake_versions`), and those that check, rebuild or delete (`lake_upkeep`).
"""

import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.text import Text

from html_classification.cli.apps import lake_app
from html_classification.cli.output import AsJson, Day, fail, open_lake, out, print_json, print_table

AsOf = Annotated[
    str | None, typer.Option(metavar="TIME", help="What was current then, such as 2026-03-01T10:15:00Z (UTC).")
]
InSnapshot = Annotated[
    str | None, typer.Option("--snapshot", metavar="NAME", help="What the snapshot of this name names.")
]


@lake_app.command("ls")
def lake_ls(
    stage: Annotated[str | None, typer.Argument(help="Only this stage.")] = None,
    summary: Annotated[bool, typer.Option("--summary", help="One line a stage.")] = False,
    as_of: AsOf = None,
    snapshot: InSnapshot = None,
    as_json: AsJson = False,
) -> None:
    """The current version of every stage and day, or what was current once, or what a snapshot names."""
    from html_classification.schemas.columns import stage_name

    lake = open_lake()
    stage = stage_name(stage) if stage is not None else None
    rows = [asdict(row) for row in lake.ls(stage, as_of=as_of, snapshot=snapshot)]
    when = f" as of {as_of}" if as_of else f" in snapshot {snapshot}" if snapshot else ""
    if stage and not rows:
        fail(f"{stage} has no published version{when} in {lake.uri}; 'html-classification lake ls' shows what there is")
    columns = ["stage", "date", "version", "published_at", "rows", "rejected_rows", "bytes"]
    if summary:
        rows, columns = _by_stage(rows), ["stage", "days", "first", "last", "rows", "rejected_rows", "bytes"]
    if as_json:
        print_json(rows)
    elif not rows:
        out.print(f"nothing published in {lake.uri} {when or 'yet'}".replace("  ", " "), markup=False)
    else:
        print_table(columns, rows if summary else [_shown(row) for row in rows])


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    told = {"published_at": (row["published_at"] or "never")[:19]}
    return row | told | ({"rows": "gone", "rejected_rows": ""} if row["rows"] is None else {})


def _by_stage(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    stages = dict.fromkeys(row["stage"] for row in rows)
    days = {stage: [row for row in rows if row["stage"] == stage] for stage in stages}
    return [
        {"stage": stage, "days": len(of_stage), "first": of_stage[0]["date"], "last": of_stage[-1]["date"]}
        | {name: sum(row[name] or 0 for row in of_stage) for name in ("rows", "rejected_rows", "bytes")}
        for stage, of_stage in days.items()
    ]


@lake_app.command("show")
def lake_show(
    stage: Annotated[str, typer.Argument(help="The stage, such as preprocess/html-parsing.")],
    day: Day,
    version: Annotated[
        str | None, typer.Option(help="A version, or at least its first 4 digits; default: the current one.")
    ] = None,
    as_of: AsOf = None,
    snapshot: InSnapshot = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print metadata.json as it is.")] = False,
) -> None:
    """What a version says about itself: sources, steps, figures, checks, sample."""
    from html_classification.lake.history import resolve
    from html_classification.lake.show import describe
    from html_classification.schemas.columns import stage_name

    lake, stage = open_lake(), stage_name(stage)
    version = resolve(lake, stage, day.date(), version) if version is not None else None
    dataset = lake.dataset(stage, day.date(), version, as_of=as_of, snapshot=snapshot)
    if as_json:
        sys.stdout.write(dataset.metadata.to_json().decode())
        return
    for part in describe(dataset):
        out.print(part, soft_wrap=isinstance(part, Text))  # addresses stay in one piece, tables keep their columns
