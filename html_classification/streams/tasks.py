"""What worker processes do with a piece of a day.

Belongs here: one function for each kind of piece, which reads files, calls the transforms, and leaves files. Does not
belong here: the order and the putting together of pieces (the module of each stage).

Only paths and counts go between the processes; documents do not.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from heapq import merge
from itertools import chain, count
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from html_classification.lake.crawl_drop import parse_chunk
from html_classification.lake.drop_lines import Chunk
from html_classification.lake.local import writing_to
from html_classification.schemas.outcome import Outcome
from html_classification.streams.workers import SHORT_OF_MEMORY, Watch
from html_classification.transforms.html import documents
from html_classification.transforms.urls import normalize_addresses

#: Files that are read at the same time.
_MOST_OPEN = 100
#: Documents that are parsed at a time where memory is short.
_FEW = 8


@dataclass(frozen=True)
class DropPiece:
    """Some lines of a crawl drop.

    Attributes:
        chunk: The lines.
        day: The day of the drop.
        target: Where results go: a path without its ending.
    """

    chunk: Chunk
    day: date
    target: Path

    def __str__(self) -> str:
        chunk = self.chunk
        return f"lines {chunk.first:,} to {chunk.first + chunk.count - 1:,} of {chunk.name}"


@dataclass(frozen=True)
class ParsedPiece:
    """Documents of a crawl drop.

    Attributes:
        rows: The file that `check_lines` left.
        target: Where results go: a path without its ending.
    """

    rows: Path
    target: Path

    def __str__(self) -> str:
        return f"the documents of {self.rows}"


@dataclass(frozen=True)
class PagesPiece:
    """Some rows of the stage `preprocess/url-normalization`.

    Attributes:
        documents: The parquet file.
        rows: The numbers of the rows.
        engine: The parser.
        target: Where results go: a path without its ending.
        seconds: Processor time that a document may take.
        refused: Rows that a worker died of, with the reason.
        known: Parquet files with pages of former versions, which some of the rows may be as they are; newest first.
        again: Whether the documents are to be parsed a few at a time, since a worker had no memory for all at once.
    """

    documents: Path
    rows: range
    engine: str
    target: Path
    seconds: float
    refused: Mapping[int, str] = field(default_factory=dict)
    known: tuple[Path, ...] = ()
    again: bool = False

    @property
    def marker(self) -> Path:
        """The file that says which row a worker is at."""
        return self.target.with_suffix(".at")


@dataclass(frozen=True)
class Done:
    """What came of a piece.

    Attributes:
        rows: The file with the good rows.
        rejected: The file with the refused rows, as JSON lines; None where there are none.
        figures: What was counted.
    """

    rows: Path
    rejected: Path | None
    figures: Mapping[str, int]


def check_lines(piece: DropPiece) -> Done:
    """Parse and check lines of a drop, for the stage `raw`."""
    outcome = parse_chunk(piece.chunk, piece.day)
    piece.chunk.path.unlink()
    return _leave(piece.target, outcome)


def normalize_lines(piece: DropPiece) -> Done:
    """Parse lines of a drop and normalize their addresses, for the stage `preprocess/url-normalization`.

    The documents go one behind the other into a file of this process, so that they can be read in any order: the rows
    have `file`, `at` and `bytes` in place of `html`.
    """
    frame = parse_chunk(piece.chunk, piece.day).frame
    piece.chunk.path.unlink()
    return _normalize(frame, piece.target)


def normalize_parsed(piece: ParsedPiece) -> Done:
    """The same for lines that `check_lines` has parsed."""
    return _normalize(pl.read_ipc(piece.rows), piece.target)


def _normalize(frame: pl.DataFrame, target: Path) -> Done:
    outcome = normalize_addresses(frame)
    html = outcome.frame["html"].cast(pl.Binary)
    number = os.getpid()
    with writing_to(target.parent), target.with_name(f"{number}.html").open("ab") as file:
        start = file.tell()
        file.writelines(html)
    sizes = html.bin.size().cast(pl.Int64)
    located = outcome.frame.drop("html").with_columns(
        pl.lit(number, pl.Int64).alias("file"), start + sizes.cum_sum().alias("at") - sizes, sizes.alias("bytes")
    )
    return _leave(target, Outcome(located, outcome.rejected, outcome.figures))


def parse_pages(piece: PagesPiece) -> Done:
    """Parse documents, for the stage `preprocess/html-parsing`; a few at a time where all at once are too large."""
    if not piece.again:
        return _leave(piece.target, _parse(piece, piece.rows))
    outcomes = [_parse(piece, rows) for rows in _few(piece.rows)]
    figures: Counter[str] = Counter()
    for outcome in outcomes:
        figures.update({name: value for name, value in outcome.figures.items() if isinstance(value, int)})
    rejected = [row for outcome in outcomes for row in outcome.rejected]
    return _leave(piece.target, Outcome(pl.concat([outcome.frame for outcome in outcomes]), rejected, dict(figures)))


def _few(rows: range) -> Iterator[range]:
    return (rows[start : start + _FEW] for start in range(0, len(rows), _FEW))


def _parse(piece: PagesPiece, rows: range) -> Outcome:
    first = rows.start - piece.rows.start
    refused = {row - first: reason for row, reason in piece.refused.items() if first <= row < first + len(rows)}
    with Watch(piece.marker, piece.seconds) as watch, _memory():
        return documents.parse_pages(
            _documents(piece, rows),
            piece.engine,
            begin=lambda row: watch.begin(first + row),
            end=watch.end,
            refused=refused,
            known=piece.known,
        )


@contextmanager
def _memory() -> Iterator[None]:
    """End this process where there is no memory left, so that another takes its place; the marker says why."""
    try:
        yield
    except MemoryError:
        os._exit(SHORT_OF_MEMORY)


def compare_engines(piece: PagesPiece) -> list[tuple[bool, float]]:
    """Parse documents with both engines: for each whether the titles are the same, and the token F1 of the texts."""
    compared = []
    pages = _documents(piece, piece.rows)
    with Watch(piece.marker, piece.seconds) as watch, _memory():
        for number, (url, html) in enumerate(pages.select("url", pl.col("html").cast(pl.Binary)).iter_rows()):
            if number not in piece.refused:
                watch.begin(number)
                compared.append(documents.agreement(html, url))
    return [one for one in compared if one is not None]


def read_rejected(files: Iterable[Path | None]) -> Iterator[dict[str, Any]]:
    """The refused rows of pieces, one after the other."""
    return chain.from_iterable(_rows(path) for path in files if path is not None)


def merge_rejected(files: Iterable[Path | None], *keys: str) -> Iterator[dict[str, Any]]:
    """The refused rows of pieces, each of which is sorted by some keys, as one sorted sequence."""
    left = [path for path in files if path is not None]
    for number in count():
        if len(left) <= _MOST_OPEN:  # which must all be open at once
            break
        some, left = left[:_MOST_OPEN], left[_MOST_OPEN:]
        together = some[0].with_name(f"merged-{number}.jsonl")  # a name of its own: what was merged is merged again
        with writing_to(together.parent), together.open("wb") as file:
            file.writelines(map(_line, merge(*map(_rows, some), key=itemgetter(*keys))))
        left.append(together)
    return merge(*map(_rows, left), key=itemgetter(*keys))


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        yield from map(orjson.loads, file)


def _documents(piece: PagesPiece, rows: range) -> pl.DataFrame:
    return pl.scan_parquet(piece.documents, glob=False).slice(rows.start, len(rows)).collect()


def _line(row: dict[str, Any]) -> bytes:
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _leave(target: Path, outcome: Outcome) -> Done:
    rows, rejected = target.with_suffix(".arrow"), target.with_suffix(".jsonl")
    with writing_to(target.parent):
        outcome.frame.write_ipc(rows)
    if outcome.rejected:
        with writing_to(target.parent), rejected.open("wb") as file:
            file.writelines(map(_line, outcome.rejected))
    counts = {name: int(value) for name, value in outcome.figures.items() if isinstance(value, int)}
    return Done(rows, rejected if outcome.rejected else None, counts)
