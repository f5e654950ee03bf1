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

For this the tree is only marked: words that no page has go in front of parts and links and behind them, and its text,
taken once, tells all that is to be known. So work is linear in the page, whatever its structure.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress

from selectolax.lexbor import LexborNode

#: Main content of fewer words is taken for a failure to find it, if the page has more.
MIN_CONTENT_WORDS = 20

#: Elements that are not for reading.
APART = ["nav", "aside", "footer", "menu", "dialog", "svg", "select", "button", "label", "textarea"]

#: Elements whose names are asked: what style sheets put things into.
CONTAINERS = ["div", "section", "ul"]

# What the name of a container says, as bits: that it is not for reading; holds comments; belongs to a forum; is the
# content.
_ASIDE, _COMMENTS, _FORUM, _BODY = 1, 2, 4, 8

#: Words that say the first three, as parts of a class or an id.
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

#: Classes that say the last.
_BODIES = {"entry-content", "post-content", "article-content", "article-body", "post-body"}

#: A container that holds this share of the text is not left out, and a mark is believed if it does.
_MUCH = 0.4

#: Shorter runs, in characters, may be there twice for good reasons: names, numbers, "Reply".
_MIN_REPEATED = 30

#: If links and repeated runs have a larger share of the characters, the page is a list of links.
_MAX_LEFT_OUT = 0.5

# What stands among the runs of text. A page that has the same words deceives nobody but itself.
_RUN_END = "\1\2"
_LINK, _LINK_END, _PART_END = "\1link", "\1/link", "\1/part"
_NOT_FOR_READING, _UNWANTED = "\1apart", "\1unwanted"

#: How sites mark their content, the surest first. A mark that is there twice marks something else.
_MARKS = _MARKED_BODY, _ARTICLE, _MAIN = "\1body", "\1article", "\1main"

_NO_TEXT = {_LINK, _LINK_END, _PART_END, _NOT_FOR_READING, _UNWANTED, *_MARKS}

#: Names are read so far, in characters: longer ones are lists of utility classes, or hostile.
_MAX_NAME = 200
_NAME_END = " \1 "

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


@dataclass(frozen=True, slots=True)
class Elements:
    """The elements of a page that tell what its content is.

    Attributes:
        apart: Those in `APART`.
        containers: Those in `CONTAINERS`.
        articles: Article elements.
        mains: Main elements.
        links: Links.
    """

    apart: Sequence[LexborNode]
    containers: Sequence[LexborNode]
    articles: Sequence[LexborNode]
    mains: Sequence[LexborNode]
    links: Sequence[LexborNode]

    @classmethod
    def of(cls, root: LexborNode) -> "Elements":
        """Look for the elements below a root."""
        return cls(*(root.css(",".join(tags)) for tags in (APART, CONTAINERS, ["article"], ["main"], ["a"])))


@dataclass(slots=True)
class _Part:
    """A part of a page: one of its runs to another one.

    Attributes:
        mark: What it was marked as.
        around: The part that it lies in.
        gone: Whether it is left out, by itself or with what is around it.
        first: Its first run.
        before: Characters before it.
        end: The run behind its last one.
        length: Its characters.
        left_out: Those of them that are left out with parts within it.
    """

    mark: str
    around: "_Part | None"
    gone: bool
    first: int
    before: int
    end: int = 0
    length: int = 0
    left_out: int = 0


def marked_runs(root: LexborNode, elements: Elements) -> list[str]:
    """The runs of text of a page, white space folded, and among them the marks of its parts and links.

    Args:
        root: The html element, without what nobody sees, such as scripts, and with formatting elements unwrapped:
            all that are left separate words. The marks stay in the tree.
        elements: The elements below it. Those that were taken out of the tree do no harm.

    Returns:
        What `visible_text` and `main_content` take.
    """
    for link in elements.links:
        link.insert_before(_LINK)
        link.insert_after(_LINK_END)
    for elements_alike, mark in ((elements.apart, _NOT_FOR_READING), (elements.articles, _ARTICLE), (elements.mains, _MAIN)):
        for element in elements_alike:
            _mark(element, mark)
    _mark_containers(elements.containers)
    text = " ".join(root.text(separator=_RUN_END, skip_empty=True).split())  # all at once: faster than each run
    return [run.strip() for run in text.split(_RUN_END)]


def visible_text(runs: Sequence[str]) -> str:
    """All text of a page, white space folded, from its marked runs."""
    return " ".join([run for run in runs if run and run not in _NO_TEXT])


def main_content(runs: Sequence[str], text: str) -> Content:
    """Find the main content of a page.

    Args:
        runs: Its marked runs.
        text: Their visible text, the content where nothing better is found.

    Returns:
        The content.

    Examples:
        >>> from selectolax.lexbor import LexborHTMLParser
        >>> html = f"<nav>Home</nav><main><h1>Soup</h1><p>{'Boil water. ' * 10}</main><footer>Contact</footer>"
        >>> root = LexborHTMLParser(html).root
        >>> runs = marked_runs(root, Elements.of(root))
        >>> main_content(runs, visible_text(runs)).text[:30]
        'Soup Boil water. Boil water. B'
    """
    content = " ".join(filter(None, _readable(*_content_runs(runs))))
    if len(content) < len(text) and content.count(" ") + 1 < MIN_CONTENT_WORDS:
        return Content(text, whole_text=True)
    return Content(content, whole_text=False)


def _mark(element: LexborNode, mark: str) -> None:
    element.insert_before(mark)
    element.insert_after(_PART_END)


def _mark_containers(containers: Sequence[LexborNode]) -> None:
    """Mark those that are called the content, and those whose names say that they are not for reading."""
    named: list[tuple[LexborNode, str]] = []
    for container in containers:
        attributes = container.attributes
        name, identifier = attributes.get("class"), attributes.get("id")
        if identifier:
            name = f"{identifier} {name}" if name else identifier
        if name:
            named.append((container, name[:_MAX_NAME]))
        if attributes.get("itemprop") == "articleBody":
            _mark(container, _MARKED_BODY)
        if attributes.get("role") == "main":
            _mark(container, _MAIN)
    meanings = _meanings({name for _, name in named})
    unwanted = _ASIDE if any(meaning & _FORUM for meaning in meanings.values()) else _ASIDE | _COMMENTS
    for container, name in named:
        if meaning := meanings.get(name):
            if meaning & _BODY:
                _mark(container, _MARKED_BODY)
            if meaning & unwanted:
                _mark(container, _UNWANTED)


def _meanings(names: Iterable[str]) -> dict[str, int]:
    """What the ids and classes of containers say, as bits: all at once, since most say nothing."""
    names = [*names, ""]
    plain = [name if name.islower() else _CAMEL_CASE.sub(" ", name).lower() for name in names]
    words = _NAME_END.join(plain).replace("-", " ").replace("_", " ").split()
    meanings = [0]
    before = ""
    for word in words:
        if word == "\1":
            meanings.append(0)
        elif word in _MEANINGS and before not in _OF_THE_PAGE:
            meanings[-1] |= _MEANINGS[word]
        before = word
    found = dict(zip(names, meanings, strict=False))  # names with an end of their own deceive nobody but themselves
    for name in names:
        if ("-content" in name or "-body" in name) and not _BODIES.isdisjoint(name.split()):
            found[name] = found.get(name, 0) | _BODY
    return found


def _content_runs(marked: Sequence[str]) -> tuple[list[str], list[bool]]:
    """The runs of the content, long ones only once, and for each whether it is outside of links."""
    runs, outside, parts = _structure(marked)
    first, end = _leave_out(parts, sum(map(len, runs)), len(runs))
    wanted = [True] * len(runs)
    for part in parts:
        if part.gone and not (part.around and part.around.gone):
            wanted[part.first : part.end] = [False] * (part.end - part.first)
    texts: list[str] = []
    plain: list[bool] = []
    seen: set[str] = set()
    for number in compress(range(first, end), wanted[first:end]):
        run = runs[number]
        if len(run) >= _MIN_REPEATED:
            if run in seen:
                continue
            seen.add(run)
        texts.append(run)
        plain.append(outside[number])
    return texts, plain


def _structure(marked: Sequence[str]) -> tuple[list[str], list[bool], list[_Part]]:
    """The runs that are for reading, for each whether it is outside of links, and the parts, outer before inner ones."""
    runs: list[str] = []
    outside: list[bool] = []
    parts: list[_Part] = []
    within: list[_Part] = []
    apart = False
    links = length = 0
    for run in marked:
        if run not in _NO_TEXT:
            if not apart:
                runs.append(run)
                outside.append(not links)
                length += len(run)
        elif run == _LINK:
            links += 1
        elif run == _LINK_END:
            links -= 1
        elif run != _PART_END:
            apart = apart or run == _NOT_FOR_READING
            part = _Part(run, within[-1] if within else None, apart, len(runs), length)
            parts.append(part)
            within.append(part)
        elif within:
            part = within.pop()
            part.end, part.length = len(runs), length - part.before
            apart = bool(within) and within[-1].gone
    return runs, outside, parts


def _leave_out(parts: Sequence[_Part], length: int, count: int) -> tuple[int, int]:
    """Decide which parts go, and tell the first run of the content and the one behind its last one."""
    page = _Part("", None, False, 0, 0, count, length)
    limit = _MUCH * length
    for part in reversed(parts):  # inner ones before what is around them
        if part.mark == _UNWANTED and part.length - part.left_out < limit:
            part.gone = True
        (part.around or page).left_out += part.length if part.gone else part.left_out
    for part in parts:
        part.gone = part.gone or (part.around is not None and part.around.gone)
    for mark in _MARKS:
        marked = [part for part in parts if part.mark == mark and not part.gone]
        if len(marked) == 1 and marked[0].length - marked[0].left_out > _MUCH * (length - page.left_out):
            return marked[0].first, marked[0].end
    return 0, count


def _readable(runs: Sequence[str], plain: Sequence[bool]) -> Sequence[str]:
    """The runs without links, if that leaves most of the text."""
    context = zip([False, *plain], plain, [*plain[1:], False], strict=False)
    kept = [run for run, (before, own, after) in zip(runs, context, strict=False) if own or (before and after)]
    return kept if sum(map(len, kept)) >= (1 - _MAX_LEFT_OUT) * sum(map(len, runs)) else runs
