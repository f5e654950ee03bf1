"""`models compare`: models side by side, and what changed in their data.

Belongs here: arguments and tables. Does not belong here: the rows (`training.same_rows`), the figures
(`training.side_by_side`), the data (`training.data_difference`), the leaderboard of a day (`training.leaderboard`).
"""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from html_classification.cli.apps import models_app
from html_classification.cli.output import AsJson, fail, open_lake, out, print_json, print_table

if TYPE_CHECKING:
    import polars as pl

    from html_classification.lake import Lake
    from html_classification.training.data_difference import DataDifference
    from html_classification.training.registered import Registered
    from html_classification.training.side_by_side import SideBySide

_BOARD = ("rank", "model", "snapshot", "train_rows", "test_rows", "accuracy", "macro_f1", "roc_auc", "log_loss")
_BOARD_END = ("calibration_error", "behind", "against_best", "trusted_macro_f1", "gain_macro_f1", "may_be_promoted")
_BY_CATEGORY = ("f1", "precision", "recall", "roc_auc", "average_precision")


@models_app.command("compare")
def models_compare(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL]...",
            help="Numbers or aliases of registered models. Of two, the second is compared with the first; one is "
            "compared with the champion; of more there is a leaderboard. Default: champion and challenger, or, where "
            "there is none, the champion before and the champion.",
            show_default=False,
        ),
    ] = None,
    day: Annotated[
        datetime | None,
        typer.Option(
            "--date", formats=["%Y-%m-%d"], metavar="DATE", help="The leaderboard of this day: all that it trained."
        ),
    ] = None,
    newest: Annotated[bool, typer.Option("--all", help="The leaderboard of the last day that has one.")] = False,
    examples: Annotated[int, typer.Option(min=0, max=1000, help="Rows to show of each change of the data.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Models side by side on the same test rows, and what changed in the data between them."""
    from html_classification.settings import load_settings

    lake, wanted = open_lake(), list(models or ())
    if sum([bool(wanted), day is not None, newest]) > 1:
        fail("models, --date and --all exclude each other: give one", 2)
    if day is not None or newest:
        _show_board(_board_of_day(lake, day.date() if day else None), as_json=as_json)
        return
    from html_classification.training.registered import find_models, usual_pair
    from html_classification.training.registry import CHAMPION
    from html_classification.training.same_rows import on_same_rows
    from html_classification.training.side_by_side import board_of, side_by_side

    uri = load_settings().mlflow_tracking_uri
    wanted = [CHAMPION, *wanted] if len(wanted) == 1 else wanted or [*usual_pair(uri)]
    found = find_models(uri, wanted)
    answered = on_same_rows(lake, uri, found)
    if len(found) > 2:
        _show_board(board_of(found, answered).frame, answered.note, as_json=as_json)
    else:
        _show_pair(lake, found[0], found[1], side_by_side(answered), examples, as_json=as_json)


def _board_of_day(lake: "Lake", day: date | None) -> "pl.DataFrame":
    from html_classification.schemas.training import LEADERBOARD

    days = [day] if day else sorted(lake.current(LEADERBOARD.name))
    if not days:
        fail(f"no leaderboard in {lake.uri} yet: run the training group first")
    return lake.read(LEADERBOARD.name, days[-1])


def _show_board(board: "pl.DataFrame", note: str = "", *, as_json: bool) -> None:
    """A leaderboard; one of an earlier release has fewer columns."""
    rows = board.sort("rank").to_dicts()
    if as_json:
        print_json([row | {"note": note} for row in rows] if note else rows)
        return
    if note:
        _say(note)
    elif "refinement" in board.columns:
        _say(str(rows[0]["refinement"]))
    columns = [name for name in (*_BOARD, *_BOARD_END) if name in board.columns]
    print_table(columns, [{name: _shown(row[name]) for name in columns} for row in rows])


def _show_pair(
    lake: "Lake", before: "Registered", after: "Registered", metrics: "SideBySide", examples: int, *, as_json: bool
) -> None:
    from html_classification.training.data_difference import data_difference

    data = data_difference(lake, before.version, after.version, examples=examples)
    if as_json:
        both = {"before": _about(before), "after": _about(after)}
        print_json([both | {"metrics": metrics.model_dump(mode="json"), "data": data.model_dump(mode="json")}])
        return
    for model in (before, after):
        _say(f"version {model.name}: {model.version}, of {model.snapshot}")
    out.print()
    _print_metrics(metrics, str(before.number), str(after.number))
    out.print()
    _print_data(data)


def _print_metrics(found: "SideBySide", before: str, after: str) -> None:
    _say(found.note)
    if not found.enough:
        return
    overall = [item for item in found.metrics if "/" not in item.metric]
    shown = [
        {"metric": item.metric, before: _shown(item.before), after: _shown(item.after)}
        | {"difference": "" if item.difference is None else f"{item.difference:+.3f}"}
        for item in overall
    ]
    print_table(["metric", before, after, "difference"], shown)
    out.print()
    by_category: dict[str, dict[str, str]] = {}
    for item in found.metrics:
        figure, _, category = item.metric.partition("/")
        if category:
            row = by_category.setdefault(category, {"category": category} | dict.fromkeys(_BY_CATEGORY, ""))
            known = f" ({item.difference:+.3f})" if item.difference is not None else ""
            row[figure] = f"{_shown(item.before) or '-'} > {_shown(item.after) or '-'}{known}"
    print_table(["category", *_BY_CATEGORY], [by_category[name] for name in sorted(by_category)])
    if (compared := found.comparison) is not None:
        _say(
            f"version {after} is {compared.verdict} {'from' if compared.verdict == 'not distinguishable' else 'than'} "
            f"version {before}: only it is right on {compared.won}, only the other on {compared.lost} (McNemar p "
            f"{compared.p_value:.2g}); macro-F1 {compared.macro_f1}"
        )


def _print_data(data: "DataDifference") -> None:
    if data.text_unknown:
        _say(f"the texts are not compared: {data.text_unknown}")
    before, after = (
        f"{sides['train']} to learn from and {sides['test']} for testing" for sides in (data.before, data.after)
    )
    if data.is_same:
        _say(f"data: the same rows, {before}")
        return
    changes = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in data.figures().items())
    _say(f"data: {before} before, {after} after")
    _say(f"rows: {changes}")
    out.print()
    columns = ["category", "before", "after", "added", "removed", "relabelled_to", "relabelled_from"]
    print_table(columns, [item.model_dump() for item in data.categories])
    if data.relabellings:
        out.print()
        print_table(
            ["relabelled", "rows"],
            [{"relabelled": f"{item.before} > {item.after}", "rows": item.rows} for item in data.relabellings],
        )
    if data.examples:
        out.print()
        print_table(
            ["change", "before", "after", "url"],
            [{name: value or "" for name, value in item.model_dump().items()} for item in data.examples],
        )


def _about(model: "Registered") -> dict[str, Any]:
    return {
        "version": model.number,
        "aliases": list(model.aliases),
        "stage": model.version.stage,
        "date": model.version.day.isoformat(),
        "lake_version": model.version.version,
        "snapshot": model.snapshot,
    }


def _shown(value: Any) -> Any:
    """Figures with three decimals, a Boolean as yes or no; what is not there as nothing."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else value


def _say(line: str) -> None:
    from html_classification.printable import printable

    out.print(printable(line), markup=False, highlight=False, soft_wrap=True)
