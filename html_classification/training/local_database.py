"""MLflow's database on a laptop: one SQLite file.

Belongs here: which file it is, taking turns in writing to it, and committing quickly. Does not belong here: what is
written (`tracking`, `registry`).

SQLite has one writer at a time. MLflow waits 20 seconds for its turn and then fails (`database is locked`), in no
order; so whatever writes here waits for a lock beside the database instead, as long as it takes.

A run takes some thirty commits, and a disk tens of milliseconds for each where it must say that all is on it. With a
write-ahead log and `synchronous=NORMAL` it need not: a killed process loses nothing, a power failure may lose the last
commits, never the database (https://www.sqlite.org/pragma.html#pragma_synchronous).
"""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from html_classification.training.errors import TrainingError

_SQLITE = "sqlite:///"
#: The databases of this process whose connections commit quickly.
_quick: set[str] = set()


def local_database(tracking_uri: str) -> Path | None:
    """The file of a local SQLite database, or None for anything else.

    >>> local_database("sqlite:////srv/mlflow.db").as_posix(), local_database("http://mlflow:5000")
    ('/srv/mlflow.db', None)
    """
    return Path(tracking_uri.removeprefix(_SQLITE)) if tracking_uri.startswith(_SQLITE) else None


@contextmanager
def turn(tracking_uri: str) -> Iterator[None]:
    """Be the only one, of all threads and processes, to write to a local database; nothing for a server."""
    database = local_database(tracking_uri)
    if database is None:
        yield
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    with database.with_name(f"{database.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def commit_quickly(tracking_uri: str) -> None:
    """Have this process' connections to a local database commit without waiting for the disk; in one's own turn.

    Raises:
        TrainingError: It is no SQLite database, or cannot be opened.
    """
    database = local_database(tracking_uri)
    if database is None or str(database.resolve()) in _quick:
        return
    try:
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")  # is kept in the file
    except sqlite3.Error as error:
        message = f"{database} cannot be used as MLflow's database ({error}): correct MLFLOW_TRACKING_URI"
        raise TrainingError(message) from None
    _listen()
    _quick.add(str(database.resolve()))


@cache
def _listen() -> None:
    """MLflow makes its engine by itself: the one place where its connections can be met is SQLAlchemy's own."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    @event.listens_for(Engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        if isinstance(connection, sqlite3.Connection):
            (_, _, path), *_others = connection.execute("PRAGMA database_list").fetchall()
            if path in _quick:
                connection.execute("PRAGMA synchronous=NORMAL")
