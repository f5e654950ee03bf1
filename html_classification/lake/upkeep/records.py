"""What is kept in memory of each version while all of them are gone over.

Belongs here: a version's metadata cut down to what upkeep asks, and removed.json, which takes its place when
garbage collection has removed it. Does not belong here: judging it (`verify`), or removing it (`gc`).
"""

import json
from dataclasses import dataclass
from datetime import date, datetime

import orjson
from pydantic import AwareDatetime, BaseModel

from html_classification.lake import paths
from html_classification.lake.dataset import Dataset, find_dataset
from html_classification.lake.errors import LakeError
from html_classification.lake.metadata import File, Metadata, parse_metadata
from html_classification.lake.paths import VersionId
from html_classification.lake.store import Store


class _Removed(BaseModel):
    removed_at: AwareDatetime
    reason: str
    metadata: dict[str, object]
    metadata_text: str | None = None


@dataclass(frozen=True)
class Input:
    """A file that a version was made from: the version in the lake that has it, and its SHA-1."""

    version: VersionId
    sha1: str | None


@dataclass(frozen=True)
class Record:
    """What a version says about itself, as far as upkeep asks.

    Attributes:
        version: Which it is, by its place in the lake.
        files: Its files.
        inputs: What it was made from, in the lake.
        rows: Its rows and rejected rows.
        passed: Whether it passed its audit.
        created_at: When it was built.
        expires_on: The day on which it may go; None: never.
        metadata_sha1: SHA-1 of its metadata.json; None where it was removed.
        removed_at: When garbage collection removed it; None where it is there.
    """

    version: VersionId
    files: tuple[File, ...]
    inputs: tuple[Input, ...]
    rows: tuple[int, int]
    passed: bool
    created_at: datetime
    expires_on: date | None
    metadata_sha1: str | None
    removed_at: datetime | None = None


class Records:
    """What is known of versions, read when it is first asked for and kept.

    Args:
        store: The lake's store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[VersionId, Record | LakeError | None] = {}

    def add(self, version: VersionId, record: Record | LakeError | None) -> None:
        """Keep what was read elsewhere."""
        self._known[version] = record

    def get(self, version: VersionId) -> Record | LakeError | None:
        """A version that is there or was removed; None where there is none; the error where it is not understood."""
        if version not in self._known:
            try:
                self._known[version] = read_record(self._store, version)
            except LakeError as error:
                self._known[version] = error
        return self._known[version]

    def at_hand(self, version: VersionId) -> Record | LakeError | None:
        """The same, without reading: None for one that nobody read."""
        return self._known.get(version)


def read_record(store: Store, version: VersionId) -> Record | None:
    """What the lake knows of a version, also of one that was removed; None where there is none.

    Raises:
        LakeError: It cannot be read or is not understood.
    """
    dataset = find_dataset(store, version.stage, version.day, version.version)
    if dataset is not None:
        return record_of(dataset, version)
    path = f"{version.path}/{paths.REMOVED_FILE}"
    data = store.find(path)
    return None if data is None else read_removed(data, version, store.uri(path))


def record_of(dataset: Dataset, version: VersionId) -> Record:
    """What a version that is there says about itself.

    Raises:
        LakeError: It names a source that can be no version.
    """
    uri = dataset.store.uri(f"{version.path}/{paths.METADATA_FILE}")
    return _record(dataset.metadata, version, uri, dataset.metadata_sha1, None)


def write_removed(metadata: bytes, when: datetime, reason: str) -> bytes:
    """The removed.json of a version, from its metadata.json: for people, and as the very text, to put it back."""
    content = {
        "removed_at": when.isoformat(),
        "reason": reason,
        "metadata": orjson.loads(metadata),
        "metadata_text": metadata.decode(),
    }
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def removed_metadata(data: bytes, uri: str) -> bytes:
    """The metadata.json that a removed.json was made from, byte for byte.

    An older removed.json lacks the text: then it is written as metadata.json is.

    Raises:
        LakeError: It is not understood.
    """
    removed = _parse_removed(data, uri)
    if removed.metadata_text is not None:
        return removed.metadata_text.encode()
    return parse_metadata(json.dumps(removed.metadata).encode(), uri).to_json()


def read_removed(data: bytes, version: VersionId, uri: str) -> Record:
    """What the removed.json of a version says.

    Raises:
        LakeError: It is not understood.
    """
    removed = _parse_removed(data, uri)
    metadata = parse_metadata(json.dumps(removed.metadata).encode(), uri)
    return _record(metadata, version, uri, None, removed.removed_at)


def _parse_removed(data: bytes, uri: str) -> _Removed:
    try:
        return _Removed.model_validate_json(data)
    except ValueError as error:
        message = f"{uri} is not readable ({str(error).splitlines()[0]}): it is damaged; put it back from a copy"
        raise LakeError(message) from None


def _record(
    metadata: Metadata, version: VersionId, uri: str, metadata_sha1: str | None, removed_at: datetime | None
) -> Record:
    return Record(
        version=version,
        files=tuple(metadata.files),
        inputs=tuple(_inputs(metadata, uri)),
        rows=(metadata.statistics.rows, metadata.statistics.rejected_rows),
        passed=metadata.passed,
        created_at=metadata.created_at,
        expires_on=metadata.expires_on,
        metadata_sha1=metadata_sha1,
        removed_at=removed_at,
    )


def _inputs(metadata: Metadata, uri: str) -> list[Input]:
    found = []
    for source in metadata.sources:
        if source.stage is None:  # outside the lake
            continue
        try:
            version = VersionId(source.stage, paths.parse_day(source.date or ""), source.version or "")
            paths.version_path(version.stage, version.day, version.version)
        except LakeError as error:
            message = f"{uri} names a source that can be no version ({error}): it is damaged; put it back from a copy"
            raise LakeError(message) from None
        found.append(Input(version, source.sha1))
    return found
