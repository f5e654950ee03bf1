"""Worker processes: results in order, all cores, and one piece lost where one dies."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from html_classification.streams.workers import Death, Watch, Workers
from html_classification_tests.streams import work


def give_up(piece: Any, death: Death) -> Any:
    raise RuntimeError(death.reason)


def test_results_come_in_the_order_of_the_pieces(workers: Workers) -> None:
    assert list(workers.map(work.square, range(50), give_up)) == [number * number for number in range(50)]


def test_all_processes_work(workers: Workers) -> None:
    assert len(set(workers.map(work.process_id, range(12), give_up))) == workers.count


def test_pieces_are_asked_for_only_as_they_are_needed(workers: Workers) -> None:
    asked: list[int] = []

    def pieces() -> Iterator[int]:
        for number in range(1000):
            asked.append(number)
            yield number

    results = workers.map(work.square, pieces(), give_up)
    assert [next(results) for _ in range(5)] == [0, 1, 4, 9, 16]
    assert len(asked) < 20
    results.close()


def test_a_worker_that_dies_takes_one_piece_with_it(workers: Workers) -> None:
    deaths: list[tuple[int, int]] = []

    def instead(piece: int, death: Death) -> int:
        deaths.append((piece, death.exit_code))
        return -7

    results = list(workers.map(work.die_of_seven, range(30), instead))
    assert results == [-7 if number == 7 else number for number in range(30)]
    assert deaths == [(7, -signal.SIGKILL)]


def test_what_a_piece_raises_is_raised_here(workers: Workers) -> None:
    with pytest.raises(ValueError, match="three"):
        list(workers.map(work.fail_at_three, range(30), give_up))
    assert list(workers.map(work.square, range(3), give_up)) == [0, 1, 4]


def test_a_document_that_takes_too_long_ends_its_worker(workers: Workers, tmp_path: Path) -> None:
    marker = tmp_path / "at"
    with pytest.raises(RuntimeError, match="took too much processor time"):
        list(workers.map(work.spin, [marker], give_up))
    assert Watch.at(marker) == 5


def test_time_is_counted_for_each_document(workers: Workers, tmp_path: Path) -> None:
    marker = tmp_path / "at"
    assert list(workers.map(work.spin_between, [marker], give_up)) == ["done"]
    assert Watch.at(marker) is None  # it is at none any more


def test_memory_is_limited() -> None:
    with Workers(1, memory_mib=256) as few:
        assert list(few.map(work.take_memory, [64, 1024, 64], give_up)) == [64 * 1024**2, -1, 64 * 1024**2]


def test_an_interrupt_is_for_the_one_who_started_them(workers: Workers) -> None:
    assert list(workers.map(work.interrupt, [1], give_up)) == [1]


def test_processes_that_die_while_nothing_is_to_be_done_are_replaced() -> None:
    with Workers(2) as some:
        for process in set(some.map(work.process_id, range(8), give_up)):
            os.kill(process, signal.SIGKILL)
        time.sleep(1)
        assert list(some.map(work.square, range(5), give_up)) == [0, 1, 4, 9, 16]


def test_a_pool_can_be_closed_and_used_again() -> None:
    workers = Workers(1)
    assert list(workers.map(work.square, [2], give_up)) == [4]
    workers.close()
    assert list(workers.map(work.square, [3], give_up)) == [9]
    workers.close()
