"""Drops that this run has parsed already.

Belongs here: keeping the lines that `raw` has parsed until `url_normalization` takes them, which in a daily run is the
next thing to happen: decompressing and parsing JSON twice would be a third of the time of both. Does not belong here:
anything that a result depends on: what is not kept is parsed again.
"""

import shutil
from datetime import date
from pathlib import Path
from tempfile import mkdtemp

from html_classification.lake.local import LocalFiles

#: Uncompressed documents that are kept on disk at most, of all days together.
LIMIT_BYTES = 2 * 1024**3

Key = tuple[date, tuple[tuple[str, str], ...]]


class ParsedDrops:
    """Parsed drops in a folder of this machine, by their day and the names and SHA-1s of their files."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._kept: dict[Key, list[Path]] = {}
        self._bytes = 0
        self._days = 0

    def new_folder(self) -> Path:
        """A folder for the parsed lines of a drop."""
        self._folder = self._folder or Path(mkdtemp(prefix="html-classification-"))
        self._days += 1
        folder = self._folder / str(self._days)
        folder.mkdir()
        return folder

    def has_room(self, file: Path) -> bool:
        """Count a file in, if there is room for it."""
        size = file.stat().st_size
        if self._bytes + size > LIMIT_BYTES:
            return False
        self._bytes += size
        return True

    def keep(self, drop: LocalFiles, rows: list[Path]) -> None:
        """Keep the parsed lines of a drop, which were counted in."""
        self.drop(self._kept.pop(_key(drop), []))
        self._kept[_key(drop)] = rows

    def drop(self, rows: list[Path]) -> None:
        """Let go of files that were counted in."""
        for path in rows:
            self._bytes -= path.stat().st_size
            path.unlink()

    def take(self, drop: LocalFiles) -> list[Path] | None:
        """The parsed lines of a drop, for the last time; None where they were not kept."""
        return self._kept.pop(_key(drop), None)

    def close(self) -> None:
        """Delete what is left."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder, self._kept, self._bytes = None, {}, 0


def _key(drop: LocalFiles) -> Key:
    return drop.day, tuple((file.name, file.sha1) for file in drop.files)
