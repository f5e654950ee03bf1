"""Main content: what a page is about, without what all pages of its site share.

Belongs here: which parts of a parsed page are its content. Does not belong here: parsing (`engines`), what else is
taken from a page (`page`), rules on text (`text`).

Sites say themselves what their parts are for, and that is used first; the rest is decided by the share of links.

1. Elements that are made for something else than reading go: navigation, sidebars, footers, controls.
2. So do containers that the site's style sheets call so, by class or id (as in Readability, Arc90, 2009, and
   trafilatura, Barbaresi, 2021), unless they hold much of the page: some sites call the whole page `menu-open`.
   Comments go too, except in forums, where they are what people come for.
3. Where the site marks the content (`article`, `main`, a usual class name), and much of what is left lies there,
   what lies elsewhere goes.
4. What is left is read run by run, a run being text without any tag in it. Runs that are links go, unless they stand
   alone between others, as links in a sentence do: the link density and the context of Kohlschuetter, Fankhauser and
   Nejdl, "Boilerplate detection using shallow text features", 2010. So do runs that were there before: many pages
   hold parts once for wide screens and once for narrow ones. Where more than half of the text would go so, links
   are what the page is for, and all runs stay.

Work is linear in the page, whatever its structure: what is measured goes, or is not measured again.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from selectolax.lexbor import LexborNode

#: Main content of fewer words is taken for a failure to find it, if the page has more.
MIN_CONTENT_WORDS = 20

#: Elements that are not for reading.
_APART = "nav,aside,footer,menu,dialog,svg,select,button,label,textarea"

#: Elements whose names are asked: what style sheets put things into.
_CONTAINERS = "div,section,ul"

# What the name of a container says, as bits: that it is not for reading; holds comments; belongs to a forum.
_ASIDE, _COMMENTS, _FORUM = 1, 2, 4

#: Words that say so, as parts of a class or an id.
_MEANINGS = {
    word: meaning
    for meaning, words in (
        (
            _ASIDE,
            "menu submenu megamenu navbar navigation breadcrumb breadcrumbs pagination pager toolbar topbar skip "
            "sidebar footer cookie cookies consent modal popup popover dropdown alert legal copyright social share "
            "sharing newsletter subscribe subscription signup login form cart ad ads promo related recommended "
            "trending popular author bio byline metadata tags signature",
        ),
        (_COMMENTS, "comment comments respond commentform"),
        (_FORUM, "forum forums topic postbody"),
    )
    for word in words.split()
}

#: Before such a word: `no-sidebar` says something of the page, not of the container.
_OF_THE_PAGE = {"has", "no", "with", "without"}

#: Where sites mark their content, the surest first. A mark that is there twice marks something else.
_MARKS = (
    "[itemprop=articleBody],.entry-content,.post-content,.article-content,.article-body,.post-body",
    "article",
    "main,[role=main]",
)

#: A container that holds this share of the text is not left out, and a mark is believed if it does.
_MUCH = 0.4

#: Shorter runs, in characters, may be there twice for good reasons: names, numbers, "Reply".
_MIN_REPEATED = 30

#: If links and repeated runs have a larger share of the characters, the page is a list of links.
_MAX_LEFT_OUT = 0.5

# Runs that only mark where other ones and links end. A page that has the same ones deceives nobody but itself.
_RUN_END, _LINK, _LINK_END = "\x1d", "\x01", "\x02"

#: Names are read so far, in characters: longer ones are lists of utility classes, or hostile.
_MAX_NAME = 200

_CAMEL_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Content:
    """The main content of a page.

    Attributes:
        text: White space folded.
        whole_text: True where no main content was found and `text` is all visible text.
    """

    text: str
    whole_text: bool


def main_content(root: LexborNode, text: str | None = None) -> Content:
    """Find the main content of a page. Takes its tree apart.

    Args:
        root: The html element, without what nobody sees, such as scripts, and with formatting elements unwrapped:
            all that are left separate words.
        text: Its visible text, if the caller has it: the content where nothing better is found.

    Returns:
        The content.

    Examples:
        >>> from selectolax.lexbor import LexborHTMLParser
        >>> html = f"<nav>Home</nav><main><h1>Soup</h1><p>{'Boil water. ' * 10}</main><footer>Contact</footer>"
        >>> main_content(LexborHTMLParser(html).root).text[:30]
        'Soup Boil water. Boil water. B'
    """
    whole = root.text(separator=" ") if text is None else text
    length = _leave_out_parts(root)
    words = " ".join(_readable(_marked(root, length))).split()
    if len(words) < MIN_CONTENT_WORDS and len(all_words := whole.split()) > len(words):
        return Content(" ".join(all_words), whole_text=True)
    return Content(" ".join(words), whole_text=False)


def _leave_out_parts(root: LexborNode) -> int:
    """Take away what the names of elements, classes and ids say is not for reading, and tell the length of the rest."""
    for element in reversed(root.css(_APART)):  # inner ones first: they are not there any more after outer ones
        element.decompose()
    parts: list[tuple[LexborNode, int]] = []
    page = 0
    for container in root.css(_CONTAINERS):
        attributes = container.attributes
        name, identifier = attributes.get("class"), attributes.get("id")
        if identifier:
            name = f"{identifier} {name}" if name else identifier
        if name and (meaning := _meaning(name[:_MAX_NAME])):
            parts.append((container, meaning))
            page |= meaning
    unwanted = _ASIDE if page & _FORUM else _ASIDE | _COMMENTS
    length = _length(root)
    return length - _take_away([part for part, meaning in parts if meaning & unwanted], _MUCH * length)


def _take_away(parts: list[LexborNode], limit: float) -> int:
    """Take away the parts that are shorter than the limit, given in the order of the document; returns their length.

    Inner parts go before outer ones, which leaves nothing to be measured twice: what stays is too long, and so is
    everything around it.
    """
    taken = 0
    around: set[int] = set()
    for part in reversed(parts):
        if part.mem_id in around:
            continue
        if (length := _length(part)) < limit:
            part.decompose()
            taken += length
            continue
        node: LexborNode | None = part
        while node is not None and node.mem_id not in around:
            around.add(node.mem_id)
            node = node.parent
    return taken


@lru_cache(maxsize=20_000)
def _meaning(name: str) -> int:
    """What the id and classes of a container say, as bits. Most names occur many times on a site."""
    if not name.islower():
        name = _CAMEL_CASE.sub(" ", name).lower()
    words = name.replace("-", " ").replace("_", " ").split()
    if _MEANINGS.keys().isdisjoint(words):
        return 0
    meaning = 0
    for before, word in zip(["", *words], words, strict=False):
        if before not in _OF_THE_PAGE:
            meaning |= _MEANINGS.get(word, 0)
    return meaning


def _marked(root: LexborNode, length: int) -> LexborNode:
    """The element that the site marks as its content, else all."""
    for selector in _MARKS:
        marked = root.css(selector)
        if len(marked) == 1 and _length(marked[0]) > _MUCH * length:
            return marked[0]
    return root


def _length(node: LexborNode) -> int:
    return len(node.text(strip=True, skip_empty=True))


def _readable(root: LexborNode) -> list[str]:
    """The runs of text without links and repetitions, if that leaves most of the text."""
    runs, plain = _runs(root)
    context = zip([False, *plain], plain, [*plain[1:], False], strict=False)
    kept = [run for run, (before, own, after) in zip(runs, context, strict=False) if own or (before and after)]
    return kept if sum(map(len, kept)) >= (1 - _MAX_LEFT_OUT) * sum(map(len, runs)) else runs


def _runs(root: LexborNode) -> tuple[list[str], list[bool]]:
    """The runs of text, long ones only once, and for each whether it is outside of links."""
    for link in root.css("a"):
        link.insert_before(_LINK)
        link.insert_after(_LINK_END)
    runs: list[str] = []
    plain: list[bool] = []
    seen: set[str] = set()
    outside = True
    for run in root.text(separator=_RUN_END, strip=True, skip_empty=True).split(_RUN_END):
        if run == _LINK:
            outside = False
        elif run == _LINK_END:
            outside = True
        elif len(run) < _MIN_REPEATED or run not in seen:
            seen.add(run)
            runs.append(run)
            plain.append(outside)
    return runs, plain
