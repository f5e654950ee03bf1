"""The stage `raw`: every line of a drop checked.

Belongs here: going through a drop chunk by chunk. Does not belong here: what a good line is (`lake.crawl_drop`).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Never

import polars as pl

from html_classification.lake.drop_lines import cut_into_chunks
from html_classification.lake.errors import LakeError
from html_classification.lake.local import LocalFiles
from html_classification.schemas.outcome import Stream
from html_classification.streams.batches import in_batches
from html_classification.streams.progress import Progress
from html_classification.streams.tasks import DropPiece, check_lines, read_rejected
from html_classification.streams.workers import Death, Workers

_BATCH = 512


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
    kept = workers.parsed_drops

    def frames() -> Iterator[pl.DataFrame]:
        progress, parsed, all_kept = Progress(), list[Path](), True
        for done in workers.map(check_lines, drop_pieces(drop, kept.new_folder()), no_second_try):
            frame = pl.read_ipc(done.rows)
            figures["lines"] += done.figures["lines"]
            rejected.append(done.rejected)
            progress.add(frame.height)
            yield frame
            all_kept = all_kept and kept.has_room(done.rows)
            if all_kept:
                parsed.append(done.rows)
            else:
                done.rows.unlink()
        if all_kept:
            kept.keep(drop, parsed)
        else:
            kept.drop(parsed)

    return Stream(
        in_batches(frames(), _BATCH), rows_per_group=0, rejected=lambda: read_rejected(rejected), figures=figures
    )


def drop_pieces(drop: LocalFiles, folder: Path) -> Iterator[DropPiece]:
    """The chunks of a drop as pieces for workers, whose results come into a folder."""
    for number, chunk in enumerate(cut_into_chunks(drop)):
        yield DropPiece(chunk, drop.day, folder / str(number))


def no_second_try(piece: object, death: Death) -> Never:
    """Lines are parsed within memory and time: a worker that dies of them was killed from outside."""
    message = f"{piece} {death.reason}: run the day again, with more memory or fewer workers"
    raise LakeError(message)
