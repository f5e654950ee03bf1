"""Text version v2 on the main content of real pages, against the same rules by Python's `re`, page by page.

The peer is what a good Python programmer writes: a compiled expression for each rule, and lemmas by the same function
with the same cache of words. Both give the same texts, which is checked. Dictionaries are loaded before.
"""

import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import polars as pl

from benchmarks.measure import Figure, Ratio, Result, side_by_side
from benchmarks.pages import NO_CORPUS, available, corpus
from html_classification.transforms.html.page import PageRejected, parse_page
from html_classification.transforms.language import detect_languages
from html_classification.transforms.text.lexicon import verb_lemma
from html_classification.transforms.text.normalization import normalize_texts
from html_classification.transforms.text.versions import TEXT_VERSIONS

ROUNDS = 7
_BATCH = 100

# Default_Ignorable_Code_Point, from Unicode's DerivedCoreProperties.txt; `re` does not know it by name.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
_WORD = re.compile(r"[\w\u0300-\u036f]+(?:['’][\w\u0300-\u036f]+)*")
_SPACE = re.compile(r"\s+")


def run() -> Iterator[Result]:
    """The ratio for all pages at once and in batches, and documents per second."""
    if not available():
        yield NO_CORPUS
        return
    pages, version = contents(), TEXT_VERSIONS["v2"]
    rows = pages.select("title", "content", "language").rows()
    normalize = by_re()

    def in_batches() -> None:
        for batch in pages.iter_slices(_BATCH):
            normalize_texts(batch, version)

    def with_re() -> list[tuple[str, str]]:
        return [(normalize(title, language), normalize(content, language)) for title, content, language in rows]

    if normalize_texts(pages, version).frame.select("title", "content").rows() != with_re():
        raise AssertionError("The two do not give the same texts: the benchmark compares nothing.")
    seconds = side_by_side(
        {"ours": lambda: normalize_texts(pages, version), "batches": in_batches, "re": with_re}, rounds=ROUNDS
    )
    what = f"v2 on {pages.height:,} pages, lemmas known"
    yield Ratio(what, seconds["ours"], seconds["re"], "Python re", at_most=1 / 5)
    yield Ratio(f"{what}, in batches of {_BATCH}", seconds["batches"], seconds["re"], "Python re")
    yield Figure("v2", [pages.height / value for value in seconds["ours"]], "documents/s")


def contents() -> pl.DataFrame:
    """The parsed pages of the corpus: `url`, `title`, `content`, `language`, `timestamp`, sorted by url."""
    rows = []
    for document in corpus():
        try:
            parsed = parse_page(document.html, document.url)
        except PageRejected:
            continue
        rows.append((document.url, parsed.page.title, parsed.content, datetime(2026, 3, 1, tzinfo=UTC)))
    pages = pl.DataFrame(rows, schema=["url", "title", "content", "timestamp"], orient="row").sort("url")
    judged = pages.select(judged=pl.format("{} - {}", "title", "content"))["judged"]
    return pages.with_columns(*detect_languages(judged))


def by_re() -> Callable[[str, str], str]:
    """The rules of v2 on one text, given its language."""
    special = re.compile(f"[^{_categories('L', 'Mn', 'Mc', 'N', 'P')}\\s]+")

    def normalize(text: str, language: str) -> str:
        text = _INVISIBLE.sub("", text)
        text = special.sub(" ", text)
        text = _WORD.sub(lambda word: verb_lemma(word[0], language), text)
        return _SPACE.sub(" ", text.lower()).strip(" ")

    return normalize


def _categories(*wanted: str) -> str:
    """The ranges of all characters of these categories, for a class of `re`, which has no names for them."""
    ranges: list[list[int]] = []
    for point in range(sys.maxunicode + 1):
        if unicodedata.category(chr(point)).startswith(wanted):
            if ranges and ranges[-1][1] == point - 1:
                ranges[-1][1] = point
            else:
                ranges.append([point, point])
    return "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in ranges)
