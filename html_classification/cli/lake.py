"""`lake ls` and `lake show`: looking at what there is.

Belongs here: the commands that only read. Does not belong here: those that compare, publish or name versions
(`lake_versions`), and those that check, rebuild or delete (`lake_upkeep`).
"""

import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer

from html_classification.cli.apps import lake_app
from html_classification.cli.output import AsJson, Day, fail, open_lake, out, print_json, print_table


@lake_app.command("ls")
def lake_ls(
    stage: Annotated[str | None, typer.Argument(help="Only this stage.")] = None,
    summary: Annotated[bool, typer.Option("--summary", help="One line a stage.")] = False,
    as_json: AsJson = False,
) -> None:
    """The current version of every stage and day."""
    from html_classification.schemas.columns import stage_name

    lake = open_lake()
    stage = stage_name(stage) if stage else None
    rows = [asdict(row) for row in lake.ls(stage)]
    if stage and not rows:
        fail(f"{stage} has no published version in {lake.uri}; 'html-classification lake ls' shows what there is")
    columns = ["stage", "date", "version", "published_at", "rows", "rejected_rows", "bytes"]
    if summary:
        rows, columns = _by_stage(rows), ["stage", "days", "first", "last", "rows", "rejected_rows", "bytes"]
    if as_json:
        print_json(rows)
        return
    if not rows:
        out.print(f"nothing published in {lake.uri} yet", markup=False)
        return
    print_table(columns, [row | {"published_at": row["published_at"][:19]} if not summary else row for row in rows])


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

    dataset = open_lake().dataset(stage_name(stage), day.date(), version)
    if as_json:
        sys.stdout.write(dataset.metadata.to_json().decode())
        return
    for line in describe(dataset):
        out.print(line, markup=False, highlight=False, soft_wrap=True)
