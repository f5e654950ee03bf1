"""A store that fails: a reverse proxy on loopback in front of the real S3 server.

Belongs here: passing requests on, and the faults that happen to them on the way. Does not belong here: what
must come of them (the tests).
"""

import http.client
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_XML = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
#: What S3 answers, by the name that a fault has here.
ANSWERS = {
    "500": (500, "InternalError", "We encountered an internal error. Please try again."),
    "503": (503, "SlowDown", "Please reduce your request rate."),
    "denied": (403, "AccessDenied", "Access Denied"),
    "signature": (403, "SignatureDoesNotMatch", "The request signature we calculated does not match."),
    "bucket": (404, "NoSuchBucket", "The specified bucket does not exist"),
    "conflict": (409, "ConditionalRequestConflict", "The conditional request cannot succeed due to a conflict."),
    "token": (400, "ExpiredToken", "The provided token has expired."),
}
#: Of what the server sends for one request, only this much arrives where a fault cuts it.
_CUT = 50


@dataclass
class Fault:
    """What happens to requests: some of the first, or all.

    Attributes:
        kind: A key of `ANSWERS`, `reset` (before the server hears of the request), `half` (the connection breaks in
            the request), `lost` (the server does what it is asked, its answer is lost), `cut` (the connection breaks
            within the answer), or `hang` (no answer ever).
        method: The methods that it happens to, as a regular expression.
        path: Where in the path and query, as a regular expression.
        times: How often; None for ever.
        after: So many of those requests pass first.
    """

    kind: str
    method: str = ".*"
    path: str = ""
    times: int | None = None
    after: int = 0


@dataclass
class FaultyProxy:
    """The proxy: its address, the faults to come, and what it saw.

    Attributes:
        endpoint: Where it listens.
        faults: The faults; the first that fits a request happens to it.
        seen: Method and path of each request.
        happened: Those that something happened to.
    """

    endpoint: str = ""
    faults: list[Fault] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    happened: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    ended: threading.Event = field(default_factory=threading.Event)

    def fault(self, method: str, path: str) -> str | None:
        """The kind of fault for a request, counted."""
        with self.lock:
            self.seen.append(f"{method} {path}")
            for one in self.faults:
                if one.times != 0 and re.fullmatch(one.method, method) and re.search(one.path, path):
                    one.after -= 1
                    if one.after >= 0:
                        continue
                    one.times = None if one.times is None else one.times - 1
                    self.happened.append(f"{method} {path}")
                    return one.kind
        return None

    def set(self, *faults: Fault) -> None:
        """Other faults from now on, and nothing seen yet."""
        with self.lock:
            self.faults = list(faults)
            self.seen.clear()
            self.happened.clear()


@contextmanager
def faulty_proxy(upstream: str) -> Iterator[FaultyProxy]:
    """A proxy in front of the server at an address, without faults at first."""
    target = urlsplit(upstream).netloc
    proxy = FaultyProxy()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kind = proxy.fault(self.command, self.path)
            if kind == "hang":
                proxy.ended.wait()
                self._reset()
            elif kind == "reset":
                self._reset()
            elif kind in ANSWERS:
                status, code, message = ANSWERS[kind]
                content = b"" if self.command == "HEAD" else _XML.format(code=code, message=message).encode()
                self._answer(status, [("Content-Type", "application/xml")], content, len(content))
            else:
                self._pass_on(body, kind)

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _handle  # noqa: N815

        def _pass_on(self, body: bytes, kind: str | None) -> None:
            connection = http.client.HTTPConnection(target, timeout=60)
            try:
                # The Host header stays as it is: the signature covers it.
                connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    connection.putheader(name, value)
                connection.endheaders(body[: len(body) // 2] if kind == "half" else body)
                if kind == "half":
                    self._reset()
                    return
                response = connection.getresponse()
                content = response.read()
            finally:
                connection.close()
            if kind == "lost":
                self._reset()
                return
            length = int(response.getheader("Content-Length") or len(content))
            skipped = ("transfer-encoding", "content-length", "connection")
            headers = [(name, value) for name, value in response.getheaders() if name.lower() not in skipped]
            self._answer(response.status, headers, content[:_CUT] if kind == "cut" else content, length)
            if kind == "cut":
                self._reset()

        def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes, length: int) -> None:
            self.send_response_only(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(content)

        def _reset(self) -> None:
            with suppress(OSError):
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            self.close_connection = True

        def handle(self) -> None:
            with suppress(OSError, ValueError):
                super().handle()

        def finish(self) -> None:
            with suppress(OSError, ValueError):
                super().finish()

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    proxy.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        proxy.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
