"""`lake diff`, `history`, `rollback` and `snapshot`: comparing, going back, naming.

Belongs here: the commands about versions of a day, and how a comparison is printed. Does not belong here: looking
at what is current (`lake`), and checking, rebuilding or deleting (`lake_upkeep`, `lake_reproduce`).
"""

import json
import sys
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from html_classification.cli.apps import lake_app, snapshot_app
from html_classification.cli.output import AsJson, Day, fail, open_lake, out, print_json, print_table
from html_classification.printable import printable

if TYPE_CHECKING:
    from html_classification.lake.diff import Diff, Difference, SourceDifference

Stage = Annotated[str, typer.Argument(help="The stage, such as preprocess/html-parsing.")]
Name = Annotated[str, typer.Argument(help="The snapshot's name.")]
AsObject = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_VERSION = "A version, at least its first 4 digits, 'current' or 'previous'"
_SHOWN = 20  # rows of each kind
_LONGEST = 160  # characters of a value


@lake_app.command("diff")
def lake_diff(
    stage: Stage,
    day: Day,
    a: Annotated[str, typer.Argument(help=f"{_VERSION}.")] = "previous",
    b: Annotated[str, typer.Argument(help=f"{_VERSION}.")] = "current",
    limit: Annotated[
        int | None, typer.Option(min=0, help=f"So many rows of each kind. Default: {_SHOWN}; with --json all.")
    ] = None,
    as_json: AsObject = False,
) -> None:
    """What differs between two versions of a day, and why: recipe, columns, rows by url, statistics."""
    from html_classification.lake.diff import diff
    from html_classification.schemas.columns import stage_name

    found = diff(open_lake(), stage_name(stage), day.date(), a, b)
    if as_json:
        sys.stdout.write(json.dumps(found.to_dict(limit), indent=2, ensure_ascii=False) + "\n")
        return
    for line in _described(found, _SHOWN if limit is None else limit):
        out.print(Text(printable(line)), soft_wrap=True)


def _described(found: "Diff", limit: int) -> Iterator[str]:
    yield f"{found.a.stage} {found.a.date}"
    for name, side in (("A", found.a), ("B", found.b)):
        audit = "" if side.passed else ", failed its audit"
        rows = f"{side.statistics.rows:,} rows"
        yield f"  {name} {side.version} built {side.created_at:%Y-%m-%d %H:%M:%S} UTC, {rows}{audit}"
    yield from _listed("recipe", [*map(_difference, found.recipe), *map(_source, found.sources)])
    yield from _listed("environment (not part of the recipe)", map(_difference, found.environment))
    if found.is_empty:
        same = found.a.version == found.b.version
        yield "no row and no column differs" + (": it is the same version" if same else "")
    else:
        columns = [f"+ {name} ({kind})" for name, kind in found.columns_added.items()]
        columns += [f"- {name} ({kind})" for name, kind in found.columns_removed.items()]
        columns += [f"~ {item.name}: {item.a} → {item.b}" for item in found.columns_retyped]
        yield from _listed("columns", columns)
        counts = (f"{getattr(found.rows, kind).height:,} {kind}" for kind in ("added", "removed", "changed"))
        yield f"rows: {', '.join(counts)}, {found.rows.unchanged:,} the same"
        for column in found.rows.by_column:
            yield f"  {column.name} changed in {column.rows:,}"
            for example in column.examples:
                yield f"    {_row(example)}: {_value(example['a'])} → {_value(example['b'])}"
        yield from _rows(found, limit)
    yield from _listed("statistics", map(_difference, found.statistics))


def _rows(found: "Diff", limit: int) -> Iterator[str]:
    from html_classification.lake.diff import shown

    for sign, frame in (("+", found.rows.added), ("-", found.rows.removed), ("~", found.rows.changed)):
        for row in shown(frame, limit):
            columns = f": {', '.join(row['columns'])}" if sign == "~" else ""
            yield f"  {sign} {_row(found.row(row))}{columns}"
        if frame.height > limit:
            yield f"  {sign} … and {frame.height - limit:,} more: see --limit, or --json for all"


def _row(row: dict[str, Any]) -> str:
    """A row by its url, or, in a stage without one, by its values."""
    if not {"url", "nth"} <= row.keys():
        return _value(row)
    nth = f" (row {row['nth']} of it)" if row["nth"] > 1 else ""
    return f"{row['url']}{nth}"


def _listed(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = [f"  {line}" for line in lines]
    yield from [title, *found] if found else []


def _difference(item: "Difference") -> str:
    return f"{item.name}: {_value(item.a)} → {_value(item.b)}"


def _source(item: "SourceDifference") -> str:
    where = " ".join(filter(None, (item.stage or item.name, item.date, item.path)))
    versions = [
        f"version {version}" if version else f"sha1 {sha1[:12]}" if sha1 else "none"
        for version, sha1 in ((item.a_version, item.a), (item.b_version, item.b))
    ]
    return f"source {where}: {' → '.join(versions)}"


def _value(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


@lake_app.command("history")
def lake_history(stage: Stage, day: Day, as_json: AsJson = False) -> None:
    """What was published for a day: when, which version, by which run and why. The last one is current."""
    from html_classification.lake.history import entries
    from html_classification.schemas.columns import stage_name

    lake, stage = open_lake(), stage_name(stage)
    rows = [
        {"time": item.time.isoformat(), "version": item.version, "run": item.run, "reason": item.reason}
        for item in entries(lake, stage, day.date())
    ]
    if not rows:
        fail(f"{stage} {day:%Y-%m-%d} has no version in {lake.uri}; see 'html-classification lake ls'")
    if as_json:
        print_json(rows)
        return
    print_table(["time", "version", "run", "reason"], [row | {"run": row["run"] or ""} for row in rows])


@lake_app.command("rollback")
def lake_rollback(
    stage: Stage,
    day: Day,
    version: Annotated[
        str, typer.Argument(help="A version that was current once, at least its first 4 digits; 'previous' is default.")
    ] = "previous",
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the history.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Make an earlier version of a day current again. Nothing is deleted: the history has one entry more."""
    from html_classification.lake.history import rollback
    from html_classification.schemas.columns import stage_name

    stage = stage_name(stage)
    done = rollback(open_lake(), stage, day.date(), version, reason=printable(reason), dry_run=dry_run)
    what = f"{stage} {day:%Y-%m-%d}"
    if done.before == done.after:
        _say(f"{what}: {done.after} is current already; nothing was written")
        return
    if dry_run:
        _say(f"{what}: {done.before} is current, {done.after} would be; nothing was written, since this is a dry run")
        return
    _say(f"{what}: {done.before} was current, {done.after} is current now")
    _say(
        "What was made from the other version stays as it is until its days are run again; running this day again "
        "publishes what its recipe says, which may be the other version."
    )


@snapshot_app.command("create")
def snapshot_create(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits, '-', '_' and '.'.")],
    stages: Annotated[list[str] | None, typer.Option("--stage", help="Only this stage; may be repeated.")] = None,
    start: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], metavar="DATE", help="The first day.")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], metavar="DATE", help="The last day, included.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="TIME", help="What was current then, such as 2026-03-01T10:15:00Z.")
    ] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, in a few words.")] = "",
) -> None:
    """Name the versions that are current, for good: gc keeps them, and `--snapshot NAME` reads them."""
    from html_classification.schemas.columns import stage_name

    if start and end and start > end:
        fail(f"--from {start:%Y-%m-%d} --to {end:%Y-%m-%d}: the first day is after the last; exchange them", 2)
    lake = open_lake()
    made = lake.create_snapshot(
        name,
        reason=printable(reason),
        stages=[stage_name(stage) for stage in stages] if stages else None,
        start=start.date() if start else None,
        end=end.date() if end else date.max,
        as_of=as_of,
    )
    _say(f"snapshot {made.name} names {len(made.ids):,} versions of {len(made.versions)} stages in {lake.uri}")


@snapshot_app.command("ls")
def snapshot_ls(as_json: AsJson = False) -> None:
    """The snapshots, by name."""
    lake = open_lake()
    rows = [
        {
            "name": item.name,
            "created_at": item.created_at.isoformat(),
            "reason": item.reason,
            "stages": len(item.versions),
            "versions": len(item.ids),
            "first": min((one.day.isoformat() for one in item.ids), default=None),
            "last": max((one.day.isoformat() for one in item.ids), default=None),
        }
        for item in lake.snapshots()
    ]
    if as_json:
        print_json(rows)
    elif not rows:
        _say(f"no snapshots in {lake.uri} yet")
    else:
        columns = ["name", "created_at", "stages", "versions", "first", "last", "reason"]
        print_table(columns, [row | {"created_at": str(row["created_at"])[:19]} for row in rows])


@snapshot_app.command("show")
def snapshot_show(name: Name, as_json: AsJson = False) -> None:
    """What a snapshot names: a line a stage, or with --json each version."""
    snapshot = open_lake().snapshot(name)
    if as_json:
        rows = [{"stage": item.stage, "date": item.day.isoformat(), "version": item.version} for item in snapshot.ids]
        print_json(rows)
        return
    _say(f"snapshot {snapshot.name} of {snapshot.created_at:%Y-%m-%d %H:%M:%S} UTC: {snapshot.reason or 'no reason'}")
    stages = [
        {"stage": stage, "days": len(days), "first": min(days).isoformat(), "last": max(days).isoformat()}
        for stage, days in sorted(snapshot.versions.items())
        if days
    ]
    if stages:
        print_table(["stage", "days", "first", "last"], stages)
    _say(f"each version: html-classification lake ls --snapshot {snapshot.name}")


def _say(line: str) -> None:
    out.print(Text(printable(line)), soft_wrap=True)
