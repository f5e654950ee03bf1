"""Real pages, as documents and as crawl drops of any size.

Belongs here: reading the corpus beside the checkout and repeating its pages. Does not belong here: a page itself: the
corpus is never copied into the project.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

import orjson
from isal import igzip

CORPUS = Path(__file__).parent.parent.parent / "shared" / "corpora" / "wcxb" / "crawl"
#: What a benchmark says where the corpus is not there.
NO_CORPUS = f"Nothing is measured: the corpus of real pages is not at ../shared/corpora/{CORPUS.parent.name}."

_MOST_IN_A_FILE = 1000
_END = re.compile(r"</body\s*>", re.IGNORECASE)


@dataclass(frozen=True)
class Document:
    """One line of a crawl drop."""

    url: str
    html: str
    timestamp: str

    def copy(self, number: int, day: str) -> "Document":
        """The same page under another address, with a paragraph of its own, so that no two have the same bytes."""
        address = self.url.partition("#")[0]
        own = f"<p>This is copy number {number} of the page.</p>"
        html, found = _END.subn(own + "</body>", self.html, count=1)
        return Document(
            url=f"{address}{'&' if '?' in address else '?'}copy={number}",
            html=html if found else self.html + own,
            timestamp=day + self.timestamp[10:],
        )


def available() -> bool:
    """Whether the corpus is there."""
    return CORPUS.is_dir()


@cache
def corpus() -> tuple[Document, ...]:
    """All pages of the corpus, in the order of its days."""
    lines = (line for path in sorted(CORPUS.glob("*/*.gz")) for line in igzip.open(path))
    return tuple(Document(**orjson.loads(line)) for line in lines)


def repeated(count: int, day: str) -> Iterator[Document]:
    """So many documents: the pages of the corpus once, then copies of all, and so on, all of one day."""
    endless = (page.copy(number, day) for number in range(count) for page in corpus())
    return islice(endless, count)


def write_drop(crawl: Path, day: str, count: int) -> Path:
    """Leave a day's drop of repeated pages: gzipped JSON lines in files of one length, at least two.

    Args:
        crawl: Where the drops are.
        day: The day, ISO 8601.
        count: How many documents.

    Returns:
        The day's folder.
    """
    folder = crawl / day
    folder.mkdir(parents=True)
    documents = repeated(count, day)
    files = max(2, math.ceil(count / _MOST_IN_A_FILE))  # datatrove shares out whole files to its workers
    for number in range(files):
        with igzip.open(folder / f"html-documents-{number:04}.jsonl.gz", "wb", compresslevel=2) as file:
            for document in islice(documents, count * (number + 1) // files - count * number // files):
                file.write(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))
    return folder
