"""What every command shares: errors of one line, Ctrl-C, an output that cannot be written, the order of the help.

Belongs here: the program as a whole. Does not belong here: single commands.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from html_classification.lake import Lake
from html_classification_tests.cli.command import PROGRAM, call, environment, in_process
from html_classification_tests.lake.builds import pages, put

STOPPED_WHILE_IMPORTING = """
import sys
class Stop:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Stop())
from html_classification.cli import main
main()
"""


@pytest.mark.parametrize("arguments", [("ls",), ("ls", "--json")])
def test_an_output_that_cannot_be_written_is_one_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    put(Lake(str(tmp_path / "lake")), pages(a="1"))
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [PROGRAM, "lake", *arguments],
            env=environment(tmp_path, {"HTML_CLASSIFICATION_LAKE": str(tmp_path / "lake")}),
            cwd=tmp_path,
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("html-classification: cannot write the output: No space left on device; ")


def test_ctrl_c_while_importing_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STOPPED_WHILE_IMPORTING], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "html-classification: stopped\n")


def test_ctrl_c_in_a_command_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stopped(self: Lake, *_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Lake, "ls", stopped)
    answer = in_process("lake", monkeypatch, capsys)("ls")
    assert (answer.code, answer.error) == (130, "stopped")


@pytest.mark.parametrize("uri", ["s3://", "s3:///prefix"])
def test_a_lake_without_a_bucket_is_one_line(tmp_path: Path, uri: str) -> None:
    answer = call(tmp_path, "lake", "ls", HTML_CLASSIFICATION_LAKE=uri)
    assert answer.error == f"{uri} names no bucket: give s3://bucket/prefix"


def test_the_help_goes_from_looking_to_deleting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = in_process("lake", monkeypatch, capsys)("--help").out.split("Commands", 1)[1]
    names = ["ls", "show", "history", "diff", "rollback", "snapshot", "verify", "reproduce", "gc"]
    assert [words[1] for line in said.splitlines() if len(words := line.split()) > 1 and words[1] in names] == names
