"""Frames that look like a day's texts.

Belongs here: seeded rows for the benchmarks of the lake. Does not belong here: real pages, which are never copied
into the project.
"""

import random
from datetime import UTC, date, datetime, timedelta

import polars as pl

#: Words of a page's main content: the mean of 1,136 real pages.
WORDS = 1500
_VOCABULARY = 20_000


def day_of_texts(day: date, rows: int, words: int = WORDS) -> pl.DataFrame:
    """A day's rows of a text stage: `url`, `title`, `content`, `language`, `timestamp`, sorted by url.

    Words come in Zipf's proportions, so that the texts compress about as well as real ones (to a third). The same
    day and number of rows always give the same frame.
    """
    chance = random.Random(f"{day} {rows}")  # noqa: S311 - seeded, not cryptography
    vocabulary = ["".join(chance.choices("etaoinshrdlucmfw", k=chance.randint(2, 10))) for _ in range(_VOCABULARY)]
    weights = [1 / rank for rank in range(1, _VOCABULARY + 1)]
    # One long text, of which each page takes a stretch: choosing every word anew would take minutes.
    stream = chance.choices(vocabulary, weights, k=words * min(rows, 5000))
    starts = [chance.randrange(len(stream) - words + 1) if rows > 5000 else words * n for n in range(rows)]
    first = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return pl.DataFrame(
        {
            "url": [f"https://site-{n % 97}.example/{day}/page-{n}" for n in range(rows)],
            "title": [" ".join(stream[start : start + 7]) for start in starts],
            "content": [" ".join(stream[start : start + words]) for start in starts],
            "language": chance.choices(["en", "de", "fr", "es", "it"], [70, 10, 8, 7, 5], k=rows),
            "timestamp": [first + timedelta(microseconds=n) for n in range(rows)],
        },
        schema_overrides={"timestamp": pl.Datetime("us", "UTC")},
    ).sort("url")
