"""Snapshots: immutable named lists of exact versions.

Belongs here: what a snapshot holds, writing and reading one. Does not belong here: choosing what goes in
(`lake`), or reading the data that it names (`scanning`).
"""

import datetime as dt

from pydantic import BaseModel, ConfigDict

from html_classification.lake import paths
from html_classification.lake.errors import LakeError
from html_classification.lake.paths import VersionId
from html_classification.lake.store import Store, in_parallel
from html_classification.lake.versioned import parse_versioned

#: Raised when a reader of an older one would misunderstand the file.
SNAPSHOT_VERSION = 1


class Snapshot(BaseModel):
    """A named list of exact versions.

    Attributes:
        snapshot_version: Version of this file's form.
        name: Its name, for good.
        reason: Why it was made, in a few words.
        created_at: When, in UTC.
        versions: Per stage the version of each day.
    """

    model_config = ConfigDict(frozen=True)

    snapshot_version: int = SNAPSHOT_VERSION
    name: str
    reason: str = ""
    created_at: dt.datetime
    versions: dict[str, dict[dt.date, str]]

    @property
    def ids(self) -> list[VersionId]:
        """Every version that it names, sorted."""
        return sorted(
            VersionId(stage, day, item) for stage, days in self.versions.items() for day, item in days.items()
        )

    def to_json(self) -> bytes:
        """As it stands in the lake: pretty-printed UTF-8."""
        return (self.model_dump_json(indent=2) + "\n").encode()


def put_snapshot(store: Store, snapshot: Snapshot) -> Snapshot:
    """Write a snapshot; one of the same name with the same versions is left as it is.

    Returns:
        What stands in the lake.

    Raises:
        LakeError: There is one of that name that names other versions.
    """
    if store.put_new(paths.snapshot_path(snapshot.name), snapshot.to_json()):
        return snapshot
    known = open_snapshot(store, snapshot.name)
    if known.versions != snapshot.versions:
        message = f"there is a snapshot {snapshot.name} with other versions; snapshots never change: take another name"
        raise LakeError(message)
    return known


def open_snapshot(store: Store, name: str) -> Snapshot:
    """A snapshot by its name.

    Raises:
        LakeError: There is none, or it is not understood.
    """
    path = paths.snapshot_path(name)
    data = store.find(path)
    if data is None:
        message = f"no snapshot {name} in {store.root}; see 'html-classification lake snapshot ls'"
        raise LakeError(message)
    return parse_snapshot(data, store.uri(path))


def parse_snapshot(data: bytes, uri: str) -> Snapshot:
    """Read a snapshot.

    Args:
        data: Its bytes.
        uri: Where it is, for the message.

    Raises:
        LakeError: It is not understood, or was written by a newer release.
    """
    return parse_versioned(
        Snapshot, data, uri, key="snapshot_version", known=SNAPSHOT_VERSION, mend="delete it and create it again"
    )


def all_snapshots(store: Store) -> list[Snapshot]:
    """Every snapshot, by name."""
    names = (paths.parse_snapshot(item.path) for item in store.list(paths.SNAPSHOTS))
    return in_parallel(lambda name: open_snapshot(store, name), [name for name in names if name])
