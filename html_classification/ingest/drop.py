"""The files that a source becomes in the drops.

Belongs here: their names, writing them aside and publishing them whole. Does not belong here: what goes into them.

In the drop of each day there is one file, `html-documents-<name>.jsonl.gz`. What was refused lies beside, where no drop
is read from: `<date>/rejected/<name>-<digits>.jsonl`, or `rejected/…` where the days are the documents' own; the digits
are of its SHA-1, so that it never is in another's way. The same documents give the same bytes.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from isal import igzip

from html_classification.lake.errors import LakeError
from html_classification.lake.store import Store, Written

_OPEN = 32  # files at the same time: a source may have documents of thousands of days
_REFUSED = "rejected"


@dataclass(frozen=True)
class FileWritten:
    """A file in a drop: its address, its day, its documents, its bytes, and whether it was not there before."""

    uri: str
    date: date
    documents: int
    bytes: int
    new: bool


class DropFiles:
    """The files of a source, put together in a temporary folder.

    Args:
        name: What the source is called.
        day: The day that all of it goes into, or None.
    """

    def __init__(self, name: str, day: date | None) -> None:
        self._name, self._day = name, day
        self._folder = TemporaryDirectory(prefix="html-classification-")
        self._path = Path(self._folder.name)
        self._open: OrderedDict[date, Any] = OrderedDict()
        self._counts: dict[date, int] = {}
        self._refused: BinaryIO | None = None

    def __enter__(self) -> "DropFiles":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._close()
        finally:
            self._folder.cleanup()

    @property
    def documents(self) -> int:
        """How many there are."""
        return sum(self._counts.values())

    def add(self, day: date, line: bytes) -> None:
        """Add a line to the file of a day.

        Raises:
            LakeError: The temporary folder cannot be written to.
        """
        self._write(lambda: self._file(day).write(line))
        self._counts[day] = self._counts.get(day, 0) + 1

    def refuse(self, line: bytes) -> None:
        """Add a line to the file of what was refused.

        Raises:
            LakeError: The temporary folder cannot be written to.
        """

        def write() -> None:
            self._refused = self._refused or (self._path / _REFUSED).open("wb")
            self._refused.write(line)

        self._write(write)

    def publish(self, crawl: Store) -> tuple[list[FileWritten], str]:
        """Leave the files where they belong, whole, never in place of others.

        Args:
            crawl: The root of all drops.

        Returns:
            The files of the drops by day, and the address of what was refused, empty where nothing was.

        Raises:
            LakeError: A drop has a file of that name with other documents; then none is written.
            StoreError: The drops cannot be written.
        """
        self._write(self._close)
        targets = {day: f"{day}/html-documents-{self._name}.jsonl.gz" for day in sorted(self._counts)}
        for day, target in targets.items():
            if any(item.path == target for item in crawl.list(str(day))):
                self._check_same(crawl, target, _sha1(self._path / str(day)))
        files = []
        for day, target in targets.items():
            written = self._put(crawl, target, self._path / str(day))
            files.append(FileWritten(crawl.uri(target), day, self._counts[day], written.bytes, written.new))
        return files, self._publish_refused(crawl)

    def _publish_refused(self, crawl: Store) -> str:
        if self._refused is None:
            return ""
        path = self._path / _REFUSED
        beside = f"{self._day}/{_REFUSED}" if self._day else _REFUSED
        target = f"{beside}/{self._name}-{_sha1(path)[:12]}.jsonl"
        self._put(crawl, target, path)
        return crawl.uri(target)

    def _put(self, crawl: Store, target: str, path: Path) -> Written:
        written = crawl.put_file(target, path)
        if not written.new:
            self._check_same(crawl, target, written.sha1)
        return written

    def _check_same(self, crawl: Store, target: str, sha1: str) -> None:
        if crawl.sha1(target) != sha1:
            message = f"{crawl.uri(target)} is there already, with other documents: delete it, or give another --name"
            raise LakeError(message)

    def _file(self, day: date) -> Any:
        """The open file of a day; one that was closed meanwhile goes on as one more gzip member."""
        if day in self._open:
            self._open.move_to_end(day)
            return self._open[day]
        if len(self._open) >= _OPEN:
            self._open.popitem(last=False)[1].close()
        self._open[day] = _Gzip(self._path / str(day))
        return self._open[day]

    def _close(self) -> None:
        while self._open:
            self._open.popitem()[1].close()
        if self._refused:
            self._refused.close()

    def _write(self, action: Callable[[], object]) -> None:
        try:
            action()
        except OSError as error:
            message = f"cannot write temporary files in {self._path.parent}: {error.strerror or error}"
            raise LakeError(f"{message}; make room, or set TMPDIR to a folder with room") from None


class _Gzip:
    """A gzip file that lines are added to; neither its name nor the time stands in it."""

    def __init__(self, path: Path) -> None:
        self._raw = path.open("ab")
        self._gzip = igzip.IGzipFile(filename="", fileobj=self._raw, mode="wb", mtime=0)  # type: ignore[no-untyped-call]

    def write(self, line: bytes) -> None:
        self._gzip.write(line)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        try:
            self._gzip.close()
        finally:
            self._raw.close()


def _sha1(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.sha1(usedforsecurity=False)).hexdigest()
