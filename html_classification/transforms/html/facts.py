"""What the markup of a page means: its title, description, author, date, headings, address and links.

Belongs here: the meaning of what an engine gathers, the same for all engines. Does not belong here: parsers
(`engines`), structured data (`linked_data`), main content (`content`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import islice

import can_ada

from html_classification.transforms.html.linked_data import author_of, nodes_of, published_of, to_date
from html_classification.transforms.html.markup import Structure, terms, types_of

MAX_HEADINGS = 50

#: A longer author is no name but a list of a site's staff, or a text.
MAX_AUTHOR_CHARACTERS = 200

#: Names of meta elements, the ones that say it best first.
_AUTHORS = ("author", "article:author", "dc.creator")
_DATES = ("article:published_time", "og:article:published_time", "dc.date")

_ADDRESS = re.compile(r"(https?:)?//|www\.|[\w-]+\.[\w.-]+/", re.IGNORECASE)

#: Links whose host can be seen without taking them apart: nothing after a host can make an address invalid, and
#: what has neither scheme nor host stays on the page's own. Tabs and line ends are dropped from addresses, so that
#: `/<tab>/host` leads elsewhere.
_TO_HOST = re.compile(r"https?://([A-Za-z0-9.-]+)(?:[/?#]|\Z)")
_TO_OWN_HOST = re.compile(r"/(?![/\\\t\n\r])|[A-Za-z0-9_.~%-][^:]*\Z")


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows and says about itself. Text is white-space folded; what is missing is empty.

    Attributes:
        title: The title element outside of drawings, else og:title, else the first h1.
        text: All visible text.
        description: The meta description, else og:description.
        headings: Texts of h1, h2 and h3 in order, empty ones left out, at most 50.
        author: Names, joined by `, `, at most 200 characters: by JSON-LD, else the meta elements author,
            article:author and dc.creator, as far as they hold no address.
        published: The day, in UTC where the page names a zone: by JSON-LD, else the meta elements
            article:published_time and dc.date, else microdata; None where none of them is a date.
        declared_language: Lower case, from the html element, else from the meta element content-language.
        encoding: The declared encoding, lower case.
        canonical_url: Absolute address of the canonical link.
        links: Host of each http(s) link to another address, in order, with repetitions.
        markup: What the markup tells of its kind, as terms separated by spaces: see `markup`.
    """

    title: str
    text: str
    description: str
    headings: tuple[str, ...]
    author: str
    published: date | None
    declared_language: str
    encoding: str
    canonical_url: str
    links: tuple[str, ...]
    markup: str


@dataclass(frozen=True, slots=True)
class Markup:
    """What an engine gathers, in the order of the document. Attribute names are lower case.

    Attributes:
        html: Attributes of the html element.
        titles: Texts of the title elements outside of drawings.
        metas: Attributes of the meta elements.
        canonical: The canonical link as it is written.
        base: The base address as it is written.
        hrefs: Targets of the links as they are written.
        linked_data: Texts of the JSON-LD scripts.
        dates: What microdata calls `datePublished`.
        structure: What tells of its kind.
    """

    html: Mapping[str, str]
    titles: Sequence[str]
    metas: Sequence[Mapping[str, str]]
    canonical: str
    base: str
    hrefs: Sequence[str]
    linked_data: Sequence[str]
    dates: Sequence[str]
    structure: Structure


@dataclass(frozen=True, slots=True)
class Shown:
    """What an engine finds visible, in the order of the document.

    Attributes:
        headings: Name and text of each h1, h2 and h3.
        text: All text, white space folded.
    """

    headings: Sequence[tuple[str, str]]
    text: str


def fold(text: str) -> str:
    """The text with each run of white space as one space, and none at the ends."""
    return " ".join(text.split())


def assemble(markup: Markup, shown: Shown, url: str) -> Page:
    """Make a page of what an engine gathered.

    Args:
        markup: What stands in the markup.
        shown: What is visible.
        url: The absolute address of the page.

    Returns:
        The page.
    """
    metas = _metas(markup.metas)
    nodes = nodes_of(markup.linked_data)
    base = _resolve(can_ada.parse(url), markup.base) or can_ada.parse(url)
    canonical = _resolve(base, markup.canonical)
    titles = (*markup.titles, metas.get("og:title", ""), *(text for name, text in shown.headings if name == "h1"))
    language = markup.html.get("lang") or markup.html.get("xml:lang") or metas.get("content-language", "")
    dates = (*(metas.get(name, "") for name in _DATES), *markup.dates)
    return Page(
        title=next(filter(None, map(fold, titles)), ""),
        text=shown.text,
        description=fold(metas.get("description", "")) or fold(metas.get("og:description", "")),
        headings=tuple(islice(filter(None, (fold(text) for _, text in shown.headings)), MAX_HEADINGS)),
        author=(fold(author_of(nodes)) or _meta_author(metas))[:MAX_AUTHOR_CHARACTERS].rstrip(),
        published=published_of(nodes) or next(filter(None, map(to_date, dates)), None),
        declared_language=fold(language).lower(),
        encoding=fold(metas.get("charset", "")).lower(),
        canonical_url=canonical.href if canonical else "",
        links=tuple(_hosts(markup.hrefs, base)),
        markup=terms(markup.structure, (metas.get("og:type", ""), *types_of(nodes))),
    )


def _metas(metas: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Content of the meta elements by lower-case name, property or http-equiv; the first of each counts."""
    found: dict[str, str] = {}
    for meta in metas:
        name = (meta.get("name") or meta.get("property") or meta.get("http-equiv") or "").strip().lower()
        content = meta.get("content", "")
        if name and content.strip():
            found.setdefault(name, content)
        if meta.get("charset"):
            found.setdefault("charset", meta["charset"])
        elif name == "content-type" and "charset=" in content.lower():
            found.setdefault("charset", content.lower().split("charset=")[1].split(";")[0].strip(" \"'"))
    return found


def _meta_author(metas: Mapping[str, str]) -> str:
    names = (fold(metas.get(name, "")) for name in _AUTHORS)
    return next((name for name in names if name and not _ADDRESS.match(name)), "")


def _hosts(hrefs: Iterable[str], base: can_ada.URL) -> Iterator[str]:
    """Hosts of the http(s) links among some, but for those within the page."""
    own = base.hostname if base.protocol in ("http:", "https:") else ""
    for href in hrefs:
        if found := _TO_HOST.match(href):
            host = _host(found[1])
        elif _TO_OWN_HOST.match(href):
            host = own
        elif href.lstrip().startswith("#"):
            continue
        else:
            target = _resolve(base, href)
            host = target.hostname if target else ""
        if host:
            yield host


@lru_cache(maxsize=10_000)
def _host(written: str) -> str:
    """A host as the standard writes it; empty for one that is none."""
    try:
        return str(can_ada.parse(f"http://{written}/").hostname)
    except ValueError:
        return ""


def _resolve(base: can_ada.URL, href: str) -> can_ada.URL | None:
    """The http(s) address that a link leads to, or None."""
    if not href.strip():
        return None
    try:
        target = base + href
    except ValueError:  # not an address by the standard, such as `http://[`
        return None
    return target if target.protocol in ("http:", "https:") else None
