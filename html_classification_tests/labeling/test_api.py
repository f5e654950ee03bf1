"""A labelling API that answers as none should: what is asked stays patient, bounded, and keeps the key to itself."""

import asyncio
import gzip
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from html_classification.labeling import api as api_module
from html_classification.labeling.answers import Answer
from html_classification.labeling.api import LabellingApi, LabellingError, NotNowError, RefusedError, UnansweredError
from html_classification.labeling.orders import Document, Request
from html_classification.labeling.terms import Terms

KEY = "sk/sesame+open"
SHA1 = "a" * 40
REQUEST = Request(key="k", documents=(Document(id=SHA1, url="https://news.example/", title="", text="a"),))
Say = Callable[..., str]


class Server:
    """Answers each connection with the next of some bytes, the last one for ever, and keeps what it was sent."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/ask"
        self.replies: list[bytes] = []
        self.asked: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                asked = b""
                while b"\r\n\r\n" not in asked or not asked.endswith(b"}"):
                    asked += connection.recv(65536)
                self.asked.append(asked)
                connection.sendall(self.replies[min(len(self.asked), len(self.replies)) - 1])

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(api_module, "_FIRST_WAIT", 0.001)
    made = Server()
    yield made
    made.close()


def reply(body: Any, status: int = 200, **headers: str) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"Content-Length": str(len(data)), "Connection": "close"} | {
        k.replace("_", "-"): v for k, v in headers.items()
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + data


def item(**changed: Any) -> dict[str, Any]:
    return {"id": SHA1, "category": "sports", "confidence": 0.9, "cost": "0.002"} | changed


def ask(server: Server, *replies: bytes, timeout: float = 5) -> Answer:
    server.replies = list(replies)
    server.asked.clear()
    terms = Terms.model_validate(
        {
            "url": server.url,
            "price": 1,
            "budget_per_day": 1,
            "budget_per_month": 1,
            "timeout": timeout,
            "concurrency": 1,
        }
    )

    async def go() -> list[Answer]:
        async with LabellingApi(terms, SecretStr(KEY)) as api:
            return await api.ask(REQUEST, ("sports",))

    (answer,) = asyncio.run(go())
    return answer


def test_a_request_has_the_key_the_idempotency_key_and_the_documents(server: Server) -> None:
    assert ask(server, reply({"model": "m", "results": [item()]})).category == "sports"
    head, _, body = server.asked[0].partition(b"\r\n\r\n")
    assert f"authorization: bearer {KEY}".encode() in head.lower()
    assert b"idempotency-key: k" in head.lower()
    document = {"id": SHA1, "url": "https://news.example/", "title": "", "text": "a"}
    assert json.loads(body) == {"documents": [document], "categories": ["sports"]}


@pytest.mark.parametrize("escape", [lambda text: text, lambda text: text.replace("/", "\\/").replace("+", "\\u002b")])
@pytest.mark.parametrize("status", [200, 401, 500])
def test_a_key_that_is_repeated_goes_nowhere(
    server: Server, escape: Callable[[str], str], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = {"model": KEY, "results": [item(category=KEY, note=[KEY])], "error": {"message": f"Bearer {KEY} is wrong"}}
    body = escape(json.dumps(said)).encode()
    try:
        told = ask(server, reply(body, status)).model_dump_json()
    except (LabellingError, UnansweredError) as error:
        told = str(error)
    assert "***" in told
    assert KEY not in told + "".join(record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("raw", [f"Bearer {KEY}\r\n\r\n", f"HTTP/1.1 200 X\r\nBearer {KEY}\r\n\r\n"])
def test_a_key_in_what_is_no_http_goes_nowhere(server: Server, raw: str) -> None:
    with pytest.raises(UnansweredError) as caught:
        ask(server, raw.encode())
    assert KEY not in str(caught.value)
    assert len(server.asked) == api_module.ATTEMPTS


def test_no_proxy_is_sent_the_key_of_an_api_on_this_machine(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert ask(server, reply({"model": "m", "results": [item()]})).category == "sports"


@pytest.mark.parametrize(
    "bad",
    [
        reply(b"<html>"),
        reply({"error": {"message": "no"}, "results": []}),
        reply({}, 503),
        reply({}, 500, Retry_After="0"),
        reply({}, 429, Retry_After="0"),
        reply({}, 429, Retry_After="Wed, 01 Jan 2020 00:00:00 GMT"),
        reply({}, 409, Retry_After="0.01"),
        reply({"model": "m", "results": [item()]})[:-9],
        reply(gzip.compress(b"[" + b" " * 10**6 + b"]"), Content_Encoding="gzip"),
        b"",
    ],
)
def test_what_may_pass_is_tried_again(server: Server, bad: bytes) -> None:
    assert ask(server, bad, bad, reply({"model": "m", "results": [item()]})).category == "sports"
    assert len({asked.partition(b"\r\n\r\n")[2] for asked in server.asked}) == 1


@pytest.mark.parametrize(("status", "may_split"), [(413, True), (422, True), (400, False)])
def test_what_is_refused_is_not_tried_again(server: Server, status: int, may_split: bool) -> None:
    with pytest.raises(RefusedError, match=f"status {status}") as caught:
        ask(server, reply({}, status))
    assert caught.value.may_split == may_split
    with pytest.raises(RefusedError) as caught:
        ask(server, reply({}, 500), reply({}, status))  # the attempt before may have been billed
    assert not caught.value.may_split


def test_a_quota_that_begins_again_tomorrow_is_not_waited_for(server: Server) -> None:
    with pytest.raises(NotNowError, match="come back in 60 minutes"):
        ask(server, reply({}, 429, Retry_After="3600"))
    with pytest.raises(NotNowError, match="no credit: pay"):
        ask(server, reply({"error": {"message": "pay"}}, 402))


def test_redirects_are_not_followed(server: Server) -> None:
    with pytest.raises(LabellingError, match=r"does not answer as a labelling API \(status 302\)"):
        ask(server, reply({}, 302, Location="http://127.0.0.1:1/"))


def test_a_result_nested_without_end_is_kept_as_far_as_it_can_be(server: Server) -> None:
    body = json.dumps({"model": "m", "results": [item(x="deep")]}).replace('"deep"', "[" * 400 + "]" * 400)
    answer = ask(server, reply(body.encode()))
    assert answer.category == "sports"
    assert json.loads(answer.answer)["x"] is None


def test_a_result_of_megabytes_is_cut(server: Server) -> None:
    answer = ask(server, reply({"model": "m", "results": [item(note="x" * 10**6)]}))
    assert len(answer.answer) < 70_000
    json.loads(answer.answer)


def test_an_answer_dated_ahead_of_time_is_of_now(server: Server) -> None:
    answer = ask(server, reply({"model": "m", "results": [item(labelled_at="9999-01-01T00:00:00Z")]}))
    assert answer.labelled_at.year < 9999
