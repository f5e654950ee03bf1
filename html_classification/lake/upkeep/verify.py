"""Verifying a lake: every byte of every version, and everything that names one.

Belongs here: going over all of it, and reading the files, where that was stopped before too. Does not belong
here: what is checked (`contents`, `references`), the label store, which the lake keeps and does not understand
(`labeling.stored`), and mending: nothing is written into the lake.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from html_classification.lake import paths
from html_classification.lake.errors import LakeError, StoreError
from html_classification.lake.lake import Lake
from html_classification.lake.listing import Inventory, take_inventory
from html_classification.lake.metadata import File
from html_classification.lake.paths import Publication, VersionId
from html_classification.lake.store import Store, StoredObject, in_parallel
from html_classification.lake.upkeep.contents import check_incomplete, check_temporary, check_version, unreadable
from html_classification.lake.upkeep.findings import Finding, Report, run_again
from html_classification.lake.upkeep.hashing import EMPTY, hash_files
from html_classification.lake.upkeep.journal import Journal, scope_of
from html_classification.lake.upkeep.places import is_temporary
from html_classification.lake.upkeep.records import Record, Records
from html_classification.lake.upkeep.references import check_publication, check_snapshot, check_sources

#: A folder without metadata.json that is older was left by a killed writer; in a younger one it may be at work.
LEFTOVER_AGE = timedelta(hours=1)


@dataclass(frozen=True)
class Progress:
    """How far a verification is.

    Attributes:
        files: How many files there are to read; empty ones need not be.
        bytes: How many bytes they have.
        before: How many of the files an earlier verification had checked before it was stopped.
        checked_files: How many are checked, those before included.
        checked_bytes: How many bytes are.
    """

    files: int
    bytes: int
    before: int
    checked_files: int
    checked_bytes: int


@dataclass(frozen=True)
class _Scope:
    """The versions that are asked for."""

    stage: str | None
    first: date | None
    last: date | None

    def __contains__(self, version: VersionId) -> bool:
        in_range = (self.first or date.min) <= version.day <= (self.last or date.max)
        return in_range and self.stage in (None, version.stage)

    def has_path(self, path: str) -> bool:
        """Whether what has no place in the lake is to be told of."""
        if self.first or self.last:
            return False
        return self.stage is None or path.startswith(f"{self.stage}/")


@dataclass(frozen=True)
class _Expected:
    """A file as metadata.json describes it, and as the listing does, where it is there."""

    version: VersionId
    file: File
    there: StoredObject | None

    @property
    def path(self) -> str:
        return f"{self.version.path}/{self.file.path}"


def verify(
    lake: Lake,
    stage: str | None = None,
    start: date | str | None = None,
    end: date | str | None = None,
    *,
    journal: Path | None = None,
    leftover_age: timedelta = LEFTOVER_AGE,
    on_progress: Callable[[Progress], None] | None = None,
) -> Report:
    """Re-read a lake and compare everything with what was recorded.

    Every file of every version, published or not, is read to its end. Nothing is written but the journal.

    Args:
        lake: The lake.
        stage: Only this stage; all without it.
        start: The first day; every day without it.
        end: The last day, included; every day from `start` on without it.
        journal: A file on this machine to keep what is checked in. Where a verification was stopped, the next one with
            this file goes on from there; one that comes to its end deletes it. Without it nothing is kept.
        leftover_age: A folder without metadata.json is a problem when it is older than this: in a younger one a
            writer may be at work.
        on_progress: Called in the caller's thread before the first file is read, and then some times a second.

    Returns:
        What was looked at and what was found.

    Raises:
        LakeError: The lake cannot be listed, has nothing of the stage, or the journal is of another lake.
    """
    first = paths.parse_day(start) if start is not None else None
    last = paths.parse_day(end) if end is not None else None
    if first and last and first > last:
        message = f"{first} is after {last}: exchange them"
        raise LakeError(message)
    scope = _Scope(paths.stage_path(stage) if stage is not None else None, first, last)
    store = lake.store
    inventory, temporary = take_inventory(store), store.temporary_files()
    if stage is not None and not any(version.stage == stage for version in inventory.versions):
        message = f"{lake.uri} has no version of {stage}; see 'html-classification lake ls'"
        raise LakeError(message)
    known = Records(store)
    findings = list(_check_versions(store, inventory, scope, known, leftover_age))
    records = [record for version in inventory.versions if isinstance(record := known.at_hand(version), Record)]
    findings += _check_references(store, inventory, scope, known, records)
    findings += [check_temporary(store, item) for item in temporary if is_temporary(item) and _holds(scope, item)]
    strays = [*inventory.strays, *(item for item in temporary if not is_temporary(item))]
    findings += [_stray(store, item) for item in strays if scope.has_path(item.path)]
    expected = [
        _Expected(record.version, file, inventory.versions[record.version].get(file.path))
        for record in records
        for file in record.files
    ]
    with Journal(journal, scope_of(lake.uri, scope.stage, first, last)) if journal else nullcontext() as kept:
        findings += _check_files(store, expected, kept, on_progress or (lambda progress: None))
    total = sum(item.file.bytes for item in expected)
    return Report(len(records), len(expected), total, sorted(findings))


def _holds(scope: _Scope, item: StoredObject) -> bool:
    """Whether a temporary file belongs to what is asked for, by the name that it would have had."""
    path = item.path.rpartition("#")[0]
    in_version, publication = paths.parse_version_file(path), paths.parse_publication(path)
    version = in_version[0] if in_version else publication.id if publication else None
    return version in scope if version else scope.has_path(path)


def _stray(store: Store, item: StoredObject) -> Finding:
    """What to say of what has no place in a lake."""
    problem = "has no place in a lake"
    if item.path.startswith(f"{paths.SNAPSHOTS}/"):  # nobody knows what it names
        problem = "is no snapshot by its name, and garbage collection removes nothing while it is there"
    return Finding(store.uri(item.path), "stray", problem, "move it elsewhere or delete it")


def _check_versions(
    store: Store, inventory: Inventory, scope: _Scope, known: Records, leftover_age: timedelta
) -> Iterator[Finding]:
    current = {item.id for item in inventory.current.values()}
    published = {item.id for item in inventory.publications}
    wanted = [version for version in inventory.versions if version in scope]

    def check(version: VersionId) -> list[Finding]:
        files = inventory.versions[version]
        if not inventory.is_complete(version):
            return check_incomplete(
                store,
                version,
                files,
                leftover_age,
                is_current=version in current,
                was_published=version in published,
            )
        record, findings = check_version(store, version, files)
        if record is not None:
            known.add(version, record)
        return findings

    for findings in in_parallel(check, wanted):
        yield from findings


def _check_references(
    store: Store, inventory: Inventory, scope: _Scope, known: Records, records: Iterable[Record]
) -> Iterator[Finding]:
    publications = [item for item in inventory.publications if item.id in scope]
    snapshots = inventory.snapshots.items()
    current = set(inventory.current.values())

    def files(item: Publication) -> Mapping[str, StoredObject] | None:
        return inventory.versions.get(item.id, {}) if item in current else None

    checks: list[Callable[[], Iterator[Finding]]] = [
        *(lambda record=record: check_sources(store, record, known) for record in records),
        *(lambda item=item: check_publication(store, item, known, files(item)) for item in publications),
        *(lambda item=item: check_snapshot(store, item[0], item[1], scope.__contains__, known) for item in snapshots),
    ]
    for findings in in_parallel(lambda check: list(check()), checks):
        yield from findings


def _check_files(
    store: Store, expected: list[_Expected], journal: Journal | None, on_progress: Callable[[Progress], None]
) -> list[Finding]:
    """Whether each file is there with its size and SHA-1."""
    findings: list[Finding] = []
    wanted: dict[str, _Expected] = {}
    for item in expected:
        if item.there is None:  # nothing is read by a name that only metadata.json knows: it may lead anywhere
            findings += _missing(store, item)
        elif item.there.bytes != item.file.bytes:
            problem = f"it has {item.there.bytes} bytes, metadata.json says {item.file.bytes}"
            findings.append(_damaged(store, item, problem))
        elif not item.there.bytes:  # there is nothing to read
            findings += _compare(store, item, EMPTY)
        else:
            wanted[item.path] = item
    before = {}
    for path, item in wanted.items():
        if journal and item.there and (sha1 := journal.known(item.there)):
            before[path] = sha1
            findings += _compare(store, item, sha1)
    files, total = len(before), sum(item.file.bytes for item in wanted.values())
    size = sum(wanted[path].file.bytes for path in before)

    def tick(read: int) -> None:
        on_progress(Progress(len(wanted), total, len(before), files, min(size + read, total)))

    tick(0)
    with closing(hash_files(store, (path for path in wanted if path not in before), tick)) as all_hashed:
        for hashed in all_hashed:
            item = wanted[hashed.path]
            if hashed.error:
                findings += _not_read(store, item, hashed.error)
            else:
                if journal and item.there:
                    journal.record(item.there, hashed.sha1)
                findings += _compare(store, item, hashed.sha1)
            files += 1
    tick(total - size)
    return findings


def _missing(store: Store, item: _Expected) -> list[Finding]:
    if {paths.METADATA_FILE, item.file.path} & _names(store, item.version) != {paths.METADATA_FILE}:
        return []  # written or removed while the listing went on
    advice = f"put it back from a copy, or run {run_again(item.version)}"
    return [Finding(store.uri(item.path), "file-missing", "it is not there", advice)]


def _not_read(store: Store, item: _Expected, error: StoreError) -> list[Finding]:
    if paths.METADATA_FILE not in _names(store, item.version):  # removed since
        return []
    return [unreadable(store.uri(item.path), error)]


def _names(store: Store, version: VersionId) -> set[str]:
    """The files of a version as they are now; where the store does not tell, as if all were as it was."""
    try:
        return {item.name for item in store.list(version.path)}
    except StoreError:
        return {paths.METADATA_FILE}


def _compare(store: Store, item: _Expected, sha1: str) -> list[Finding]:
    if sha1 == item.file.sha1:
        return []
    return [_damaged(store, item, f"its SHA-1 is {sha1}, metadata.json says {item.file.sha1}")]


def _damaged(store: Store, item: _Expected, problem: str) -> Finding:
    advice = f"delete that file, then put it back from a copy, or run {run_again(item.version)}"
    return Finding(store.uri(item.path), "file-damaged", problem, advice)
