"""The SHA-1 of many files.

Belongs here: reading files to their end, several at once, in little memory. Does not belong here: what the
SHA-1s should be (`verify`), or remembering them (`journal`).
"""

import hashlib
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice

from html_classification.lake.errors import StoreError
from html_classification.lake.store import Store

_AT_ONCE = 8  # hashing takes processors, waiting for S3 takes none
_TICK = 0.2  # seconds
EMPTY = hashlib.sha1(usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Hashed:
    """A file that was read: its path, its bytes, their SHA-1; or the error where it could not be."""

    path: str
    bytes: int = 0
    sha1: str = ""
    error: StoreError | None = None


class _StoppedError(Exception):
    """Nobody waits for the SHA-1 any more."""


def hash_files(store: Store, paths: Iterable[str], on_bytes: Callable[[int], None]) -> Generator[Hashed, None, None]:
    """Read files to their end, some at once, each in pieces of some MiB.

    Args:
        store: Where they are.
        paths: Which.
        on_bytes: Called now and then, in the caller's thread, with the bytes read so far, also in the midst of a file.

    Yields:
        Each file as soon as it is read; one that cannot be read with its error.
    """
    read, stop, lock = 0, threading.Event(), threading.Lock()

    def hash_file(path: str) -> Hashed:
        nonlocal read
        found, size = hashlib.sha1(usedforsecurity=False), 0
        try:
            for piece in store.stream(path):
                if stop.is_set():
                    raise _StoppedError
                found.update(piece)
                size += len(piece)
                with lock:
                    read += len(piece)
        except StoreError as error:
            return Hashed(path, error=error)
        return Hashed(path, size, found.hexdigest())

    pool, waiting = ThreadPoolExecutor(_AT_ONCE), iter(paths)
    try:
        running = {pool.submit(hash_file, path) for path in islice(waiting, 2 * _AT_ONCE)}
        while running:
            ready, running = wait(running, _TICK, FIRST_COMPLETED)
            running |= {pool.submit(hash_file, path) for path in islice(waiting, len(ready))}
            yield from (future.result() for future in ready)
            on_bytes(read)
    finally:  # Ctrl-C too
        stop.set()
        pool.shutdown(cancel_futures=True)
