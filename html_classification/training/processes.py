"""Processes that train.

Belongs here: a pool in which models are trained side by side, each on one core. Does not belong here: what a training
is (`candidates`), and the processes that parse documents (`streams.workers`), whose limits are those of hostile input.

scikit-learn keeps the interpreter's lock for most of a training, so that threads would not help. The rows go to a
process as polars writes them, and what comes back is small: predictions, figures and the files of a run.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from threading import Lock
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from html_classification.training.errors import TrainingError, TrainingStoppedError

Result = TypeVar("Result")
_STOPPED = "stopped before it was trained"


class TrainingPool:
    """Processes that train. They start with the first training, and end with `close`.

    Args:
        count: How many; by default one for each core that this process may use. 0: none, what is to be done is done
            in this process.
    """

    def __init__(self, count: int | None = None) -> None:
        self.count = _cores() if count is None else count
        self._pool: ProcessPool | None = None
        self._closed = False
        self._lock = Lock()
        self._waiting: set[ProcessFuture[Any]] = set()

    def run(self, do: Callable[..., Result], *arguments: Any) -> Result:
        """Do something in one of the processes, and wait for it. May be called in several threads at once.

        Args:
            do: A function of a module: a process must be able to import it.
            *arguments: What it is called with; they and the result must be picklable.

        Raises:
            TrainingError: The process died.
            TrainingStoppedError: All were told to end.
            Exception: Whatever `do` raises.
        """
        if self.count == 0:
            return do(*arguments)
        with self._lock:
            if self._closed:
                raise TrainingStoppedError(_STOPPED)
            if self._pool is not None and not self._pool.active:  # a process died while nothing was to be done
                self._pool.stop()  # type: ignore[no-untyped-call]
                self._pool.join()
                self._pool = None
            if self._pool is None:
                context = multiprocessing.get_context("forkserver")
                self._pool = ProcessPool(max_workers=self.count, context=context, initializer=_begin)
            future = self._pool.schedule(do, args=arguments)
            self._waiting.add(future)
        try:
            result: Result = future.result()
        except ProcessExpired as error:
            message = (
                f"the process that trained ended by itself (exit code {error.exitcode}): is there enough memory? Train "
                "fewer models at once, or with fewer terms"
            )
            raise TrainingError(message) from None
        except (CancelledError, BrokenProcessPool):
            raise TrainingStoppedError(_STOPPED) from None
        finally:
            self._waiting.discard(future)
        return result

    def close(self) -> None:
        """End the processes, whatever they are doing, for good."""
        with self._lock:
            pool, self._pool, self._closed = self._pool, None, True
        # First of all, since a pool that stops may leave who waits for a result waiting for ever.
        for future in list(self._waiting):
            future.cancel()  # type: ignore[no-untyped-call]
        if pool is not None:
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()


def _begin() -> None:
    """What each process does first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who started them


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
