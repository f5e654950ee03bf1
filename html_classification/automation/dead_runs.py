"""Runs whose process is gone.

Belongs here: marking the runs of this command line by host and process, and closing those that were killed. Does not
belong here: runs that the Dagster daemon launched, which it watches itself.

A killed process (SIGKILL, out of memory) cannot say that its run has ended. Left alone such runs stay "started" for
ever, and count against the number of runs that the daemon allows at once: two of them would stop all backfills.
"""

import os
import platform

import dagster as dg

TAG = "html_classification/process"
_OPEN = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING]


def process_tag() -> dict[str, str]:
    """The tag of a run of this process."""
    return {TAG: f"{platform.node()}:{os.getpid()}"}


def close_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Record as failed the runs of this host whose process is gone.

    Args:
        instance: Where the runs are recorded.

    Returns:
        The ids of the runs that were closed.
    """
    closed = []
    for run in instance.get_runs(dg.RunsFilter(statuses=_OPEN)):
        host, _, process = run.tags.get(TAG, "").rpartition(":")
        # A run of this very process would be one of a former process of the same number, as in a container that began
        # again: no run of this one has begun yet.
        if host == platform.node() and (int(process) == os.getpid() or not _is_alive(int(process))):
            instance.report_run_failed(run, f"The process {process} on {host} was killed before the run ended.")
            closed.append(run.run_id)
    return closed


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
