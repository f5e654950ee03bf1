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

A kill at any point leaves a complete version, or an incomplete one that the next garbage collection clears, or puts
back where it is needed by then.

Only what belongs to the version is deleted; what people left beside it stays.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from html_classification.lake import paths
from html_classification.lake.errors import LakeError, StoreError
from html_classification.lake.paths import VersionId
from html_classification.lake.store import Store, StoredObject
from html_classification.lake.upkeep.places import in_folder, is_whole, own_files
from html_classification.lake.upkeep.records import Record, read_record, removed_metadata, write_removed

#: What nobody published, and what a writer has not ended, stays so long.
GRACE = timedelta(hours=24)
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


def remove_version(store: Store, record: Record, reason: str, needed: Callable[[], str | None]) -> Removal:
    """Remove a version that is complete.

    Args:
        store: The lake's store.
        record: The version, as it was when its removal was decided.
        reason: Why, for removed.json.
        needed: Tells why it is needed after all; None where it is not.

    Returns:
        What became of it.

    Raises:
        StoreError: The store refuses.
    """
    version = record.version
    metadata, removed = (f"{version.path}/{name}" for name in _KEPT)
    if why := needed():
        return Removal(spared=why)
    data = store.find(metadata)
    if data is None:  # a writer may be at work on it by now
        return Removal(spared="its metadata.json went meanwhile")
    if hashlib.sha1(data, usedforsecurity=False).hexdigest() != record.metadata_sha1:
        return Removal(spared="it was built again meanwhile")
    store.delete([removed])  # of an earlier removal, after which it was built again
    store.put_new(removed, write_removed(data, datetime.now(UTC), reason))
    store.delete([metadata])
    if why := needed():
        store.put_new(metadata, data)
        return Removal(spared=why)
    return _clear(store, record.version, own_files(_files(store, version), record))


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
    files = own_files(_files(store, version), _known(store, version))
    if paths.METADATA_FILE in files or not is_leftover(files, young):
        return Removal(spared="it was written meanwhile")
    return _clear(store, version, files)


def put_back(store: Store, version: VersionId) -> bool:
    """Put back a version whose removal was interrupted before any of its files went.

    Args:
        store: The lake's store.
        version: The version.

    Returns:
        Whether it is back; not where it was built again or cleared meanwhile.

    Raises:
        LakeError: The store refuses, or removed.json is not understood.
    """
    files = _files(store, version)
    if paths.METADATA_FILE in files or not is_whole(read_record(store, version), files):
        return False
    path = f"{version.path}/{paths.REMOVED_FILE}"
    return store.put_new(f"{version.path}/{paths.METADATA_FILE}", removed_metadata(store.get(path), store.uri(path)))


def _clear(store: Store, version: VersionId, files: Mapping[str, StoredObject]) -> Removal:
    """Delete files that were listed right before; what was written since is not among them."""
    store.delete(item.path for name, item in files.items() if name not in _KEPT)
    record = _known(store, version)
    if record is None or record.removed_at or is_whole(record, _files(store, version)):
        return Removal()  # gone, or built again after the files were deleted
    store.delete([f"{version.path}/{paths.METADATA_FILE}"])
    return Removal(broken=True)


def _files(store: Store, version: VersionId) -> dict[str, StoredObject]:
    return in_folder(store.list(version.path), version.path)


def _known(store: Store, version: VersionId) -> Record | None:
    """What metadata.json or else removed.json says; None where there is neither, or it is damaged."""
    try:
        return read_record(store, version)
    except StoreError:
        raise
    except LakeError:
        return None
