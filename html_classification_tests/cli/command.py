"""Running the command line in tests: the real program, also on a terminal, and `lake` commands in this process.

Belongs here: starting it, and what it said. Does not belong here: what it should say.
"""

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from html_classification.cli import main
from html_classification.cli.output import out
from html_classification_tests.pages import Project

PROGRAM = Path(sys.executable).parent / "html-classification"


@dataclass(frozen=True)
class Answer:
    """What the program said."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The lines on stdout."""
        return self.out.splitlines()

    @property
    def error(self) -> str:
        """The one line on stderr, where nothing is on stdout."""
        assert self.code
        assert self.out == ""
        (line,) = self.err.splitlines()
        assert line.startswith("html-classification: ")
        assert line.isprintable()
        return line.removeprefix("html-classification: ")


LakeCommand = Callable[..., Answer]


def in_process(command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> LakeCommand:
    """What runs a command or one of a group in this process, from its arguments to its exit status.

    The real program takes a second to start.
    """

    def run(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["html-classification", command, *arguments])
        monkeypatch.setattr(out, "file", sys.stdout)
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Answer(int(ended.value.code or 0), said.out, said.err)

    return run


def environment(folder: Path, changes: dict[str, str]) -> dict[str, str]:
    """The variables of a project in this folder, and no others of this project."""
    own = ("HTML_CLASSIFICATION_", "MLFLOW_", "DAGSTER_", "AWS_", "FORCE_COLOR")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return inherited | Project(folder).environment | changes


def call(folder: Path, *arguments: str, **changes: str) -> Answer:
    """Run the program in a folder."""
    done = subprocess.run(
        [PROGRAM, *arguments],
        cwd=folder,
        env=environment(folder, changes),
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def call_on_a_terminal(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit status and what a terminal receives."""
    ours, terminal = pty.openpty()
    variables = environment(folder, {"TERM": "xterm-256color"})
    process = subprocess.Popen(
        [PROGRAM, *arguments], cwd=folder, env=variables, stdin=terminal, stdout=terminal, stderr=terminal
    )
    os.close(terminal)
    received = b""
    try:
        while piece := os.read(ours, 65536):
            received += piece
    except OSError:  # how Linux says that nobody holds the other end any more
        pass
    finally:
        os.close(ours)
    return process.wait(timeout=60), received.decode()
