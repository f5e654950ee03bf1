"""All commands together, run so that what a person can mend is one line on stderr, without a traceback.

Belongs here: errors and exit codes that every command shares. Does not belong here: any command.
"""

import errno
import os
import sys
from typing import Any

import typer

from html_classification.cli import (
    ingest,
    labels,
    labels_review,
    labels_status,
    lake,
    lake_reproduce,
    lake_upkeep,
    lake_versions,
    models,
    models_compare,
    models_export,
    models_reproduce,
    models_rollback,
    run,
)
from html_classification.cli.apps import app
from html_classification.cli.output import fail
from html_classification.lake.errors import LakeError
from html_classification.settings import ENVIRONMENT, SettingsError
from html_classification.training.errors import TrainingError

__all__ = [
    "app",
    "call",
    "ingest",
    "labels",
    "labels_review",
    "labels_status",
    "lake",
    "lake_reproduce",
    "lake_upkeep",
    "lake_versions",
    "models",
    "models_compare",
    "models_export",
    "models_reproduce",
    "models_rollback",
    "run",
]

_STOPPED = 130  # what typer makes of Ctrl-C
_CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


def call() -> None:
    """Run the command that the arguments name, and end the process.

    Raises:
        KeyboardInterrupt: Ctrl-C.
        SystemExit: Always else, with the exit status.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        status = _answer()
        sys.stdout.flush()
    except OSError as error:
        if error.errno not in (*_CANNOT_WRITE, errno.EPIPE):
            raise
        # What is still to be written would fail once more when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno == errno.EPIPE:  # `… | head` has seen enough
            raise SystemExit(1) from None
        fail(f"cannot write {error.filename or 'the output'}: {error.strerror}; make room or write elsewhere")
    if status == _STOPPED:
        raise KeyboardInterrupt
    raise SystemExit(status)


def _answer() -> Any:
    try:
        return app(standalone_mode=False)
    except (LakeError, SettingsError, TrainingError) as error:
        fail(str(error))
    except typer.TyperException as error:  # without arguments it has no message: the help has been printed
        if error.format_message():
            fail(f"{error.format_message()} See --help", error.exit_code)
        return error.exit_code
    except Exception as error:
        # By its name: importing MLflow takes seconds, and who raises this has imported it.
        if not type(error).__module__.startswith("mlflow."):
            raise
        first = (str(error).splitlines() or ["it gives no reason"])[0]
        fail(f"MLflow: {first}; is MLFLOW_TRACKING_URI right, and the server up?")
