"""The public command in a folder of its own, and the programs of peers, as processes whose start-up counts.

Belongs here: `html-classification run` on a crawl, virtual environments of peers, what a process says. Does not belong
here: the crawls (`pages`), what is measured.
"""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.measure import KEPT
from html_classification.lake import Lake

REPOSITORY = Path(__file__).parent.parent
PROGRAMS = Path(__file__).parent / "programs"
DAY = "2026-03-01"
#: From a crawl drop to parsed pages.
PARSING = ("raw", "preprocess/url-normalization", "preprocess/html-parsing")


class CommandError(Exception):
    """A command failed; the message has the last lines that it said."""


class Pipeline:
    """A crawl and a lake in one folder, and the command on them.

    Args:
        folder: Where the lake and Dagster's files go.
        crawl: Where the crawl drops are.
        stages: The stages that are run.
    """

    def __init__(self, folder: Path, crawl: Path, stages: Sequence[str]) -> None:
        self.folder = folder
        self.stages = stages
        own = ("HTML_CLASSIFICATION_", "MLFLOW_", "DAGSTER_", "AWS_")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(own)} | {
            "HTML_CLASSIFICATION_LAKE": str(folder / "lake"),
            "HTML_CLASSIFICATION_CRAWL": str(crawl),
            "HTML_CLASSIFICATION_LABELS": str(folder / "labels.jsonl"),
            "HTML_CLASSIFICATION_START_DATE": DAY,
            "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}",
            "DAGSTER_HOME": str(folder),
        }

    @property
    def command(self) -> list[str]:
        """The command, to be run in the folder with the environment."""
        selected = [word for stage in self.stages for word in ("--select", stage)]
        program = str(Path(sys.executable).parent / "html-classification")
        return [program, "run", "--from", DAY, "--to", DAY, *selected]

    def clear(self) -> None:
        """Nothing has been run yet."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        shutil.copy(REPOSITORY / "dagster.yaml", self.folder)

    def run(self) -> None:
        """Materialize the day.

        Raises:
            CommandError: The command failed.
        """
        output(self.command, cwd=self.folder, environment=self.environment)

    def rows(self) -> int:
        """How many rows the last stage has."""
        return Lake(str(self.folder / "lake")).metadata(self.stages[-1], DAY).statistics.rows

    def seconds(self) -> float:
        """The seconds that the stages took by their own metadata: without start-up and Dagster."""
        lake = Lake(str(self.folder / "lake"))
        return sum(lake.metadata(stage, DAY).workflow.seconds for stage in self.stages)


def python_with(name: str, *requirements: str) -> Path:
    """The Python of a virtual environment that has these packages, made once and kept.

    Raises:
        CommandError: They cannot be installed.
    """
    folder = KEPT / name
    python, installed = folder / "bin" / "python", folder / "installed"
    if not installed.exists():
        KEPT.mkdir(exist_ok=True)
        venv.create(folder, with_pip=True, clear=True)
        output([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements])
        installed.touch()
    return python


def output(command: Sequence[str], cwd: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    """What a command prints.

    Raises:
        CommandError: It failed.
    """
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=cwd, env=environment)
    if done.returncode:
        said = " / ".join((done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-3:])
        message = f"{' '.join(command)} failed: {said}"
        raise CommandError(message)
    return done.stdout
