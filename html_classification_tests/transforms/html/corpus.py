"""Real pages for the tests of this folder, from the WCXB corpus beside the repository.

Belongs here: reading the corpus, comparing texts by their words. Does not belong here: pages written for tests.
"""

import gzip
import json
import re
from collections import Counter
from pathlib import Path

import pytest

WCXB = Path(__file__).parents[3].parent / "shared" / "corpora" / "wcxb"

real_pages = pytest.mark.skipif(not WCXB.exists(), reason="the WCXB corpus is not beside the repository")


def wcxb(count: int) -> list[dict[str, str]]:
    """Real pages, `count` of them, spread over the days of the corpus."""
    drops = sorted(WCXB.glob("crawl/*/*.jsonl.gz"))
    pages = [[json.loads(line) for line in gzip.decompress(drop.read_bytes()).splitlines()] for drop in drops]
    return [day[i] for i in range(max(map(len, pages))) for day in pages if i < len(day)][:count]


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text.lower()))


def token_f1(one: str, two: str) -> float:
    first, second = words(one), words(two)
    return 2 * (first & second).total() / max(first.total() + second.total(), 1) if first + second else 1.0
