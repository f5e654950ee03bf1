"""What a verification has checked so far, so that the next one goes on where it was stopped.

Belongs here: the journal, a JSONL file on this machine: a line for each file that was read. Does not belong
here: judging what it holds (`verify`).

A line is written when its file has been read, so that a kill, at any moment, costs the files under way and at
most one torn line. What a line says holds as long as the file has the same size and time of modification.
"""

import hashlib
import json
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson
import platformdirs

from html_classification.lake.errors import LakeError
from html_classification.lake.store import StoredObject

#: Raised when an older one would be misunderstood.
_JOURNAL_VERSION = 1
_HEAD = b'{"journal_version": '


def scope_of(lake_uri: str, stage: str | None = None, first: date | None = None, last: date | None = None) -> str:
    """What a verification goes over, in words: each scope has a journal of its own.

    >>> scope_of("/lake"), scope_of("/lake", "raw", date(2026, 3, 1))
    ('/lake', '/lake raw from 2026-03-01')
    """
    days = [f"{word} {day}" for word, day in (("from", first), ("to", last)) if day]
    return " ".join([lake_uri, *([stage] if stage else []), *days])


def default_journal(scope: str) -> Path:
    """Where the journal of a verification is kept: a file in the user's cache folder, named by the SHA-1 of its scope.

    Args:
        scope: By `scope_of`; the address of a lake for all of it.
    """
    name = hashlib.sha1(scope.encode(), usedforsecurity=False).hexdigest()
    return Path(platformdirs.user_cache_dir("html-classification")) / f"verify-{name}.jsonl"


class Journal:
    """The journal of a verification of one scope, open for reading and adding.

    Args:
        path: The file; made where there is none.
        scope: What the verification goes over, by `scope_of`.

    Raises:
        LakeError: It cannot be written, or is no journal of this scope.
    """

    def __init__(self, path: Path, scope: str) -> None:
        self.path = path
        self._scope = scope
        self._known: dict[tuple[str, int, str], str] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b", buffering=0)
            self._read()
        except OSError as error:
            message = f"cannot keep what is checked in {path} ({error.strerror}): give another with --journal"
            raise LakeError(message) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Keep it where something stopped the verification; one that came to its end needs it no more."""
        self._file.close()
        if kind is None:
            self.path.unlink(missing_ok=True)

    def known(self, item: StoredObject) -> str | None:
        """The SHA-1 that a file of a listing had, where it was read before and is unchanged since."""
        return self._known.get(_key(item))

    def record(self, item: StoredObject, sha1: str) -> None:
        """Remember that a file was read."""
        path, size, modified = _key(item)
        self._write({"path": path, "bytes": size, "modified": modified, "sha1": sha1})

    def _read(self) -> None:
        header = _line({"journal_version": _JOURNAL_VERSION, "lake": self._scope})
        self._file.seek(0)
        data = self._file.read()
        if not data.startswith(header) and not header.startswith(data):
            message = f"{self.path} is no journal of a verification of {self._scope}: give another with --journal"
            raise LakeError(message)
        for line in data[len(header) :].splitlines():
            try:
                entry = orjson.loads(line)
                self._known[entry["path"], entry["bytes"], entry["modified"]] = entry["sha1"]
            except (ValueError, KeyError, TypeError):  # torn by a kill
                continue
        if not data.startswith(header):
            self._file.truncate(0)
            self._file.write(header)
        elif not data.endswith(b"\n"):
            self._file.write(b"\n")

    def _write(self, entry: dict[str, str | int]) -> None:
        try:
            self._file.write(_line(entry))
        except OSError as error:
            message = f"cannot keep what is checked in {self.path} ({error.strerror}): give another with --journal"
            raise LakeError(message) from None


def forget(path: Path) -> None:
    """Delete a journal, so that the next verification begins anew.

    Raises:
        LakeError: It is no journal, or cannot be deleted.
    """
    try:
        with path.open("rb") as file:
            head = file.read(len(_HEAD))
            if head != _HEAD[: len(head)]:
                message = f"{path} is no journal of a verification: it stays; give another with --journal"
                raise LakeError(message)
        path.unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        message = f"cannot delete {path} ({error.strerror}): give another with --journal"
        raise LakeError(message) from None


def _key(item: StoredObject) -> tuple[str, int, str]:
    return item.path, item.bytes, item.modified.isoformat()


def _line(entry: dict[str, str | int]) -> bytes:
    return (json.dumps(entry) + "\n").encode()
