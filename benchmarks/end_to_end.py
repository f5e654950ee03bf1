"""A day's crawl drop to parsed pages through Dagster, against a plain loop over BeautifulSoup with lxml.

Ours is the whole command: start-up, Dagster, raw, url_normalization and html_parsing with all fields, languages, near
duplicates, audits, metadata and publications, on all cores. The loop is one process that reads the same lines and takes
title and text, nothing else; what it needs for a document does not depend on their number, so it gets fewer.
"""

import json
import sys
from collections.abc import Iterator

from benchmarks.commands import DAY, PARSING, PROGRAMS, Pipeline, output
from benchmarks.measure import Contestant, Figure, Ratio, Result, side_by_side, workspace
from benchmarks.pages import NO_CORPUS, available, corpus, write_drop

COPIES = 10
ROUNDS = 3


def run() -> Iterator[Result]:
    """Seconds per document, as a ratio, with and without start-up."""
    if not available():
        yield NO_CORPUS
        return
    with workspace() as folder:
        pages = len(corpus())
        documents = COPIES * pages
        write_drop(folder / "many", DAY, documents)
        few = write_drop(folder / "few", DAY, pages)
        pipeline = Pipeline(folder / "run", folder / "many", PARSING)
        inside: list[float] = []
        loop: list[float] = []

        def ours() -> None:
            pipeline.run()
            inside.append(pipeline.seconds())

        def theirs() -> None:
            said = json.loads(output([sys.executable, str(PROGRAMS / "beautifulsoup_loop.py"), str(few)]))
            loop.append(said["seconds"])

        ours_and_theirs = {"ours": Contestant(ours, prepare=pipeline.clear), "loop": Contestant(theirs)}
        wall = side_by_side(ours_and_theirs, rounds=ROUNDS, warm_up=0)["ours"]
        rows = pipeline.rows()
    each = [1000 * seconds / documents for seconds in wall]
    each_inside = [1000 * seconds / documents for seconds in inside]
    each_of_loop = [1000 * seconds / pages for seconds in loop]
    what = f"raw to parsed, {documents:,} documents"
    yield Ratio(what, each, each_of_loop, "BeautifulSoup, lxml", at_most=1 / 15, unit="ms/document")
    yield Ratio(f"{what}, the stages alone", each_inside, each_of_loop, "BeautifulSoup, lxml", unit="ms/document")
    yield Figure("the whole command", [documents / seconds for seconds in wall], "documents/s")
    yield Figure("the plain loop", [pages / seconds for seconds in loop], "documents/s")
    yield f"{rows:,} of {documents:,} documents are rows of the last stage."
