"""The command line.

Belongs here: arguments, progress, tables, exit codes, one module for each group of commands. Does not belong
here: what the commands do (`automation`, `lake`, `training`). Heavy imports are made by the command that needs
them, so that `--help` answers at once.
"""

import os

import typer

from html_classification.cli import lake, lake_reproduce, lake_upkeep, lake_versions, models, run
from html_classification.cli.apps import app
from html_classification.cli.output import fail

__all__ = ["app", "lake", "lake_reproduce", "lake_upkeep", "lake_versions", "main", "models", "run"]


def main() -> None:
    """Run the command line: errors that a person can mend are one line on stderr, without a traceback."""
    from html_classification.lake.errors import LakeError
    from html_classification.settings import ENVIRONMENT, SettingsError
    from html_classification.training.errors import TrainingError

    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        status = app(standalone_mode=False)
    except (LakeError, SettingsError, TrainingError) as error:
        fail(str(error))
    except typer.TyperException as error:  # without arguments it has no message: the help has been printed
        if error.format_message():
            fail(f"{error.format_message()} See --help", error.exit_code)
        status = error.exit_code
    raise SystemExit(status)
