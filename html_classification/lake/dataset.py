"""Datasets at exact versions: what a stage reads.

Belongs here: `Dataset` (one version), `Slice` (one version or several days, with the columns wanted) and
`Upstream` (the current versions of a stage, pinned at one moment). Does not belong here: finding out which
version is current, or writing (`lake`, `building`).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from html_classification.lake import paths
from html_classification.lake.errors import LakeError, StoreError
from html_classification.lake.local import LocalFile, LocalFiles, localize
from html_classification.lake.metadata import Metadata, Source, parse_metadata
from html_classification.lake.recipe import RecipeSource
from html_classification.lake.scanning import damaged, read_checked, require_sha1, scan_parquet, scan_raw
from html_classification.lake.store import Store, in_parallel


@dataclass(frozen=True)
class Dataset:
    """One version of one stage and day.

    Attributes:
        store: The lake's store.
        metadata: What it says about itself.
        metadata_sha1: SHA-1 of its metadata.json as it lies in the lake.
    """

    store: Store
    metadata: Metadata
    metadata_sha1: str

    @property
    def path(self) -> str:
        """Its folder below the root of the lake."""
        return paths.version_path(self.metadata.stage, self.metadata.date, self.metadata.version)

    @property
    def uri(self) -> str:
        """The address of its folder."""
        return self.store.uri(self.path)

    @property
    def data_uris(self) -> list[str]:
        """The addresses of the files that hold its rows."""
        return [f"{self.uri}/{file.path}" for file in self.metadata.data_files]

    @property
    def is_parquet(self) -> bool:
        """False for the raw stage, which keeps the crawler's own files."""
        return all(file.path == paths.DATA_FILE for file in self.metadata.data_files)

    def scan(self) -> pl.LazyFrame:
        """Its rows, lazily."""
        if self.is_parquet:
            return pl.scan_parquet(self.data_uris, **self.store.for_polars)
        versions = {self.metadata.date: self.metadata.version}
        return scan_raw(self.store, versions, self.metadata.stage).drop("day")

    def read(self) -> pl.DataFrame:
        """Its rows, after the bytes of its files were compared with their SHA-1s.

        Raises:
            LakeError: They cannot be read, or are not what was recorded.
        """
        return read_checked(self.store, self.metadata)

    def sources(self) -> list[Source]:
        """Its data files as entries of a metadata.json."""
        return [
            Source(
                uri=f"{self.uri}/{file.path}",
                stage=self.metadata.stage,
                date=self.metadata.date.isoformat(),
                version=self.metadata.version,
                sha1=file.sha1,
            )
            for file in self.metadata.data_files
        ]


@dataclass(frozen=True)
class Slice:
    """What a computation reads of one upstream stage: one or several days, all columns or some."""

    datasets: Sequence[Dataset]
    columns: Sequence[str] | None = None
    with_day: bool = False

    def scan(self) -> pl.LazyFrame:
        """The rows of all days below each other; with `with_day`, the day of the data as column `day`."""
        store, stage = self.datasets[0].store, self.datasets[0].metadata.stage
        if all(dataset.is_parquet for dataset in self.datasets):
            files = [f"{dataset.path}/{paths.DATA_FILE}" for dataset in self.datasets]
            return scan_parquet(store, files, self.columns, with_day=self.with_day)
        frame = scan_raw(store, {one.metadata.date: one.metadata.version for one in self.datasets}, stage)
        frame = frame if self.with_day else frame.drop("day")
        return frame.select([*self.columns, *(["day"] if self.with_day else [])]) if self.columns else frame

    def read(self, scratch: Path | None = None) -> pl.DataFrame:
        """The same, collected. Where all of a day is read, its bytes are compared with their SHA-1s.

        Args:
            scratch: Not used.

        Raises:
            LakeError: A file cannot be read as what its metadata says it is.
        """
        if self.columns is None and len(self.datasets) == 1 and not self.with_day:
            return self.datasets[0].read()
        try:
            return self.scan().collect()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise LakeError(damaged([dataset.uri for dataset in self.datasets], error)) from None

    def sources(self) -> list[Source]:
        """Every file read, for the metadata."""
        return [source for dataset in self.datasets for source in dataset.sources()]

    def recipe_sources(self, name: str) -> list[RecipeSource]:
        """Every file read, for the recipe."""
        return [
            RecipeSource(name=name, date=dataset.metadata.date.isoformat(), path=file.path, sha1=file.sha1)
            for dataset in self.datasets
            for file in dataset.metadata.data_files
        ]


@dataclass(frozen=True)
class DayFiles:
    """What a computation reads of one upstream stage and day where it goes through the files piece by piece."""

    dataset: Dataset

    def read(self, scratch: Path) -> LocalFiles:
        """The data files on this machine, after their bytes were compared with their SHA-1s.

        Raises:
            LakeError: One is missing or damaged.
        """
        metadata = self.dataset.metadata
        folder = scratch / metadata.stage.replace("/", "-")
        folder.mkdir(exist_ok=True)
        files = []
        for file in metadata.data_files:
            path = f"{self.dataset.path}/{file.path}"
            try:
                local, sha1 = localize(self.dataset.store, path, folder)
            except StoreError:
                if self.dataset.store.find(path) is not None:
                    raise
                sha1, local = None, folder
            require_sha1(self.dataset.store, path, sha1, file.sha1)
            files.append(LocalFile(file.path, local, file.sha1))
        return LocalFiles(files, metadata.date, scratch)

    def sources(self) -> list[Source]:
        """Every file read, for the metadata."""
        return self.dataset.sources()

    def recipe_sources(self, name: str) -> list[RecipeSource]:
        """Every file read, for the recipe."""
        return Slice([self.dataset]).recipe_sources(name)


class Upstream:
    """The versions of a stage that were current at one moment: exact provenance starts here.

    Args:
        store: The lake's store.
        stage: The stage's name.
        versions: The current version of each day.
    """

    def __init__(self, store: Store, stage: str, versions: Mapping[date, str]) -> None:
        self.store = store
        self.stage = stage
        self.versions = versions
        self._known: dict[date, Dataset] = {}

    def open_days(self, days: Iterable[date]) -> None:
        """Open many days side by side, before they are asked for one by one: worth it on S3.

        What is wrong with a day shows when that day is asked for.
        """
        wanted = [day for day in days if day in self.versions and day not in self._known]
        found = zip(wanted, in_parallel(self._try_open, wanted), strict=True)
        self._known |= {day: dataset for day, dataset in found if dataset}

    def day(self, day: date, columns: Sequence[str] | None = None) -> Slice:
        """One day.

        Raises:
            LakeError: The stage has no current version of that day.
        """
        if day not in self.versions:
            message = f"{self.stage} has no version for {day}: materialize it first"
            raise LakeError(message)
        return Slice([self._dataset(day)], columns)

    def day_files(self, day: date) -> DayFiles:
        """The files of one day, for what does not hold a day in memory.

        Raises:
            LakeError: The stage has no current version of that day.
        """
        return DayFiles(self.day(day).datasets[0])

    def window(self, last: date, days: int, columns: Sequence[str] | None = None) -> Slice:
        """Those of the `days` days ending with `last` that there are, with a column `day`.

        Raises:
            LakeError: There is no version of the last day itself.
        """
        self.day(last)
        wanted = [last - timedelta(days=back) for back in reversed(range(days))]
        self.open_days(wanted)
        return Slice([self._dataset(day) for day in wanted if day in self.versions], columns, with_day=True)

    def _dataset(self, day: date) -> Dataset:
        if day not in self._known:
            self._known[day] = self._open(day)
        return self._known[day]

    def _try_open(self, day: date) -> Dataset | None:
        try:
            return self._open(day)
        except LakeError:
            return None

    def _open(self, day: date) -> Dataset:
        return open_dataset(self.store, self.stage, day, self.versions[day])


def find_dataset(store: Store, stage: str, day: date, version: str) -> Dataset | None:
    """An exact version, or None where it was never completed.

    Raises:
        LakeError: Its metadata is not understood.
    """
    path = f"{paths.version_path(stage, day, version)}/{paths.METADATA_FILE}"
    data = store.find(path)
    return None if data is None else dataset_of(store, data, store.uri(path))


def dataset_of(store: Store, data: bytes, uri: str) -> Dataset:
    """The version that the bytes of a metadata.json describe.

    Raises:
        LakeError: They are not understood.
    """
    return Dataset(store, parse_metadata(data, uri), hashlib.sha1(data, usedforsecurity=False).hexdigest())


def open_dataset(store: Store, stage: str, day: date, version: str) -> Dataset:
    """An exact version.

    Raises:
        LakeError: There is none, or its metadata is not understood.
    """
    dataset = find_dataset(store, stage, day, version)
    if dataset is not None:
        return dataset
    removed = store.find(f"{paths.version_path(stage, day, version)}/{paths.REMOVED_FILE}")
    if removed is not None:
        what = f"{stage} {day} {version}"
        message = (
            f"{what} was removed by garbage collection{_when(removed)}; "
            f"'html-classification lake reproduce {what} --scratch FOLDER' rebuilds it from raw"
        )
        raise LakeError(message)
    message = f"{stage} {day} has no version {version}; see 'html-classification lake ls'"
    raise LakeError(message)


def _when(removed: bytes) -> str:
    try:
        return f" on {str(json.loads(removed)['removed_at'])[:10]}"
    except (ValueError, KeyError, TypeError, RecursionError):  # damaged
        return ""
