"""What garbage collection must keep, and why.

Belongs here: what is needed for its own sake, and what that was made from. Does not belong here: what becomes of
the rest (`gc`).

Where it is not sure, it stops: metadata or a snapshot that cannot be read may name anything.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Literal, NoReturn

from html_classification.lake import paths
from html_classification.lake.errors import LakeError
from html_classification.lake.lake import Lake
from html_classification.lake.listing import Inventory
from html_classification.lake.paths import Publication, VersionId
from html_classification.lake.snapshots import Snapshot
from html_classification.lake.store import StoredObject, in_parallel
from html_classification.lake.upkeep.records import Record, Records

Why = Literal[
    "current",
    "snapshot",
    "window",
    "ancestor",
    "never",
    "young",
    "restored",
    "lost",
    "superseded",
    "unpublished",
    "incomplete",
    "interrupted",
]


def stop(why: str) -> NoReturn:
    """End it before anything is removed."""
    message = f"nothing is removed, since it is not known what is needed: {why}; see 'html-classification lake verify'"
    raise LakeError(message)


def require_snapshots(lake: Lake, objects: Iterable[StoredObject]) -> None:
    """Make sure that whatever lies where the snapshots lie is one: what is not may name anything.

    Raises:
        LakeError: There is something else.
    """
    for item in objects:
        if item.path.startswith(f"{paths.SNAPSHOTS}/") and paths.parse_snapshot(item.path) is None:
            stop(f"{lake.store.uri(item.path)} has no name of a snapshot, and lies among them")


def all_snapshots(lake: Lake) -> list[Snapshot]:
    """Every snapshot.

    Raises:
        LakeError: One cannot be read.
    """
    try:
        return lake.snapshots()
    except LakeError as error:
        stop(str(error))


def complete_records(inventory: Inventory, known: Records) -> dict[VersionId, Record]:
    """What every version that is there says about itself.

    Raises:
        LakeError: One is not understood.
    """
    complete = [version for version in inventory.versions if inventory.is_complete(version)]
    read = dict(zip(complete, in_parallel(known.get, complete), strict=True))
    for record in read.values():
        if isinstance(record, LakeError):
            stop(str(record))
    return {version: record for version, record in read.items() if isinstance(record, Record) and not record.removed_at}


def roots(
    inventory: Inventory, snapshots: Iterable[Snapshot], since: datetime, keep_days: int
) -> dict[VersionId, tuple[Why, str]]:
    """What is needed for its own sake, with the first reason that holds."""
    found: dict[VersionId, tuple[Why, str]] = {}
    for item in inventory.current.values():
        found[item.id] = ("current", f"current since {utc_day(item.time)}")
    for snapshot in snapshots:
        for version in snapshot.ids:
            found.setdefault(version, ("snapshot", f"in snapshot {snapshot.name}"))
    for version, until in ended(inventory.publications).items():
        if until > since:
            reason = f"was current until {utc_day(until)}, within the last {keep_days} days"
            found.setdefault(version, ("window", reason))
    return found


def ended(publications: Sequence[Publication]) -> dict[VersionId, datetime]:
    """When each version that was current once was so for the last time; oldest publication first."""
    followed = pairwise(publications)
    return {item.id: after.time for item, after in followed if (item.stage, item.day) == (after.stage, after.day)}


def ancestors(needed: Iterable[VersionId], known: Records) -> dict[VersionId, VersionId]:
    """Everything that some versions were made from, at any remove, with what was made from it.

    Raises:
        LakeError: One is missing, or not understood.
    """
    found: dict[VersionId, VersionId] = {}
    to_do = list(needed)
    for version in to_do:
        if known.get(version) is None:
            stop(f"{version} is published or in a snapshot, and missing")
    while to_do:
        version = to_do.pop()
        record = known.get(version)
        if isinstance(record, LakeError):
            stop(str(record))
        if record is None:
            stop(f"{version}, which {found[version]} was made from, is missing")
        for source in {one.version for one in record.inputs} - found.keys():
            found[source] = version
            to_do.append(source)
    return found


def utc_day(moment: datetime) -> date:
    """The day of a moment in UTC."""
    return moment.astimezone(UTC).date()
