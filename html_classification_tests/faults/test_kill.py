"""A writer killed at every step: readers see the old version or the new one, a rerun completes."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import pytest

from html_classification.lake import Lake
from html_classification.lake.store import Objects, Store, Written
from html_classification_tests.faults.work import (
    DAY,
    OBJECTS,
    STAGE,
    assert_clean,
    assert_spotless,
    assert_whole,
    aws_environment,
    collect_leftovers,
    processes,
    publish,
    rows,
)


@dataclass(frozen=True)
class Moment:
    """When a process dies: before, after or within its n-th put or listing."""

    when: str
    action: str
    nth: int = 1


MOMENTS = [Moment(when, "put", nth) for nth in range(1, OBJECTS + 1) for when in ("before", "after")]
MOMENTS += [Moment("before", "list"), Moment("after", "list")]
WITHIN = [Moment("within", "put", nth) for nth in range(1, OBJECTS + 1)]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DyingStore(Store):
    """A store whose process kills itself at some moment."""

    def __init__(self, uri: str, moment: Moment) -> None:
        super().__init__(uri)
        self._moment, self._lock = moment, Lock()
        self._done = {"put": 0, "list": 0}

    def _step(self, when: str, action: str) -> bool:
        """Count an action that begins; whether the moment is this one."""
        self._done[action] += when == "before"
        return self._moment == Moment(when, action, self._done[action])

    def put_new(self, path: str, data: bytes) -> bool:
        with self._lock:  # one at a time, so that every moment comes
            if self._step("before", "put"):
                die()
            if self._step("within", "put"):
                self._leave_half(path, data)
            written = super().put_new(path, data)
            if self._step("after", "put"):
                die()
            return written

    def write_new(self, path: str, write: Callable[[str | BinaryIO], None]) -> Written:
        if self.is_s3:  # goes on to put_new
            return super().write_new(path, write)

        def write_half(file: str | BinaryIO) -> None:
            write(file)
            assert isinstance(file, str)
            os.truncate(file, Path(file).stat().st_size // 2)
            die()

        with self._lock:
            if self._step("before", "put"):
                die()
            written = super().write_new(path, write_half if self._step("within", "put") else write)
            if self._step("after", "put"):
                die()
            return written

    def _leave_half(self, path: str, data: bytes) -> None:
        """What obstore has on the disk in the middle of a put."""
        unfinished = Path(self.root, f"{path}#1")
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(data[: len(data) // 2])
        die()

    def list(self, prefix: str = "") -> Objects:
        if self._step("before", "list"):
            die()
        found = super().list(prefix)
        if self._step("after", "list"):
            die()
        return found


def publish_and_die(environment: dict[str, str], uri: str, day: date, moment: Moment) -> None:
    """In a child."""
    os.environ.update(environment)
    lake = Lake(uri)
    lake.store = DyingStore(uri, moment)
    publish(lake, "new", day)


def killed(uri: str, day: date, moment: Moment) -> int | None:
    process = processes().Process(target=publish_and_die, args=(aws_environment(), uri, day, moment))
    process.start()
    process.join(60)
    return process.exitcode


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_killed_at_every_step(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    lake = Lake(str(tmp_path / "lake") if kind == "folder" else request.getfixturevalue("bucket") + "/lake")
    moments = MOMENTS + (WITHIN if kind == "folder" else [])
    cases = [(moment, after) for moment in moments for after in ("new", "other")]
    for number, (moment, after) in enumerate(cases):
        day = DAY + timedelta(days=number)
        names = {publish(lake, "old", day).dataset.metadata.version: "old"}
        assert killed(lake.uri, day, moment) == -signal.SIGKILL, moment
        published = moment == Moment("after", "put", OBJECTS)
        names |= {item.version: "new" for item in lake.history(STAGE, day) if item.version not in names}
        assert len(names) == 1 + published
        assert assert_whole(lake, day, names) == ("new" if published else "old"), moment
        # Either the same is run again, or something else is, and what was left stays behind.
        names[publish(lake, after, day).dataset.metadata.version] = after
        assert assert_whole(lake, day, names) == after, moment
    assert_clean(lake)
    removed = collect_leftovers(lake)
    assert {decision.why for decision in removed} == {"incomplete", "unpublished"}
    left_behind = {DAY + timedelta(days=number) for number, (_, after) in enumerate(cases) if after == "other"}
    assert {decision.version.day for decision in removed} <= left_behind
    assert_spotless(lake)
    for number, (_, after) in enumerate(cases):
        assert lake.read(STAGE, DAY + timedelta(days=number)).equals(rows(after))
