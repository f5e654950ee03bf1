"""A source into drops.

Belongs here: putting each document into the drop of its day, keeping what was refused, publishing whole files. Does not
belong here: reading sources (`sources`), or how files are written and named (`drop`).
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from html_classification.ingest.document import LARGEST, Document, Options, Refused, RefusedError, day_of, too_large
from html_classification.ingest.drop import DropFiles, FileWritten
from html_classification.ingest.sources import Source
from html_classification.lake.store import Store

_MOST_REASONS = 100


@dataclass(frozen=True)
class Progress:
    """How far a source is.

    Attributes:
        source: Which.
        done: What was read of it: bytes of a file, files of a folder.
        total: Of how much, where that is known.
        documents: Taken so far.
        refused: Refused so far.
    """

    source: Source
    done: int = 0
    total: int | None = None
    documents: int = 0
    refused: int = 0


@dataclass(frozen=True)
class Ingested:
    """What became of a source.

    Attributes:
        source: Which.
        files: What lies in the drops now, a file for each day.
        refused_file: Where each refused document stands with its reason; empty where there is none.
        reasons: How many were refused, by reason, the most frequent first.
    """

    source: Source
    files: list[FileWritten]
    refused_file: str
    reasons: dict[str, int]

    @property
    def documents(self) -> int:
        """How many were taken."""
        return sum(file.documents for file in self.files)

    @property
    def refused(self) -> int:
        """How many were refused."""
        return sum(self.reasons.values())


def ingest(
    source: Source,
    crawl: Store,
    day: date | None = None,
    options: Options | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Ingested:
    """Put the documents of a source into the drops of their days; again it finds the same bytes there, and is done.

    One document is in memory at a time; files are put together in the folder for temporary files.

    Args:
        source: The source.
        crawl: The root of all drops.
        day: The drop that all go into; by default each goes into that of its own day in UTC.
        options: What there is to say of the source.
        on_progress: Is told after each document.

    Returns:
        What was written and what was refused.

    Raises:
        LakeError: The source cannot be read, or a drop has a file of that name with other documents.
        StoreError: The drops cannot be written.
    """
    options, reasons = options or Options(), Counter[str]()
    today = datetime.now(UTC).date()
    done: tuple[int, int | None] = (0, None)

    def on_read(position: int, total: int | None) -> None:
        nonlocal done
        done = position, total

    with DropFiles(source.name, day) as files:
        for item in source.read(options, on_read):
            refused = item if isinstance(item, Refused) else _add(files, item, day, today)
            if refused:
                files.refuse(refused.to_line())
                reasons[_counted(refused.reason, reasons)] += 1
            if on_progress:
                on_progress(Progress(source, *done, files.documents, reasons.total()))
        written, refused_file = files.publish(crawl)
    return Ingested(source, written, refused_file, dict(reasons.most_common()))


def _add(files: DropFiles, document: Document, day: date | None, today: date) -> Refused | None:
    """Add a document to its drop; what it is refused for, where it is."""
    try:
        target = day_of(document.timestamp, day, today)
        line = document.to_line()
        if len(line) > LARGEST:
            raise too_large()
        files.add(target, line)
    except RefusedError as refusal:
        return Refused(refusal.reason, document.source, detail=refusal.detail, url=document.url)
    return None


def _counted(reason: str, reasons: Counter[str]) -> str:
    """The reason as it is counted: where pages made up very many, what comes before the colon."""
    return reason if reason in reasons or len(reasons) < _MOST_REASONS else reason.partition(":")[0]
