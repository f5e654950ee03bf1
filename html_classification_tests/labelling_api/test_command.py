"""A command with a labelling API beside it: what `make demo` runs."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from html_classification_tests.labelling_api.serving import labelling_api
from html_classification_tests.pages import REPOSITORY

#: Buys the answer to one document, tells where, and goes as told.
BUY = """
import json, os, sys, time, httpx
variables = {name: value for name, value in os.environ.items() if name.startswith("HTML_CLASSIFICATION_LABELS")}
headers = {"Authorization": "Bearer " + variables.pop("HTML_CLASSIFICATION_LABELS_KEY"), "Idempotency-Key": sys.argv[1]}
documents = [{"id": sys.argv[1], "url": "https://pages.example/1", "title": "", "text": sys.argv[1]}]
answer = httpx.post(variables["HTML_CLASSIFICATION_LABELS"], json={"documents": documents}, headers=headers).json()
print(json.dumps([os.getpid(), variables, answer["results"][0]["category"]]), flush=True)
exec(sys.argv[2])
"""


@pytest.fixture
def beside(tmp_path: Path) -> Callable[..., "subprocess.Popen[str]"]:
    """What starts the API and a command beside it, in a session of their own, as on a terminal."""
    (tmp_path / "labels.jsonl").write_text('{"url": "https://pages.example/1", "category": "sports"}\n')

    def start(identifier: str, then: str, *options: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "html_classification_tests.labelling_api"]
        command += [f"--labels={tmp_path / 'labels.jsonl'}", f"--folder={tmp_path / 'api'}", *options]
        command += ["--", sys.executable, "-c", BUY, identifier, then]
        return subprocess.Popen(
            command, cwd=REPOSITORY, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )

    return start


def has_ended(url: str) -> bool:
    """Whether nothing listens there any more, at the latest in a while."""
    address, deadline = urlsplit(url), time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((str(address.hostname), address.port or 0)):
                return True
        time.sleep(0.05)
    return False


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_command_buys_once_and_its_status_is_passed_on(beside: Callable[..., "subprocess.Popen[str]"]) -> None:
    process = beside("a", "sys.exit(3)", "--price=0.005", "--budget-per-day=1", "--budget-per-month=2.50")
    out, err = process.communicate()
    told, *bought = filter(None, out.splitlines())
    _, variables, category = json.loads(told)
    assert (process.returncode, category, err) == (3, "sports", "")
    assert has_ended(variables.pop("HTML_CLASSIFICATION_LABELS"))
    assert variables == {
        "HTML_CLASSIFICATION_LABELS_PRICE": "0.005",
        "HTML_CLASSIFICATION_LABELS_BUDGET_PER_DAY": "1",
        "HTML_CLASSIFICATION_LABELS_BUDGET_PER_MONTH": "2.50",
    }
    assert bought[0] == "Labels bought now: 1 documents for 0.005 EUR"
    assert bought[1].endswith("ledger.jsonl: 1 documents for 0.005 EUR in all, billed twice: 0")
    again = beside("a", "sys.exit(0)")
    assert again.communicate()[0].splitlines()[-2:] == ["Labels bought now: nothing", bought[1]]
    assert again.returncode == 0


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left(beside: Callable[..., "subprocess.Popen[str]"], sent: signal.Signals) -> None:
    process = beside("a", "time.sleep(300)")
    pid, variables, _ = json.loads(process.stdout.readline())
    if sent is signal.SIGINT:
        os.killpg(process.pid, sent)  # as a terminal does
    else:
        process.send_signal(sent)
    process.wait(60)
    assert has_ended(variables["HTML_CLASSIFICATION_LABELS"])
    if sent is signal.SIGKILL:  # which nobody can pass on
        os.kill(pid, sent)
    else:
        assert not is_alive(pid)
        assert process.returncode == 128 + sent
    process.communicate()


def test_what_cannot_be_run_is_one_line(beside: Callable[..., "subprocess.Popen[str]"], tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").unlink()
    out, err = beside("a", "").communicate()
    assert out == ""
    assert err.splitlines() == [f"labelling_api: [Errno 2] No such file or directory: '{tmp_path / 'labels.jsonl'}'"]


def test_the_api_ends_with_the_block(tmp_path: Path) -> None:
    with labelling_api(tmp_path) as api:
        assert urlsplit(api.url).port is not None
    assert has_ended(api.url)
