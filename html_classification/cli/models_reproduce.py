"""`models reproduce`: training a registered model again, from raw.

Belongs here: arguments, the table of metrics. Does not belong here: what all commands that rebuild share (`rebuilds`),
how a model is rebuilt and compared (`reproduction`).
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from html_classification.cli.apps import models_app
from html_classification.cli.output import AsJson, open_lake, out, print_json, print_table
from html_classification.cli.rebuilds import Scratch, json_row, rebuilding, say, say_reasons, say_where

if TYPE_CHECKING:
    from html_classification.reproduction.models import Comparison, Registered
    from html_classification.reproduction.provenance import Plan
    from html_classification.reproduction.rebuilding import Verdict


@models_app.command("reproduce")
def models_reproduce(
    version: Annotated[
        str,
        typer.Argument(
            metavar="VERSION",
            help="A model's number in the registry, or its alias: champion or challenger.",
            show_default=False,
        ),
    ],
    scratch: Scratch = None,
    as_json: AsJson = False,
) -> None:
    """Train a registered model again, from raw on, and compare metrics and predictions with those of then.

    What the lake does not have any more between raw and the model is rebuilt too, by what the model's MLflow run keeps
    of it. The lake and MLflow are left as they are. The exit status is 0 only where everything is the same.
    """
    from html_classification.settings import load_settings

    lake, tracking_uri = open_lake(), load_settings().mlflow_tracking_uri
    from html_classification.reproduction.models import compare, find_model
    from html_classification.reproduction.provenance import make_plan
    from html_classification.reproduction.rebuilding import scratch_lake

    model = find_model(tracking_uri, version)
    plan = make_plan(lake.store, [model.version], model.archive)
    with rebuilding(lake, plan, scratch) as (folder, found):
        verdicts = list(found)
        comparison = compare(tracking_uri, model, lake, scratch_lake(folder))
    target = next(verdict for verdict in verdicts if verdict.id == model.version)
    is_same = target.is_good and comparison is not None and comparison.is_same
    if as_json:
        print_json([_row(model, verdicts, comparison, plan, is_same=is_same)])
    else:
        _print(model, verdicts, comparison)
        end = f"; with {len(verdicts) - 1} ancestors from raw on" if is_same else ""
        say(f"{model.name}, {model.version}: {'the same' if is_same else 'not the same'}{end}")
        say_where(scratch)
    if not is_same:
        raise typer.Exit(1)


def _print(model: "Registered", verdicts: "list[Verdict]", comparison: "Comparison | None") -> None:
    if comparison is not None:
        _print_figures(comparison)
        recorded, rebuilt = comparison.recorded_sha1, comparison.rebuilt_sha1
        now = "rebuilt the same" if rebuilt == recorded else f"rebuilt {rebuilt}"
        say(f"predictions: {comparison.rows} rows, SHA-1 recorded {recorded}, {now}")
        stored = comparison.stored
        if stored.is_same:
            say(f"the stored model says the same of all {stored.rows} rows")
        else:
            line = f"the stored model says another category of {stored.other} of {stored.rows} rows"
            say(f"{line}; probabilities differ by up to {stored.difference:.6f}", style="red")
        if not comparison.is_same and comparison.other_packages:
            say(f"other packages than then: {comparison.other_packages}", style="red")
    say_reasons(verdicts)
    if model.archive is None and any(verdict.status == "cannot" for verdict in verdicts):
        say(f"MLflow run {model.run_id} keeps no provenance: only what the lake still has can be rebuilt", style="red")


def _print_figures(comparison: "Comparison") -> None:
    """The overall metrics, and of those of a category the ones that differ."""
    shown = [figure for figure in comparison.figures if "/" not in figure.metric or not figure.is_same]
    rows = [
        {
            "metric": figure.metric,
            "recorded": _digits(figure.metric, figure.recorded),
            "rebuilt": _digits(figure.metric, figure.rebuilt),
            "same": "yes" if figure.is_same else "no",
        }
        for figure in shown
    ]
    print_table(["metric", "recorded", "rebuilt", "same"], rows)
    out.print()
    if more := len(comparison.figures) - len(shown):
        say(f"{more} more metrics, of single categories: the same")


def _digits(metric: str, value: float) -> str:
    """All digits of a value; numbers of rows are whole."""
    return str(int(value) if metric.endswith("_rows") else value)


def _row(
    model: "Registered", verdicts: "list[Verdict]", comparison: "Comparison | None", plan: "Plan", *, is_same: bool
) -> dict[str, Any]:
    found: dict[str, Any] = {"metrics": [], "predictions": None, "stored_model": None, "other_packages": ""}
    if comparison is not None:
        found = {
            "metrics": [asdict(figure) | {"same": figure.is_same} for figure in comparison.figures],
            "predictions": {
                "rows": comparison.rows,
                "recorded_sha1": comparison.recorded_sha1,
                "rebuilt_sha1": comparison.rebuilt_sha1,
            },
            "stored_model": asdict(comparison.stored),
            "other_packages": comparison.other_packages,
        }
    return {
        "name": model.name.rpartition(" ")[0],
        "version": model.number,
        "mlflow_run_id": model.run_id,
        "same": is_same,
        **found,
        "versions": [json_row(verdict, plan) for verdict in verdicts],
    }
