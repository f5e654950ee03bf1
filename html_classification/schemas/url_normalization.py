"""The stage `preprocess/url-normalization`: one document per page and day."""

from html_classification.schemas.columns import Stage, StageModel, UtcTimestamp, column


class UrlNormalization(StageModel):
    """One document per normalized URL, the freshest copy of the day."""

    url: str = column(
        "Normalized address: WHATWG rules, tracking parameters removed, query sorted, no fragment.",
        "The identity of a page: the key that all later stages are joined and sorted by.",
        tags=("pii",),
        unique=True,
        str_startswith="http",
    )
    original_url: str = column(
        "Address as the crawler recorded it.",
        "Leads back to the crawler's own records.",
        tags=("pii",),
    )
    html: str = column(
        "The document as the crawler decoded it.",
        "The evidence that everything else is derived from.",
        tags=("pii",),
    )
    timestamp: UtcTimestamp = column(
        "Time of the crawl of this copy, in UTC.",
        "How fresh the copy is.",
    )


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
)
