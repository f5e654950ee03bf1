"""The stage `preprocess/url-normalization`: one document a page, sorted by address, of a day of any size.

Belongs here: sorting documents that do not fit into memory. Does not belong here: the rules by which two addresses
are the same page (`transforms.urls`).

The documents of each piece go into a file; what is sorted are their addresses and where they lie. Then they are read
in that order, a few hundred at a time.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from html_classification.lake.local import LocalFiles
from html_classification.schemas.outcome import Stream
from html_classification.schemas.url_normalization import URL_NORMALIZATION
from html_classification.streams.progress import Progress
from html_classification.streams.raw import drop_pieces, no_second_try
from html_classification.streams.tasks import Done, ParsedPiece, merge_rejected, normalize_lines, normalize_parsed
from html_classification.streams.workers import Workers
from html_classification.transforms.urls import freshest

Files = Mapping[int, BinaryIO]

#: Documents of a row group: what a worker that parses them must hold at least, some 15 MB.
ROWS_PER_GROUP = 128


def normalize_day(raw: LocalFiles, workers: Workers) -> Stream:
    """Compute `preprocess/url-normalization`: the freshest document of each normalized address.

    Args:
        raw: The files of the stage `raw`.
        workers: Who parses the lines.

    Returns:
        The documents, sorted by url; the rejected rows with `reason`, `url`, `timestamp` and `html`, sorted by the
        last three; and how many documents came, were older copies, and were rejected for each kind of reason.
    """
    figures: dict[str, int | float | str] = {}
    rejected: list[Path | None] = []

    def batches() -> Iterator[pl.DataFrame]:
        located, counts = [], Counter[str]()
        folder = raw.scratch / "pieces"
        folder.mkdir(exist_ok=True)
        for done in _normalized(raw, workers, folder):
            located.append(pl.read_ipc(done.rows))
            rejected.append(done.rejected)
            counts.update(done.figures)
        rows = pl.concat(located)
        with ExitStack() as opened:
            numbers = rows["file"].unique().to_list()
            files = {it: opened.enter_context((folder / f"{it}.html").open("rb")) for it in numbers}
            kept = _freshest(rows, files)
            figures.update(documents=counts.pop("documents"), older_copies=rows.height - kept.height)
            figures.update(sorted(counts.items()))
            progress = Progress(kept.height)
            for batch in kept.iter_slices(2 * ROWS_PER_GROUP):
                yield _with_documents(batch, files)
                progress.add(batch.height)

    def refused() -> Iterator[dict[str, Any]]:
        return merge_rejected(rejected, "url", "timestamp", "html")

    # HTML is so repetitive that zstd at its fastest gains nearly as much, in half the time.
    return Stream(batches(), ROWS_PER_GROUP, compression=1, rejected=refused, figures=figures)


def _normalized(raw: LocalFiles, workers: Workers, folder: Path) -> Iterator[Done]:
    """The addresses of the documents normalized: of the lines as this run has parsed them, else of the files."""
    parsed = workers.parsed_drops.take(raw)
    if parsed is None:
        yield from workers.map(normalize_lines, drop_pieces(raw, folder), no_second_try)
        return
    pieces = (ParsedPiece(path, folder / str(number)) for number, path in enumerate(parsed))
    yield from workers.map(normalize_parsed, pieces, no_second_try)
    workers.parsed_drops.drop(parsed)


def _freshest(rows: pl.DataFrame, files: Files) -> pl.DataFrame:
    def digests(ties: pl.DataFrame) -> list[str]:
        return [hashlib.sha1(html, usedforsecurity=False).hexdigest() for html in _read(ties, files)]

    return freshest(rows, digests)


def _with_documents(rows: pl.DataFrame, files: Files) -> pl.DataFrame:
    html = pl.Series("html", list(_read(rows, files)), dtype=pl.Binary).cast(pl.String)
    return rows.with_columns(html).select(list(URL_NORMALIZATION.dtypes))


def _read(rows: pl.DataFrame, files: Files) -> Iterator[bytes]:
    for file, at, size in rows.select("file", "at", "bytes").iter_rows():
        yield os.pread(files[file].fileno(), size, at)
