"""What is in the lake, told from listings alone.

Belongs here: stages, days, publications, versions and their files, as their paths say. Does not belong here:
opening any of them.

On S3 a listing brings a thousand objects a request, so that hundreds of days cost a few requests. Everything
that is asked of many days at once is answered here.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from html_classification.lake import paths
from html_classification.lake.layout import LAYOUT_FILE
from html_classification.lake.paths import Publication, VersionId
from html_classification.lake.store import Store, StoredObject, in_parallel


def stages(store: Store) -> dict[str, list[str]]:
    """Every stage of the lake and the names of its days, sorted."""
    found: dict[str, list[str]] = {}
    folders = [name for name in store.folders() if name not in paths.RESERVED]
    while folders:
        below = dict(zip(folders, in_parallel(store.folders, folders), strict=True))
        found |= {folder: days for folder, names in below.items() if (days := [n for n in names if paths.is_day(n)])}
        folders = [f"{folder}/{name}" for folder, names in below.items() for name in names if not _is_leaf(name)]
    return dict(sorted(found.items()))


def _is_leaf(name: str) -> bool:
    """Days, and what lies in days by mistake, hold no stages."""
    return paths.is_day(name) or name == paths.PUBLISHED


def days(store: Store, stage: str, first: date | None = None, last: date | None = None) -> list[str]:
    """The names of the days of a stage that there is anything of, within a range, sorted."""
    low, high = (first or date.min).isoformat(), (last or date.max).isoformat()
    return [name for name in store.folders(paths.stage_path(stage)) if paths.is_day(name) and low <= name <= high]


def publications(store: Store, wanted: dict[str, list[str]]) -> list[Publication]:
    """The publications of some days of some stages, oldest first within a day."""
    found = (paths.parse_publication(item.path) for item in store.list_folders(wanted, only=paths.PUBLISHED))
    return sorted(item for item in found if item)


@dataclass
class Inventory:
    """All objects of a lake, or of some of its stages, each in its place.

    Attributes:
        versions: The files of each version by name, complete or not.
        publications: All of them, oldest first within a stage and day.
        snapshots: The snapshots by name.
        strays: What has no place in a lake.
    """

    versions: dict[VersionId, dict[str, StoredObject]] = field(default_factory=lambda: defaultdict(dict))
    publications: list[Publication] = field(default_factory=list)
    snapshots: dict[str, StoredObject] = field(default_factory=dict)
    strays: list[StoredObject] = field(default_factory=list)

    @property
    def current(self) -> dict[tuple[str, date], Publication]:
        """The publication that says what is current, of each stage and day."""
        return {(item.stage, item.day): item for item in self.publications}

    def is_complete(self, version: VersionId) -> bool:
        """Whether a version was written to its end, and not removed since."""
        return paths.METADATA_FILE in self.versions.get(version, {})


def take_inventory(store: Store) -> Inventory:
    """Everything that there is, strays too."""
    return sort_in(store.list())


def sort_in(objects: Iterable[StoredObject]) -> Inventory:
    """Objects of a listing, each in its place."""
    inventory = Inventory()
    for item in objects:
        publication = paths.parse_publication(item.path)
        in_version = None if publication else paths.parse_version_file(item.path)
        if publication:
            inventory.publications.append(publication)
        elif in_version:
            inventory.versions[in_version[0]][in_version[1]] = item
        elif snapshot := paths.parse_snapshot(item.path):
            inventory.snapshots[snapshot] = item
        elif item.path != LAYOUT_FILE and not paths.is_in_label_store(item.path):
            inventory.strays.append(item)
    inventory.publications.sort()
    return inventory
