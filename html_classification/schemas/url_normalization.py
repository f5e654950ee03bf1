"""The stage `preprocess/url-normalization`: one document per page and day."""

from html_classification.schemas.columns import Stage, StageModel, UtcTimestamp, column
from html_classification.schemas.shared import crawl_time, page_html, page_url, source_encoding


class UrlNormalization(StageModel):
    """One document per normalized URL, the freshest copy of the day."""

    url: str = page_url()
    original_url: str = column(
        "Address as the crawler recorded it.",
        "Leads back to the crawler's own records.",
        tags=("pii",),
    )
    html: str = page_html()
    timestamp: UtcTimestamp = crawl_time()
    encoding: str = source_encoding()


URL_NORMALIZATION = Stage(
    name="preprocess/url-normalization",
    layer="silver",
    title="Documents by normalized URL",
    description=(
        "The documents of the day with normalized URLs, one per URL: of several copies the freshest is kept. "
        "Made from raw; rows whose URL is not a public http(s) address are rejected with the reason. "
        "Used by html_parsing."
    ),
    model=UrlNormalization,
    code_version="2",
)
