"""Files from outside the lake: a crawl drop, a label file.

Belongs here: holding such files as the input of a build. Does not belong here: understanding them
(`crawl_drop`, `labeling`).
"""

import hashlib
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

from html_classification.lake.errors import LakeError
from html_classification.lake.local import LocalFile, LocalFiles, localize
from html_classification.lake.metadata import Source
from html_classification.lake.recipe import RecipeSource
from html_classification.lake.store import Store, Written


@dataclass(frozen=True)
class ExternalFile:
    """A file in memory: its name in the lake, where it came from, its bytes."""

    name: str
    uri: str
    data: bytes

    @cached_property
    def sha1(self) -> str:
        """SHA-1 of the bytes as they were found."""
        return hashlib.sha1(self.data, usedforsecurity=False).hexdigest()

    def put(self, store: Store, path: str) -> Written:
        """Write it into a store, unless there is an object of that name."""
        return Written(len(self.data), self.sha1, store.put_new(path, self.data))


@dataclass(frozen=True)
class DropFile:
    """A file of a crawl drop where it lies: its name in the lake, its store and its path there."""

    name: str
    store: Store
    path: str

    @property
    def uri(self) -> str:
        """Where it came from."""
        return self.store.uri(self.path)

    @cached_property
    def sha1(self) -> str:
        """SHA-1 of the bytes as they were found first."""
        return self.store.sha1(self.path)

    def localize(self, scratch: Path) -> LocalFile:
        """The file on this machine.

        Raises:
            LakeError: It is not what it was when the recipe was made.
        """
        path, sha1 = localize(self.store, self.path, scratch)
        if sha1 != self.sha1:
            message = f"{self.uri} changed while it was read: run the day again once the crawler is done with it"
            raise LakeError(message)
        return LocalFile(self.name, path, sha1)


@dataclass(frozen=True)
class ExternalFiles:
    """Small files from outside the lake, in memory: a label file."""

    files: list[ExternalFile]
    description: str
    day: date

    def read(self, scratch: Path) -> "ExternalFiles":
        """Themselves."""
        return self

    def sources(self) -> list[Source]:
        """For the metadata: outside the lake, so described, with no version."""
        return _sources(self.files, self.description)

    def recipe_sources(self, name: str) -> list[RecipeSource]:
        """For the recipe: by name and content, wherever they lie."""
        return _recipe_sources(self.files, name)


@dataclass(frozen=True)
class DropFiles:
    """The files of a crawl drop, however large."""

    files: list[DropFile]
    day: date

    def read(self, scratch: Path) -> LocalFiles:
        """The files on this machine.

        Raises:
            LakeError: One is not what it was when the recipe was made, or cannot be read.
        """
        folder = scratch / "drop"
        folder.mkdir()
        return LocalFiles([file.localize(folder) for file in self.files], self.day, scratch)

    def sources(self) -> list[Source]:
        """For the metadata: outside the lake, so described, with no version."""
        return _sources(self.files, "crawl drop")

    def recipe_sources(self, name: str) -> list[RecipeSource]:
        """For the recipe: by name and content, wherever they lie."""
        return _recipe_sources(self.files, name)


def _sources(files: "list[ExternalFile] | list[DropFile]", description: str) -> list[Source]:
    return [Source(uri=file.uri, sha1=file.sha1, description=description) for file in files]


def _recipe_sources(files: "list[ExternalFile] | list[DropFile]", name: str) -> list[RecipeSource]:
    return [RecipeSource(name=name, path=file.name, sha1=file.sha1) for file in files]
