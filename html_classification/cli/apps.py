"""The groups of commands.

Belongs here: the typer apps that the other modules add their commands to.
"""

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Crawled HTML through the medallion layers to document classifiers.",
)
lake_app = typer.Typer(no_args_is_help=True, help="Look at the datasets in the lake, and look after them.")
snapshot_app = typer.Typer(no_args_is_help=True, help="Immutable named lists of exact versions.")
models_app = typer.Typer(no_args_is_help=True, help="Look at the models in the registry.")
app.add_typer(lake_app, name="lake")
lake_app.add_typer(snapshot_app, name="snapshot")
app.add_typer(models_app, name="models")
