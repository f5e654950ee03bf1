"""What others crawled, as a crawl drop: WARC files, folders of HTML, JSON lines of other shapes.

Belongs here: reading each kind of source one document at a time, saying of each that is refused why, and leaving a
file in the drop of its day. Does not belong here: reading drops (`lake.crawl_drop`), or understanding pages
(`transforms`).

What comes in is hostile: nothing in it is executed, followed or used as a path, and no record, however it is packed,
takes more memory than `document.LARGEST` asks for.
"""

from html_classification.ingest.document import Options
from html_classification.ingest.drop import FileWritten
from html_classification.ingest.ingesting import Ingested, Progress, ingest
from html_classification.ingest.sources import Source, find_sources

__all__ = ["FileWritten", "Ingested", "Options", "Progress", "Source", "find_sources", "ingest"]
