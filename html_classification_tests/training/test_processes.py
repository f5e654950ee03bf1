"""Processes that train: side by side, one may die without the others, all end when they are told to."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from html_classification.training.errors import TrainingError, TrainingStoppedError
from html_classification.training.processes import TrainingPool


@pytest.fixture
def pool() -> Iterator[TrainingPool]:
    made = TrainingPool(2)
    yield made
    made.close()


def own_id(wait_for: int, folder: str) -> int:
    """Says that it is there, and waits until so many are."""
    (Path(folder) / str(os.getpid())).touch()
    while len(list(Path(folder).iterdir())) < wait_for:
        time.sleep(0.01)
    return os.getpid()


def fail(message: str) -> None:
    raise TrainingError(message)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def sleep(folder: str) -> None:
    (Path(folder) / "begun").touch()
    time.sleep(600)


def test_two_are_trained_at_once_and_none_in_this_process(pool: TrainingPool, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as threads:
        ids = set(threads.map(lambda _: pool.run(own_id, 2, str(tmp_path)), range(2)))
    assert len(ids) == 2
    assert os.getpid() not in ids


def test_without_processes_it_is_done_here(tmp_path: Path) -> None:
    assert TrainingPool(0).run(own_id, 1, str(tmp_path)) == os.getpid()


def test_an_error_comes_back_as_it_was_raised(pool: TrainingPool) -> None:
    with pytest.raises(TrainingError, match="nothing to learn from"):
        pool.run(fail, "nothing to learn from")


def test_a_process_that_dies_takes_no_other_training_along(pool: TrainingPool, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as threads:
        dying = threads.submit(pool.run, die)
        living = threads.submit(pool.run, own_id, 1, str(tmp_path))
        with pytest.raises(TrainingError, match=r"ended by itself .* is there enough memory"):
            dying.result()
        assert living.result() != os.getpid()
    assert pool.run(own_id, 1, str(tmp_path))


def test_closing_ends_a_training_at_once(pool: TrainingPool, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(pool.run, sleep, str(tmp_path))
        while not (tmp_path / "begun").exists():
            time.sleep(0.01)
        pool.close()
        with pytest.raises(TrainingStoppedError):
            waiting.result(timeout=60)
    with pytest.raises(TrainingStoppedError):
        pool.run(own_id, 1, str(tmp_path))
