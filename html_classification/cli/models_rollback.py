"""`models rollback`: another champion.

Belongs here: the command, and what it says. Does not belong here: which champion was before (`training.champions`).
"""

from typing import Annotated

import typer
from rich.text import Text

from html_classification.cli.apps import models_app
from html_classification.cli.output import out
from html_classification.printable import printable


@models_app.command("rollback")
def models_rollback(
    version: Annotated[
        int | None, typer.Argument(min=1, help="Number of a model version; the champion before is default.")
    ] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the history.")] = "",
) -> None:
    """Go back to an earlier champion. The one left is not promoted again when its day is run again."""
    from html_classification.settings import load_settings
    from html_classification.training.champions import rollback

    done = rollback(load_settings().mlflow_tracking_uri, version, reason=printable(reason))
    if done.before == done.after:
        line = f"version {done.after} is the champion already; nothing was changed"
    else:
        line = f"version {done.before} was the champion, version {done.after} is the champion now"
    out.print(Text(line), soft_wrap=True)
