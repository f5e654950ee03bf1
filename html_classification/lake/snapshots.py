"""Snapshots: immutable named lists of exact versions.

Belongs here: what a snapshot holds, writing and reading one. Does not belong here: choosing what goes in
(`lake`), or reading the data that it names (`scanning`).
"""

import datetime as dt

from pydantic import BaseModel, ConfigDict

from html_classification.lake import paths
from html_classification.lake.errors import LakeError
from html_classification.lake.listing import Inventory, sort_in
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


def create_snapshot(store: Store, snapshot: Snapshot, inventory: Inventory) -> Snapshot:
    """Write a snapshot; one of the same name with the same versions is left as it is.

    Args:
        store: The lake's store.
        snapshot: What to write.
        inventory: What is in the lake, of the days that it names.

    Returns:
        What stands in the lake, with all that it names.

    Raises:
        LakeError: A version is not there, there is a snapshot of that name that names other versions, or a version
            was removed while this one was written.
    """
    if gone := _not_there(store, snapshot, inventory):
        message = f"{gone} removed since and cannot be named: choose other days, stages or a later moment"
        raise LakeError(message)
    made = _put(store, snapshot)
    # Garbage collection takes a version away and then looks for snapshots that name it, this writes the snapshot and
    # then looks for the versions: whichever comes first, one of the two sees the other.
    wanted: dict[str, list[str]] = {}
    for item in made.ids:
        wanted.setdefault(item.stage, []).append(item.day.isoformat())
    if gone := _not_there(store, made, sort_in(store.list_folders(wanted))):
        message = (
            f"{gone} removed while snapshot {made.name} was written, which stands in {store.root} and names it: run "
            "that day again, and see 'html-classification lake verify'; or name what there is under another name"
        )
        raise LakeError(message)
    return made


def _not_there(store: Store, snapshot: Snapshot, inventory: Inventory) -> str | None:
    """Which versions of a snapshot are not there, and the verb that follows; None where all are."""
    absent = [item for item in snapshot.ids if not inventory.is_complete(item)]
    # A version that was published while the listing went on may not be in it: asked for by itself, it is there.
    gone = [item for item in absent if store.find(f"{item.path}/{paths.METADATA_FILE}") is None]
    if not gone:
        return None
    return f"{gone[0]} and {len(gone) - 1} more were" if len(gone) > 1 else f"{gone[0]} was"


def _put(store: Store, snapshot: Snapshot) -> Snapshot:
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
    # Deleting it would lift the protection of all that it names, which may be in no other snapshot.
    mend = "put it back from a copy; until then gc deletes nothing, and without the file gc may delete what it names"
    return parse_versioned(Snapshot, data, uri, key="snapshot_version", known=SNAPSHOT_VERSION, mend=mend)


def all_snapshots(store: Store) -> list[Snapshot]:
    """Every snapshot, by name."""
    names = (paths.parse_snapshot(item.path) for item in store.list(paths.SNAPSHOTS))
    return in_parallel(lambda name: open_snapshot(store, name), [name for name in names if name])
