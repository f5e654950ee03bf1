"""A day's crawl drop to parsed pages, against datatrove on two workers.

The same work on the same pages: lines read, main content extracted, languages told, near duplicates found by MinHash
(14 bands of 8 hashes, 5 words), rows written. Ours is the whole command, start-up and all, and does more: links,
descriptions, encodings, audits, metadata. datatrove is in a virtual environment of its own and is timed without its
imports; what it needs for a document does not depend on their number, so it gets each page once. Nothing is downloaded
while it runs.
"""

import json
import os
import shutil
from collections.abc import Iterator

from benchmarks.commands import DAY, PARSING, PROGRAMS, CommandError, Pipeline, output, python_with
from benchmarks.measure import Contestant, Figure, Ratio, Result, side_by_side, workspace
from benchmarks.pages import NO_CORPUS, available, corpus, write_drop

VERSION = "0.10.1"
#: What datatrove needs but does not ask for: spaCy cuts words, justext needs lxml_html_clean.
BESIDES = ("py3langid==0.4.0", "spacy>=3.8,<4", "lxml_html_clean")
COPIES = 10
ROUNDS = 3
#: The least share of pages that its extractor must give a text for, lest something is broken.
LEAST_EXTRACTED = 0.9


def run() -> Iterator[Result]:
    """Seconds per document, as a ratio: of a day's drop, and of exactly the same few documents."""
    if not available():
        yield NO_CORPUS
        return
    try:
        python = python_with(f"datatrove-{VERSION}", f"datatrove[io,processing]=={VERSION}", *BESIDES)
    except CommandError as error:
        yield f"datatrove {VERSION} cannot be installed here, so nothing is compared: {error}"
        return
    with workspace() as folder:
        pages = len(corpus())
        documents = COPIES * pages
        write_drop(folder / "many", DAY, documents)
        few = write_drop(folder / "few", DAY, pages)
        day = Pipeline(folder / "day", folder / "many", PARSING)
        same = Pipeline(folder / "same", folder / "few", PARSING)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        environment |= {"HF_HUB_OFFLINE": "1"}
        program, out = str(PROGRAMS / "datatrove_pipeline.py"), folder / "datatrove"
        taken: list[float] = []

        def theirs() -> None:
            said = json.loads(output([str(python), program, str(few), str(out)], environment=environment))
            if said["extracted"] < LEAST_EXTRACTED * pages:
                message = f"datatrove gives a text for {said['extracted']} of {pages} pages: the benchmark is broken"
                raise AssertionError(message)
            taken.append(said["seconds"])

        wall = side_by_side(
            {
                "day": Contestant(day.run, prepare=day.clear),
                "same": Contestant(same.run, prepare=same.clear),
                "datatrove": Contestant(theirs, prepare=lambda: shutil.rmtree(out, ignore_errors=True)),
            },
            rounds=ROUNDS,
            warm_up=0,
        )
    each = [1000 * seconds / pages for seconds in taken]
    peer = f"datatrove {VERSION}"
    ours = [1000 * seconds / documents for seconds in wall["day"]]
    yield Ratio(f"raw to parsed, {documents:,} documents", ours, each, peer, at_most=1 / 12, unit="ms/document")
    ours = [1000 * seconds / pages for seconds in wall["same"]]
    yield Ratio(f"the same {pages:,} documents, mostly our start-up", ours, each, peer, unit="ms/document")
    yield Figure("ours", [documents / seconds for seconds in wall["day"]], "documents/s")
    yield Figure("datatrove", [pages / seconds for seconds in taken], "documents/s")
    yield (
        "datatrove: Trafilatura with its settings, py3langid on 1,000 characters (its own language filter downloads a "
        "model), words cut by a blank spaCy pipeline, which is its default for English."
    )
