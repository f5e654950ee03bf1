"""The pages of the sample crawl, as rows to train on.

Belongs here: the sample as a second corpus, beside the real pages (`pages`, `page_types`). Does not belong here: what
is measured with it.
"""

import gzip
from functools import cache
from pathlib import Path

import orjson
import polars as pl

from html_classification.training.features import address_field
from html_classification.transforms.html.page import PageRejected, parse_page
from html_classification.transforms.language import detect_languages
from html_classification.transforms.text.document import title_and_content
from html_classification.transforms.text.normalization import normalize_texts
from html_classification.transforms.text.versions import DEFAULT_TEXT_VERSION, TEXT_VERSIONS
from html_classification.transforms.urls import normalize_url

SAMPLE = Path(__file__).parent.parent / "data"


@cache
def sample_rows() -> pl.DataFrame:
    """url, language, text (in the default version), markup and address of each page; broken lines are left out."""
    rows = []
    for drop in sorted(SAMPLE.glob("crawl/*/*.jsonl*")):
        data = drop.read_bytes()
        for line in (gzip.decompress(data) if drop.suffix == ".gz" else data).splitlines():
            try:
                document = orjson.loads(line)
                parsed = parse_page(document["html"], document["url"])
            except (orjson.JSONDecodeError, PageRejected, KeyError, TypeError):
                continue
            rows.append((normalize_url(document["url"]), parsed.page.title, parsed.content, parsed.page.markup))
    pages = pl.DataFrame(rows, schema=["url", "title", "content", "markup"], orient="row")
    pages = pages.unique("url", keep="first", maintain_order=True).with_columns(timestamp=pl.lit(None))
    pages = pages.with_columns(*detect_languages(pages.select(judged=title_and_content())["judged"]))
    texts = normalize_texts(pages, TEXT_VERSIONS[DEFAULT_TEXT_VERSION]).frame
    return (
        pages.select("url", "language", "markup")
        .join(texts.select("url", text=title_and_content()), on="url")
        .with_columns(address_field())
        .sort("url")
    )


def useless_pages() -> list[str]:
    """The addresses of the pages that the sample's generator meant to be off-topic."""
    truth = map(orjson.loads, (SAMPLE / "truth.jsonl").read_bytes().splitlines())
    return sorted({normalize_url(page["url"]) for page in truth if page["off_topic"]})
