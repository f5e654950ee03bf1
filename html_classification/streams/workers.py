"""Worker processes.

Belongs here: a pool that lives as long as a run, keeps all cores busy, and survives what kills one of its processes.
Does not belong here: what the workers do.

The processes are forked from a server that has imported what they need and nothing else (`forkserver`), so that they
start in milliseconds and inherit neither threads nor open files. pebble looks after them: where one dies, it starts
another, and the piece that it was working on is handed back. The processor time and the memory of a document are
limited by the system itself, since nothing else stops a parser written in C.
"""

import contextlib
import gc
import multiprocessing
import os
import resource
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from html_classification.streams.parsed_drops import ParsedDrops

Piece = TypeVar("Piece")
Result = TypeVar("Result")

#: What the workers of this project import, once for all of them.
_PRELOAD = ["html_classification.streams.preload"]
#: How a worker ends itself where it has no memory left: a process that once was full is of no use any more.
SHORT_OF_MEMORY = 77

#: Pieces that wait for each worker, so that none waits for a piece.
_AHEAD = 3
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Death:
    """How a worker process died.

    Attributes:
        exit_code: Its exit code; the negative number of a signal that killed it.
    """

    exit_code: int

    @property
    def reason(self) -> str:
        """In words, for the document that it was working on."""
        if self.exit_code == -signal.SIGPROF:
            return "took too much processor time"
        if self.exit_code == SHORT_OF_MEMORY:
            return "took too much memory"
        killed = f"signal {-self.exit_code}" if self.exit_code < 0 else f"exit code {self.exit_code}"
        return f"ended the process that parsed it ({killed})"


class Workers:
    """A pool of processes. It starts with the first piece of work, and ends with the `with` block.

    Args:
        count: How many processes; default: one for each core that this process may use.
        memory_mib: How much memory each may take beyond what it begins with, in MiB.
    """

    def __init__(self, count: int | None = None, memory_mib: int = 2048) -> None:
        self.count = count or _cores()
        self._memory_mib = memory_mib
        self._pool: ProcessPool | None = None
        self.parsed_drops = ParsedDrops()

    def __enter__(self) -> "Workers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes; the next piece of work would start new ones."""
        self.parsed_drops.close()
        self._stop()

    def _stop(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()

    def map(
        self,
        do: Callable[[Piece], Result],
        pieces: Iterable[Piece],
        after_death: Callable[[Piece, Death], Piece],
    ) -> Iterator[Result]:
        """Do something with each piece, on all cores; results in the order of the pieces.

        Only a few pieces are asked for ahead, so that neither they nor the results pile up.

        Args:
            do: A function of a module: a worker must be able to import it.
            pieces: What it is called with, one after the other.
            after_death: Says what to try in place of a piece whose worker died.

        Raises:
            Exception: Whatever `do` raises, or `after_death`.
        """
        waiting: deque[tuple[Piece, ProcessFuture[Any]]] = deque()
        try:
            for piece in pieces:
                waiting.append((piece, self._schedule(do, piece)))
                if len(waiting) >= self.count * _AHEAD:
                    yield self._result(do, *waiting.popleft(), after_death)
            while waiting:
                yield self._result(do, *waiting.popleft(), after_death)
        finally:
            for _, future in waiting:
                future.cancel()  # type: ignore[no-untyped-call]

    def _result(
        self,
        do: Callable[[Piece], Result],
        piece: Piece,
        future: "ProcessFuture[Any]",
        after_death: Callable[[Piece, Death], Piece],
    ) -> Result:
        while True:
            try:
                result: Result = future.result()
            except ProcessExpired as error:
                piece = after_death(piece, Death(error.exitcode))
                future = self._schedule(do, piece)
            else:
                return result

    def _schedule(self, do: Callable[[Piece], Result], piece: Piece) -> "ProcessFuture[Any]":
        if self._pool is not None and not self._pool.active:  # processes died while nothing was to be done
            self._stop()
        if self._pool is None:
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(_PRELOAD)
            self._pool = ProcessPool(
                max_workers=self.count, context=context, initializer=_begin, initargs=[self._memory_mib]
            )
        return self._pool.schedule(do, args=[piece])


class Watch:
    """Says which document a worker is at, and has the system end the worker where one takes too long.

    Processor time counts, not that of a clock, so that a busy machine refuses no other documents than an idle one.

    Args:
        marker: The file that says which document it is; `at` reads it.
        seconds: Processor time for one document.
    """

    def __init__(self, marker: Path, seconds: float) -> None:
        self._marker = marker
        self._seconds = seconds

    def __enter__(self) -> "Watch":
        self._file = os.open(self._marker, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        os.close(self._file)

    def end(self) -> None:
        """No document."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        os.truncate(self._file, 0)

    def begin(self, number: int) -> None:
        """The next document."""
        os.pwrite(self._file, number.to_bytes(8), 0)
        signal.setitimer(signal.ITIMER_PROF, self._seconds)

    @staticmethod
    def at(marker: Path) -> int | None:
        """The document that a worker was at; None where it was at none."""
        try:
            data = marker.read_bytes()
        except FileNotFoundError:
            return None
        return int.from_bytes(data) if data else None


def _begin(memory_mib: int) -> None:
    """What each process does first."""
    gc.freeze()  # what all processes share is not looked through for garbage
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who started them
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends the process, whatever it is in
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text().split()[5])  # its data, in pages
        limit = pages * resource.getpagesize() + memory_mib * _MIB
        with contextlib.suppress(ValueError):  # a lower limit stands already
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
