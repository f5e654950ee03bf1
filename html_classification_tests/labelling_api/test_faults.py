"""Faults of the labelling API: drawn the same each time, and never a second bill."""

import socket
import struct
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import orjson
import pytest

from html_classification_tests.labelling_api.app import Terms
from html_classification_tests.labelling_api.asking import ask, body, document, headers
from html_classification_tests.labelling_api.faults import BILLED, UNBILLED, BadAnswer, Faults, RequestFault
from html_classification_tests.labelling_api.serving import LabellingApi, labelling_api


def arrives(api: LabellingApi, key: str, number: int, timeout: float = 30) -> bytes | None:
    """The answer as a client gets it that looks at it; None where it must ask again."""
    try:
        answer = ask(api, key, body(number), timeout)
        orjson.loads(answer.content)
    except (httpx.TransportError, orjson.JSONDecodeError):
        return None
    return answer.content if answer.status_code == 200 else None


def test_faults_follow_from_the_seed_alone() -> None:
    keys = [f"key {number}" for number in range(2000)]
    one = Faults.evenly(requests=0.2, documents=0.1, seed=1)
    drawn = {key: one.of_attempt(key, 1) for key in keys}
    other = Faults.model_validate_json(one.model_dump_json())  # as the process gets it
    assert {key: other.of_attempt(key, 1) for key in reversed(keys)} == drawn
    assert {key: one.of_attempt(key, 2) for key in keys} != drawn
    assert {key: Faults.evenly(requests=0.2, seed=2).of_attempt(key, 1) for key in keys} != drawn
    counts = Counter(drawn.values())
    assert set(counts) == {None, *RequestFault}
    assert 0.15 < 1 - counts[None] / len(keys) < 0.25
    bad = Counter(map(one.of_document, keys))
    assert set(bad) == {None, *BadAnswer}
    assert 0.05 < 1 - bad[None] / len(keys) < 0.15


def test_only_so_many_attempts_fail() -> None:
    faults = Faults(requests={RequestFault.ERROR: 1}, attempts=2)
    assert [faults.of_attempt("key", attempt) for attempt in (1, 2, 3)] == [RequestFault.ERROR] * 2 + [None]
    assert [Faults(requests={RequestFault.ERROR: 1}).of_attempt("key", attempt) for attempt in (1, 99)] == ["500"] * 2


def test_every_kind_is_one_or_the_other() -> None:
    assert {*UNBILLED, *BILLED} == set(RequestFault)
    assert len(UNBILLED) + len(BILLED) == len(RequestFault)


@pytest.mark.parametrize("fault", list(RequestFault))
def test_after_a_fault_the_answer_comes_and_is_billed_once(tmp_path: Path, fault: RequestFault) -> None:
    terms = Terms(faults=Faults(requests={fault: 1}, attempts=1, late_seconds=30))
    with labelling_api(tmp_path, terms=terms) as api:
        assert arrives(api, "key", 1, timeout=2 if fault is RequestFault.LATE else 30) is None
        assert len(api.ledger.billed()) == (fault in BILLED)
        (item,) = ask(api, "key", body(1)).json()["results"]
    assert item["id"] == document(1)["id"]
    assert [one.answer for one in api.ledger.billed()] == [item]
    failed, answered = api.ledger.requests()
    assert (failed.fault, failed.attempt, failed.billed) == (fault, 1, int(fault in BILLED))
    assert (answered.fault, answered.attempt, answered.status) == (None, 2, 200)


def test_a_refusal_at_random_says_when_to_come_back(tmp_path: Path) -> None:
    with labelling_api(tmp_path, terms=Terms(faults=Faults(requests={RequestFault.TOO_MANY: 1}))) as api:
        answer = ask(api, "key", body(1))
    assert answer.status_code == 429
    assert 0 < float(answer.headers["Retry-After"]) < 1


def test_the_ledger_is_exact_under_faults_and_concurrency(tmp_path: Path) -> None:
    faults = Faults.evenly(requests=0.5, seed=5, late_seconds=0.3)
    with labelling_api(tmp_path, terms=Terms(latency=0.002, faults=faults)) as api:

        def until_it_arrives(number: int) -> bytes:
            while (answer := arrives(api, f"key {number}", number, timeout=0.2)) is None:
                pass
            return answer

        # Each key is asked for by three clients at once.
        numbers = [number for number in range(40) for _ in range(3)]
        with ThreadPoolExecutor(12) as clients:
            answers = list(clients.map(until_it_arrives, numbers))
    assert len(set(answers)) == 40
    assert api.ledger.times_billed() == Counter(document(number)["id"] for number in range(40))
    requests = api.ledger.requests()
    assert sum(request.billed for request in requests) == 40
    assert {request.fault for request in requests} == {None, *RequestFault}
    assert all(request.fault == faults.of_attempt(request.key, request.attempt) for request in requests)


def test_a_client_that_dies_finds_its_answer_later(tmp_path: Path) -> None:
    with labelling_api(tmp_path, terms=Terms(latency=0.2)) as api:
        request = httpx.Request("POST", api.url, json=body(1), headers=headers(api, "key"))
        lines = [b"POST %s HTTP/1.1" % request.url.raw_path]
        lines += [name + b": " + value for name, value in request.headers.raw]
        for end in (len(request.content), len(request.content) // 2, 0):  # once it was sent, within the body, before
            address = urlsplit(api.url)
            with socket.create_connection((address.hostname, address.port)) as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # as a kill does
                connection.sendall(b"\r\n".join([*lines, b"", request.content[:end]]) if end else lines[0])
        answer = ask(api, "key", orjson.loads(request.content))
    assert answer.json()["results"][0]["id"] == document(1)["id"]
    assert [request.billed for request in api.ledger.requests()] in ([1, 0], [1])
    assert len(api.ledger.billed()) == 1
