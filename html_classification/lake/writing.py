"""The files of a version.

Belongs here: encoding rows as parquet, and putting each file where it belongs so that none is ever replaced.
Does not belong here: metadata.json and the publication, which make a version complete and current (`building`).
"""

import hashlib
from typing import TYPE_CHECKING, BinaryIO

import polars as pl

from html_classification.lake import paths
from html_classification.lake.dataset import find_dataset
from html_classification.lake.errors import BuildError
from html_classification.lake.external import ExternalFile
from html_classification.lake.metadata import File
from html_classification.lake.paths import VersionId
from html_classification.lake.sample import sample_rows, to_jsonl
from html_classification.lake.store import Store, Written, in_parallel
from html_classification.schemas.outcome import Outcome

if TYPE_CHECKING:
    from html_classification.schemas.columns import Stage

#: Small enough for a reader to skip most of a day by its statistics, large enough for zstd to find repetitions.
_ROW_GROUP = 4096


def write_files(
    store: Store, version: VersionId, stage: "Stage", outcome: Outcome, kept: list[ExternalFile] | None
) -> list[File]:
    """Write the files of a version, all but metadata.json.

    Args:
        store: The lake's store.
        version: The version.
        stage: Its stage.
        outcome: The rows, good and rejected.
        kept: The files to keep as they are in place of a parquet file (raw).

    Returns:
        The files as metadata.json lists them.

    Raises:
        BuildError: A file is there already, with other bytes.
        StoreError: The store cannot be written to.
    """

    def write(item: tuple[str, bytes | pl.DataFrame]) -> File:
        name, content = item
        written = _put(store, f"{version.path}/{name}", content)
        if not written.new and store.sha1(f"{version.path}/{name}") != written.sha1:
            raise BuildError(_other_bytes(store, version, name, written.sha1))
        return File(path=name, bytes=written.bytes, sha1=written.sha1)

    return in_parallel(write, _contents(stage, outcome, kept).items())


def to_parquet(frame: pl.DataFrame, file: str | BinaryIO) -> None:
    """Write a frame as parquet with zstd: the same frame gives the same bytes.

    Raises:
        OSError: The file cannot be written.
    """
    try:
        frame.write_parquet(file, compression="zstd", compression_level=3, row_group_size=_ROW_GROUP)
    except pl.exceptions.ComputeError as error:  # a full disk, say
        raise OSError(str(error)) from None


def _contents(stage: "Stage", outcome: Outcome, kept: list[ExternalFile] | None) -> dict[str, bytes | pl.DataFrame]:
    contents: dict[str, bytes | pl.DataFrame] = (
        {file.name: file.data for file in kept} if kept else {paths.DATA_FILE: outcome.frame}
    )
    contents[paths.SAMPLE_FILE] = to_jsonl(sample_rows(stage, outcome.frame))
    if outcome.rejected:
        contents[paths.REJECTED_FILE] = to_jsonl(outcome.rejected)
    contents[paths.count_file(outcome.frame.height, len(outcome.rejected))] = b""
    return contents


def _put(store: Store, path: str, content: bytes | pl.DataFrame) -> Written:
    if isinstance(content, pl.DataFrame):
        return store.write_new(path, lambda file: to_parquet(content, file))
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
