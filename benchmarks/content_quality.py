"""Main content: how much of it is found on real pages, and how fast, beside trafilatura and resiliparse.

Belongs here: quality by WCXB's measure, and processor time. Does not belong here: how content is found (`content`), the
peers' programs (`programs`).

WCXB (Foley, 2026) has for each page the text that a person marked as its main content. Its measure is F1 of the words
(runs of letters and digits, lower case) that a text shares with it, counted with repetitions; a figure is the mean over
pages. What the extractor looks for was tried on the first seven days of the corpus, so that the last seven tell how it
does on pages that nobody looked at. Half of the marked texts began as the draft of an extractor, and no peer is near 1.

trafilatura is used as it comes, resiliparse with the settings that are best on this corpus, each in a virtual
environment of its own. Times are processor times of all steps from HTML to content, the mean over pages; ours gather
all other facts of a page as well.
"""

import gzip
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean

import orjson
from selectolax.lexbor import LexborHTMLParser

from benchmarks.commands import PROGRAMS, CommandError, output, python_with
from benchmarks.measure import Figure, Ratio, Result, workspace
from benchmarks.pages import CORPUS, NO_CORPUS, available, corpus
from html_classification.transforms.html.page import PageRejected, parse_page

#: What each peer is installed from. lxml_html_clean: a dependency of a dependency of trafilatura, which names it in a
#: way that newer versions of lxml do not know.
PEERS = {"trafilatura": ("trafilatura==2.3.1", "lxml_html_clean"), "resiliparse": ("resiliparse==2.0.1",)}
ROUNDS = 3
#: From this day on nobody looked at the pages.
UNSEEN = "2026-03-08"

_WORD = re.compile(r"\w+")
_TYPES = ("article", "service", "forum", "documentation", "collection", "listing", "product")


@dataclass(frozen=True)
class MarkedPage:
    """A page with the words of its main content."""

    html: str
    kind: str
    day: str
    words: Counter[str]


@dataclass(frozen=True)
class Extracted:
    """The content of all pages as something found it, and the milliseconds that one took in the mean."""

    texts: Sequence[str]
    milliseconds: float


def run() -> Iterator[Result]:
    """Measure quality, then speed."""
    if not available():
        yield NO_CORPUS
        return
    pages = marked_pages()
    contestants = {"ours": partial(_extracted, _ours), "plain text": partial(_extracted, _plain_text)}
    for name, requirements in PEERS.items():
        try:
            contestants[name] = partial(_by_peer, python_with(f"content-{name}", *requirements), name)
        except CommandError as error:
            yield f"{name} cannot be installed here, so that it is left out: {error}"
    rounds = [{name: extract(pages) for name, extract in contestants.items()} for _ in range(ROUNDS)]
    yield from _qualities(pages, {name: rounds[0][name].texts for name in contestants})
    milliseconds = {name: [found[name].milliseconds for found in rounds] for name in contestants}
    for name, at_most in (("trafilatura", 1 / 8), ("resiliparse", None)):
        if name in contestants:
            what, peer = "a page, from HTML to all its facts", f"{name}, content alone"
            yield Ratio(what, milliseconds["ours"], milliseconds[name], peer, at_most, "ms")


def marked_pages() -> list[MarkedPage]:
    """The pages of the corpus for which somebody marked the content."""
    folder = CORPUS.parent
    labels = map(orjson.loads, (folder / "labels.jsonl").read_bytes().splitlines())
    kinds = {label["url"]: label["category"] for label in labels}
    marked = map(orjson.loads, gzip.decompress((folder / "main_content.jsonl.gz").read_bytes()).splitlines())
    texts = {row["url"]: row["main_content"] or "" for row in marked}
    return [MarkedPage(page.html, kinds[page.url], page.timestamp[:10], _words(texts[page.url])) for page in corpus()]


def f1(text: str, marked: Counter[str]) -> float:
    """F1 of the words of a text, 0 to 1, by WCXB's own definition.

    >>> round(f1("Boil the water!", Counter(["boil", "water", "slowly"])), 3)
    0.667
    """
    words = _words(text)
    if not words or not marked:
        return float(not words and not marked)
    return 2 * (words & marked).total() / (words.total() + marked.total())


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text.lower()))


def _qualities(pages: Sequence[MarkedPage], found: Mapping[str, Sequence[str]]) -> Iterator[Result]:
    scores = {
        name: [f1(text, page.words) for text, page in zip(texts, pages, strict=True)] for name, texts in found.items()
    }
    groups: dict[str, Callable[[MarkedPage], bool]] = {
        "all pages": lambda page: True,
        "pages that nobody looked at": lambda page: page.day >= UNSEEN,
    } | {kind: partial(_of_kind, kind) for kind in _TYPES}
    for group, belongs in groups.items():
        for name, values in scores.items():
            bar = 0.80 if (group, name) == ("all pages", "ours") else None
            value = mean(value for value, page in zip(values, pages, strict=True) if belongs(page))
            yield Figure(f"F1, {group}: {name}", [value], "", at_least=bar)


def _of_kind(kind: str, page: MarkedPage) -> bool:
    return page.kind == kind


def _extracted(extract: Callable[[str], str], pages: Sequence[MarkedPage]) -> Extracted:
    started = time.process_time()
    texts = [extract(page.html) for page in pages]
    return Extracted(texts, (time.process_time() - started) / len(pages) * 1000)


def _ours(html: str) -> str:
    try:
        return parse_page(html, "https://example.com/").content
    except PageRejected:
        return ""


def _plain_text(html: str) -> str:
    root = LexborHTMLParser(html).root
    if root is None:
        return ""
    root.strip_tags(["head", "script", "style", "template", "iframe"], recursive=True)
    return root.text(separator=" ")


def _by_peer(python: Path, name: str, pages: Sequence[MarkedPage]) -> Extracted:
    """What a peer finds, in a process of its own."""
    with workspace() as folder:
        path: Path = folder / "pages.jsonl"
        path.write_text("".join(json.dumps(page.html) + "\n" for page in pages), encoding="utf-8")
        said = output([str(python), str(PROGRAMS / f"{name}_content.py"), str(path)])
    rows = [orjson.loads(line) for line in said.splitlines()]
    return Extracted([row["text"] for row in rows], mean(row["seconds"] for row in rows) * 1000)
