"""MLflow runs whose process is gone.

Belongs here: marking runs by host and process, and closing those that were killed. Does not belong here: Dagster's own
runs (`automation.dead_runs`), and runs whose process can still close them (`tracking`).

A killed process (SIGKILL, out of memory) cannot say that its run has ended. Left alone such runs would be shown as
running for ever. They are never taken for finished ones.
"""

import os
import platform
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

#: Tag of runs: the process that opened them, as `process_name` names it.
PROCESS_TAG = "html_classification.process"
# Tells this process from former ones of the same number, as in a container that began again.
_BIRTH = uuid.uuid4().hex[:8]


def process_name() -> str:
    """Host, number and birth of this process."""
    return f"{platform.node()}:{os.getpid()}:{_BIRTH}"


def close_abandoned_runs(mlflow_client: "MlflowClient", experiment_id: str) -> list[str]:
    """Close the runs of this host whose process is gone, as KILLED.

    Args:
        mlflow_client: The client of an MLflow server or database.
        experiment_id: The experiment that is looked through.

    Returns:
        The ids of the runs that were closed.
    """
    found = mlflow_client.search_runs([experiment_id], filter_string="attributes.status = 'RUNNING'")
    gone = [run.info.run_id for run in found if _is_gone(run.data.tags.get(PROCESS_TAG, ""))]
    for run_id in gone:
        mlflow_client.set_terminated(run_id, "KILLED")
    return gone


def _is_gone(name: str) -> bool:
    """Whether a process was of this host, and is there no longer."""
    host, _, rest = name.partition(":")
    number, _, birth = rest.partition(":")
    if host != platform.node() or not number.isdecimal():
        return False
    if int(number) == os.getpid():
        return birth != _BIRTH
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
