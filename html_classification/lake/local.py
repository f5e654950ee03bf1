"""Files on this machine, for computations that read them piece by piece.

Belongs here: a scratch folder, and files of a store as files of this machine. Does not belong here: what is in them.

Worker processes open files by their paths. A file of a folder is used where it lies; one of a bucket is downloaded
into the scratch folder first. So nothing larger than a piece of a file is ever held in memory.
"""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import mkdtemp

import polars as pl

from html_classification.lake.errors import LakeError
from html_classification.lake.store import Store, Written


@dataclass(frozen=True)
class LocalFile:
    """A file on this machine, by its name in the lake, and its SHA-1."""

    name: str
    path: Path
    sha1: str

    def put(self, store: Store, path: str) -> Written:
        """Write it into a store, unless there is an object of that name; see `Store.put_file`.

        Raises:
            LakeError: It is not what it was when it was opened.
        """
        written = store.put_file(path, self.path)
        if written.sha1 != self.sha1:
            if written.new:
                store.delete([path])
            message = f"{self.path} changed while it was read: run the day again once the crawler is done with it"
            raise LakeError(message)
        return written


@dataclass(frozen=True)
class LocalFiles:
    """Files of a day on this machine.

    Attributes:
        files: The files.
        day: The day of the data.
        scratch: A folder for what comes up while they are worked on; it goes with the computation.
    """

    files: list[LocalFile]
    day: date
    scratch: Path


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Say in one line that a scratch folder is full, or cannot be written to.

    Raises:
        LakeError: It is.
    """
    try:
        yield
    except (OSError, pl.exceptions.ComputeError) as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        message = f"cannot write to {folder}: {reason}; set TMPDIR to a folder with room"
        raise LakeError(message) from None


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """An empty folder on this machine (TMPDIR says where), deleted at the end.

    Raises:
        LakeError: It cannot be made.
    """
    try:
        folder = Path(mkdtemp(prefix="html-classification-"))
    except OSError as error:
        message = f"cannot make a folder for intermediate files: {error.strerror}; set TMPDIR to a folder with room"
        raise LakeError(message) from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def localize(store: Store, path: str, scratch: Path) -> tuple[Path, str]:
    """A file of a store as one of this machine, and its SHA-1 as it is now.

    Raises:
        StoreError: It does not exist or cannot be read.
        LakeError: The scratch folder is full.
    """
    if not store.is_s3:
        return Path(store.uri(path)), store.sha1(path)
    digest = hashlib.sha1(usedforsecurity=False)
    target = scratch / hashlib.sha1(path.encode(), usedforsecurity=False).hexdigest()
    with writing_to(scratch), target.open("wb") as file:
        for piece in store.stream(path):
            digest.update(piece)
            file.write(piece)
    return target, digest.hexdigest()
