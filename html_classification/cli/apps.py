"""The groups of commands.

Belongs here: the typer apps that the other modules add their commands to.
"""

from typing import Any

import typer
from typer.core import TyperGroup

_LAKE = ("ls", "show", "history", "diff", "rollback", "snapshot", "verify", "reproduce", "gc")


class _LakeGroup(TyperGroup):
    """Commands from looking to deleting, whichever modules they come from."""

    def list_commands(self, ctx: Any) -> list[str]:  # typer keeps its context's type to itself
        """The names, in the order of the help; one that is not known here comes last."""
        return sorted(super().list_commands(ctx), key=lambda name: _LAKE.index(name) if name in _LAKE else len(_LAKE))


app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Crawled HTML through the medallion layers to document classifiers.",
)
lake_app = typer.Typer(
    cls=_LakeGroup, no_args_is_help=True, help="Look at the datasets in the lake, and look after them."
)
snapshot_app = typer.Typer(no_args_is_help=True, help="Immutable named lists of exact versions.")
labels_app = typer.Typer(
    no_args_is_help=True, help="Labels: who gave them, what they cost; tasks for people out, their answers in."
)
models_app = typer.Typer(
    no_args_is_help=True, help="The registered models: compare them, take them elsewhere, train them again, go back."
)
app.add_typer(lake_app, name="lake")
lake_app.add_typer(snapshot_app, name="snapshot")
app.add_typer(labels_app, name="labels")
app.add_typer(models_app, name="models")
