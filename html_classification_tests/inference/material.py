"""Rows as the lake has them, made of documents by the stages' own transforms.

Belongs here: the way of documents through the stages, without the lake. Does not belong here: how models see pages
(`inference`), which must come to the same.
"""

import gzip
import json
from datetime import UTC, date, datetime
from functools import cache

import polars as pl

from html_classification.schemas.raw import RAW
from html_classification.training.algorithms import ALGORITHMS
from html_classification.training.fitting import Classifier, fit
from html_classification.training.rows import rows_with_text
from html_classification.transforms.html.documents import parse_documents
from html_classification.transforms.text.normalization import normalize_texts
from html_classification.transforms.text.versions import TEXT_VERSIONS
from html_classification.transforms.urls import normalize_documents
from html_classification_tests.pages import WORDS, page
from html_classification_tests.training.corpus import WCXB

DAY = date(2026, 3, 1)


def invented_documents(each: int = 12) -> pl.DataFrame:
    """url, html, category of small pages of three categories."""
    pages = [page(category, number) for category in sorted(WORDS) for number in range(each)]
    return pl.DataFrame(pages).select("url", "html", "category")


@cache
def real_documents(days: int) -> pl.DataFrame:
    """url, html, category of the first days of wcxb, as they were crawled."""
    labels = map(json.loads, (WCXB / "labels.jsonl").read_text().splitlines())
    category = {label["url"]: label["category"] for label in labels}
    rows = []
    for drop in sorted((WCXB / "crawl").glob("*/*.jsonl.gz"))[:days]:
        for line in gzip.decompress(drop.read_bytes()).splitlines():
            row = json.loads(line)
            rows.append({"url": row["url"], "html": row["html"], "category": category[row["url"]]})
    return pl.DataFrame(rows)


def lake_rows(documents: pl.DataFrame, text_version: str) -> pl.DataFrame:
    """original_url, url, category, duplicate_cluster and the models' fields, as the stages make them of documents."""
    crawled = datetime(2026, 3, 1, 8, tzinfo=UTC)
    raw = documents.with_columns(pl.lit(crawled).alias("timestamp"), pl.lit(None, pl.String).alias("encoding"))
    addresses = normalize_documents(raw.select(pl.col(name).cast(kind) for name, kind in RAW.dtypes.items())).frame
    pages = parse_documents(addresses).frame
    texts = normalize_texts(pages, TEXT_VERSIONS[text_version]).frame
    given = addresses.select("url", "original_url").join(
        documents.select("category", original_url="url"), on="original_url"
    )
    given = given.join(pages.select("url", "duplicate_cluster"), on="url", how="left")
    day = pl.lit(DAY).alias("day")
    return rows_with_text(given.with_columns(day), texts.with_columns(day), pages.with_columns(day))


def trained(documents: pl.DataFrame, text_version: str, algorithm: str = "logistic-regression") -> Classifier:
    """A classifier of documents."""
    return fit(lake_rows(documents, text_version), ALGORITHMS[algorithm])
