"""The lake as its users see it.

Belongs here: what is current, its history, reading by stage and day, publishing. Does not belong here: how a
version comes to be (`building`).
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import NoReturn

import polars as pl

from html_classification.lake import listing, paths
from html_classification.lake.dataset import Dataset, Upstream, find_dataset, open_dataset
from html_classification.lake.errors import LakeError, RemovedError
from html_classification.lake.layout import check_layout, mark_layout
from html_classification.lake.metadata import Metadata
from html_classification.lake.paths import Publication, VersionId
from html_classification.lake.scanning import scan_parquet, scan_raw
from html_classification.lake.snapshots import Snapshot, all_snapshots, create_snapshot, open_snapshot
from html_classification.lake.store import Store, StoredObject, in_parallel

RAW_STAGE = "raw"  # keeps the crawler's own files in place of parquet


@dataclass(frozen=True)
class Listed:
    """A line of `lake ls`: a version of a stage and day, by default the current one.

    Attributes:
        stage: The stage.
        date: The day of the data, ISO 8601.
        version: The version.
        published_at: When it became that, ISO 8601 in UTC; None for one that a snapshot names and nobody published.
        rows: Rows; None where the version is not there: removed by garbage collection, or lost.
        rejected_rows: Rows that were refused; None likewise.
        bytes: Size of its files without metadata.json.
        uri: The address of its folder.
    """

    stage: str
    date: str
    version: str
    published_at: str | None
    rows: int | None
    rejected_rows: int | None
    bytes: int
    uri: str


class Lake:
    """All datasets below one root.

    Args:
        uri: A folder or `s3://bucket/prefix`.
    """

    def __init__(self, uri: str) -> None:
        self._store = Store(uri)
        self._marked = False

    @cached_property
    def store(self) -> Store:
        """Its objects. The first use makes sure that this release understands how they lie.

        Raises:
            LakeError: A newer release wrote the lake.
        """
        check_layout(self._store)
        return self._store

    @property
    def uri(self) -> str:
        """The root."""
        return self._store.root

    def mark(self) -> None:
        """Leave the version of the layout in the lake, before anything else is written there."""
        if not self._marked:
            mark_layout(self.store)
            self._marked = True

    def publications(self, stage: str, start: date | None = None, end: date | None = None) -> list[Publication]:
        """The publications of a stage, of all its days or of a range of them, oldest first within a day."""
        if start is not None and start == end:
            found = self.store.list(f"{paths.day_path(stage, start)}/{paths.PUBLISHED}")
            return sorted(item for item in (paths.parse_publication(entry.path) for entry in found) if item)
        return listing.publications(self.store, {stage: listing.days(self.store, stage, start, end)})

    def current(self, stage: str) -> dict[date, str]:
        """The current version of each day of a stage."""
        return {item.day: item.version for item in self.publications(stage)}

    def history(self, stage: str, day: date | str) -> list[Publication]:
        """The publications of a stage and day, oldest first; the last one is current."""
        day = paths.parse_day(day)
        return self.publications(stage, day, day)

    def versions(
        self,
        stage: str,
        start: date | str | None = None,
        end: date | str | None = None,
        *,
        version: str | None = None,
        as_of: datetime | date | str | None = None,
        snapshot: str | None = None,
    ) -> dict[date, str]:
        """The exact version of each day of a range.

        Args:
            stage: The stage.
            start: The first day. Without it, every day that there is.
            end: The last day, included. Without it, `start` alone.
            version: An exact version in place of the current one, for a single day; whether there is one shows when
                it is read.
            as_of: The versions that were current at this moment: a time in UTC, or its ISO form.
            snapshot: The versions that the snapshot of this name names.

        Raises:
            LakeError: Two of the last three are given, or no day of the range has such a version.
        """
        first = paths.parse_day(start) if start is not None else None
        last = paths.parse_day(end) if end is not None else first
        if sum(choice is not None for choice in (version, as_of, snapshot)) > 1:
            message = "version, as_of and snapshot exclude each other: give one"
            raise LakeError(message)
        if version is not None:
            if first is None or first != last:
                message = f"version {version} is that of one day: give its day as start, and no other as end"
                raise LakeError(message)
            return {first: version}
        if snapshot is not None:
            named = self.snapshot(snapshot).versions.get(stage, {})
            found = {day: one for day, one in named.items() if (first or day) <= day <= (last or day)}
        else:
            found = {item.day: item.version for item in _until(as_of, self.publications(stage, first, last))}
        if not found:
            what = f"{stage} {first}" if first is not None and first == last else stage
            days = f" between {first} and {last}" if first != last else ""
            when = f" as of {as_of}" if as_of is not None else f" in snapshot {snapshot}" if snapshot else ""
            message = f"{what} has no version{days}{when} in {self.uri}; see 'html-classification lake ls'"
            raise LakeError(message)
        return dict(sorted(found.items()))

    def upstream(self, stage: str) -> Upstream:
        """The current versions of a stage, pinned now."""
        return Upstream(self.store, stage, self.current(stage))

    def find(self, stage: str, day: date, version: str) -> Dataset | None:
        """A version, published or not, or None where it was never completed."""
        return find_dataset(self.store, stage, day, version)

    def dataset(
        self,
        stage: str,
        day: date | str,
        version: str | None = None,
        *,
        as_of: datetime | date | str | None = None,
        snapshot: str | None = None,
    ) -> Dataset:
        """One version of a stage and day: the current one, or the one chosen as for `versions`.

        Raises:
            LakeError: There is none.
        """
        day = paths.parse_day(day)
        chosen = self.versions(stage, day, version=version, as_of=as_of, snapshot=snapshot)
        return open_dataset(self.store, stage, day, chosen[day])

    def metadata(
        self,
        stage: str,
        day: date | str,
        version: str | None = None,
        *,
        as_of: datetime | date | str | None = None,
        snapshot: str | None = None,
    ) -> Metadata:
        """What a version says about itself, chosen as for `dataset`."""
        return self.dataset(stage, day, version, as_of=as_of, snapshot=snapshot).metadata

    def read(
        self,
        stage: str,
        day: date | str,
        version: str | None = None,
        *,
        as_of: datetime | date | str | None = None,
        snapshot: str | None = None,
    ) -> pl.DataFrame:
        """The rows of one day exactly as they are stored, of a version chosen as for `dataset`."""
        return self.dataset(stage, day, version, as_of=as_of, snapshot=snapshot).read()

    def scan(
        self,
        stage: str,
        start: date | str | None = None,
        end: date | str | None = None,
        *,
        version: str | None = None,
        as_of: datetime | date | str | None = None,
        snapshot: str | None = None,
    ) -> pl.LazyFrame:
        """The rows of many days as one lazy frame: one scan of all files, of which a query reads what it needs.

        The arguments are those of `versions`.

        Returns:
            The columns that the stage has on the last and the first day of the range, and the day of the data as column
            `day`. A day that was built before a column was added, or after one was dropped, has nulls there. Where the
            type of a column changed otherwise than to a wider number, collecting is an error: scan the parts.

        Raises:
            LakeError: No day of the range has such a version.
        """
        versions = self.versions(stage, start, end, version=version, as_of=as_of, snapshot=snapshot)
        if version is not None:
            self.dataset(stage, next(iter(versions)), version)
        if as_of is not None or snapshot is not None:
            self._require_files(stage, versions)
        if stage == RAW_STAGE:
            return scan_raw(self.store, versions, stage)
        files = [f"{paths.version_path(stage, day, one)}/{paths.DATA_FILE}" for day, one in versions.items()]
        return scan_parquet(self.store, files, None, with_day=True)

    def _require_files(self, stage: str, versions: Mapping[date, str]) -> None:
        """Say of former versions what became of them, before polars meets a file that is not there."""
        found = listing.sort_in(self.store.list_folders({stage: [day.isoformat() for day in versions]}))
        for day, version in versions.items():
            if not found.is_complete(VersionId(stage, day, version)):
                open_dataset(self.store, stage, day, version)

    def ls(
        self,
        stage: str | None = None,
        *,
        as_of: datetime | date | str | None = None,
        snapshot: str | None = None,
    ) -> list[Listed]:
        """The current version of every day of every stage (or of one), by stage and date.

        Told from listings alone, a thousand objects a request, however many days and versions there are.

        Args:
            stage: Only this one.
            as_of: What was current at this moment in place of now: a time in UTC, or its ISO form.
            snapshot: What the snapshot of this name names in place of what is current.

        Raises:
            LakeError: The last two are both given, or there is no such snapshot.
        """
        if as_of is not None and snapshot is not None:
            message = "as_of and snapshot exclude each other: give one"
            raise LakeError(message)
        if stage is not None:
            paths.stage_path(stage)
        named = self.snapshot(snapshot).ids if snapshot is not None else None
        if named is not None:
            named = [item for item in named if stage in (None, item.stage)]
            wanted: dict[str, list[str]] = {}
            for item in named:
                wanted.setdefault(paths.stage_path(item.stage), []).append(item.day.isoformat())
        else:
            wanted = {stage: listing.days(self.store, stage)} if stage is not None else listing.stages(self.store)
        inventory = listing.sort_in(self.store.list_folders(wanted))
        if named is not None:
            published = {item.id: item.time for item in inventory.publications}
            chosen: dict[VersionId, datetime | None] = {item: published.get(item) for item in named}
        else:
            last = {(item.stage, item.day): item for item in _until(as_of, inventory.publications)}
            chosen = {item.id: item.time for item in last.values()}
        return in_parallel(lambda item: self._listed(item, chosen[item], inventory.versions.get(item, {})), chosen)

    def _listed(self, item: VersionId, published: datetime | None, files: Mapping[str, StoredObject]) -> Listed:
        counts = next(filter(None, map(paths.parse_count_file, files)), None)
        there = paths.METADATA_FILE in files
        if counts is None and there:  # written before there were count files
            statistics = open_dataset(self.store, item.stage, item.day, item.version).metadata.statistics
            counts = (statistics.rows, statistics.rejected_rows)
        rows, rejected_rows = counts if counts and there else (None, None)
        own = (paths.METADATA_FILE, paths.REMOVED_FILE)
        return Listed(
            stage=item.stage,
            date=item.day.isoformat(),
            version=item.version,
            published_at=published.isoformat() if published else None,
            rows=rows,
            rejected_rows=rejected_rows,
            bytes=sum(file.bytes for name, file in files.items() if name not in own),
            uri=self.store.uri(item.path),
        )

    def snapshot(self, name: str) -> Snapshot:
        """A snapshot by its name.

        Raises:
            LakeError: There is none.
        """
        return open_snapshot(self.store, name)

    def snapshots(self) -> list[Snapshot]:
        """Every snapshot, by name."""
        return all_snapshots(self.store)

    def create_snapshot(
        self,
        name: str,
        *,
        reason: str = "",
        stages: Sequence[str] | None = None,
        start: date | str | None = None,
        end: date | str | None = None,
        as_of: datetime | date | str | None = None,
    ) -> Snapshot:
        """Name the versions that are current now, or were at a moment, for good: nothing deletes them then.

        Args:
            name: Lower-case letters, digits, `-`, `_` and `.`.
            reason: Why, in a few words.
            stages: These stages; all without it.
            start: The first day; every day without it.
            end: The last day, included; `start` alone without it.
            as_of: The moment; now without it.

        Raises:
            LakeError: The name is taken, there is nothing to name, or what it would name was removed.
        """
        paths.snapshot_path(name)
        first = paths.parse_day(start) if start is not None else None
        last = paths.parse_day(end) if end is not None else first
        wanted = {stage: listing.days(self.store, stage, first, last) for stage in stages or listing.stages(self.store)}
        inventory = listing.sort_in(self.store.list_folders(wanted))
        chosen: dict[str, dict[date, str]] = {}
        for item in _until(as_of, inventory.publications):
            chosen.setdefault(item.stage, {})[item.day] = item.version
        missing = sorted(set(stages or ()) - set(chosen))
        if missing or not chosen:
            what = f"{', '.join(missing)} has no version" if missing else "nothing was published"
            raise LakeError(f"nothing to name in {self.uri}: {what} there and then")
        snapshot = Snapshot(name=name, reason=reason, created_at=datetime.now(UTC), versions=chosen)
        return create_snapshot(self.store, snapshot, inventory)

    def publish(self, dataset: Dataset, *, run: str | None, reason: str) -> Publication | None:
        """Make a version the current one of its stage and day: one atomic put of one small file.

        Args:
            dataset: The version.
            run: The Dagster run that does it.
            reason: Why, in a few words.

        Returns:
            The publication, or None where the version was current already.

        Raises:
            RemovedError: Garbage collection removed the version in this moment; what was current before is current
                again.
            LakeError: The version did not pass its audit.
        """
        metadata = dataset.metadata
        if not metadata.passed:
            message = f"{metadata.stage} {metadata.date} {metadata.version} failed its audit and cannot be published"
            raise LakeError(message)
        while True:
            history = self.history(metadata.stage, metadata.date)
            if history and history[-1].version == metadata.version:
                return None
            time = _after(history)
            publication = Publication(metadata.stage, metadata.date, time, metadata.version)
            # With the SHA-1, damage to metadata.json shows too; it holds that of every other file.
            entry = {"version": metadata.version, "run": run, "reason": reason, "metadata_sha1": dataset.metadata_sha1}
            if self.store.put_new(publication.path, (json.dumps(entry, indent=2) + "\n").encode()):
                if self.store.find(f"{dataset.path}/{paths.METADATA_FILE}") is None:
                    self._publish_former(history, publication)
                return publication

    def _publish_former(self, history: Sequence[Publication], failed: Publication) -> NoReturn:
        """Where garbage collection removed a version right before it was published: the former serves on."""
        former = next((item.id for item in reversed(history) if item.version != failed.version), None)
        dataset = find_dataset(self.store, former.stage, former.day, former.version) if former else None
        if dataset:
            self.publish(dataset, run=None, reason=f"back: {failed.version} was removed while it was published")
        message = f"{failed.id} was removed by garbage collection while it was published: run that day again"
        raise RemovedError(message)


def _until(as_of: datetime | date | str | None, published: Iterable[Publication]) -> Iterator[Publication]:
    """The publications up to a moment, that moment included; all without one."""
    until = paths.parse_time(as_of) if as_of is not None else None
    return (item for item in published if until is None or item.time <= until)


def _after(history: Iterable[Publication]) -> datetime:
    """Now, or right after the last publication where that has a later time (another host's clock)."""
    times = [item.time + timedelta(microseconds=1) for item in history]
    return max([datetime.now(UTC), *times])
