"""`models ls`: what is registered.

Belongs here: looking at the registry. Does not belong here: changing it (`models_rollback`).
"""

from typing import Any

from html_classification.cli.apps import models_app
from html_classification.cli.output import AsJson, out, print_json, print_table

_MODEL = ("version", "aliases", "date", "text_version", "algorithm")
_FIGURES = ("train", "test", "accuracy", "macro_f1")


@models_app.command("ls")
def models_ls(as_json: AsJson = False) -> None:
    """The registered models, newest first, with their aliases, their figures, and why they are champion or not."""
    from html_classification.settings import load_settings
    from html_classification.training.registry import list_models

    rows = list_models(load_settings().mlflow_tracking_uri)
    if as_json:
        print_json(rows)
    elif not rows:
        out.print("no models registered yet: run the training group first")
    else:
        print_table([*_MODEL, *_FIGURES, "decision"], [_shown(row) for row in rows])


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **dict.fromkeys(_FIGURES, ""),
        **row,
        **row["rows"],
        **{name: f"{value:.3f}" for name, value in row["metrics"].items()},
        "aliases": ", ".join(row["aliases"]),
        "decision": _why(row),
    }


def _why(row: dict[str, Any]) -> str:
    """Why it is champion or not: without the figures, which would fill the table."""
    # A model of an earlier day than the champion's is registered, and not compared.
    decision = row["decision"] or ("" if row["aliases"] else "registered only")
    return str(row["rolled_back"] or (decision if row["refused"] else decision.split(": ")[0]))
