"""metadata.json: what a version says about itself.

Belongs here: the typed model, the same for every stage. Does not belong here: computing its figures
(`statistics`, `context`) or when it is written (`building`).
"""

import datetime as dt
from typing import Any

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from html_classification.lake.versioned import parse_versioned
from html_classification.schemas.described import Check, Column

#: Raised when a reader of an older one would misunderstand the file.
METADATA_VERSION = 1


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Source(_Part):
    """An input: an exact version in the lake, or something outside with a description in its place."""

    uri: str
    stage: str | None = None
    date: str | None = None
    version: str | None = None
    sha1: str | None = None
    description: str | None = None

    @model_serializer(mode="wrap")
    def _without_what_does_not_apply(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in serialize(self).items() if value is not None}


class Step(_Part):
    """A processing step, in words a data scientist knows, with its parameters."""

    step: str
    parameters: dict[str, Any] = {}


class File(_Part):
    """A file of the version."""

    path: str
    bytes: int
    sha1: str


class Workflow(_Part):
    """Who computed the version, and what it took."""

    asset_key: str
    job: str | None
    run_id: str | None
    started: dt.datetime
    seconds: float
    rows_per_second: float
    peak_memory_bytes: int


class Context(_Part):
    """The environment the version was computed in."""

    code_version: str
    git_commit: str | None
    packages: dict[str, str]
    python: str
    host: str


class Statistics(_Part):
    """Figures of the rows. `by_column` holds nulls, distinct values, ranges, lengths and frequent values."""

    rows: int
    columns: int
    rejected_rows: int
    figures: dict[str, Any] = {}
    by_column: dict[str, dict[str, Any]] = {}


class Metadata(_Part):
    """All that a version says about itself, in the order in which it is written.

    `expires_on` is the first day on which garbage collection with its usual window may remove the version, if nothing
    needs it then; null where it never does.
    """

    metadata_version: int = METADATA_VERSION
    dataset: str
    description: str
    layer: str
    stage: str
    date: dt.date
    version: str
    sources: list[Source]
    process: list[Step]
    recipe: dict[str, Any]
    files: list[File]
    schema_: list[Column]
    statistics: Statistics
    sample: list[dict[str, Any]]
    checks: list[Check]
    workflow: Workflow
    context: Context
    created_at: dt.datetime
    expires_on: dt.date | None = None

    model_config = ConfigDict(
        frozen=True,
        alias_generator=lambda name: name.rstrip("_"),
        validate_by_name=True,
        serialize_by_alias=True,
    )

    @property
    def passed(self) -> bool:
        """Whether the version passed its audit: every check that blocks."""
        return all(check.passed for check in self.checks if check.blocking)

    @property
    def data_files(self) -> list[File]:
        """The files that hold the rows: one parquet file, or the crawler's own."""
        return [file for file in self.files if file.path.startswith("html-documents")]

    def to_json(self) -> bytes:
        """As it stands in the lake: pretty-printed UTF-8."""
        return (self.model_dump_json(indent=2, exclude_none=False) + "\n").encode()


def parse_metadata(data: bytes, uri: str) -> Metadata:
    """Read a metadata.json.

    Args:
        data: Its bytes.
        uri: Where it is, for the message.

    Raises:
        LakeError: It is not understood, or was written by a newer release.
    """
    return parse_versioned(
        Metadata,
        data,
        uri,
        key="metadata_version",
        known=METADATA_VERSION,
        mend="put it back from a copy, or delete it and run that day again",
    )
