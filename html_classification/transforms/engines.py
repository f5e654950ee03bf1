"""HTML parsers behind one interface: what a page shows and what it says about itself.

Belongs here: one class for each parser, which only gathers what stands in the markup, and `assemble`, which
gives it its meaning in the same way for all of them. Does not belong here: main content, languages,
duplicates and frames (`html`, `language`, `duplicates`).

What counts as visible is the same for both parsers. Scripts, styles, templates, embedded frames and the head
are not. `<noscript>` is: without it pages that are put together by scripts, forums above all, would be empty.
What style sheets hide is visible too: crawlers do not lay out. Every element separates words, except for the
formatting elements of running text: `<b>w</b>ord` stays one word, and `<li>one</li><li>two</li>` is two. An
empty formatting element is an icon, and separates.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import can_ada
from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

#: Elements that nobody sees. Titles outside of the head are the tooltips of drawings; `wbr` is a word's own.
INVISIBLE = ["head", "script", "style", "template", "iframe", "noembed", "noframes", "title", "wbr"]

_FORMATTING = (
    "abbr acronym b bdi bdo big cite del dfn em font i ins kbd mark q s samp small strike strong sub sup tt u var"
)

#: Formatting elements of running text: the words on both sides of their tags belong together.
FORMATTING = _FORMATTING.split()


class PageUnreadable(ValueError):  # noqa: N818 (what happened to the page, not an error of the program)
    """A parser gave up on a page. The message says which and why."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows and says about itself. Text is white-space folded; what is missing is empty.

    Attributes:
        title: The title element outside of drawings, else og:title, else the first h1.
        text: All visible text.
        description: The meta description, else og:description.
        declared_language: Lower case, from the html element, else from the meta element content-language.
        encoding: The declared encoding, lower case.
        canonical_url: Absolute address of the canonical link.
        links: Host of each http(s) link to another address, in order, with repetitions.
    """

    title: str
    text: str
    description: str
    declared_language: str
    encoding: str
    canonical_url: str
    links: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Markup:
    """What an engine gathers, in the order of the document. Attribute names are lower case."""

    html: Mapping[str, str]
    titles: list[str]
    headings: list[str]
    metas: list[Mapping[str, str]]
    canonical: str
    base: str
    hrefs: list[str]
    text: str


class PageEngine(Protocol):
    """A parser of HTML."""

    name: str

    def parse(self, html: str, url: str) -> Page:
        """Read a page.

        Args:
            html: The document, without NULs and lone surrogates.
            url: Its absolute address, which relative links are resolved against.

        Returns:
            What the page shows and says.

        Raises:
            PageUnreadable: If the parser gives up.
        """
        ...


class LexborEngine:
    """Lexbor by selectolax: the HTML standard's algorithm in C. The default."""

    name = "lexbor"

    def parse(self, html: str, url: str) -> Page:
        """Read a page; see `PageEngine.parse`."""
        try:
            return assemble(self._gather(LexborHTMLParser(html)), url)
        except (SelectolaxError, UnicodeError) as error:
            raise PageUnreadable(f"Lexbor: {error}") from error

    def _gather(self, tree: LexborHTMLParser) -> Markup:
        root = tree.root
        if root is None:
            return Markup({}, [], [], [], "", "", [], "")
        return Markup(
            html=_attributes(root),
            titles=[node.text() for node in root.css("title") if not _in_drawing(node)],
            headings=[node.text() for node in root.css("h1")[:1]],
            metas=[_attributes(node) for node in root.css("meta[content], meta[charset]")],
            canonical=_first(node.attributes.get("href") for node in root.css("link[rel~=canonical i]")),
            base=_first(node.attributes.get("href") for node in root.css("base[href]")),
            hrefs=[node.attributes.get("href") or "" for node in root.css("a[href], area[href]")],
            text=self._text(root),  # last: it takes the tree apart
        )

    def _text(self, root: LexborNode) -> str:
        root.strip_tags(INVISIBLE, recursive=True)
        root.unwrap_tags(FORMATTING)
        root.merge_text_nodes()
        return root.text(separator=" ")


class BeautifulSoupEngine:
    """BeautifulSoup with lxml: the reference that everyone knows, fourteen times slower."""

    name = "beautifulsoup"

    def parse(self, html: str, url: str) -> Page:
        """Read a page; see `PageEngine.parse`."""
        import warnings

        from bs4 import BeautifulSoup, MarkupResemblesLocatorWarning, XMLParsedAsHTMLWarning
        from bs4.exceptions import ParserRejectedMarkup

        with warnings.catch_warnings():
            # An XML prolog, or a page that is one line long, is nothing to warn about in a crawl.
            warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
            warnings.simplefilter("ignore", MarkupResemblesLocatorWarning)
            try:
                soup = BeautifulSoup(html, "lxml", multi_valued_attributes=None)
            except (ParserRejectedMarkup, UnicodeError, RecursionError) as error:
                raise PageUnreadable(f"BeautifulSoup: {error}") from error
        return assemble(self._gather(soup), url)

    def _gather(self, soup: "BeautifulSoup") -> Markup:
        links = [_plain(tag) for tag in soup.find_all("link", rel=True)]
        return Markup(
            html=_plain(soup.html) if soup.html else {},
            titles=[tag.get_text() for tag in soup.find_all("title") if not tag.find_parent("svg")],
            headings=[tag.get_text() for tag in soup.find_all("h1", limit=1)],
            metas=[_plain(tag) for tag in soup.find_all("meta")],
            canonical=_first(link.get("href") for link in links if "canonical" in link["rel"].lower().split()),
            base=_first(_plain(tag).get("href") for tag in soup.find_all("base", href=True)),
            hrefs=[_plain(tag)["href"] for tag in soup.find_all(["a", "area"], href=True)],
            text=self._text(soup),  # last: it takes the tree apart
        )

    def _text(self, soup: "BeautifulSoup") -> str:
        from bs4.element import NavigableString, Tag

        for tag in soup.find_all(INVISIBLE):
            tag.decompose()
        pieces: list[str] = []
        block: Tag | None = None  # the element that the running text belongs to; None: something came between
        for node in soup.descendants:
            if type(node) is NavigableString:  # not its subclasses: comments, declarations
                parent = node.parent
                while parent is not None and parent.name in FORMATTING:
                    parent = parent.parent
                pieces += [str(node)] if parent is block else [" ", str(node)]
                block = parent
            elif not isinstance(node, Tag) or node.name not in FORMATTING or not node.contents:
                block = None
        return "".join(pieces)


#: The engines by name. Both are without state, so that one object of each is enough.
ENGINES: Mapping[str, PageEngine] = {"lexbor": LexborEngine(), "beautifulsoup": BeautifulSoupEngine()}


def fold(text: str) -> str:
    """The text with each run of white space as one space, and none at the ends."""
    return " ".join(text.split())


def assemble(markup: Markup, url: str) -> Page:
    """Make a page of what an engine gathered.

    Args:
        markup: What stands in the markup.
        url: The absolute address of the page.

    Returns:
        The page.
    """
    metas = _metas(markup.metas)
    base = _resolve(can_ada.parse(url), markup.base) or can_ada.parse(url)
    canonical = _resolve(base, markup.canonical)
    titles = [*markup.titles, metas.get("og:title", ""), *markup.headings]
    language = markup.html.get("lang") or markup.html.get("xml:lang") or metas.get("content-language", "")
    links = (_resolve(base, href) for href in markup.hrefs if not href.lstrip().startswith("#"))
    return Page(
        title=next((title for text in titles if (title := fold(text))), ""),
        text=fold(markup.text),
        description=fold(metas.get("description", "")) or fold(metas.get("og:description", "")),
        declared_language=fold(language).lower(),
        encoding=fold(metas.get("charset", "")).lower(),
        canonical_url=canonical.href if canonical else "",
        links=tuple(link.hostname for link in links if link),
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


def _resolve(base: can_ada.URL, href: str) -> can_ada.URL | None:
    """The http(s) address that a link leads to, or None."""
    if not href.strip():
        return None
    try:
        target = base + href
    except ValueError:  # not an address by the standard, such as `http://[`
        return None
    return target if target.protocol in ("http:", "https:") else None


def _first(values: Iterable[str | None]) -> str:
    return next((value for value in values if value), "")


def _attributes(node: LexborNode) -> dict[str, str]:
    return {name.lower(): value or "" for name, value in node.attributes.items()}


def _in_drawing(node: LexborNode) -> bool:
    parent = node.parent
    while parent is not None and parent.tag != "svg":
        parent = parent.parent
    return parent is not None


def _plain(tag: "Tag") -> dict[str, str]:
    """Attributes of a tag; with `multi_valued_attributes=None` each value is a string."""
    return {name.lower(): str(value) for name, value in tag.attrs.items()}
