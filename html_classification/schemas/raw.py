"""The stage `raw`: what the crawler left."""

from html_classification.schemas.columns import Stage, StageModel, UtcTimestamp, column
from html_classification.schemas.shared import crawl_time, page_html, source_encoding


class Raw(StageModel):
    """One crawled document."""

    url: str = column(
        "Address as the crawler recorded it, not normalized.",
        "Where the document was found; the first half of its identity.",
        tags=("pii",),
        str_length={"min_value": 1},
    )
    html: str = page_html()
    timestamp: UtcTimestamp = crawl_time()
    encoding: str = source_encoding()


RAW = Stage(
    name="raw",
    layer="bronze",
    title="Raw documents",
    description=(
        "The crawl drop of the day, byte for byte as the crawler left it (JSONL, optionally compressed). "
        "Every line is parsed and checked; lines that are no document are listed in rejected.jsonl with "
        "their file, line number and reason. Everything after this stage can be deleted and rebuilt from it. "
        "Used by url_normalization."
    ),
    model=Raw,
    expendable=False,
)
