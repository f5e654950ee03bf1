"""Backfills that may be killed: the real graph in processes that start at once.

Belongs here: the program that has everything imported and forks a child for each backfill, and talking to it. Does not
belong here: what is backfilled, and when it is killed.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import IO, cast

import yaml

from html_classification_tests.pages import REPOSITORY

#: What dagster.yaml says of pools: one run at a time asks the labelling API.
POOLS = yaml.safe_load((REPOSITORY / "dagster.yaml").read_text())["concurrency"]["pools"]
INSTANCE = {"concurrency": {"pools": POOLS}, "telemetry": {"enabled": False}}


class Backfills:
    """The program, running.

    Args:
        process: Its process.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._to, self._from = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)

    def start(self, assets: Sequence[str], days: Sequence[date], variables: Mapping[str, str]) -> int:
        """Begin a backfill: the id of its process."""
        task = {"assets": assets, "days": [str(day) for day in days], "variables": variables}
        self._to.write(json.dumps(task) + "\n")
        self._to.flush()
        return int(self._from.readline())

    def wait(self) -> int:
        """The exit status of the backfill that was begun last; below zero where it was killed."""
        return int(self._from.readline())


@contextmanager
def backfills(root: Path) -> Iterator[Backfills]:
    """The program for a project in a folder, ended with the block."""
    command = [sys.executable, "-m", __name__, str(root)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY, stderr=subprocess.DEVNULL
    ) as process:
        yield Backfills(process)
        process.communicate()  # the end of its input ends it


def _serve(root: Path) -> None:
    import html_classification.definitions  # noqa: F401 - takes seconds, once

    os.chdir(root)
    for line in sys.stdin:
        task = json.loads(line)
        child = os.fork()
        if not child:
            sys.stdout = sys.stderr
            os.environ.update(task["variables"])
            os._exit(_backfill(root, task["assets"], [date.fromisoformat(day) for day in task["days"]]))
        print(child, flush=True)
        status = os.waitpid(child, 0)[1]
        print(os.waitstatus_to_exitcode(status), flush=True)


def _backfill(root: Path, assets: Sequence[str], days: list[date]) -> int:
    """What the command does."""
    import dagster as dg

    from html_classification.automation.dead_runs import close_dead_runs
    from html_classification.automation.ranges import run_range
    from html_classification.definitions import defs

    folder = root / "dagster"
    folder.mkdir(exist_ok=True)
    with dg.DagsterInstance.local_temp(str(folder), INSTANCE) as instance:
        close_dead_runs(instance)
        result = run_range(defs, instance, {dg.AssetKey(asset.split("/")) for asset in assets}, days)
    return 1 if result.failed else 0


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
