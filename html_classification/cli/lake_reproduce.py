"""`lake reproduce`: rebuilding versions from raw.

Belongs here: arguments, the table. Does not belong here: what all commands that rebuild share (`rebuilds`), how a
version is rebuilt and compared (`reproduction`).
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from html_classification.cli.apps import lake_app
from html_classification.cli.output import AsJson, fail, open_lake, out, print_json, print_table
from html_classification.cli.rebuilds import Scratch, json_row, rebuilding, say, say_reasons, say_where

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
    scratch: Scratch = None,
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

    plan = make_plan(lake.store, targets)
    with rebuilding(lake, plan, scratch) as (_, found):
        verdicts = list(found)
    if as_json:
        print_json([json_row(verdict, plan) for verdict in verdicts])
    else:
        _print(verdicts, plan, " ".join(what))
        say_where(scratch)
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


def _print(verdicts: "list[Verdict]", plan: "Plan", what: str) -> None:
    rows = [
        {"stage": stage} | {status: sum(item.status == status for item in of_stage) for status in _STATUSES}
        for stage, of_stage in _by_stage(verdicts).items()
    ]
    print_table(["stage", *_STATUSES], rows)
    out.print()
    say_reasons(verdicts)
    asked = [verdict.status for verdict in verdicts if verdict.id in plan.targets]
    taken = f", {asked.count('taken as it is')} taken as they are" if "taken as it is" in asked else ""
    more = f"; with {len(verdicts) - len(asked)} ancestors" if len(verdicts) > len(asked) else ""
    say(f"{what}: {asked.count('same')} of {len(asked)} versions the same{taken}{more}")


def _by_stage(verdicts: "Iterable[Verdict]") -> "dict[str, list[Verdict]]":
    found: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        found.setdefault(verdict.id.stage, []).append(verdict)
    return found
