"""The stage `preprocess/html-parsing`: pages parsed on all cores.

Belongs here: pieces of a day, what happens when a document kills its worker, copies among all pages of the day, and
the look at both engines. Does not belong here: what is taken from a page (`transforms.html`).
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import polars as pl

from html_classification.lake.dataset import Dataset
from html_classification.lake.errors import LakeError
from html_classification.lake.local import LocalFiles
from html_classification.schemas.described import Check
from html_classification.schemas.html_parsing import HTML_PARSING
from html_classification.schemas.outcome import Stream
from html_classification.streams.batches import in_batches
from html_classification.streams.progress import Progress
from html_classification.streams.tasks import Done, PagesPiece, compare_engines, parse_pages, read_rejected
from html_classification.streams.unchanged import known_pages
from html_classification.streams.workers import SHORT_OF_MEMORY, Death, Watch, Workers
from html_classification.transforms.html.documents import copies_among, copy_figures, mark_copies

#: Documents of a piece: two row groups of the file that they come from, half a second's work.
ROWS_PER_PIECE = 256
ROWS_PER_GROUP = 1024

#: The check that compares the engines.
AGREEMENT = "engines_agree"
AGREEMENT_DESCRIPTION = (
    "A sample of the day's pages parsed again with BeautifulSoup: the same title, and the same words in the text. "
    "It warns where one of the two parsers has changed its mind."
)
SAMPLE = 20
_SAME_TEXT = 0.99
_MUST_AGREE = 0.8

#: Processor time that a document may take.
SECONDS = 20.0


def parse_day(
    documents: LocalFiles,
    workers: Workers,
    engine: str,
    *,
    seconds: float = SECONDS,
    former: Iterable[Dataset] = (),
) -> Stream:
    """Compute `preprocess/html-parsing`: see `transforms.html.documents.parse_documents`.

    Args:
        documents: The file of the stage `preprocess/url-normalization`.
        workers: Who parses.
        engine: A name from `engines.ENGINES`.
        seconds: Processor time that a document may take.
        former: Versions of this stage that were computed in the same way, newest first: pages of theirs that
            have not changed are not parsed again.

    Returns:
        The pages, sorted by url; the refused documents; the figures; and how far both engines agree.
    """
    path = documents.files[0].path
    figures: dict[str, int | float | str] = {"engine": engine}
    checks: list[Check] = []
    done: list[Done] = []

    def frames() -> Iterator[pl.DataFrame]:
        urls = pl.scan_parquet(path, glob=False).select("url").collect()["url"]
        folder = documents.scratch / "parsed"
        folder.mkdir(exist_ok=True)
        progress = Progress(urls.len())
        known = known_pages(former, urls, ROWS_PER_PIECE, folder)
        pieces = (
            PagesPiece(path, rows, engine, folder / str(number), seconds, known=known[number])
            for number, rows in enumerate(_slices(urls.len(), ROWS_PER_PIECE))
        )
        for piece in workers.map(parse_pages, pieces, without_the_cause):
            done.append(piece)
            progress.add(piece.figures["documents"])
        signed = [pl.scan_ipc(piece.rows).select("url", "content_sha1", "minhash", "timestamp") for piece in done]
        signatures = pl.concat(signed).collect() if signed else HTML_PARSING.empty()
        with ThreadPoolExecutor(1) as meanwhile:  # the workers have nothing else to do
            agreement = meanwhile.submit(_agreement, path, urls, workers, folder, seconds)
            clusters = copies_among(signatures)
            yield from _marked(done, clusters)
            checks.append(agreement.result())
        counts: Counter[str] = sum((Counter(piece.figures) for piece in done), Counter())
        figures.update(dict.fromkeys(("documents", "unchanged", "content_is_whole_text"), 0) | counts)
        figures.update(copy_figures(clusters["duplicate_of"], signatures["content_sha1"]))

    return Stream(
        in_batches(frames(), ROWS_PER_GROUP),
        ROWS_PER_GROUP,
        rejected=lambda: read_rejected(piece.rejected for piece in done),
        figures=figures,
        checks=checks,
    )


def _marked(done: list[Done], clusters: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The pages of pieces with what is known of copies, which has a row for each page in the same order."""
    start = 0
    for piece in done:
        pages = pl.read_ipc(piece.rows)
        yield mark_copies(pages, clusters.slice(start, pages.height))
        start += pages.height


def without_the_cause(piece: PagesPiece, death: Death) -> PagesPiece:
    """A piece once more, without the document that its worker died of.

    Where memory was short, the others of the piece may have taken it: then they are parsed a few at a time first.

    Raises:
        LakeError: Twice a worker was at no document, so that nothing says what to leave out.
    """
    row = Watch.at(piece.marker)
    if not piece.again and (row is None or death.exit_code == SHORT_OF_MEMORY):
        return replace(piece, again=True)
    if row is None or row in piece.refused:
        message = f"a worker {death.reason} between two documents: run the day again, with fewer workers or more memory"
        raise LakeError(message)
    return replace(piece, refused={**piece.refused, row: death.reason})


def _slices(count: int, size: int) -> Iterator[range]:
    return (range(start, min(start + size, count)) for start in range(0, count, size))


def _agreement(path: Path, urls: pl.Series, workers: Workers, folder: Path, seconds: float) -> Check:
    """Parse some pages with both engines: always the same ones of a day, chosen by the hashes of their addresses."""
    order = sorted(range(urls.len()), key=lambda row: hashlib.sha1(urls[row].encode(), usedforsecurity=False).digest())
    pieces = (
        PagesPiece(path, range(row, row + 1), "", folder / f"sample-{row}", seconds) for row in sorted(order[:SAMPLE])
    )
    compared = [one for found in workers.map(compare_engines, pieces, without_the_cause) for one in found]
    titles = sum(title for title, _ in compared)
    same = sum(title and f1 >= _SAME_TEXT for title, f1 in compared)
    mean = sum(f1 for _, f1 in compared) / len(compared) if compared else 1.0
    figures = {
        "compared": len(compared),
        "same_title": titles,
        "same_text": sum(f1 >= _SAME_TEXT for _, f1 in compared),
        "mean_token_f1": round(mean, 4),
    }
    passed = same >= _MUST_AGREE * len(compared)
    return Check(name=AGREEMENT, passed=passed, figures=figures, blocking=False)
