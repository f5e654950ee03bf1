"""Recipes: what determines the content of a version, and so its id.

Belongs here: the recipe, its canonical JSON, the version id. Does not belong here: anything that changes
from run to run without changing the content (clocks, hosts, package versions).
"""

import datetime as dt
import hashlib
import json
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from html_classification.schemas.columns import Stage


class RecipeSource(BaseModel):
    """An input file by its content. Not by its version: the same bytes under another version change nothing."""

    name: str
    date: str | None = None
    path: str
    sha1: str


class Recipe(BaseModel):
    """What determines the content of a version.

    Attributes:
        stage: The stage.
        date: The day of the data.
        code_version: Version of the code that computes the stage; a person raises it when its results change.
        columns: Name and type of each column, with its checks: a changed schema is a new version.
        parameters: Everything that steers the computation.
        sources: Every input file.
    """

    stage: str
    date: dt.date
    code_version: str
    columns: str
    parameters: dict[str, Any]
    sources: list[RecipeSource]

    def canonical_json(self) -> str:
        """The recipe in one exact form: sorted keys, no spaces, ASCII."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))

    @property
    def version(self) -> str:
        """The first 12 hex digits of the SHA-256 of the canonical JSON."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()[:12]


def columns_fingerprint(stage: "Stage") -> str:
    """SHA-1 of the stage's columns: names, types, nullability and checks, but no descriptions."""
    described = [
        [name, str(field.dtype), field.nullable, field.unique, sorted(str(check) for check in field.checks)]
        for name, field in stage.model.to_schema().columns.items()
    ]
    return hashlib.sha1(json.dumps(described).encode(), usedforsecurity=False).hexdigest()
