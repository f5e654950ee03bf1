"""A folder or an S3 bucket, through one small interface.

Belongs here: bytes in, bytes out, listings, and telling polars how to reach the same place. Does not belong
here: what the objects mean (`paths`, `listing`), or how S3 is reached (`s3`).

Nothing is ever overwritten: `put_new` is the only way to write, and both kinds of store make it atomic. Only
garbage collection deletes.
"""

import hashlib
import io
import mmap
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from uuid import uuid4

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, ObjectStore

from html_classification.lake import disk, s3
from html_classification.lake.errors import StoreError
from html_classification.lake.faults import explain, may_pass

T = TypeVar("T")
R = TypeVar("R")

_AT_ONCE = 16  # requests under way at the same time
_PIECE = 120  # folders that one listing goes through before another one is worth its request
#: What a killed writer leaves in a folder: obstore writes to a name with `#` and a number, then renames it.
_TEMPORARY = re.compile(r".*#\d+")
_SMALL = 8 * 1024**2


@dataclass(frozen=True)
class StoredObject:
    """An object of a listing: its path below the root, its size in bytes, its last modification."""

    path: str
    bytes: int
    modified: datetime

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class Written:
    """What became of an object that was written: its size, its SHA-1, and whether it was new."""

    bytes: int
    sha1: str
    new: bool


#: Names for types that `Store.list` would hide within the class.
Objects = list[StoredObject]
Names = list[str]


def in_parallel(do: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Do something for each item, some at once: requests mostly wait. Results in the order of the items."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(do, items))


class Store:
    """The objects below one root.

    Args:
        uri: A folder (relative to the current one, or absolute) or `s3://bucket/prefix`. Credentials, region
            and endpoint of S3 come from the standard AWS settings.
        access: Another way to S3 than those.
    """

    def __init__(self, uri: str, access: s3.Access | None = None) -> None:
        self._access = access
        self.is_s3 = uri.startswith("s3://")
        if "://" in uri and not self.is_s3:
            message = f"cannot store in {uri}: give a folder or an s3:// URI"
            raise StoreError(message)
        if self.is_s3 and not uri.removeprefix("s3://").partition("/")[0]:
            message = f"{uri} names no bucket: give s3://bucket/prefix"
            raise StoreError(message)
        self.root = uri.rstrip("/") if self.is_s3 else str(Path(uri).resolve())
        if not self.is_s3 and os.path.isfile(self.root):  # noqa: PTH113 - False, not an error, where it may not look
            message = f"{self.root} is a file: give a folder or an s3:// URI"
            raise StoreError(message)

    def __repr__(self) -> str:
        return f"Store({self.root!r})"

    def uri(self, path: str) -> str:
        """The full address of an object, as polars, DuckDB or the aws command line take it."""
        return f"{self.root}/{path}" if path else self.root

    @property
    def for_polars(self) -> dict[str, Any]:
        """What polars needs to read from here: arguments of `scan_parquet` and its like."""
        return s3.polars_arguments(self._access) if self.is_s3 else {}

    @property
    def storage_options(self) -> dict[str, Any] | None:
        """The `storage_options` among them, enough where the keys stand in the environment."""
        return self.for_polars.get("storage_options")

    @cached_property
    def _objects(self) -> ObjectStore:
        return s3.open_s3(self.root, self._access) if self.is_s3 else self._folder()

    def _folder(self) -> LocalStore:
        try:
            return LocalStore(self.root, mkdir=True)
        except (BaseError, OSError) as error:
            raise self._error("open", "", error) from None

    def _for_put(self, size: int) -> ObjectStore:
        """For a put of so many bytes; small ones share one, a large one gets the time that it needs."""
        if not self.is_s3:
            return self._objects
        return self._for_small_puts if size <= _SMALL else s3.open_s3(self.root, self._access, put=size)

    @cached_property
    def _for_small_puts(self) -> ObjectStore:
        return s3.open_s3(self.root, self._access, put=_SMALL)

    @property
    def _absent(self) -> bool:
        return not self.is_s3 and disk.is_absent(self.root)

    def list(self, prefix: str = "") -> Objects:
        """All objects below a folder, at any depth, sorted by path: one listing, however deep.

        Args:
            prefix: The folder below the root, without a slash at its end.

        Returns:
            The objects; none where the folder does not exist.

        Raises:
            StoreError: The store cannot be read.
        """
        if self._absent:
            return []
        found = self._do("list", prefix, lambda: list(self._listed(prefix)))
        return sorted(found, key=lambda item: item.path)

    def folders(self, prefix: str = "") -> Names:
        """The names of the folders directly below a folder, sorted; none where it does not exist.

        Raises:
            StoreError: The store cannot be read.
        """
        if self._absent:
            return []
        if not self.is_s3:
            return sorted(self._do("list", prefix, lambda: self._subfolders(prefix)))
        found = self._do("list", prefix, lambda: obstore.list_with_delimiter(self._objects, prefix=prefix or None))
        return sorted(path.rpartition("/")[2] for path in found["common_prefixes"])

    def _subfolders(self, prefix: str) -> Names:
        try:
            entries = os.scandir(f"{self.root}/{prefix}")
        except FileNotFoundError:
            return []
        with entries:
            return [entry.name for entry in entries if entry.is_dir()]

    def list_folders(self, wanted: Mapping[str, Sequence[str]], *, only: str | None = None) -> Objects:
        """The objects in many folders at once, such as all days of some stages, sorted by path.

        On S3 in a few listings side by side, with no request for each folder; in a folder only what is wanted is
        looked at.

        Args:
            wanted: The names of the folders, by the folder that they lie in.
            only: Just what lies directly in the subfolder of this name of each.

        Raises:
            StoreError: The store cannot be read.
        """
        if self._absent:
            return []
        pieces = [(prefix, piece) for prefix, names in wanted.items() for piece in _pieces(sorted(names))]

        def piece(item: tuple[str, Sequence[str]]) -> Objects:
            prefix, names = item
            return self._do("list", prefix, lambda: list(self._listed_piece(prefix, names, only)))

        # A disk answers at once: threads would only wait for each other.
        listed = in_parallel(piece, pieces) if self.is_s3 else map(piece, pieces)
        found = [entry for entries in listed for entry in entries]
        return sorted(found, key=lambda item: item.path)

    def _listed(self, prefix: str, after: str | None = None, until: str = "\U0010ffff") -> Iterator[StoredObject]:
        for page in obstore.list(self._objects, prefix=prefix or None, offset=after, chunk_size=1000):
            for item in page:
                if self.is_s3 and item["path"] > until:  # S3 lists in order
                    return
                yield StoredObject(item["path"], item["size"], item["last_modified"])

    def _listed_piece(self, prefix: str, names: Sequence[str], only: str | None) -> Iterator[StoredObject]:
        if not self.is_s3:
            for name in names:
                folder = f"{prefix}/{name}"
                yield from self._files(f"{folder}/{only}") if only else self._listed(folder)
            return
        known = set(names)
        # "!" comes before whatever an object's name begins with, "0" right after "/".
        for item in self._listed(prefix, f"{prefix}/{names[0]}/!", f"{prefix}/{names[-1]}0"):
            name, _, rest = item.path[len(prefix) + 1 :].partition("/")
            if name in known and (only is None or rest.rpartition("/")[0] == only):
                yield item

    def _files(self, folder: str) -> Iterator[StoredObject]:
        """What lies directly in a folder of a disk: obstore's own listing takes seven times as long."""
        try:
            entries = os.scandir(f"{self.root}/{folder}")
        except FileNotFoundError:
            return
        with entries:
            for entry in entries:
                if entry.is_file() and not _TEMPORARY.fullmatch(entry.name):
                    known = entry.stat()
                    modified = datetime.fromtimestamp(known.st_mtime, UTC)
                    yield StoredObject(f"{folder}/{entry.name}", known.st_size, modified)

    def temporary_files(self) -> Objects:
        """What writers that were killed left on a disk; no listing shows it. None on S3, whose puts are whole or not.

        Raises:
            StoreError: The store cannot be read.
        """
        if self.is_s3 or self._absent:
            return []

        def walk() -> Iterator[StoredObject]:
            for folder, _, names in os.walk(self.root):
                for name in filter(_TEMPORARY.fullmatch, names):
                    path = Path(folder, name)
                    known = path.lstat()  # a link may lead nowhere
                    modified = datetime.fromtimestamp(known.st_mtime, UTC)
                    yield StoredObject(path.relative_to(self.root).as_posix(), known.st_size, modified)

        return sorted(self._do("list", "", lambda: list(walk())), key=lambda item: item.path)

    def delete(self, paths: Iterable[str]) -> None:
        """Delete objects, in the given order, and folders of a disk that are empty then. What is gone already is fine.

        Raises:
            StoreError: The store refuses.
        """
        for path in paths:
            if self.is_s3:
                self._do("delete", path, lambda path=path: obstore.delete(self._objects, path))  # type: ignore[misc]
            else:
                self._do("delete", path, lambda path=path: disk.unlink(Path(self.root), path))  # type: ignore[misc]

    def get(self, path: str) -> bytes:
        """The bytes of an object.

        Raises:
            StoreError: It does not exist or cannot be read.
        """
        if self._absent:
            message = f"nothing at {self.uri(path)}: {self.root} does not exist"
            raise StoreError(message)
        return self._do("read", path, lambda: bytes(obstore.get(self._objects, path).bytes()))

    def stream(self, path: str) -> Iterator[bytes]:
        """The bytes of an object in pieces of some MiB, for what need not be held whole.

        Raises:
            StoreError: It does not exist or cannot be read.
        """
        if self._absent:
            message = f"nothing at {self.uri(path)}: {self.root} does not exist"
            raise StoreError(message)
        try:
            for chunk in obstore.get(self._objects, path).stream(min_chunk_size=4 * 1024 * 1024):
                yield bytes(chunk)
        except (BaseError, OSError) as error:
            raise self._error("read", path, error) from None

    def find(self, path: str) -> bytes | None:
        """The bytes of an object, or None where there is none.

        Raises:
            StoreError: The store cannot be read.
        """
        if self._absent:
            return None

        def find() -> bytes | None:
            try:
                return bytes(obstore.get(self._objects, path).bytes())
            except FileNotFoundError as error:
                if "NoSuchBucket" in str(error):
                    raise
                return None

        return self._do("read", path, find)

    def sha1(self, path: str) -> str:
        """The SHA-1 of an object, read in pieces.

        Raises:
            StoreError: It does not exist or cannot be read.
        """
        found = hashlib.sha1(usedforsecurity=False)
        for piece in self.stream(path):
            found.update(piece)
        return found.hexdigest()

    def put_new(self, path: str, data: bytes | mmap.mmap) -> bool:
        """Write an object, whole or not at all, unless there is one already.

        On S3 a put whose answer is lost may have taken effect all the same: then the next attempt finds the object, and
        its bytes tell whose it is.

        Returns:
            True where it was written, False where an object of that name existed; that one is untouched.

        Raises:
            StoreError: The store cannot be written to.
        """
        if self.is_s3 and len(data) > s3.LARGEST_PUT:
            message = f"cannot write {self.uri(path)}: its {len(data)} bytes are more than S3 takes at once (5 GiB)"
            raise StoreError(f"{message}; split the drop into several files, or into those of several days")
        in_doubt = False

        def put() -> bool:
            nonlocal in_doubt
            try:
                obstore.put(self._for_put(len(data)), path, data, mode="create", use_multipart=False)
            except AlreadyExistsError as error:
                if self.is_s3 and may_pass(error):  # another put of that name is under way, and may yet fail
                    raise
                return in_doubt and obstore.get(self._objects, path).bytes() == bytes(data)
            except BaseError:
                in_doubt = True
                raise
            return True

        return self._do("write", path, put)

    def write_new(self, path: str, write: Callable[[str | BinaryIO], object]) -> Written:
        """Write an object that a function puts into a file: as `put_new`, but a disk never has it in memory too.

        Args:
            path: The object's path.
            write: Gets the path of a file to make, or an open file to write to.

        Returns:
            Size and SHA-1 of what the function wrote, and False as `new` where an object of that name existed.

        Raises:
            StoreError: The store cannot be written to.
        """
        if self.is_s3:
            buffer = io.BytesIO()
            write(buffer)
            data = buffer.getvalue()
            with ThreadPoolExecutor(1) as pool:
                sha1 = pool.submit(lambda: hashlib.sha1(data, usedforsecurity=False).hexdigest())
                new = self.put_new(path, data)
            return Written(len(data), sha1.result(), new)
        target = Path(self.root, path)
        temporary = target.with_name(f"{target.name}#{uuid4().int}")  # as obstore calls its own: no listing shows it
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            write(str(temporary))
            with temporary.open("rb") as file:
                sha1_on_disk = hashlib.file_digest(file, lambda: hashlib.sha1(usedforsecurity=False)).hexdigest()
            return Written(temporary.stat().st_size, sha1_on_disk, disk.link(temporary, target))
        except OSError as error:
            raise self._error("write", path, error) from None
        finally:
            temporary.unlink(missing_ok=True)

    def put_file(self, path: str, file: Path) -> Written:
        """Write a file of this machine: as `put_new`, but without having it in memory.

        Raises:
            StoreError: The store cannot be written to.
        """
        if not self.is_s3:
            return self.write_new(path, lambda target: shutil.copyfile(file, str(target)))
        with file.open("rb") as opened:
            sha1 = hashlib.file_digest(opened, lambda: hashlib.sha1(usedforsecurity=False)).hexdigest()
            size = opened.tell()
            if not size:  # which cannot be mapped
                return Written(0, sha1, self.put_new(path, b""))
            with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                return Written(size, sha1, self.put_new(path, mapped))

    def _do(self, verb: str, path: str, action: Callable[[], T]) -> T:
        """Do something with the store, again where what went wrong may pass; say in one line what did."""
        try:
            return s3.patiently(action) if self.is_s3 else action()
        except (BaseError, OSError) as error:
            raise self._error(verb, path, error) from None

    def _error(self, verb: str, path: str, error: Exception) -> StoreError:
        return StoreError(f"cannot {verb} {self.uri(path)}: {explain(error, is_s3=self.is_s3)}")


def _pieces(names: Sequence[str]) -> list[Sequence[str]]:
    """Names in as few runs of nearly the same length as one listing each should go through."""
    size = -(-len(names) // max(1, -(-len(names) // _PIECE)))
    return [names[start : start + size] for start in range(0, len(names), size)] if names else []
