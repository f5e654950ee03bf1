"""An S3 server that fails: tried again where that helps, one clear line where not, nothing half-published."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from html_classification.lake import Lake, LakeError, s3
from html_classification.lake.errors import StoreError
from html_classification.lake.store import Store
from html_classification_tests.faults.proxy import Fault, FaultyProxy, faulty_proxy
from html_classification_tests.faults.work import DAY, STAGE, assert_clean, assert_whole, publish, rows
from html_classification_tests.s3_server import free_ports

#: What passes by itself.
PASSING = ["500", "503", "conflict", "reset", "half", "lost", "cut", "hang"]
#: What no further attempt changes, and what is said of it.
REFUSALS = {
    "denied": r"access denied \(403 AccessDenied\); these credentials may not do that",
    "signature": r"the credentials are refused \(403 SignatureDoesNotMatch\); check AWS_ACCESS_KEY_ID",
    "token": r"the credentials have expired \(400 ExpiredToken\); renew them",
    "bucket": r"there is no such bucket \(404 NoSuchBucket\); check the bucket's name",
}
#: What is said where a fault does not pass.
LASTING = {
    "500": r"http://127\.0\.0\.1:\d+ answers 500 InternalError.*; run again later",
    "503": r"http://127\.0\.0\.1:\d+ answers 503 SlowDown.*; run again later",
    "reset": r"no answer from http://127\.0\.0\.1:\d+ \(the connection was lost\); check AWS_ENDPOINT_URL_S3",
    "hang": r"no answer from http://127\.0\.0\.1:\d+ \(no answer in time\); check AWS_ENDPOINT_URL_S3",
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    short = timedelta(milliseconds=300)
    pauses = {"first_pause": timedelta(milliseconds=5), "longest_pause": timedelta(milliseconds=20)}
    patience = replace(s3.PATIENCE, stalled=short, again=4 * short, attempts=2, slowest=1024**3, **pauses)
    monkeypatch.setattr(s3, "PATIENCE", patience)


@pytest.fixture
def proxy(bucket: str, s3_server: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    with faulty_proxy(s3_server["AWS_ENDPOINT_URL_S3"]) as made:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", made.endpoint)
        yield made


def one_line(error: BaseException) -> str:
    message = str(error)
    assert "\n" not in message
    assert all(secret not in message for secret in ("adminsecret", "Signature=", "X-Amz", "?"))
    return message


def requests_of(proxy: FaultyProxy, lake: Lake, day: date) -> int:
    """How many requests it takes to publish another version of a day."""
    publish(lake, "old", day)
    proxy.set()
    publish(Lake(lake.uri), "new", day)
    return len(proxy.seen)


@pytest.mark.parametrize("kind", PASSING)
def test_what_passes_is_tried_again_wherever_it_happens(kind: str, proxy: FaultyProxy, bucket: str) -> None:
    lake = Lake(f"{bucket}/lake")
    for position in range(requests_of(proxy, lake, DAY)):
        day = DAY + timedelta(days=position + 1)
        publish(lake, "old", day)
        # A conflict and half a body are faults of puts.
        proxy.set(Fault(kind, "PUT" if kind in ("conflict", "half") else ".*", times=1, after=position))
        done = publish(Lake(lake.uri), "new", day)
        happened = list(proxy.happened)
        proxy.set()
        assert happened or kind in ("conflict", "half")
        # A publication whose answer was lost is not made twice.
        assert [item.version for item in lake.history(STAGE, day)][1:] == [done.dataset.metadata.version]
        assert lake.read(STAGE, day).equals(rows("new"))
    assert_clean(lake)


@pytest.mark.parametrize("kind", [*LASTING, "lost", *REFUSALS])
def test_what_lasts_is_said_in_one_line_and_publishes_nothing_half(kind: str, proxy: FaultyProxy, bucket: str) -> None:
    lake = Lake(f"{bucket}/lake")
    requests = requests_of(proxy, lake, DAY)
    # All positions for some kinds; for others, of which each takes its time or is like one of those, some.
    for position in range(0, requests, 1 if kind in ("500", "reset", "lost", "denied") else 4):
        day = DAY + timedelta(days=position + 1)
        names = {publish(lake, "old", day).dataset.metadata.version: "old"}
        proxy.set(Fault(kind, after=position))
        with pytest.raises(StoreError) as caught:
            publish(Lake(lake.uri), "new", day)
        published = [at for at, seen in enumerate(proxy.seen) if re.match("PUT .*/published/", seen)]
        proxy.set()
        message = one_line(caught.value)
        assert f"s3://{bucket.removeprefix('s3://')}/lake" in message
        names |= {item.version: "new" for item in lake.history(STAGE, day) if item.version not in names}
        # It is published all the same where only the answer to that was lost, or what is looked at afterwards.
        assert assert_whole(lake, day, names) == ("new" if len(names) == 2 else "old")
        assert len(names) == 1 or position >= published[0]
        names[publish(lake, "new", day).dataset.metadata.version] = "new"
        assert assert_whole(lake, day, names) == "new"
        assert len(lake.history(STAGE, day)) == 2
    assert_clean(lake)


READING: dict[str, Callable[[Lake], Any]] = {
    "history": lambda lake: lake.history(STAGE, DAY)[0].version,
    "ls": lambda lake: [line.rows for line in lake.ls()],
    "metadata": lambda lake: lake.metadata(STAGE, DAY).version,
    "read": lambda lake: lake.read(STAGE, DAY).to_dicts(),
    "scan": lambda lake: lake.scan(STAGE, DAY).collect().to_dicts(),
    "stream": lambda lake: b"".join(lake.store.stream(lake.history(STAGE, DAY)[0].path)),
}


@pytest.mark.parametrize("how", READING)
def test_reading_tries_again_too(how: str, proxy: FaultyProxy, bucket: str) -> None:
    publish(Lake(f"{bucket}/lake"), "old")
    proxy.set()
    expected = READING[how](Lake(f"{bucket}/lake"))
    requests = len(proxy.seen)
    for kind in sorted(set(PASSING) - {"conflict", "half"}):
        for position in range(requests):
            proxy.set(Fault(kind, times=1, after=position))
            assert READING[how](Lake(f"{bucket}/lake")) == expected


@pytest.mark.parametrize("kind", [*LASTING, *REFUSALS])
@pytest.mark.parametrize("how", [how for how in READING if how != "scan"])
def test_what_cannot_be_read_is_said_in_one_line(how: str, kind: str, proxy: FaultyProxy, bucket: str) -> None:
    publish(Lake(f"{bucket}/lake"), "old")
    expected = (LASTING | REFUSALS)[kind]
    for path in ("", r"\.parquet") if how == "read" else ("",):
        proxy.set(Fault(kind, path=path))
        with pytest.raises(LakeError, match=expected) as caught:
            READING[how](Lake(f"{bucket}/lake"))
        assert one_line(caught.value).startswith(("cannot read s3://", "cannot list s3://"))
        assert "damaged" not in str(caught.value)


def test_a_refusal_is_not_tried_again(proxy: FaultyProxy, bucket: str) -> None:
    for kind, expected in REFUSALS.items():
        for action in (
            lambda store: store.put_new("a", b""),
            lambda store: store.list(),
            lambda store: store.find("a"),
        ):
            proxy.set(Fault(kind))
            with pytest.raises(StoreError, match=expected):
                action(Store(f"{bucket}/lake"))
            assert len(proxy.seen) == 1


@pytest.mark.parametrize("kind", ["500", "reset", "hang"])
def test_the_attempts_are_counted(kind: str, proxy: FaultyProxy, bucket: str) -> None:
    for action in (lambda store: store.put_new("a", b""), lambda store: store.list(), lambda store: store.find("a")):
        proxy.set(Fault(kind))
        with pytest.raises(StoreError):
            action(Store(f"{bucket}/lake"))
        assert len(proxy.seen) == 1 + s3.PATIENCE.attempts


def test_a_put_whose_answer_was_lost_is_known_as_ones_own(proxy: FaultyProxy, bucket: str) -> None:
    store = Store(f"{bucket}/lake")
    for kind in ("lost", "half", "hang", "reset"):
        proxy.set(Fault(kind, "PUT", times=1))
        assert store.put_new(kind, b"mine") is True
        assert store.get(kind) == b"mine"
    # Where another was there before, it stays, and is never taken for one's own.
    proxy.set(Fault("reset", "PUT", times=1))
    assert store.put_new("lost", b"another") is False
    assert store.get("lost") == b"mine"
    proxy.set()
    assert store.put_new("lost", b"mine") is False


def test_half_a_body_leaves_nothing(proxy: FaultyProxy, bucket: str) -> None:
    proxy.set(Fault("half", "PUT"))
    with pytest.raises(StoreError, match="the connection was lost"):
        Store(f"{bucket}/lake").put_new("large", b"x" * 3_000_000)
    proxy.set()
    assert Store(f"{bucket}/lake").list() == []


def test_a_large_put_has_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int | None] = []
    real = s3.open_s3
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_ports(1)[0]}")
    monkeypatch.setattr(s3, "open_s3", lambda *args, **options: opened.append(options["put"]) or real(*args, **options))
    for size in (10, 20, 20_000_000):
        with pytest.raises(StoreError):
            Store("s3://bucket/lake").put_new("a", b"x" * size)
    assert opened[-1] == 20_000_000
    assert opened[0] == opened[1] < 20_000_000


def test_what_is_too_large_for_one_put_is_refused_before_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "LARGEST_PUT", 10)
    with pytest.raises(StoreError, match=r"more than S3 takes at once .*; split the drop into several files"):
        Store("s3://bucket/lake").put_new("a", b"x" * 11)


def test_a_server_that_is_not_there(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_ports(1)[0]}")
    for action in (lambda lake: lake.ls(), lambda lake: publish(lake, "new")):
        with pytest.raises(
            StoreError, match=r"no answer from http://127\.0\.0\.1:\d+ \(connection refused\)"
        ) as caught:
            action(Lake(f"{bucket}/lake"))
        one_line(caught.value)


def test_a_server_whose_name_is_not_known(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://no-such-host.invalid")
    with pytest.raises(StoreError, match=r"no answer from http://no-such-host\.invalid \(its name is not known\)"):
        Store(f"{bucket}/lake").list()


def test_no_credentials_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(StoreError, match=r"no AWS credentials \(none found\): set AWS_ACCESS_KEY_ID") as caught:
        Lake("s3://bucket/lake").ls()
    one_line(caught.value)
