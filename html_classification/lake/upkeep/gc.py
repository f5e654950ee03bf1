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
from datetime import UTC, datetime, timedelta
from graphlib import CycleError, TopologicalSorter

from html_classification.lake import paths
from html_classification.lake.building import KEEP_DAYS
from html_classification.lake.lake import Lake
from html_classification.lake.listing import take_inventory
from html_classification.lake.paths import Publication, VersionId
from html_classification.lake.store import StoredObject
from html_classification.lake.upkeep import needs
from html_classification.lake.upkeep.needs import Why
from html_classification.lake.upkeep.places import is_temporary, is_whole, lasting_stages, other_files, own_files
from html_classification.lake.upkeep.records import Record, Records
from html_classification.lake.upkeep.removal import GRACE, is_leftover, put_back, remove_leftovers, remove_version


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
        strays: What has no place in a lake or in the version in whose folder it lies; it is never removed.
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
    def restored(self) -> list[Decision]:
        """What is put back, since its removal was interrupted and it is needed."""
        return [decision for decision in self.decisions if decision.why == "restored"]

    @property
    def bytes(self) -> int:
        """What removing all that goes would free."""
        return sum(decision.bytes for decision in self.goes) + sum(item.bytes for item in self.temporary)


@dataclass
class Collected:
    """What garbage collection did.

    Attributes:
        restored: What was put back.
        removed: What went.
        spared: What became needed after the plan was made, and why.
        broken: What was being built again in the very moment of its removal: those days must be run again.
    """

    restored: list[VersionId] = field(default_factory=list)
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
    needs.require_snapshots(lake, inventory.strays)
    snapshots = needs.all_snapshots(lake)
    known = Records(store)
    records = needs.complete_records(inventory, known)
    roots = needs.roots(inventory, snapshots, now - timedelta(days=keep_days), keep_days)
    published = {item.id: item.time for item in inventory.publications}
    for version, record in records.items():
        since = published.get(version)
        if (since is None or record.created_at > since) and _newest(inventory.versions[version].values()) > young:
            told = f"not published since it was built, and younger than {_hours(grace)}: a run may be at work"
            roots.setdefault(version, ("young", told))
    ancestors = needs.ancestors(roots, known)
    ended = needs.ended(inventory.publications)

    def decide(version: VersionId, files: Mapping[str, StoredObject]) -> Decision:
        kept = (paths.METADATA_FILE, paths.REMOVED_FILE)  # what the one says stays in the other
        size = sum(item.bytes for name, item in files.items() if name not in kept)
        need = roots.get(version)
        if need is None and version in ancestors:
            need = "ancestor", f"{ancestors[version]} was made from it"
        if record := records.get(version):
            goes, why, reason = (False, *need) if need else _unneeded(record, ended.get(version))
        elif need and paths.REMOVED_FILE in files and is_whole(known.get(version), files):
            goes, why, reason = False, "restored", f"its removal was interrupted, and it is needed: {need[1]}"
        else:
            goes, why, reason = _incomplete(version, files, version in published, young, grace)
        return Decision(version, goes, why, reason, size)

    temporary, strays, there = store.temporary_files(), list(inventory.strays), []
    for version, files in sorted(inventory.versions.items()):
        said = known.get(version) if files.keys() - {paths.REMOVED_FILE} else None
        own = own_files(files, said)
        strays += other_files(files, said)
        if own.keys() - {paths.REMOVED_FILE}:
            there.append((version, own))
    strays += [item for item in temporary if not is_temporary(item)]
    return Plan(
        decisions=[decide(version, files) for version, files in there],
        temporary=[item for item in temporary if is_temporary(item) and item.modified < young],
        strays=sorted(strays, key=lambda item: item.path),
        grace=grace,
        made_at=now,
        records=records,
        publications=frozenset(inventory.publications),
        snapshots=frozenset(snapshot.name for snapshot in snapshots),
    )


def collect(lake: Lake, plan: Plan, *, on_removed: Callable[[Decision], None] | None = None) -> Collected:
    """Put back and remove what a plan says. Killed at any moment, the next one finishes it.

    What was made from a version goes before that version. Right before one goes, its day's publications and the
    snapshots are listed again, and what became needed meanwhile is spared, with what it was made from. Of a version
    that was complete, removed.json stays: when and why it went, and its metadata. Publications stay too.

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
    done.restored += [one.version for one in plan.restored if put_back(store, one.version)]
    for decision in _in_order(plan):
        version, record = decision.version, plan.records.get(decision.version)

        def needed(version: VersionId = version) -> str | None:
            return done.spared.get(version) or _needed(lake, plan, seen, version)

        if record is None:
            outcome = remove_leftovers(store, version, plan.made_at - plan.grace)
        else:
            outcome = remove_version(store, record, f"{decision.why}: {decision.reason}", needed)
        if outcome.spared:
            _spare(done, plan, version, outcome.spared)
            continue
        done.removed.append(decision)
        done.broken += [version] if outcome.broken else []
        if on_removed:
            on_removed(decision)
    store.delete(item.path for item in plan.temporary)
    return done


def _in_order(plan: Plan) -> list[Decision]:
    """What goes, each after all that was made from it."""
    goes = {one.version: one for one in plan.goes}
    made: dict[VersionId, set[VersionId]] = {version: set() for version in goes}
    for version in goes:
        record = plan.records.get(version)
        for source in record.inputs if record else ():
            if source.version in made:
                made[source.version].add(version)
    try:
        return [goes[version] for version in TopologicalSorter(made).static_order()]
    except CycleError as error:
        needs.stop(f"{error.args[1][0]} says that it was made from itself")


def _incomplete(
    version: VersionId, files: Mapping[str, StoredObject], published: bool, young: datetime, grace: timedelta
) -> tuple[bool, Why, str]:
    """Whether an incomplete version goes, and why."""
    if not is_leftover(files, young):
        return False, "young", f"incomplete, and younger than {_hours(grace)}: a writer may be at work"
    if paths.REMOVED_FILE in files:
        return True, "interrupted", "its removal was interrupted"
    if published or version.stage in lasting_stages():
        return False, "lost", "it has no metadata.json, and its files may be all that is left of it"
    return True, "incomplete", "left by a writer that was killed"


def _unneeded(record: Record, ended: datetime | None) -> tuple[bool, Why, str]:
    """Whether a version that nothing needs goes, and why."""
    if record.expires_on is None:
        return False, "never", "its metadata say that it never goes"
    if ended:
        return True, "superseded", f"not current since {needs.utc_day(ended)}"
    return True, "unpublished", f"built on {needs.utc_day(record.created_at)} and never published"


def _needed(lake: Lake, plan: Plan, seen: dict[str, frozenset[VersionId]], version: VersionId) -> str | None:
    """Why a version is needed after all, by what was published or named since the plan was made."""
    history = lake.history(version.stage, version.day)
    if any(item.version == version.version for item in history if item not in plan.publications):
        return "it was published meanwhile"
    objects = lake.store.list(paths.SNAPSHOTS)
    needs.require_snapshots(lake, objects)
    for item in objects:
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


def _newest(files: Iterable[StoredObject]) -> datetime:
    return max(item.modified for item in files)


def _hours(time: timedelta) -> str:
    return f"{time.total_seconds() / 3600:g} hours"
