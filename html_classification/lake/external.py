"""Files from outside the lake: a crawl drop, a label file.

Belongs here: holding such files as the input of a build. Does not belong here: understanding them
(`crawl_drop`, `labeling`).
"""

import hashlib
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from html_classification.lake.metadata import Source
from html_classification.lake.recipe import RecipeSource


@dataclass(frozen=True)
class ExternalFile:
    """A file: its name in the lake, where it came from, its bytes."""

    name: str
    uri: str
    data: bytes

    @cached_property
    def sha1(self) -> str:
        """SHA-1 of the bytes as they were found."""
        return hashlib.sha1(self.data, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class ExternalFiles:
    """Files from outside the lake: a crawl drop, a label file."""

    files: list[ExternalFile]
    description: str
    day: date

    def read(self) -> "ExternalFiles":
        """Themselves."""
        return self

    def sources(self) -> list[Source]:
        """For the metadata: outside the lake, so described, with no version."""
        return [Source(uri=file.uri, sha1=file.sha1, description=self.description) for file in self.files]

    def recipe_sources(self, name: str) -> list[RecipeSource]:
        """For the recipe: by name and content, wherever they lie."""
        return [RecipeSource(name=name, path=file.name, sha1=file.sha1) for file in self.files]
