"""Removing one version.

Belongs here: the order of steps in which a version goes. Does not belong here: whether it may (`gc`).

1. removed.json is put: when and why it goes, and its metadata.
2. metadata.json is deleted. From here on the version is incomplete: no reader finds it, and the same recipe
   computes it again.
3. It is asked once more whether it is needed. Whoever published it before step 2 is seen here, and the version
   put back; whoever does so later finds it missing (`Lake.publish` looks).
4. The other files are deleted.
5. A writer of the same recipe may have begun meanwhile, taken a file that was there for its own and written
   metadata.json: then that goes too, and that day must be run again.

A kill at any point leaves a complete version, or an incomplete one that the next garbage collection clears.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from html_classification.lake import paths
from html_classification.lake.metadata import parse_metadata
from html_classification.lake.paths import VersionId
from html_classification.lake.store import Store, StoredObject
from html_classification.lake.upkeep.records import write_removed

_KEPT = (paths.METADATA_FILE, paths.REMOVED_FILE)


@dataclass(frozen=True)
class Removal:
    """What became of a version.

    Attributes:
        spared: Why it stays after all; None where it went.
        broken: Whether a writer was building it in that very moment.
    """

    spared: str | None = None
    broken: bool = False


def is_leftover(files: Mapping[str, StoredObject], young: datetime) -> bool:
    """Whether the files of an incomplete version are nobody's work in progress.

    Args:
        files: The files by name.
        young: What was written later may be.
    """
    removed = files.get(paths.REMOVED_FILE)
    # What is older than removed.json was left by the removal itself.
    begun = max(young, removed.modified) if removed else young
    return all(item.modified <= begun for item in files.values())


def remove_version(store: Store, version: VersionId, reason: str, needed: Callable[[], str | None]) -> Removal:
    """Remove a version that is complete.

    Args:
        store: The lake's store.
        version: The version.
        reason: Why, for removed.json.
        needed: Tells why it is needed after all; None where it is not.

    Returns:
        What became of it.

    Raises:
        StoreError: The store refuses.
    """
    metadata, removed = (f"{version.path}/{name}" for name in _KEPT)
    if why := needed():
        return Removal(spared=why)
    data = store.find(metadata)
    if data is not None:
        store.delete([removed])  # of an earlier removal, after which it was built again
        store.put_new(removed, write_removed(data, datetime.now(UTC), reason))
        store.delete([metadata])
        if why := needed():
            store.put_new(metadata, data)
            return Removal(spared=why)
    return _clear(store, version)


def remove_leftovers(store: Store, version: VersionId, young: datetime) -> Removal:
    """Remove what a killed writer or an interrupted removal left of a version.

    Args:
        store: The lake's store.
        version: The version.
        young: What was written later may be work in progress.

    Returns:
        What became of it.

    Raises:
        StoreError: The store refuses.
    """
    files = {item.name: item for item in store.list(version.path)}
    if paths.METADATA_FILE in files or not is_leftover(files, young):
        return Removal(spared="it was written meanwhile")
    return _clear(store, version)


def _clear(store: Store, version: VersionId) -> Removal:
    store.delete(item.path for item in store.list(version.path) if item.name not in _KEPT)
    metadata = f"{version.path}/{paths.METADATA_FILE}"
    data = store.find(metadata)
    if data is None:
        return Removal()
    there = {item.name: item.bytes for item in store.list(version.path)}
    files = parse_metadata(data, store.uri(metadata)).files
    if all(there.get(file.path) == file.bytes for file in files):  # built again, after the files were deleted
        return Removal()
    store.delete([metadata])
    return Removal(broken=True)
