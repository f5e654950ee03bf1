"""Encodings of planted pages, with true, missing and wrong declarations, against Beautiful Soup and charset-normalizer.

Each page has some words of a language in an encoding that is used for it, among English boilerplate as most pages have
it. Words are those of stopwordsiso, drawn by chance, so that there is no sense between them that could help.
Beautiful Soup's UnicodeDammit asks chardet, as we do, but of the whole page and after what is declared.
"""

import logging
import random
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import stopwordsiso
import webencodings
from bs4.dammit import UnicodeDammit
from charset_normalizer import from_bytes

from benchmarks.measure import Figure, Ratio, Result, side_by_side
from html_classification.transforms.encoding import decode

ROUNDS = 5
_EACH = 5
_WORDS = 60
_BOILERPLATE = "<p>Our offers of this week, and everything else that the shop has in store for you.</p>\n" * 30
_PAGE = "<!doctype html><html><head>{}<title>Example</title></head><body>" + _BOILERPLATE + "<p>{}</p></body></html>"
#: Python's codecs of languages.
_PLANTED = {
    "utf-8": "fr pl ru el ja zh ko th ar he",
    "cp1252": "fr de es pt sv",
    "cp1250": "pl cs hu sk ro",
    "iso8859_2": "pl cs hu",
    "cp1251": "ru uk bg",
    "koi8_r": "ru",
    "cp866": "ru",
    "cp1253": "el",
    "cp1254": "tr",
    "cp1255": "he",
    "cp1256": "ar fa",
    "cp874": "th",
    "cp932": "ja",
    "euc_jp": "ja",
    "gbk": "zh",
    "cp949": "ko",
}


@dataclass(frozen=True)
class Planted:
    """A page: its bytes and its text."""

    data: bytes
    text: str


def run() -> Iterator[Result]:
    """The share of pages that are read right by each, and how long it takes."""
    logging.disable(logging.WARNING)  # both peers tell of every page that puzzles them
    warnings.simplefilter("ignore")
    contestants: dict[str, Callable[[bytes], str]] = {
        "ours": lambda data: decode(data).text,
        "UnicodeDammit": lambda data: UnicodeDammit(data, is_html=True).unicode_markup or "",
        "charset-normalizer": lambda data: str(from_bytes(data).best() or ""),
    }
    kinds = {kind: list(planted(kind)) for kind in ("true", "missing", "wrong")}
    for kind, pages in kinds.items():
        for name, read in contestants.items():
            right = sum(read(page.data) == page.text for page in pages) / len(pages)
            at_most = 0.01 if name == "ours" else None
            yield Figure(f"read wrong by {name}, declaration {kind}", [1 - right], "of pages", at_most=at_most)
    data = [page.data for pages in kinds.values() for page in pages]
    seconds = side_by_side(
        {name: lambda read=read: [read(page) for page in data] for name, read in contestants.items()}, rounds=ROUNDS
    )
    for peer in list(contestants)[1:]:
        yield Ratio(f"{len(data):,} pages of {len(data[0]):,} bytes", seconds["ours"], seconds[peer], peer, at_most=1)
    megabytes = sum(map(len, data)) / 1e6
    yield Figure("ours", [megabytes / value for value in seconds["ours"]], "MB/s")


def planted(kind: str) -> Iterator[Planted]:
    """Pages whose declaration is `true`, `missing`, or `wrong`: UTF-8 where they are not, else ISO 8859-1."""
    for codec, languages in _PLANTED.items():
        for language in languages.split():
            words = sorted(word for word in stopwordsiso.stopwords(language) if len(word) > 1)
            chance = random.Random(f"{codec} {language}")  # noqa: S311 - seeded, not cryptography
            for _ in range(_EACH):
                declared = _label(codec) if kind == "true" else "iso-8859-1" if codec == "utf-8" else "utf-8"
                declaration = "" if kind == "missing" else f"<meta charset={declared}>"
                html = _PAGE.format(declaration, " ".join(chance.choices(words, k=_WORDS)))
                data = html.encode(codec, "ignore")
                yield Planted(data, data.decode(codec))


def _label(codec: str) -> str:
    """What a page declares that is in one of Python's codecs."""
    label = {"cp932": "shift_jis", "cp949": "euc-kr", "cp874": "windows-874", "euc_jp": "euc-jp", "koi8_r": "koi8-r"}
    found = webencodings.lookup(label.get(codec, codec.replace("_", "-").replace("iso8859", "iso-8859")))
    return str(found.name)
