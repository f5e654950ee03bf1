"""`dev`: both user interfaces, started and ended together."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from html_classification.automation.serving import serve
from html_classification.settings import SettingsError
from html_classification_tests.pages import Project
from html_classification_tests.s3_server import free_ports

PROGRAM = Path(sys.executable).parent / "html-classification"


def wait_until_it_answers(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=2)
        except OSError:
            time.sleep(0.3)
        else:
            return
    pytest.fail(f"nothing answers on port {port}; the program's status is {process.poll()}")


def children(pid: int) -> set[int]:
    """All descendants of a process, from /proc."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    found, size = {pid}, 0
    while len(found) > size:
        size = len(found)
        found |= {child for child, parent in parents.items() if parent in found}
    return found - {pid}


@pytest.mark.skipif(sys.platform != "linux", reason="looks for left-over processes in /proc")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_both_interfaces_answer_and_end_without_a_trace(project: Project, ending: signal.Signals) -> None:
    dagster_port, mlflow_port = free_ports(2)
    (project.root / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    (project.root / "workspace.yaml").write_text("load_from:\n  - python_module: html_classification.definitions\n")
    environment = os.environ | project.environment | {"DAGSTER_HOME": str(project.root)}
    command = [PROGRAM, "dev", "--port", str(dagster_port), "--mlflow-port", str(mlflow_port)]
    said = project.root / "said.txt"
    with said.open("wb") as log:
        process = subprocess.Popen(command, cwd=project.root, env=environment, stdout=log, stderr=log)
        try:
            wait_until_it_answers(dagster_port, process)
            wait_until_it_answers(mlflow_port, process)
            started = children(process.pid)
            process.send_signal(ending)
            assert process.wait(timeout=60) == 0
        finally:
            for pid in children(process.pid):  # none, where the program did what it should
                os.kill(pid, signal.SIGKILL)
            process.kill()
            process.wait()
    deadline = time.monotonic() + 20
    while (left := {pid for pid in started if Path(f"/proc/{pid}").exists()}) and time.monotonic() < deadline:
        time.sleep(0.3)
    assert not left
    text = said.read_text()
    assert "Traceback" not in text
    assert "Warning" not in text


def test_a_taken_port_is_said_in_one_line(project: Project) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (project.root / "dagster.yaml").touch()
        with pytest.raises(SettingsError, match=f"port {port} is taken.*--port"):
            serve(port, 5000)
