"""The stage `raw`: every line of a drop checked.

Belongs here: going through a drop chunk by chunk. Does not belong here: what a good line is (`lake.crawl_drop`).
"""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from html_classification.lake.drop_lines import cut_into_chunks
from html_classification.lake.errors import LakeError
from html_classification.lake.local import LocalFiles
from html_classification.schemas.outcome import Stream
from html_classification.streams.progress import Progress
from html_classification.streams.tasks import DropPiece, check_lines, read_rejected
from html_classification.streams.workers import Death, Workers


def check_drop(drop: LocalFiles, workers: Workers) -> Stream:
    """Compute `raw`: see `lake.crawl_drop.parse_crawl_files`, which does the same for what is in memory.

    Args:
        drop: The files of the drop.
        workers: Who parses the lines.

    Returns:
        The documents in the order of the files, and the refused lines.
    """
    figures = {"lines": 0}
    rejected: list[Path | None] = []

    def batches() -> Iterator[pl.DataFrame]:
        progress = Progress()
        for done in workers.map(check_lines, drop_pieces(drop), no_second_try):
            frame = pl.read_ipc(done.rows)
            figures["lines"] += done.figures["lines"]
            rejected.append(done.rejected)
            progress.add(frame.height)
            yield frame
            done.rows.unlink()

    return Stream(batches(), rows_per_group=0, rejected=lambda: read_rejected(rejected), figures=figures)


def drop_pieces(drop: LocalFiles) -> Iterator[DropPiece]:
    """The chunks of a drop as pieces for workers."""
    folder = drop.scratch / "pieces"
    folder.mkdir(exist_ok=True)
    for number, chunk in enumerate(cut_into_chunks(drop)):
        yield DropPiece(chunk, drop.day, folder / str(number))


def no_second_try(piece: DropPiece, death: Death) -> DropPiece:
    """Lines are parsed within memory and time: a worker that dies of them was killed from outside."""
    lines = f"lines {piece.chunk.first:,} to {piece.chunk.first + piece.chunk.count - 1:,} of {piece.chunk.name}"
    message = f"{lines} {death.reason}: run the day again, with more memory or fewer workers"
    raise LakeError(message)
