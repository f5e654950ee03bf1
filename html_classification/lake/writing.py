"""The files of a version.

Belongs here: encoding rows as parquet, and putting each file where it belongs so that none is ever replaced.
Does not belong here: metadata.json and the publication, which make a version complete and current (`building`).
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

import polars as pl
from polars.io.plugins import register_io_source

from html_classification.lake import paths
from html_classification.lake.dataset import find_dataset
from html_classification.lake.errors import BuildError, LakeError
from html_classification.lake.metadata import File
from html_classification.lake.paths import VersionId
from html_classification.lake.profile import Profile
from html_classification.lake.sample import to_jsonl
from html_classification.lake.store import Store, Written, in_parallel
from html_classification.schemas.outcome import Outcome, Stream

if TYPE_CHECKING:
    from html_classification.schemas.columns import Stage

#: Small enough for a reader to skip most of a day by its statistics, large enough for zstd to find repetitions.
_ROW_GROUP = 4096


class Kept(Protocol):
    """A file that is kept as it is: `ExternalFile` or `LocalFile`."""

    @property
    def name(self) -> str:
        """Its name in the lake."""

    def put(self, store: Store, path: str) -> Written:
        """Write it into a store, unless there is an object of that name."""


@dataclass(frozen=True)
class WrittenVersion:
    """What was written of a version.

    Attributes:
        files: The files as metadata.json lists them.
        profile: What its rows look like.
        rejected: How many rows were refused.
    """

    files: list[File]
    profile: Profile
    rejected: int


def write_outcome(
    store: Store, version: VersionId, stage: "Stage", outcome: Outcome, kept: Sequence[Kept] | None
) -> WrittenVersion:
    """Write the files of a version whose rows are in memory, all but metadata.json.

    Args:
        store: The lake's store.
        version: The version.
        stage: Its stage.
        outcome: The rows, good and rejected.
        kept: The files to keep as they are in place of a parquet file (raw).

    Raises:
        BuildError: A file is there already, with other bytes.
        StoreError: The store cannot be written to.
    """
    profile, put = Profile(stage), _Put(store, version)
    with ThreadPoolExecutor(1) as pool:  # the files are encoded and written outside of the interpreter's lock
        rows = pool.submit(put.kept, kept) if kept else pool.submit(put.parquet, outcome.frame)
        profile.add(outcome.frame)
        files = rows.result()
    files += put.small(profile, to_jsonl(outcome.rejected), len(outcome.rejected))
    return WrittenVersion(files, profile, len(outcome.rejected))


def write_stream(
    store: Store, version: VersionId, stage: "Stage", stream: Stream, kept: Sequence[Kept] | None, scratch: Path
) -> WrittenVersion:
    """The same for rows that come in batches. A scratch folder takes what a bucket gets.

    Raises:
        BuildError: A file is there already, with other bytes.
        LakeError: What computes the batches says so, the scratch folder is full, or the store cannot be written to.
    """
    profile, put = Profile(stage), _Put(store, version)
    batches = profile.looking_at(stream.batches)
    if kept:
        for _ in batches:
            pass
        files = put.kept(kept)
    else:
        files = put.stream(batches, stage, stream, scratch)
    rejected, refused = scratch / "rejected.jsonl", 0
    with rejected.open("wb") as file:
        for row in stream.rejected():
            file.write(to_jsonl([row]))
            refused += 1
    files += put.small(profile, rejected, refused)
    return WrittenVersion(files, profile, refused)


def to_parquet(frame: pl.DataFrame, file: str | BinaryIO) -> None:
    """Write a frame as parquet with zstd: the same frame gives the same bytes.

    Raises:
        OSError: The file cannot be written.
    """
    try:
        frame.write_parquet(file, compression="zstd", compression_level=3, row_group_size=_ROW_GROUP)
    except pl.exceptions.ComputeError as error:  # a full disk, say
        raise OSError(str(error)) from None


def stream_to_parquet(
    batches: Iterable[pl.DataFrame], schema: pl.Schema, file: str, rows_per_group: int, compression: int
) -> None:
    """Write batches as one parquet file: the same rows give the same bytes, however they come in batches.

    polars encodes several row groups at once, and asks for the next batch when it is ready for it.

    Raises:
        OSError: The file cannot be written.
    """
    raised: list[BaseException] = []

    def give(
        columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, size: int | None
    ) -> Iterator[pl.DataFrame]:
        del columns, predicate, rows, size  # nothing is left out: all goes into the file
        try:
            yield from batches
        except BaseException as error:  # polars would make a text of it
            raised.append(error)
            raise

    try:
        register_io_source(give, schema=schema, is_pure=True).sink_parquet(
            file, compression="zstd", compression_level=compression, row_group_size=rows_per_group
        )
    except (pl.exceptions.ComputeError, OSError) as error:
        if raised:
            raise raised[0] from None
        raise OSError(str(error)) from None  # a full disk, say


class _Put:
    """Writes the files of one version."""

    def __init__(self, store: Store, version: VersionId) -> None:
        self._store = store
        self._version = version

    def kept(self, files: Sequence[Kept]) -> list[File]:
        return in_parallel(lambda file: self._file(file.name, lambda path: file.put(self._store, path)), files)

    def parquet(self, frame: pl.DataFrame) -> list[File]:
        return [
            self._file(
                paths.DATA_FILE,
                lambda path: self._store.write_new(path, lambda file: to_parquet(frame, file)),
            )
        ]

    def stream(self, batches: Iterable[pl.DataFrame], stage: "Stage", stream: Stream, scratch: Path) -> list[File]:
        def encode(file: str) -> None:
            stream_to_parquet(batches, pl.Schema(stage.dtypes), file, stream.rows_per_group, stream.compression)

        def put(path: str) -> Written:
            if not self._store.is_s3:
                return self._store.write_new(path, lambda file: encode(str(file)))
            encoded = scratch / paths.DATA_FILE
            try:
                encode(str(encoded))
            except OSError as error:
                message = f"cannot write to {scratch}: {error}; set TMPDIR to a folder with room"
                raise LakeError(message) from None
            return self._store.put_file(path, encoded)

        return [self._file(paths.DATA_FILE, put)]

    def small(self, profile: Profile, rejected: bytes | Path, refused: int) -> list[File]:
        """Sample, rejected rows where there are any, and the count."""
        contents: dict[str, bytes | Path] = {paths.SAMPLE_FILE: to_jsonl(profile.sample)}
        if refused:
            contents[paths.REJECTED_FILE] = rejected
        contents[paths.count_file(profile.rows, refused)] = b""

        def put(item: tuple[str, bytes | Path]) -> File:
            name, content = item
            return self._file(name, lambda path: _put(self._store, path, content))

        return in_parallel(put, contents.items())

    def _file(self, name: str, put: Callable[[str], Written]) -> File:
        written = put(f"{self._version.path}/{name}")
        if not written.new and self._store.sha1(f"{self._version.path}/{name}") != written.sha1:
            raise BuildError(_other_bytes(self._store, self._version, name, written.sha1))
        return File(path=name, bytes=written.bytes, sha1=written.sha1)


def _put(store: Store, path: str, content: bytes | Path) -> Written:
    if isinstance(content, Path):
        return store.put_file(path, content)
    sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    return Written(len(content), sha1, store.put_new(path, content))


def _other_bytes(store: Store, version: VersionId, name: str, sha1: str) -> str:
    """What to say where a file is there already and differs from what was just computed."""
    file = f"{store.uri(version.path)}/{name}"
    known = find_dataset(store, version.stage, version.day, version.version)
    recorded = {file.path: file.sha1 for file in known.metadata.files}.get(name) if known else None
    if recorded is None:
        return f"{file} was left by a build that never ended, with other bytes: delete the folder and run again"
    if recorded == sha1:
        return f"{file} is damaged, its SHA-1 is not the recorded one: delete that file and run again with --force"
    return (
        f"{file} has other bytes than this computation gave for the same recipe: what changed the result (a package?) "
        "must change the code version"
    )
