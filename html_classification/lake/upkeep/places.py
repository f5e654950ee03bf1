"""Which files are the lake's own.

Belongs here: telling them, by their names, from what people leave beside them. Does not belong here: what becomes
of either (`gc`, `verify`).

Only the lake's own files are ever deleted.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache

from html_classification.lake import paths
from html_classification.lake.layout import LAYOUT_FILE
from html_classification.lake.store import StoredObject
from html_classification.lake.upkeep.records import Record

_DATA = "html-documents"
#: Names as the label store gives them; which of them mean something, `labeling` knows.
_IN_LABEL_STORE = re.compile(rf"{paths.LABEL_STORE}/[a-z]+/[a-z0-9./-]+\.(json|jsonl|json\.gz)")
_NAMES = {paths.METADATA_FILE, paths.REMOVED_FILE, paths.SAMPLE_FILE, paths.REJECTED_FILE}


def own_files(files: Mapping[str, StoredObject], record: object = None) -> dict[str, StoredObject]:
    """Those of the files in a version's folder that belong to the version.

    Args:
        files: The files by name.
        record: What is known of the version, where it is: what its metadata list belongs to it too.
    """
    listed = {file.path for file in record.files} if isinstance(record, Record) else set()
    return {name: item for name, item in files.items() if name in listed or _is_own(name)}


def other_files(files: Mapping[str, StoredObject], record: object = None) -> list[StoredObject]:
    """The others, by name."""
    own = own_files(files, record)
    return [files[name] for name in sorted(files.keys() - own.keys())]


def is_whole(record: object, files: Mapping[str, StoredObject]) -> bool:
    """Whether all files that a version's metadata list are there, with their sizes."""
    if not isinstance(record, Record):
        return False
    return all(file.path in files and files[file.path].bytes == file.bytes for file in record.files)


def in_folder(objects: Iterable[StoredObject], folder: str) -> dict[str, StoredObject]:
    """What lies directly in a folder, by name."""
    return {item.name: item for item in objects if item.path == f"{folder}/{item.name}"}


def is_temporary(item: StoredObject) -> bool:
    """Whether a file whose name ends with `#` and a number is one that a killed writer left.

    It is, where what comes before is a path of the lake; else it is somebody's.
    """
    path = item.path.rpartition("#")[0]
    if in_version := paths.parse_version_file(path):
        return _is_own(in_version[1])
    if path == LAYOUT_FILE or _IN_LABEL_STORE.fullmatch(path):
        return True
    return bool(paths.parse_publication(path) or paths.parse_snapshot(path))


@cache
def lasting_stages() -> frozenset[str]:
    """The stages whose versions never go: what the crawler left, and what was paid for."""
    from html_classification.schemas.labels import LABELS
    from html_classification.schemas.raw import RAW

    return frozenset(stage.name for stage in (RAW, LABELS) if not stage.expendable)


def _is_own(name: str) -> bool:
    return name in _NAMES or name.startswith(_DATA) or paths.parse_count_file(name) is not None
