"""Many versions as one frame.

Belongs here: one lazy scan over the files of many days. Does not belong here: choosing the versions (`lake`).

polars gets one list of files and reads of each only the columns and row groups that a query needs, from S3
too. A frame for each day, put together afterwards, would take many times as long to plan.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import polars as pl

from html_classification.lake import paths
from html_classification.lake.errors import LakeError
from html_classification.lake.faults import explain
from html_classification.lake.metadata import Metadata, parse_metadata
from html_classification.lake.store import Store, in_parallel

_PATH = "file path of the row"
#: `<day>/<version>/html-documents.parquet`: where the day begins, counted from the end.
_DAY_FROM_END = len("2026-03-01/0123456789ab/") + len(paths.DATA_FILE)


def scan_parquet(store: Store, files: Sequence[str], columns: Sequence[str] | None, *, with_day: bool) -> pl.LazyFrame:
    """The rows of parquet files of the lake below each other, as one scan.

    Args:
        store: The lake's store.
        files: Their paths, oldest day first.
        columns: The columns wanted, or None for all that the last file has.
        with_day: Add the day of the data as column `day`.

    Returns:
        The columns of the last file, and then what only the first one has. A file that lacks one has nulls there; what
        only files between them have is left out.

    Raises:
        LakeError: The first or the last file cannot be read, or neither has a column that is wanted.
    """
    uris = [store.uri(path) for path in files]
    newest, *oldest = in_parallel(lambda uri: _schema(store, uri), dict.fromkeys((uris[-1], uris[0])))
    schema = dict(newest) | {name: kind for one in oldest for name, kind in one.items() if name not in newest}
    if absent := [name for name in columns or () if name not in schema]:
        raise LakeError(_absent(store, files, absent))
    frame = pl.scan_parquet(
        uris,
        schema=schema,
        missing_columns="insert",
        extra_columns="ignore",
        cast_options=pl.ScanCastOptions(integer_cast="upcast", float_cast="upcast"),
        include_file_paths=_PATH if with_day else None,
        glob=False,
        **store.for_polars,
    )
    if with_day:
        day = pl.col(_PATH).str.slice(-_DAY_FROM_END, 10).str.to_date("%Y-%m-%d")
        frame = frame.with_columns(day=day).drop(_PATH)
    return frame.select([*columns, *(["day"] if with_day else [])]) if columns else frame


def scan_raw(store: Store, versions: Mapping[date, str], stage: str) -> pl.LazyFrame:
    """The documents of raw versions, one day after the other as they are asked for, with the day as column `day`."""
    from polars.io.plugins import register_io_source

    from html_classification.schemas.raw import RAW

    def days(
        columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, _batch: int | None
    ) -> Iterator[pl.DataFrame]:
        left = rows
        for day, version in sorted(versions.items()):
            path = f"{paths.version_path(stage, day, version)}/{paths.METADATA_FILE}"
            metadata = parse_metadata(store.get(path), store.uri(path))
            frame = read_checked(store, metadata).with_columns(day=pl.lit(day))
            frame = frame if left is None else frame.head(left)
            left = None if left is None else left - frame.height
            frame = frame if predicate is None else frame.filter(predicate)
            yield frame if columns is None else frame.select(columns)
            if left == 0:
                return

    return register_io_source(days, schema={**RAW.dtypes, "day": pl.Date}, is_pure=True)


def read_checked(store: Store, metadata: Metadata) -> pl.DataFrame:
    """All rows of a version, after the bytes of its data files were compared with their SHA-1s.

    Raises:
        LakeError: A file is missing or damaged.
    """
    from html_classification.lake.crawl_drop import parse_crawl_files

    folder = paths.version_path(metadata.stage, metadata.date, metadata.version)
    files = [(file.path, _checked(store, f"{folder}/{file.path}", file.sha1)) for file in metadata.data_files]
    if [name for name, _ in files] == [paths.DATA_FILE]:
        return pl.read_parquet(files[0][1])
    return parse_crawl_files(files, metadata.date).frame


def _checked(store: Store, path: str, sha1: str) -> bytes:
    data = store.find(path)
    found = None if data is None else hashlib.sha1(data, usedforsecurity=False).hexdigest()
    require_sha1(store, path, found, sha1)
    return data or b""


def require_sha1(store: Store, path: str, found: str | None, recorded: str) -> None:
    """Say of a data file that it is missing (its SHA-1 is None) or damaged.

    Raises:
        LakeError: It is.
    """
    if found == recorded:
        return
    what = "is missing" if found is None else "is damaged, its SHA-1 is not the recorded one"
    raw = path.startswith("raw/")
    mend = "put it back from the crawl drop or a copy" if raw else "delete its folder and run that day again"
    message = f"{store.uri(path)} {what}; {mend} ('html-classification lake verify' finds what else is wrong)"
    raise LakeError(message)


def _schema(store: Store, uri: str) -> pl.Schema:
    try:
        return pl.scan_parquet(uri, glob=False, **store.for_polars).collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise LakeError(damaged([uri], error)) from None


def _absent(store: Store, files: Sequence[str], columns: Sequence[str]) -> str:
    """What to say of versions that are whole, but have not all columns."""
    schemas = in_parallel(lambda path: _schema(store, store.uri(path)), files)
    lacking = [path for path, schema in zip(files, schemas, strict=True) if not set(columns) <= set(schema)]
    stage = lacking[0].rsplit("/", 3)[0]
    days = ", ".join(path.rsplit("/", 3)[1] for path in lacking)
    has, them, those = ("has", "it", "that day") if len(lacking) == 1 else ("have", "them", "those days")
    what = f"{stage} {days} {has} no column {', '.join(columns)}"
    return f"{what}: an earlier release made {them}; materialize {those} again"


def damaged(uris: Sequence[str], error: Exception) -> str:
    """What to say where polars cannot read what lies at some addresses: it is damaged, or the store does not answer."""
    gone = isinstance(error, FileNotFoundError) and "NoSuchBucket" not in str(error)
    if isinstance(error, OSError) and not gone:
        where = uris[0] if len(uris) == 1 else f"{uris[0]} or another of {len(uris)}"
        return f"cannot read {where}: {explain(error, is_s3=uris[0].startswith('s3://'))}"
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return (
        f"not readable ({reason}): one of {', '.join(uris)} is damaged; delete its folder and run that day again "
        "('html-classification lake verify' finds what else is)"
    )
