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

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

from selectolax.lexbor import LexborNode

from html_classification.transforms.html.names import NAME_END, Names, names_of

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
    """The elements of a page that tell what its content is. Those within others that are apart may be left out.

    Attributes:
        apart: Those in `APART`.
        names: The names of those in `CONTAINERS`.
        articles: Article elements.
        mains: Main elements.
        links: Links.
    """

    apart: Sequence[LexborNode]
    names: Names
    articles: Sequence[LexborNode]
    mains: Sequence[LexborNode]
    links: Sequence[LexborNode]

    @classmethod
    def of(cls, root: LexborNode) -> "Elements":
        """Look for the elements below a root."""
        names = names_of(root.css(",".join(CONTAINERS)))
        return cls(root.css(",".join(APART)), names, root.css("article"), root.css("main"), root.css("a"))


@dataclass(slots=True)
class _Part:
    """A part of a page, as some of the runs that are for reading.

    Attributes:
        mark: What it was marked as.
        around: The part that it lies in.
        first: Its first run.
        before: How many characters come before it.
        end: The run behind its last one.
        length: How many characters it has.
        left_out: How many of these are left out with parts within it.
        gone: Whether it is left out, by itself or with what is around it.
    """

    mark: str
    around: "_Part | None"
    first: int
    before: int
    end: int = 0
    length: int = 0
    left_out: int = 0
    gone: bool = False


@dataclass(frozen=True, slots=True)
class _Runs:
    """The text of a page, run by run.

    Attributes:
        shown: All runs that are not empty.
        for_reading: Those that are for reading, with empty ones, as spaces between links are.
        outside: For each of these whether it is outside of links.
        parts: The parts of the page, in their order.
    """

    shown: list[str]
    for_reading: list[str]
    outside: list[bool]
    parts: list[_Part]


def text_and_content(root: LexborNode, elements: Elements) -> tuple[str, Content]:
    """Take all text of a page, and find its main content.

    Args:
        root: The html element, without what nobody sees, such as scripts, and with formatting elements unwrapped:
            all that are left separate words. Marks are left in the tree.
        elements: The elements below it. Those that were taken out of the tree do no harm.

    Returns:
        The text, white space folded, and the content.

    Examples:
        >>> from selectolax.lexbor import LexborHTMLParser
        >>> html = f"<nav>Home</nav><main><h1>Soup</h1><p>{'Boil water. ' * 10}</main><footer>Contact</footer>"
        >>> root = LexborHTMLParser(html).root
        >>> text, content = text_and_content(root, Elements.of(root))
        >>> text[:21], content.text[:21]
        ('Home Soup Boil water.', 'Soup Boil water. Boil')
    """
    _mark_all(elements)
    # White space is folded in all runs at once: run by run takes twice the time.
    runs = _runs_of(" ".join(root.text(separator=_RUN_END, skip_empty=True).split()))
    text = " ".join(runs.shown)
    content = " ".join(filter(None, _readable(*_content_runs(runs))))
    if len(content) < len(text) and content.count(" ") + 1 < MIN_CONTENT_WORDS:
        return text, Content(text, whole_text=True)
    return text, Content(content, whole_text=False)


def _mark_all(elements: Elements) -> None:
    for link in elements.links:
        link.insert_before(_LINK)
        link.insert_after(_LINK_END)
    for element in elements.apart:
        _mark(element, _NOT_FOR_READING)
    for article in elements.articles:
        _mark(article, _ARTICLE)
    for main in elements.mains:
        _mark(main, _MAIN)
    _mark_containers(elements.names)


def _mark(element: LexborNode, mark: str) -> None:
    element.insert_before(mark)
    element.insert_after(_PART_END)


def _mark_containers(names: Names) -> None:
    """Mark those that are called the content, and those whose names say that they are not for reading."""
    for body in names.bodies:
        _mark(body, _MARKED_BODY)
    for main in names.mains:
        _mark(main, _MAIN)
    meanings = _meanings(names)
    unwanted = _ASIDE if any(meaning & _FORUM for meaning in meanings.values()) else _ASIDE | _COMMENTS
    for container, name in names.named:
        if meaning := meanings.get(name):
            if meaning & _BODY:
                _mark(container, _MARKED_BODY)
            if meaning & unwanted:
                _mark(container, _UNWANTED)


def _meanings(names: Names) -> dict[str, int]:
    """What names say by their words, as bits."""
    meanings = [0]
    before = ""
    for word in names.words.split():
        if word == NAME_END:
            meanings.append(0)
        elif word in _MEANINGS and before not in _OF_THE_PAGE:
            meanings[-1] |= _MEANINGS[word]
        before = word
    said = dict(zip(names.different, meanings, strict=False))  # not strict: see `NAME_END`
    if any(body.replace("-", " ") in names.words for body in _BODIES):
        for name in names.different:
            if not _BODIES.isdisjoint(name.split()):
                said[name] = said.get(name, 0) | _BODY
    return said


def _runs_of(text: str) -> _Runs:
    """Tell runs and marks apart in the text of a marked page."""
    runs = _Runs([], [], [], [])
    within: list[_Part] = []
    links = length = apart = 0
    for run in text.split(_RUN_END):
        if run not in _NO_TEXT:
            if run := run.strip():
                runs.shown.append(run)
            if not apart:
                runs.for_reading.append(run)
                runs.outside.append(not links)
                length += len(run)
        elif run == _LINK:
            links += 1
        elif run == _LINK_END:
            links -= 1
        elif apart or run == _NOT_FOR_READING:  # what is in it is of no interest but for its end
            apart += -1 if run == _PART_END else 1
        elif run != _PART_END:
            part = _Part(run, within[-1] if within else None, len(runs.for_reading), length)
            runs.parts.append(part)
            within.append(part)
        elif within:
            part = within.pop()
            part.end, part.length = len(runs.for_reading), length - part.before
    return runs


def _content_runs(runs: _Runs) -> tuple[list[str], list[bool]]:
    """The runs of the content, long ones only once, and for each whether it is outside of links."""
    length = sum(map(len, runs.for_reading))
    length -= _leave_out(runs.parts, _MUCH * length)
    wanted = [True] * len(runs.for_reading)
    for part in runs.parts:
        if part.gone and not (part.around and part.around.gone):
            wanted[part.first : part.end] = [False] * (part.end - part.first)
    content = _marked_content(runs.parts, _MUCH * length)
    where = slice(content.first, content.end) if content else slice(None)
    texts: list[str] = []
    plain: list[bool] = []
    seen: set[str] = set()
    for run, outside in compress(zip(runs.for_reading[where], runs.outside[where], strict=True), wanted[where]):
        if len(run) >= _MIN_REPEATED:
            if run in seen:
                continue
            seen.add(run)
        texts.append(run)
        plain.append(outside)
    return texts, plain


def _leave_out(parts: Sequence[_Part], limit: float) -> int:
    """Leave out unwanted parts that are shorter than a limit; returns how many characters go."""
    left_out = 0
    for part in reversed(parts):  # inner ones first: what is left out with them is no more in what is around them
        part.gone = part.mark == _UNWANTED and part.length - part.left_out < limit
        goes = part.length if part.gone else part.left_out
        if part.around:
            part.around.left_out += goes
        else:
            left_out += goes
    for part in parts:
        part.gone = part.gone or (part.around is not None and part.around.gone)
    return left_out


def _marked_content(parts: Sequence[_Part], limit: float) -> _Part | None:
    """The part that the site marks as its content, if it is longer than a limit."""
    for mark in _MARKS:
        marked = [part for part in parts if part.mark == mark and not part.gone]
        if len(marked) == 1 and marked[0].length - marked[0].left_out > limit:
            return marked[0]
    return None


def _readable(runs: Sequence[str], plain: Sequence[bool]) -> Sequence[str]:
    """The runs without links, if that leaves most of the text."""
    context = zip([False, *plain], plain, [*plain[1:], False], strict=False)
    kept = [run for run, (before, own, after) in zip(runs, context, strict=False) if own or (before and after)]
    return kept if sum(map(len, kept)) >= (1 - _MAX_LEFT_OUT) * sum(map(len, runs)) else runs
