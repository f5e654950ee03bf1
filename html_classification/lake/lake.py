"""The lake as its users see it.

Belongs here: what is current, its history, reading by stage and day, publishing. Does not belong here: how a
version comes to be (`building`).
"""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import polars as pl

from html_classification.lake import paths
from html_classification.lake.dataset import Dataset, Slice, Upstream, find_dataset, open_dataset
from html_classification.lake.errors import LakeError
from html_classification.lake.metadata import Metadata
from html_classification.lake.paths import Publication
from html_classification.lake.store import Store

_READERS = 16  # requests under way at once when many small files are read


@dataclass(frozen=True)
class Listed:
    """A line of `lake ls`: the current version of a stage and day."""

    stage: str
    date: str
    version: str
    published_at: str
    rows: int
    rejected_rows: int
    bytes: int
    uri: str


class Lake:
    """All datasets below one root.

    Args:
        uri: A folder or `s3://bucket/prefix`.
    """

    def __init__(self, uri: str) -> None:
        self.store = Store(uri)

    @property
    def uri(self) -> str:
        """The root."""
        return self.store.root

    def publications(self, stage: str = "", day: date | None = None) -> list[Publication]:
        """All publications of a stage (or of the whole lake), oldest first within a day.

        One listing, however many days and versions there are.
        """
        prefix = paths.day_path(stage, day) if day else paths.stage_path(stage) if stage else ""
        found = (paths.parse_publication(item.path) for item in self.store.list(prefix))
        return sorted(item for item in found if item and stage in ("", item.stage))

    def current(self, stage: str) -> dict[date, str]:
        """The current version of each day of a stage."""
        return {item.day: item.version for item in self.publications(stage)}

    def upstream(self, stage: str) -> Upstream:
        """The current versions of a stage, pinned now."""
        return Upstream(self.store, stage, self.current(stage))

    def dataset(self, stage: str, day: date | str, version: str | None = None) -> Dataset:
        """The current or a given version of a stage and day.

        Raises:
            LakeError: There is none.
        """
        day = paths.parse_day(day)
        if version is None:
            history = self.history(stage, day)
            if not history:
                message = f"{stage} {day} has no version in {self.uri}; see 'html-classification lake ls'"
                raise LakeError(message)
            version = history[-1].version
        return open_dataset(self.store, stage, day, version)

    def find(self, stage: str, day: date, version: str) -> Dataset | None:
        """A version, published or not, or None where it was never completed."""
        return find_dataset(self.store, stage, day, version)

    def history(self, stage: str, day: date | str) -> list[Publication]:
        """The publications of a stage and day, oldest first; the last one is current."""
        return self.publications(stage, paths.parse_day(day))

    def metadata(self, stage: str, day: date | str, version: str | None = None) -> Metadata:
        """What a version says about itself."""
        return self.dataset(stage, day, version).metadata

    def read(self, stage: str, day: date | str, version: str | None = None) -> pl.DataFrame:
        """The rows of the current or a given version."""
        return self.dataset(stage, day, version).read()

    def scan(self, stage: str, start: date | str, end: date | str | None = None) -> pl.LazyFrame:
        """The current rows of a range of days (both included), lazily, with the day as column `day`.

        Raises:
            LakeError: No day of the range has a version.
        """
        first, last = paths.parse_day(start), paths.parse_day(end or start)
        days = {day: version for day, version in self.current(stage).items() if first <= day <= last}
        if not days:
            message = f"{stage} has no version between {first} and {last} in {self.uri}"
            raise LakeError(message)
        upstream = Upstream(self.store, stage, days)
        return Slice([upstream.day(day).datasets[0] for day in days], with_day=True).scan()

    def ls(self, stage: str = "") -> list[Listed]:
        """The current version of every day of every stage (or of one), by stage and date."""
        current = {(item.stage, item.day): item for item in self.publications(stage)}
        with ThreadPoolExecutor(_READERS) as pool:
            return list(pool.map(self._listed, current.values()))

    def _listed(self, item: Publication) -> Listed:
        dataset = open_dataset(self.store, item.stage, item.day, item.version)
        statistics = dataset.metadata.statistics
        return Listed(
            stage=item.stage,
            date=item.day.isoformat(),
            version=item.version,
            published_at=item.time.isoformat(),
            rows=statistics.rows,
            rejected_rows=statistics.rejected_rows,
            bytes=sum(file.bytes for file in dataset.metadata.files),
            uri=dataset.uri,
        )

    def publish(self, dataset: Dataset, *, run: str | None, reason: str) -> Publication | None:
        """Make a version the current one of its stage and day: one atomic put of one small file.

        Args:
            dataset: The version.
            run: The Dagster run that does it.
            reason: Why, in a few words.

        Returns:
            The publication, or None where the version was current already.

        Raises:
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
            entry = {"version": metadata.version, "run": run, "reason": reason}
            if self.store.put_new(publication.path, (json.dumps(entry, indent=2) + "\n").encode()):
                return publication


def _after(history: Iterable[Publication]) -> datetime:
    """Now, or right after the last publication where that has a later time (another host's clock)."""
    times = [item.time + timedelta(microseconds=1) for item in history]
    return max([datetime.now(UTC), *times])
