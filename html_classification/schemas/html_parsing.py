"""The stage `preprocess/html-parsing`: what a page says, without its markup."""

import datetime as dt
from typing import Annotated

import polars as pl

from html_classification.schemas.columns import Stage, StageModel, UtcTimestamp, column
from html_classification.schemas.shared import crawl_time, detected_language, duplicate_cluster, page_url


class HtmlParsing(StageModel):
    """One parsed page."""

    url: str = page_url()
    title: str = column(
        "Text of the title element, white space folded; empty where there is none.",
        "The strongest single hint at what the page is about.",
        tags=("pii",),
    )
    content: str = column(
        "Main content as text, without navigation, banners, advertising and footers.",
        "What a reader came for; what labels are bought for and models learn from.",
        tags=("pii",),
    )
    text: str = column(
        "All visible text of the page, boilerplate included.",
        "The fallback where main content is not enough, and what agreement between parsers is measured on.",
        tags=("pii",),
    )
    description: str = column(
        "The page's own description (meta description or og:description); empty where there is none.",
        "A summary that the publisher wrote.",
        tags=("pii",),
    )
    headings: Annotated[pl.List, pl.String] = column(
        "Texts of the headings h1 to h3 in order, at most 50.",
        "The outline of the page.",
        tags=("pii",),
    )
    author: str = column(
        "Who the page names as its author (JSON-LD, meta elements); null where it names none.",
        "Who is responsible for the page.",
        tags=("pii",),
        nullable=True,
    )
    published: dt.date = column(
        "Day on which the page says it was published (JSON-LD, OpenGraph, meta elements), in UTC; null where unsaid.",
        "Tells news from archives.",
        nullable=True,
    )
    language: str = detected_language()
    language_confidence: float = column(
        "Probability of the detected language, 0 to 1.", "Tells which languages are guesses.", ge=0, le=1
    )
    declared_language: str = column(
        "Language that the page declares in its markup, lower case; empty where it declares none.",
        "Shows sites that declare a wrong language.",
    )
    encoding: str = column(
        "Encoding that the document was decoded from where the crawler said, else the one that the page declares, "
        "lower case; empty where neither is known.",
        "Explains pages with broken characters.",
    )
    declared_encoding: str = column(
        "Encoding that the page declares in its markup, lower case; empty where it declares none.",
        "Shows sites that declare a wrong encoding.",
    )
    canonical_url: str = column(
        "Address that the page names as its canonical one; empty where it names none.",
        "Shows which addresses the publisher considers the same page.",
        tags=("pii",),
    )
    link_count: int = column("Number of links with a target.", "Tells listings from articles.", ge=0)
    link_hosts: Annotated[pl.List, pl.String] = column(
        "Hosts that the page links to, sorted, without repetitions, at most 100.",
        "Who the page points to.",
    )
    markup: str = column(
        "What the markup tells of the kind of page, as words separated by spaces: elements and how many "
        "(`tag:table:2-3`), declared types (`type:product`), names of parts.",
        "Tells shops, forums and articles apart where their texts are alike; models may learn from it.",
    )
    html_bytes: int = column("Size of the document in UTF-8, in bytes.", "Tells pages from dumps.", ge=0)
    content_words: int = column("Words of the main content.", "Tells pages with little to read.", ge=0)
    html_sha1: str = column(
        "SHA-1 of the document in UTF-8.",
        "Shows what has not changed since an earlier day, which then need not be parsed again.",
        str_length={"min_value": 40, "max_value": 40},
    )
    content_sha1: str = column(
        "SHA-1 of `title - content` in UTF-8: the text that is judged by annotators.",
        "Labels are stored by it, so that the same text is never labelled twice.",
        str_length={"min_value": 40, "max_value": 40},
    )
    minhash: Annotated[pl.List, pl.UInt32] = column(
        "MinHash signature of the content: rensa R-MinHash 0.5 of hashed word 5-grams, 112 permutations, seed 42.",
        "Finds near duplicates across days without reading the texts again.",
    )
    duplicate_cluster: str = duplicate_cluster("of the day")
    duplicate_of: str = column(
        "URL of the freshest copy in the cluster; null for that copy itself.",
        "Tells copies from the page that represents them.",
        tags=("pii",),
        nullable=True,
    )
    timestamp: UtcTimestamp = crawl_time()


HTML_PARSING = Stage(
    name="preprocess/html-parsing",
    layer="silver",
    title="Parsed pages",
    description=(
        "Each page of the day as text and facts: title, main content, description, language, links, and which "
        "pages are copies of each other. Made from url_normalization with the Lexbor parser. Used by the text "
        "versions, by labels, by the labeling queue and by the training set."
    ),
    model=HtmlParsing,
    code_version="3",
)
