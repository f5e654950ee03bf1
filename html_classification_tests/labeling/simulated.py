"""Annotators of known accuracy, for the tests: who is right how often, on which texts."""

import hashlib
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from html_classification.schemas.labels import LABELS

FIRST = date(2026, 3, 1)


def window(*rows: Mapping[str, Any]) -> pl.DataFrame:
    """The stage `labels` with `day`, of rows that name what matters; each url has its own text."""
    base = {"url": "https://news.example/a", "category": "sports", "confidence": None, "annotator": "ann"}
    base |= {"labelled_at": None, "cost": 0.0, "answer": None, "day": FIRST}
    whole = [base | row for row in rows]
    for row in whole:
        row.setdefault("content_sha1", hashlib.sha1(row["url"].encode()).hexdigest())
    schema = {**LABELS.dtypes, "day": pl.Date}
    return pl.DataFrame(whole, schema=schema)


def crowd(
    accuracy: Mapping[str, float],
    *,
    texts: int = 400,
    each: int = 2,
    categories: int = 8,
    days: int = 1,
    alike: tuple[str, ...] = (),
    seed: int = 0,
) -> tuple[pl.DataFrame, dict[str, str]]:
    """A window of labels, and the truth by url.

    Args:
        accuracy: How often each annotator is right.
        texts: How many texts there are, evenly on all days.
        each: How many people judge each; machines judge all.
        categories: How many categories there are; wrong answers are even among them.
        days: The days of the window.
        alike: Annotators that are right and wrong together.
        seed: Of chance.
    """
    random = np.random.default_rng(seed)
    people = [name for name in accuracy if not name.startswith(("api:", "file:"))]
    machines = [name for name in accuracy if name not in people]
    rows, truth = [], {}
    for number in range(texts):
        url, right = f"https://news.example/{number:05}", int(random.integers(categories))
        truth[url] = f"category {right}"
        luck, error = random.random(), int(random.integers(1, categories))
        judges = list(random.choice(people, min(each, len(people)), replace=False)) if people else []
        for name in [*judges, *machines]:
            own = (luck, error) if name in alike else (random.random(), int(random.integers(1, categories)))
            said = right if own[0] < accuracy[name] else (right + own[1]) % categories
            day = FIRST + timedelta(days=number * days // texts)
            row = {"url": url, "content_sha1": f"{number:040x}", "category": f"category {said}", "day": day}
            rows.append(row | {"annotator": str(name)})
    return window(*rows), truth


def share_right(found: pl.DataFrame, truth: Mapping[str, str]) -> float:
    """How many of the categories are the true ones."""
    return sum(truth[url] == category for url, category in found.select("url", "category").iter_rows()) / found.height


def majority(labels: pl.DataFrame) -> pl.DataFrame:
    """The category that most annotators gave, of several the first by name."""
    votes = labels.group_by("url", "category").len()
    return votes.sort("url", "len", "category", descending=[False, True, False]).unique("url", keep="first")
