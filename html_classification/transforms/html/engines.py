"""HTML parsers behind one interface: what a page shows and what it says about itself.

Belongs here: one class for each parser, which only gathers what stands in the markup. Does not belong here: what
that means (`facts`), how main content is told from the rest (`content`), languages, duplicates and frames.

What counts as visible is the same for both parsers. Scripts, styles, templates, embedded frames and the head
are not. `<noscript>` is: without it pages that are put together by scripts, forums above all, would be empty.
What style sheets hide is visible too: crawlers do not lay out. Every element separates words, except for the
formatting elements of running text: `<b>w</b>ord` stays one word, and `<li>one</li><li>two</li>` is two. An
empty formatting element is an icon, and separates.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser, LexborNode, SelectolaxError

from html_classification.transforms.html.content import APART, CONTAINERS, Content, Elements, text_and_content
from html_classification.transforms.html.facts import Markup, Page, Shown, assemble, fold
from html_classification.transforms.html.markup import COUNTED, Structure
from html_classification.transforms.html.names import Names, names_of

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

#: Elements that nobody sees. Titles outside of the head are the tooltips of drawings; `wbr` is a word's own.
INVISIBLE = ["head", "script", "style", "template", "iframe", "noembed", "noframes", "title", "wbr"]

_FORMATTING = (
    "abbr acronym b bdi bdo big cite del dfn em font i ins kbd mark q s samp small strike strong sub sup tt u var"
)

#: Formatting elements of running text: the words on both sides of their tags belong together.
FORMATTING = _FORMATTING.split()

#: What an engine looks for.
_KINDS = {
    "title": ["title"],
    "heading": ["h1", "h2", "h3"],
    "meta": ["meta"],
    "link": ["link"],
    "base": ["base"],
    "script": ["script"],
    "anchor": ["a", "area"],
    "formatting": FORMATTING,
    "apart": APART,
    "container": CONTAINERS,
    "article": ["article"],
    "main": ["main"],
    "body": ["body"],
    "input": ["input"],
    "invisible": [tag for tag in INVISIBLE if tag not in ("title", "script")],
}

#: Kinds that matter for main content only.
_OF_CONTENT = {"apart", "container", "article", "main"}

#: Days of publication in microdata; the first ones are the page's, the others those of what it lists.
_DATES = '[itemprop~="datePublished"]'
_MAX_DATES = 10

#: Of so many inputs the types are read, and of so many elements that the page is in the names.
_MAX_INPUTS, _MAX_MAIN = 100, 20

#: Taken out before lxml, which does not know that they have no content.
_WORD_BREAK = re.compile(rb"<wbr(?:[\s/][^>]*)?>", re.IGNORECASE)

#: Kinds of things in microdata that other people wrote on the page.
_BY_OTHERS = ("Review", "Comment", "Answer")


class PageUnreadable(ValueError):  # noqa: N818 (what happened to the page, not an error of the program)
    """A parser gave up on a page. The message says which and why."""


class PageEngine(Protocol):
    """A parser of HTML."""

    name: str

    def parse(self, html: bytes, url: str) -> tuple[Page, Content]:
        """Read a page.

        Args:
            html: The document in UTF-8, without NULs.
            url: Its absolute address, which relative links are resolved against.

        Returns:
            What the page shows and says, and its main content.

        Raises:
            PageUnreadable: If the parser gives up.
        """
        ...


class LexborEngine:
    """Lexbor by selectolax: the HTML standard's algorithm in C. The default."""

    name = "lexbor"

    def parse(self, html: bytes, url: str) -> tuple[Page, Content]:
        """Read a page; see `PageEngine.parse`."""
        try:
            root = _lexbor_root(html)
            found, counts = _by_kind(root)
            names = names_of(found["container"])
            structure = _structure(found, counts, names)
            markup = self._markup(root, found, structure, dated=b"datePublished" in html)
            _undress(root, found)
            headings = [(node.tag or "", node.text(separator=" ")) for node in found["heading"]]
            text, content = text_and_content(root, _telling(found, names))
            return assemble(markup, Shown(headings, text), url), content
        except (SelectolaxError, UnicodeError) as error:
            raise PageUnreadable(f"Lexbor: {error}") from error

    def _markup(
        self, root: LexborNode, found: Mapping[str, list[LexborNode]], structure: Structure, *, dated: bool
    ) -> Markup:
        scripts = (node for node in found["script"] if _is_linked_data(node.attributes.get("type")))
        dates = root.css(_DATES)[:_MAX_DATES] if dated else []
        return Markup(
            html=_attributes(root),
            titles=[node.text() for node in found["title"] if not _in_drawing(node)],
            metas=[_attributes(node) for node in found["meta"]],
            canonical=_canonical(_attributes(node) for node in found["link"]),
            base=_first(node.attributes.get("href") for node in found["base"]),
            hrefs=[node.attrs.sget("href") for node in found["anchor"]],  # one of many: not all are read
            linked_data=[node.text() for node in scripts],
            dates=[_date(_attributes(node), node.text) for node in dates if not _by_others(_around(node))],
            structure=structure,
        )


class BeautifulSoupEngine:
    """BeautifulSoup with lxml: the reference that everyone knows, many times slower.

    Main content, and what the markup tells of the kind of page, are Lexbor's.
    """

    name = "beautifulsoup"

    def parse(self, html: bytes, url: str) -> tuple[Page, Content]:
        """Read a page; see `PageEngine.parse`."""
        import warnings

        from bs4 import BeautifulSoup, MarkupResemblesLocatorWarning, XMLParsedAsHTMLWarning
        from bs4.exceptions import ParserRejectedMarkup

        with warnings.catch_warnings():
            # An XML prolog, or a page that is one line long, is nothing to warn about in a crawl.
            warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
            warnings.simplefilter("ignore", MarkupResemblesLocatorWarning)
            try:
                soup = BeautifulSoup(_WORD_BREAK.sub(b"", html).decode(), "lxml", multi_valued_attributes=None)
            except (ParserRejectedMarkup, UnicodeError, RecursionError) as error:
                raise PageUnreadable(f"BeautifulSoup: {error}") from error
        for tag in soup.find_all("template"):  # another document by the standard; lxml takes it for a part of this one
            tag.decompose()
        content, structure = self._content(html)
        markup = self._markup(soup, structure, dated=b"datePublished" in html)
        for tag in soup.find_all(INVISIBLE):
            tag.decompose()
        headings = [(tag.name, _running_text(tag)) for tag in soup.find_all(_KINDS["heading"])]
        return assemble(markup, Shown(headings, fold(_running_text(soup))), url), content

    def _markup(self, soup: "BeautifulSoup", structure: Structure, *, dated: bool) -> Markup:
        scripts = (tag for tag in soup.find_all("script", type=True) if _is_linked_data(_plain(tag)["type"]))
        dates = soup.select(_DATES, limit=_MAX_DATES) if dated else []
        return Markup(
            html=_plain(soup.html) if soup.html else {},
            titles=[tag.get_text() for tag in soup.find_all("title") if not tag.find_parent("svg")],
            metas=[_plain(tag) for tag in soup.find_all("meta")],
            canonical=_canonical(_plain(tag) for tag in soup.find_all("link")),
            base=_first(_plain(tag).get("href") for tag in soup.find_all("base")),
            hrefs=[_plain(tag).get("href", "") for tag in soup.find_all(_KINDS["anchor"])],
            linked_data=[tag.get_text() for tag in scripts],
            dates=[_date(_plain(tag), tag.get_text) for tag in dates if not _by_others(map(_plain, tag.parents))],
            structure=structure,
        )

    def _content(self, html: bytes) -> tuple[Content, Structure]:
        try:
            root = _lexbor_root(html)
            found, counts = _by_kind(root)
            names = names_of(found["container"])
            structure = _structure(found, counts, names)
            _undress(root, found)
            return text_and_content(root, _telling(found, names))[1], structure
        except (SelectolaxError, UnicodeError) as error:
            raise PageUnreadable(f"Lexbor: {error}") from error


#: The engines by name. Both are without state, so that one object of each is enough.
ENGINES: Mapping[str, PageEngine] = {"lexbor": LexborEngine(), "beautifulsoup": BeautifulSoupEngine()}


def _lexbor_root(html: bytes) -> LexborNode:
    # Without events: faster, and nothing copies an option into the button of its list, as browsers do.
    root = LexborHTMLParser(html, options=LexborDocumentOptions.WO_EVENTS).root
    if root is None:
        raise PageUnreadable("Lexbor: no root element")
    return root


def _by_kind(root: LexborNode) -> tuple[dict[str, list[LexborNode]], Mapping[str, int]]:
    """All elements that matter, by kind, and how many there are of each name: one walk is faster than queries.

    Within elements that are not for reading nothing is looked for that tells what the content is.
    """
    found: dict[str, list[LexborNode]] = {kind: [] for kind in (*_KINDS, "readable link")}
    kinds = _kinds_by_tag_id()
    tags: list[int] = []
    walk = root.traverse()
    for node in walk:
        tags.append(tag := node.tag_id)
        if kind := kinds.get(tag):
            found[kind].append(node)
            if kind == "anchor":
                found["readable link"].append(node)
            elif kind == "apart":
                within = list(node.traverse())[1:]
                for inner in within:
                    tags.append(tag := inner.tag_id)
                    if (kind := kinds.get(tag)) and kind not in _OF_CONTENT:
                        found[kind].append(inner)
                next(islice(walk, len(within), len(within)), None)  # the walk goes on behind them
    counts = dict(Counter(tags))
    return found, {name: counts[tag] for name, tag in _counted_tag_ids().items() if tag in counts}


def _telling(found: Mapping[str, list[LexborNode]], names: Names) -> Elements:
    return Elements(found["apart"], names, found["article"], found["main"], found["readable link"])


def _structure(found: Mapping[str, list[LexborNode]], counts: Mapping[str, int], names: Names) -> Structure:
    main = (*found["body"], *found["main"], *found["article"])[:_MAX_MAIN]
    return Structure(
        counts,
        inputs=[node.attrs.sget("type") or "text" for node in found["input"][:_MAX_INPUTS]],
        relations=[node.attrs.sget("rel") for node in found["link"]],
        roles=sorted(names.roles),
        body=names_of(main).words,
        parts=names.words,
    )


@cache
def _kinds_by_tag_id() -> dict[int, str]:
    return {_tag_id(tag): kind for kind, tags in _KINDS.items() for tag in tags}


@cache
def _counted_tag_ids() -> dict[str, int]:
    return {tag: _tag_id(tag) for tag in COUNTED}


def _tag_id(tag: str) -> int:
    return LexborHTMLParser("").create_node(tag).tag_id


def _undress(root: LexborNode, found: Mapping[str, list[LexborNode]]) -> None:
    """Leave visible elements alone, and running text in one piece."""
    for kind in ("title", "script", "invisible"):
        for node in found[kind]:
            node.decompose(recursive=False)
    for node in found["formatting"]:
        node.unwrap()
    root.merge_text_nodes()


def _running_text(top: "Tag") -> str:
    from bs4.element import NavigableString, Tag

    pieces: list[str] = []
    block: Tag | None = None  # the element that the running text belongs to; None: something came between
    for node in top.descendants:
        if type(node) is NavigableString:  # not its subclasses: comments, declarations
            parent = node.parent
            while parent is not None and parent.name in FORMATTING:
                parent = parent.parent
            pieces += [str(node)] if parent is block else [" ", str(node)]
            block = parent
        elif not isinstance(node, Tag) or node.name not in FORMATTING or not node.contents:
            block = None
    return "".join(pieces)


def _is_linked_data(script_type: str | None) -> bool:
    return (script_type or "").strip().lower().startswith("application/ld+json")


def _canonical(links: Iterable[Mapping[str, str]]) -> str:
    return _first(link.get("href") for link in links if "canonical" in link.get("rel", "").lower().split())


def _date(attributes: Mapping[str, str], text: Callable[[], str]) -> str:
    return attributes.get("content") or attributes.get("datetime") or text()


def _by_others(around: Iterable[Mapping[str, str]]) -> bool:
    return any(kind in attributes.get("itemtype", "") for attributes in around for kind in _BY_OTHERS)


def _first(values: Iterable[str | None]) -> str:
    return next((value for value in values if value), "")


def _attributes(node: LexborNode) -> dict[str, str]:
    return {name: value or "" for name, value in node.attributes.items()}


def _in_drawing(node: LexborNode) -> bool:
    return any(parent.tag == "svg" for parent in _parents(node))


def _around(node: LexborNode) -> Iterator[Mapping[str, str]]:
    return map(_attributes, _parents(node))


def _parents(node: LexborNode) -> Iterator[LexborNode]:
    while (parent := node.parent) is not None:
        yield parent
        node = parent


def _plain(tag: "Tag") -> dict[str, str]:
    """Attributes of a tag; with `multi_valued_attributes=None` each value is a string."""
    return {name.lower(): str(value) for name, value in tag.attrs.items()}
