"""A folder or an S3 bucket, through one small interface.

Belongs here: bytes in, bytes out, listings, and telling polars how to reach the same place. Does not belong
here: what the objects mean (`paths`, `lake`).

Nothing is ever overwritten: `put_new` is the only way to write, and both kinds of store make it atomic.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, ObjectStore, S3Store

from html_classification.lake.errors import LakeError

T = TypeVar("T")


class StoreError(LakeError):
    """The store did not answer as it should: not there, not allowed, not reachable."""


@dataclass(frozen=True)
class StoredObject:
    """An object of a listing: its path below the root, its size in bytes, its last modification."""

    path: str
    bytes: int
    modified: datetime


class Store:
    """The objects below one root.

    Args:
        uri: A folder (relative to the current one, or absolute) or `s3://bucket/prefix`. Credentials, region
            and endpoint of S3 come from the standard `AWS_*` variables.
    """

    def __init__(self, uri: str) -> None:
        self.is_s3 = uri.startswith("s3://")
        if "://" in uri and not self.is_s3:
            message = f"cannot store in {uri}: give a folder or an s3:// URI"
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
    def storage_options(self) -> dict[str, str] | None:
        """What polars needs beyond the credentials in the environment to read from here."""
        if not self.is_s3:
            return None
        return {f"aws_{key}": value for key, value in _s3_config().items()} | {
            "aws_allow_http": str(_plain_http()).lower()
        }

    @cached_property
    def _objects(self) -> ObjectStore:
        if not self.is_s3:
            return LocalStore(self.root, mkdir=True)
        return S3Store.from_url(self.root, config=_s3_config(), client_options={"allow_http": _plain_http()})  # type: ignore[arg-type]

    @property
    def _absent(self) -> bool:
        return not self.is_s3 and not os.path.lexists(self.root)  # where it may not look, reading says so

    def list(self, prefix: str = "") -> list[StoredObject]:
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

    def _listed(self, prefix: str) -> Iterator[StoredObject]:
        for page in obstore.list(self._objects, prefix=prefix or None, chunk_size=1000):
            for item in page:
                yield StoredObject(item["path"], item["size"], item["last_modified"])

    def get(self, path: str) -> bytes:
        """The bytes of an object.

        Raises:
            StoreError: It does not exist or cannot be read.
        """
        if self._absent:
            message = f"nothing at {self.uri(path)}: {self.root} does not exist"
            raise StoreError(message)
        return self._do("read", path, lambda: bytes(obstore.get(self._objects, path).bytes()))

    def find(self, path: str) -> bytes | None:
        """The bytes of an object, or None where there is none.

        Raises:
            StoreError: The store cannot be read.
        """
        if self._absent:
            return None
        try:
            return bytes(obstore.get(self._objects, path).bytes())
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise self._error("read", path, error) from None

    def put_new(self, path: str, data: bytes) -> bool:
        """Write an object, whole or not at all, unless there is one already.

        Returns:
            True where it was written, False where an object of that name existed; that one is untouched.

        Raises:
            StoreError: The store cannot be written to.
        """
        try:
            obstore.put(self._objects, path, data, mode="create", use_multipart=False)
        except AlreadyExistsError:
            return False
        except (BaseError, OSError) as error:
            raise self._error("write", path, error) from None
        return True

    def _do(self, verb: str, path: str, action: Callable[[], T]) -> T:
        try:
            return action()
        except (BaseError, OSError) as error:
            raise self._error(verb, path, error) from None

    def _error(self, verb: str, path: str, error: Exception) -> StoreError:
        reason = str(error).splitlines()[0].strip()
        advice = "check the bucket, the AWS_* variables and the endpoint" if self.is_s3 else "check the folder"
        return StoreError(f"cannot {verb} {self.uri(path)}: {reason}; {advice}")


def _endpoint() -> str | None:
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")


def _plain_http() -> bool:
    return (_endpoint() or "").startswith("http://")


def _s3_config() -> dict[str, str]:
    """Region and endpoint; the credentials are left to the libraries, which take them from the environment."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    endpoint = _endpoint()
    return {"region": region} | ({"endpoint_url": endpoint} if endpoint else {})
