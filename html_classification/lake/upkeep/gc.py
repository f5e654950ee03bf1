"""Garbage collection: which versions may go, why each stays or goes, and removing them.

Belongs here: the decision, and going over what was decided. Does not belong here: how one version is removed so
that no reader or writer is misled (`removal`).

What stays: what is current, what a snapshot names, what was current within the history window, and whatever one
of those was made from, at any remove. Besides, what nobody published stays while it is young, since a run may be
at work on it, with all that it was made from; and what its metadata say never to remove (`expires_on` is null:
raw, which nothing could rebuild, and labels, which were paid for). A version of the last kind does not keep what
it was made from: that can be rebuilt from raw.

Where it is not sure, it removes nothing at all: metadata or a snapshot that cannot be read may name anything.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Literal, NoReturn

from html_classification.lake import paths
from html_classification.lake.building import KEEP_DAYS
from html_classification.lake.errors import LakeError
from html_classification.lake.lake import Lake
from html_classification.lake.listing import Inventory, take_inventory
from html_classification.lake.paths import Publication, VersionId
from html_classification.lake.snapshots import Snapshot
from html_classification.lake.store import StoredObject, in_parallel
from html_classification.lake.upkeep.records import Record, Records
from html_classification.lake.upkeep.removal import is_leftover, remove_leftovers, remove_version

#: What nobody published, and what a writer has not ended, stays so long.
GRACE = timedelta(hours=24)

Why = Literal[
    "current",
    "snapshot",
    "window",
    "ancestor",
    "never",
    "young",
    "superseded",
    "unpublished",
    "incomplete",
    "interrupted",
]


@dataclass(frozen=True)
class Decision:
    """Whether a version stays or goes.

    Attributes:
        version: The version.
        goes: Whether it goes.
        why: The kind of reason.
        reason: The reason in words.
        bytes: What its files take without metadata.json, and what removing it frees.
    """

    version: VersionId
    goes: bool
    why: Why
    reason: str
    bytes: int


@dataclass(frozen=True)
class Plan:
    """What garbage collection would do.

    Attributes:
        decisions: Every version that has files in the lake; those that were removed before are not among them.
        temporary: Temporary files that killed writers left on a disk and that go.
        strays: What has no place in a lake; it is never removed.
        grace: How long what nobody published stays.
        made_at: For which moment this was decided.
        records: What each version that is there says about itself.
        publications: All that were known then.
        snapshots: The names of all that were known then.
    """

    decisions: Sequence[Decision]
    temporary: Sequence[StoredObject]
    strays: Sequence[StoredObject]
    grace: timedelta
    made_at: datetime
    records: Mapping[VersionId, Record]
    publications: frozenset[Publication]
    snapshots: frozenset[str]

    @property
    def goes(self) -> list[Decision]:
        """What goes."""
        return [decision for decision in self.decisions if decision.goes]

    @property
    def stays(self) -> list[Decision]:
        """What stays."""
        return [decision for decision in self.decisions if not decision.goes]

    @property
    def bytes(self) -> int:
        """What removing all that goes would free."""
        return sum(decision.bytes for decision in self.goes) + sum(item.bytes for item in self.temporary)


@dataclass
class Collected:
    """What garbage collection did.

    Attributes:
        removed: What went.
        spared: What became needed after the plan was made, and why.
        broken: What was being built again in the very moment of its removal: those days must be run again.
    """

    removed: list[Decision] = field(default_factory=list)
    spared: dict[VersionId, str] = field(default_factory=dict)
    broken: list[VersionId] = field(default_factory=list)


def plan(lake: Lake, *, keep_days: int = KEEP_DAYS, grace: timedelta = GRACE, now: datetime | None = None) -> Plan:
    """Decide of every version whether it stays or goes. Nothing is changed.

    Args:
        lake: The lake.
        keep_days: The history window: what was current at any time in so many days stays.
        grace: What nobody published, and what a writer has not ended, stays so long after its last file was written.
        now: The moment to decide for; without it, now.

    Returns:
        The decisions, and what `collect` needs to carry them out.

    Raises:
        LakeError: Metadata or a snapshot cannot be read, or something that stays was made from a version that is
            missing: then nobody knows what is needed still.
    """
    now = now or datetime.now(UTC)
    store, young = lake.store, now - grace
    inventory = take_inventory(store)
    snapshots = _snapshots(lake)
    known = Records(store)
    records = _records(inventory, known)
    roots = _roots(inventory, snapshots, now - timedelta(days=keep_days), keep_days)
    published = {item.id for item in inventory.publications}
    for version in records:
        if version not in published and _newest(inventory.versions[version].values()) > young:
            roots.setdefault(version, ("young", f"unpublished, and younger than {_hours(grace)}: a run may be at work"))
    ancestors = _ancestors(roots, known)
    ended = _ended(inventory.publications)

    def decide(version: VersionId, files: Mapping[str, StoredObject]) -> Decision:
        kept = (paths.METADATA_FILE, paths.REMOVED_FILE)  # what the one says stays in the other
        size = sum(item.bytes for name, item in files.items() if name not in kept)
        record = records.get(version)
        if record is None:
            goes, why, reason = _incomplete(files, young, grace)
        elif version in roots:
            goes, (why, reason) = False, roots[version]
        elif version in ancestors:
            goes, why, reason = False, "ancestor", f"{ancestors[version]} was made from it"
        else:
            goes, why, reason = _unneeded(record, ended.get(version))
        return Decision(version, goes, why, reason, size)

    removed = {paths.REMOVED_FILE}
    there = sorted((version, files) for version, files in inventory.versions.items() if set(files) != removed)
    return Plan(
        decisions=[decide(version, files) for version, files in there],
        temporary=[item for item in store.temporary_files() if item.modified < young],
        strays=inventory.strays,
        grace=grace,
        made_at=now,
        records=records,
        publications=frozenset(inventory.publications),
        snapshots=frozenset(snapshot.name for snapshot in snapshots),
    )


def collect(lake: Lake, plan: Plan, *, on_removed: Callable[[Decision], None] | None = None) -> Collected:
    """Remove what a plan says. Killed at any moment, the next one finishes it.

    Right before a version goes, its day's publications and the snapshots are listed again, and what became needed
    meanwhile is spared, with what it was made from. Of a version that was complete, removed.json stays: when and why it
    went, and its metadata. Publications stay too.

    Args:
        lake: The lake.
        plan: What `plan` decided.
        on_removed: Called after each version.

    Returns:
        What was done.

    Raises:
        LakeError: The store refuses, or a snapshot that is new cannot be read.
    """
    store, done, seen = lake.store, Collected(), dict.fromkeys(plan.snapshots, frozenset[VersionId]())
    # What was made later may have been made from what was made earlier: it is looked at first.
    goes = sorted(plan.goes, key=lambda one: _created(plan, one.version), reverse=True)
    for decision in goes:
        version = decision.version

        def needed(version: VersionId = version) -> str | None:
            return done.spared.get(version) or _needed(lake, plan, seen, version)

        if decision.why in ("incomplete", "interrupted"):
            outcome = remove_leftovers(store, version, plan.made_at - plan.grace)
        else:
            outcome = remove_version(store, version, f"{decision.why}: {decision.reason}", needed)
        if outcome.spared:
            _spare(done, plan, version, outcome.spared)
            continue
        done.removed.append(decision)
        done.broken += [version] if outcome.broken else []
        if on_removed:
            on_removed(decision)
    store.delete(item.path for item in plan.temporary)
    return done


def _stop(why: str) -> NoReturn:
    message = f"nothing is removed, since it is not known what is needed: {why}; see 'html-classification lake verify'"
    raise LakeError(message)


def _snapshots(lake: Lake) -> list[Snapshot]:
    try:
        return lake.snapshots()
    except LakeError as error:
        _stop(str(error))


def _records(inventory: Inventory, known: Records) -> dict[VersionId, Record]:
    """What every version that is there says about itself."""
    complete = [version for version in inventory.versions if inventory.is_complete(version)]
    read = dict(zip(complete, in_parallel(known.get, complete), strict=True))
    for record in read.values():
        if isinstance(record, LakeError):
            _stop(str(record))
    return {version: record for version, record in read.items() if isinstance(record, Record) and not record.removed_at}


def _roots(
    inventory: Inventory, snapshots: Iterable[Snapshot], since: datetime, keep_days: int
) -> dict[VersionId, tuple[Why, str]]:
    """What is needed for its own sake, with the first reason that holds."""
    roots: dict[VersionId, tuple[Why, str]] = {}
    for item in inventory.current.values():
        roots[item.id] = ("current", f"current since {_day(item.time)}")
    for snapshot in snapshots:
        for version in snapshot.ids:
            roots.setdefault(version, ("snapshot", f"in snapshot {snapshot.name}"))
    for version, until in _ended(inventory.publications).items():
        if until > since:
            reason = f"was current until {_day(until)}, within the last {keep_days} days"
            roots.setdefault(version, ("window", reason))
    return roots


def _ended(publications: Sequence[Publication]) -> dict[VersionId, datetime]:
    """When each version that was current once was so for the last time; oldest publication first."""
    followed = pairwise(publications)
    return {item.id: after.time for item, after in followed if (item.stage, item.day) == (after.stage, after.day)}


def _ancestors(roots: Iterable[VersionId], known: Records) -> dict[VersionId, VersionId]:
    """Everything that the roots were made from, at any remove, with what was made from it."""
    found: dict[VersionId, VersionId] = {}
    to_do = list(roots)
    for version in to_do:
        if known.get(version) is None:
            _stop(f"{version} is published or in a snapshot, and missing")
    while to_do:
        version = to_do.pop()
        record = known.get(version)
        if isinstance(record, LakeError):
            _stop(str(record))
        if record is None:
            _stop(f"{version}, which {found[version]} was made from, is missing")
        for source in {one.version for one in record.inputs} - found.keys():
            found[source] = version
            to_do.append(source)
    return found


def _incomplete(files: Mapping[str, StoredObject], young: datetime, grace: timedelta) -> tuple[bool, Why, str]:
    """Whether an incomplete version goes, and why."""
    if not is_leftover(files, young):
        return False, "young", f"incomplete, and younger than {_hours(grace)}: a writer may be at work"
    if paths.REMOVED_FILE in files:
        return True, "interrupted", "its removal was interrupted"
    return True, "incomplete", "left by a writer that was killed"


def _unneeded(record: Record, ended: datetime | None) -> tuple[bool, Why, str]:
    """Whether a version that nothing needs goes, and why."""
    if record.expires_on is None:
        return False, "never", "its metadata say that it never goes"
    if ended:
        return True, "superseded", f"not current since {_day(ended)}"
    return True, "unpublished", f"built on {_day(record.created_at)} and never published"


def _needed(lake: Lake, plan: Plan, seen: dict[str, frozenset[VersionId]], version: VersionId) -> str | None:
    """Why a version is needed after all, by what was published or named since the plan was made."""
    history = lake.history(version.stage, version.day)
    if any(item.version == version.version for item in history if item not in plan.publications):
        return "it was published meanwhile"
    for item in lake.store.list(paths.SNAPSHOTS):
        name = paths.parse_snapshot(item.path)
        if name and name not in seen:
            seen[name] = frozenset(lake.snapshot(name).ids)
    named = (name for name, versions in seen.items() if version in versions)
    return next((f"it was named by the snapshot {name} meanwhile" for name in named), None)


def _spare(done: Collected, plan: Plan, version: VersionId, why: str) -> None:
    """Spare a version and all that it was made from."""
    to_do = [(version, why)]
    while to_do:
        version, why = to_do.pop()
        if version not in done.spared:
            done.spared[version] = why
            record = plan.records.get(version)
            to_do += [(one.version, f"{version} was made from it") for one in (record.inputs if record else ())]


def _created(plan: Plan, version: VersionId) -> datetime:
    record = plan.records.get(version)
    return record.created_at if record else datetime.min.replace(tzinfo=UTC)


def _newest(files: Iterable[StoredObject]) -> datetime:
    return max(item.modified for item in files)


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _hours(time: timedelta) -> str:
    return f"{time.total_seconds() / 3600:g} hours"
