"""All fields of a page against a bare parse of the same bytes, processor time per document.

Belongs here: `parse_documents` measured in this process. Does not belong here: the whole pipeline (`end_to_end`),
the quality of main content (`content_quality`).
"""

import gc
import time
from collections.abc import Callable, Iterator

import polars as pl
from selectolax.lexbor import LexborHTMLParser

from benchmarks import pages
from benchmarks.measure import Figure, Ratio, Result
from html_classification.schemas.url_normalization import URL_NORMALIZATION
from html_classification.transforms.html.documents import parse_documents

ROUNDS = 7


def run() -> Iterator[Result]:
    """Measure all pages of the corpus, the two in turn."""
    if not pages.available():
        yield pages.NO_CORPUS
        return
    corpus = pages.corpus()
    frame = _frame(corpus)  # one, as a day is: looking for copies has costs of its own in each frame
    data = [document.html.encode() for document in corpus]
    parse_documents(frame.head(1))  # imports and models

    ours: list[float] = []
    bare: list[float] = []
    for number in range(ROUNDS):
        turns = [(ours, lambda: parse_documents(frame)), (bare, lambda: _parse_each(data))]
        for seconds, turn in turns if number % 2 else reversed(turns):
            seconds.append(_processor_time(turn) / len(corpus) * 1000)
    yield Ratio("all fields of a page", ours, bare, "a bare Lexbor parse", at_most=6, unit="ms")
    yield Figure("documents per second of one processor", [1000 / each for each in ours], unit="")


def _frame(documents: tuple[pages.Document, ...]) -> pl.DataFrame:
    known = pl.DataFrame(
        {
            "url": [document.url for document in documents],
            "original_url": [document.url for document in documents],
            "html": [document.html for document in documents],
            "timestamp": [document.timestamp for document in documents],
        }
    )
    dtypes = URL_NORMALIZATION.dtypes
    rest = {name: pl.lit(None, dtype) for name, dtype in dtypes.items() if name not in known.columns}
    time_of = pl.col("timestamp").str.to_datetime(time_unit="us", time_zone="UTC")
    return known.with_columns(time_of, **rest).select(list(dtypes)).cast(dict(dtypes))


def _parse_each(data: list[bytes]) -> None:
    for html in data:
        LexborHTMLParser(html)


def _processor_time(turn: Callable[[], object]) -> float:
    gc.collect()
    started = time.process_time()
    turn()
    return time.process_time() - started
