"""Material for the tests of training and refinement: real pages where they are, and small invented ones."""

import gzip
import json
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from html_classification.training.features import address_field

WCXB = Path(__file__).parents[3] / "shared" / "corpora" / "wcxb"
needs_wcxb = pytest.mark.skipif(not WCXB.exists(), reason="the corpus ../shared/corpora/wcxb is not here")

WORDS = {
    "cooking": "onion oven butter recipe flour simmer garlic sauce bake spoon",
    "sports": "goal match coach league striker season referee score team final",
    "travel": "hotel flight beach museum luggage passport island tour ticket train",
}


@cache
def real_pages() -> pl.DataFrame:
    """url, category, day, timestamp, duplicate_cluster and the models' fields of wcxb, with all visible text."""
    from html_classification.transforms.html.page import parse_page

    labels = {}
    for line in (WCXB / "labels.jsonl").read_text().splitlines():
        label = json.loads(line)
        labels[label["url"]] = label["category"]
    rows = []
    for drop in sorted((WCXB / "crawl").glob("*/*.jsonl.gz")):
        for line in gzip.decompress(drop.read_bytes()).decode().rstrip("\n").split("\n"):
            page = json.loads(line)
            parsed = parse_page(page["html"], page["url"]).page
            rows.append(
                {
                    "url": page["url"],
                    "category": labels[page["url"]],
                    "text": parsed.text,
                    "markup": parsed.markup,
                    "day": date.fromisoformat(drop.parent.name),
                    "timestamp": datetime.fromisoformat(page["timestamp"]).astimezone(UTC),
                    "duplicate_cluster": page["url"],
                }
            )
    return pl.DataFrame(rows).with_columns(address_field()).unique("url", keep="first", maintain_order=True)


def invented_pages(rows: int = 90, seed: int = 0) -> pl.DataFrame:
    """The same columns; three categories that are easy to tell apart, some words shared."""
    import random

    chance = random.Random(seed)
    names = sorted(WORDS)
    pages = []
    for index in range(rows):
        category = names[index % 3]
        own = chance.choices(WORDS[category].split(), k=20)
        shared = chance.choices(["page", "today", "more", "about", "contact", "news"], k=10)
        url = f"https://site{index % 7}.example/{index:04d}"
        pages.append(
            {
                "url": url,
                "category": category,
                "text": " ".join(own + shared),
                "markup": "tag:a:4-7 tag:p:2-3",
                "day": date(2026, 3, 1) + timedelta(days=index % 14),
                "timestamp": datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=index % 14, minutes=index),
                "duplicate_cluster": url,
            }
        )
    return pl.DataFrame(pages).with_columns(address_field())


def flip(pages: pl.DataFrame, share: float, seed: int = 0) -> tuple[pl.DataFrame, set[str]]:
    """Give a share of the rows another category; returns the rows and the URLs that were flipped."""
    import random

    chance = random.Random(seed)
    names = sorted(pages["category"].unique())
    flipped = set(chance.sample(sorted(pages["url"]), round(len(pages) * share)))
    given = [
        chance.choice([name for name in names if name != category]) if url in flipped else category
        for url, category in pages.select("url", "category").iter_rows()
    ]
    return pages.with_columns(category=pl.Series(given)), flipped
