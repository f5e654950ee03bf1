"""The stages `preprocess/text-normalization/<version>`: the rules of a text version on a day of any size.

Belongs here: going through the pages a thousand at a time. Does not belong here: what the rules do
(`transforms.text`). There are no worker processes here: polars uses all cores by itself, and each process would have
to load the dictionaries.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import polars as pl

from html_classification.lake.local import LocalFiles
from html_classification.schemas.outcome import Stream
from html_classification.streams.progress import Progress
from html_classification.transforms.text.normalization import normalize_texts
from html_classification.transforms.text.versions import TextVersion

_COLUMNS = ["url", "title", "content", "language", "timestamp"]
_BATCH = 1024
ROWS_PER_GROUP = 4096


def normalize_day(pages: LocalFiles, version: TextVersion) -> Stream:
    """Compute a text version: see `transforms.text.normalization.normalize_texts`.

    Args:
        pages: The file of the stage `preprocess/html-parsing`.
        version: The rules.

    Returns:
        The texts, sorted by url; the pages of which nothing is left; and the figures.
    """
    figures: dict[str, int | float | str] = {}
    rejected: list[dict[str, Any]] = []

    def batches() -> Iterator[pl.DataFrame]:
        scan = pl.scan_parquet(pages.files[0].path, glob=False).select(_COLUMNS)
        rows = scan.select(pl.len()).collect().item()
        progress, counts = Progress(rows), Counter[str]()
        for start in range(0, max(rows, 1), _BATCH):
            batch = scan.slice(start, _BATCH).collect()
            outcome = normalize_texts(batch, version)
            rejected.extend(outcome.rejected)
            counts.update(outcome.figures)
            figures.update(counts)
            progress.add(batch.height)
            yield outcome.frame

    return Stream(batches(), ROWS_PER_GROUP, rejected=lambda: iter(rejected), figures=figures)
