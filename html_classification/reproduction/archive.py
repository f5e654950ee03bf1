"""Archives: the metadata of a version and of all its ancestors, in one file that is kept outside of the lake.

Belongs here: making such a file, and looking versions up in one. Does not belong here: where it is kept
(`training.tracking`), what is rebuilt by it (`rebuilding`).

A model outlives the versions that it was made from: garbage collection, or a person, may delete them. With its archive
everything between raw and the model can be rebuilt and compared all the same. An archive is the metadata.json files as
gzipped JSON lines, the same bytes for the same versions.
"""

import gzip
import io
import logging
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Lock

import orjson

from html_classification.lake import LakeError, paths
from html_classification.lake.metadata import Metadata, parse_metadata
from html_classification.lake.paths import VersionId
from html_classification.lake.store import Store, in_parallel
from html_classification.reproduction.provenance import open_recorded, sources_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Kept:
    """A line of an archive, and the versions that it names as sources."""

    line: bytes
    sources: frozenset[VersionId]


class Archivist:
    """Makes archives, several of which have most of their lines in common: each metadata.json is read once.

    May be used by several threads at once.

    Args:
        store: The lake's store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[VersionId, _Kept | None] = {}  # versions never change
        self._lock = Lock()

    def archive(self, metadata: Metadata) -> bytes:
        """The archive of a version, whether that is in the lake already or not.

        Args:
            metadata: The version's metadata.

        Returns:
            Gzipped JSON lines, sorted by stage, day and version: its metadata, and that of all its ancestors back to
            raw. An ancestor of which the lake has no readable metadata is left out, and logged as a warning: whether
            everything can be rebuilt then shows when it is tried.

        Raises:
            LakeError: A source is no name of a version.
        """
        version = VersionId(metadata.stage, metadata.date, metadata.version)
        found: dict[VersionId, _Kept | None] = {version: _kept(metadata)}
        with self._lock:  # the second of two threads finds what the first has read
            wave = sorted(_sources(found))
            while wave:
                unread = [one for one in wave if one not in self._known]
                self._known |= zip(unread, in_parallel(self._read, unread), strict=True)
                found |= {one: self._known[one] for one in wave}
                wave = sorted(_sources({one: found[one] for one in wave}) - found.keys())
        return _compress(b"".join(kept.line for _, kept in sorted(found.items()) if kept))

    def _read(self, version: VersionId) -> _Kept | None:
        try:
            return _kept(open_recorded(self._store, version).metadata)
        except LakeError as error:
            log.warning("the provenance of a model is incomplete: %s", error)
            return None


class Archive:
    """What an archive says of versions.

    Args:
        lines: The metadata of each version, as JSON.
        name: Where it is from, for messages.
    """

    def __init__(self, lines: Mapping[VersionId, bytes], name: str = "the archive") -> None:
        self._lines = lines
        self._name = name

    def __len__(self) -> int:
        return len(self._lines)

    def find(self, version: VersionId) -> Metadata | None:
        """The metadata of a version; None where the archive does not have it.

        Raises:
            LakeError: They are not understood.
        """
        line = self._lines.get(version)
        return None if line is None else parse_metadata(line, f"{version} in {self._name}")


def archive(store: Store, metadata: Metadata) -> bytes:
    """The archive of a single version, see `Archivist.archive`."""
    return Archivist(store).archive(metadata)


def read_archive(data: bytes, name: str = "the archive") -> Archive:
    """Read an archive.

    Args:
        data: Its bytes.
        name: Where it is from, for messages.

    Raises:
        LakeError: It is damaged.
    """
    try:
        lines = gzip.decompress(data).splitlines()
        if not lines:
            raise ValueError("it is empty")
        return Archive(dict(map(_identified, lines)), name)
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, LakeError) as error:
        message = f"{name} is not readable ({str(error).splitlines()[0]}): it is damaged; put it back from a copy"
        raise LakeError(message) from None


def _identified(line: bytes) -> tuple[VersionId, bytes]:
    said = orjson.loads(line)
    version = VersionId(said["stage"], paths.parse_day(said["date"]), said["version"])
    paths.version_path(version.stage, version.day, version.version)
    return version, line


def _kept(metadata: Metadata) -> _Kept:
    return _Kept(metadata.model_dump_json().encode() + b"\n", frozenset(sources_of(metadata)))


def _sources(found: Mapping[VersionId, _Kept | None]) -> set[VersionId]:
    def named() -> Iterator[VersionId]:
        for kept in found.values():
            yield from kept.sources if kept else ()

    return set(named())


def _compress(data: bytes) -> bytes:
    """As gzip without a name and a time: the same bytes for the same data."""
    buffer = io.BytesIO()
    with gzip.GzipFile("", "wb", fileobj=buffer, mtime=0) as file:
        file.write(data)
    return buffer.getvalue()
