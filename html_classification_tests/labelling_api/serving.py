"""The labelling API as a process of its own, on loopback.

Belongs here: the port, starting and ending the process, and what is needed to talk to it. Does not belong here: what it
answers (`app`).
"""

import os
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import orjson
from pydantic import BaseModel

from html_classification_tests.labelling_api.app import PATH, App, Terms
from html_classification_tests.labelling_api.ledger import Ledger

_REPOSITORY = Path(__file__).parent.parent.parent
#: Below those that the system gives away, and beside those of the S3 server.
_PORTS = range(23_000, 30_000)


class NoApiError(Exception):
    """The labelling API does not start."""


@dataclass(frozen=True)
class LabellingApi:
    """A running labelling API.

    Attributes:
        url: The address that documents are sent to.
        terms: What it is like.
        ledger: What it billed.
    """

    url: str
    terms: Terms
    ledger: Ledger

    @property
    def key(self) -> str:
        """The key of the account."""
        return self.terms.key

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead to it; what may be spent is not among them."""
        return {
            "HTML_CLASSIFICATION_LABELS": self.url,
            "HTML_CLASSIFICATION_LABELS_KEY": self.key,
            "HTML_CLASSIFICATION_LABELS_PRICE": str(self.terms.price),
        }


@contextmanager
def labelling_api(
    folder: Path,
    answers: Path | Mapping[str, str] | None = None,
    terms: Terms | None = None,
    port: int | None = None,
) -> Iterator[LabellingApi]:
    """A labelling API in a process of its own; it ends with the block, and also when this process dies.

    Args:
        folder: Where its ledger lies. One that is there already is gone on with: what it has is not billed again.
        answers: A label file, or the category of each normalized address; other documents it cannot categorize.
            None: any document, by the hash of its text.
        terms: What it is like; by default free of faults and limits.
        port: The port to try first; by default another one for each process.

    Raises:
        NoApiError: It does not start.
    """
    terms = terms or Terms()
    if isinstance(answers, Path):
        answers = read_labels(answers)
    folder.mkdir(parents=True, exist_ok=True)
    log_file = folder / "server.log"
    with _listen(port) as listening, log_file.open("wb") as log:
        # Bound and listening here, so that no other process can take the port before the server has it.
        command = [sys.executable, "-m", __name__, str(listening.fileno())]
        url = f"http://127.0.0.1:{listening.getsockname()[1]}{PATH}"
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=_REPOSITORY,
            pass_fds=[listening.fileno()],
            start_new_session=True,  # Ctrl-C is for the client, which goes on with what it has asked
        )
    try:
        task = _Task(folder=folder.resolve(), answers=answers, terms=terms)
        _begin(process, task, url, log_file)
        yield LabellingApi(url, terms, Ledger(folder))
    finally:
        process.kill()  # all that is to be kept is in the ledger already
        with suppress(OSError):
            process.communicate()


def read_labels(path: Path) -> dict[str, str]:
    """The category of each normalized address in a label file; of several the last, as everywhere."""
    from html_classification.transforms.urls import normalize_url

    labels = map(orjson.loads, path.read_bytes().splitlines())
    return {normalize_url(label["url"]): label["category"] for label in labels}


class _Task(BaseModel):
    """What the process is told: through a pipe, since the key is for nobody else."""

    folder: Path
    answers: dict[str, str] | None
    terms: Terms


def _listen(port: int | None) -> socket.socket:
    start = os.getpid() % len(_PORTS)
    for candidate in [*([port] if port else []), *_PORTS[start:], *_PORTS[:start]]:
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", candidate))
            listening.listen(2048)
        except OSError:
            listening.close()
        else:
            return listening
    message = f"no free port from {_PORTS[0]} to {_PORTS[-1]}"
    raise NoApiError(message)


def _begin(process: "subprocess.Popen[bytes]", task: _Task, url: str, log: Path) -> None:
    try:
        told = cast("IO[bytes]", process.stdin)
        told.write(task.model_dump_json().encode() + b"\n")
        told.flush()
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        direct.open(url, timeout=60)  # waits in the queue of connections until the server is there
    except urllib.error.HTTPError as error:
        assert error.code == 404
    except OSError:
        message = f"the labelling API did not start: {log.read_text()[-2000:]}"
        raise NoApiError(message) from None


def _serve(listening: socket.socket) -> None:
    import uvicorn
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    class Protocol(HttpToolsProtocol):
        """HTTP whose application may close the connection, which ASGI has no word for."""

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self.scope["extensions"] = {"connection": self.transport}  # type: ignore[dict-item]

    task = _Task.model_validate_json(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    app: Any = App(task.terms, Ledger(task.folder), task.answers)
    config = uvicorn.Config(app, http=Protocol, loop="uvloop", ws="none", lifespan="off", log_level="critical")
    uvicorn.Server(config).run([listening])


def _end_with_parent() -> None:
    sys.stdin.buffer.read()  # until nobody holds the other end any more
    os._exit(0)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
