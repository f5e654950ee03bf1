"""`models`: looking at the registry."""

from html_classification.cli.apps import models_app
from html_classification.cli.output import AsJson, out, print_json, print_table


@models_app.command("ls")
def models_ls(as_json: AsJson = False) -> None:
    """The registered models, newest first, with their aliases and figures."""
    from html_classification.settings import load_settings
    from html_classification.training.registry import list_models

    rows = list_models(load_settings().mlflow_tracking_uri)
    if as_json:
        print_json(rows)
        return
    if not rows:
        out.print("no models registered yet: run the training group first")
        return
    shown = [row | {"aliases": ", ".join(row["aliases"]), **row["rows"], **_rounded(row["metrics"])} for row in rows]
    print_table(
        ["version", "aliases", "date", "text_version", "algorithm", "train", "test", "accuracy", "macro_f1"], shown
    )


def _rounded(metrics: dict[str, float]) -> dict[str, str]:
    return {name: f"{value:.3f}" for name, value in metrics.items()}
