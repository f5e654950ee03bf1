"""Which documents would keep a parser busy for minutes, or fill the memory: crawls meet them, some made on purpose.

Belongs here: limits, and telling from the bytes whether a document is within them. Does not belong here: parsing
(`engines`), and what becomes of a document that is refused (`page`).

Parsers that follow the HTML standard are linear but for three things. For each tag they look through the elements
that are open: 100,000 levels take minutes. Each attribute is compared with those before it in its tag: 50,000 take
four seconds. And formatting elements that were not closed are opened again in each paragraph: 5,000 times
`<p><font size=1>`, each with another size, make 12 million elements, and 20,000 fill any memory. So each is
estimated first: by counts that take some microseconds, and tag by tag where these leave a doubt.
"""

import re
from collections import Counter, defaultdict

import numpy as np
import numpy.typing as npt

#: Longer documents, in characters, are no pages but dumps.
MAX_CHARACTERS = 10_000_000

MAX_TAGS = 500_000

#: Browsers stop at 512.
MAX_DEPTH = 5_000

MAX_ATTRIBUTES = 10_000

#: Open elements and attributes that a parser looks through: three nanoseconds each.
MAX_STEPS = 200_000_000

#: Formatting elements that a parser opens again: a microsecond and 250 bytes each.
MAX_COPIES = 1_000_000

#: Documents with fewer tags are within all limits on tags: 1,000 formatting elements in 1,000 paragraphs.
_FEW_TAGS = 2_000

#: Separators, such as white space before something else. If all in a document were before attributes of one tag, this
#: many would take a second. Only unlike names cost anything, so that shorter documents have fewer.
_FEW_SEPARATORS = 25_000
_FEW_BYTES = 3 * _FEW_SEPARATORS

#: Tags of fewer bytes cost nothing to speak of.
_LONG = 400

_VOID = "area base br col embed hr img input link meta param source track wbr"
_OPTIONAL_END = "p li dt dd option tr td th thead tbody tfoot colgroup"

#: Elements that a parser closes by itself, or that have no content: many of them are long, not deep.
_FLAT = frozenset(f"{_VOID} {_OPTIONAL_END}".encode().split())

#: Formatting elements in the sense of the standard, but for links, which never nest.
_FORMATTING = b"b big code em font i nobr s small strike strong tt u".split()

#: Of formatting elements that are equal, a parser opens this many again.
_MAX_EQUAL = 3

#: The inside of a tag as the standard reads it: quotes matter only behind `=`.
_INSIDE = rb"((?:[^>\"'=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+')?+|[\"'])*+)"
_START_TAG = re.compile(rb"<[A-Za-z][^\s/>]*+" + _INSIDE)

#: The rest of a tag that can be read in one way only, and hides nothing.
_PLAIN = (
    rb"(?:[ \t\n\r\f/]++|[^\s/<>\"'=]++"
    rb"(?:[ \t\n\r\f]*+=[ \t\n\r\f]*+(?:\"[^\"<>]*+\"|'[^'<>]*+'|[^\s<>\"'=]++))?+)*+>"
)
_FORMATTING_NAME = b"(" + b"|".join(_FORMATTING) + rb")(?=[\s/>])"
_FORMATTING_START = re.compile(b"<" + _FORMATTING_NAME + b"(" + _PLAIN + b")?+", re.IGNORECASE)

#: Elements in which an end tag does not close what is around them, or is no tag at all.
_CLOSED = (
    b"applet caption iframe marquee math noembed noframes object plaintext script select style svg table td template "
    b"textarea th title xmp"
).split()

#: Tags of formatting elements, with their attributes where these are plain, and what may hide an end tag: not comments
#: and tags that are plain, too.
_FORMATTING_OR_HIDING = re.compile(
    b"<(?:(/?)" + _FORMATTING_NAME + b"(" + _PLAIN + b")?+"
    rb"|!(?!--[^<>]*+(?<=--)>)|[?]|/[^A-Za-z]"
    b"|(?:" + b"|".join(_CLOSED) + rb")(?=[\s/>])"
    b"|[A-Za-z](?!" + _PLAIN + b"))",
    re.IGNORECASE,
)
_TAG = re.compile(rb"<(/?)([A-Za-z][^\s/>]*)")
_VALUE = re.compile(rb"=\s*(?:\"[^\"]*\"|'[^']*')")
_SLASHES = bytes.maketrans(b"/", b" ")

_LOWER = 0x20  # the bit that makes letters small

#: Which two characters, made small, the tag of a formatting element may begin with.
_MAYBE_FORMATTING = np.zeros((256, 256), bool)
for _name in _FORMATTING:
    _MAYBE_FORMATTING[_name[0], _name[1] if len(_name) > 1 else slice(0, ord("a"))] = True

_TOO_MANY_STEPS = f"takes a parser more than {MAX_STEPS:,} steps"


def why_unbearable(html: bytes) -> str:
    """Why a document must not be given to a parser.

    Args:
        html: The document in UTF-8.

    Returns:
        The reason in words, such as `nested deeper than 5,000 elements`; empty for a document that may be parsed.

    Examples:
        >>> why_unbearable(b"<p>Hello"), why_unbearable(b"<div>" * 6_000)
        ('', 'nested deeper than 5,000 elements')
    """
    data = np.frombuffer(html, np.uint8)
    reason = ""
    if np.count_nonzero(data == ord("<")) > _FEW_TAGS:
        reason = _why_too_many_tags(html, data)
    if not reason and len(html) > _FEW_BYTES and _count_separators(data) > _FEW_SEPARATORS:
        reason = _why_too_many_attributes(html)
    return reason


def _why_too_many_tags(html: bytes, data: npt.NDArray[np.uint8]) -> str:
    begins = np.flatnonzero(data[:-2] == ord("<"))
    first, second = data[begins + 1] | _LOWER, data[begins + 2] | _LOWER
    starts = np.count_nonzero((first >= ord("a")) & (first <= ord("z")))
    tags = starts + np.count_nonzero(first == ord("/"))
    if tags > MAX_TAGS:
        return f"more than {MAX_TAGS:,} tags"
    reason = ""
    if starts > MAX_DEPTH or starts * tags > MAX_STEPS:
        reason = _why_too_nested(html)
    formatting = begins[_MAYBE_FORMATTING[first, second]]
    few = MAX_COPIES // max(int(tags), 1)  # so many may be opened again by each tag
    many = len(formatting) > few and _count_unlike(html, formatting) > few and _count_open(html) > few
    if not reason and many:
        reason = f"opens formatting elements again more than {MAX_COPIES:,} times"
    return reason


def _why_too_nested(html: bytes) -> str:
    """Look at tag by tag. Each end tag closes one element of its own name only: stray ones do not hide depth."""
    unclosed: Counter[bytes] = Counter()
    depth = steps = 0
    for tag in _TAG.finditer(html):
        name = tag[2].lower()
        if name in _FLAT:
            pass
        elif not tag[1]:
            unclosed[name] += 1
            depth += 1
        elif unclosed[name]:
            unclosed[name] -= 1
            depth -= 1
        steps += depth
        if depth > MAX_DEPTH:
            return f"nested deeper than {MAX_DEPTH:,} elements"
    return _TOO_MANY_STEPS if steps > MAX_STEPS else ""


def _count_unlike(html: bytes, begins: npt.NDArray[np.intp]) -> int:
    """How many formatting elements, at most, can be open at the same time: so many equal ones of each."""
    unlike: set[tuple[bytes, bytes | int]] = set()
    for begin in begins.tolist():
        if tag := _FORMATTING_START.match(html, begin):
            unlike.add((tag[1].lower(), tag[2] or begin))
    return _MAX_EQUAL * len(unlike)


def _count_open(html: bytes) -> int:
    """The same by a look at start tags and end tags.

    An end tag counts if nothing between the start tag and it may hide it, such as a comment, a script, a table or an
    attribute in quotes.
    """
    unclosed: defaultdict[bytes, list[tuple[int, bytes]]] = defaultdict(list)
    equal: Counter[tuple[bytes, bytes]] = Counter()
    now = most = hides = 0
    for tag in _FORMATTING_OR_HIDING.finditer(html):
        begin, name = tag.start(), (tag[2] or b"").lower()
        if name and not tag[1]:
            attributes = tag[3] or str(begin).encode()
            if equal[name, attributes] < _MAX_EQUAL:
                unclosed[name].append((begin, attributes))
                equal[name, attributes] += 1
                now += 1
                most = max(most, now)
        elif name and unclosed[name] and unclosed[name][-1][0] >= hides:
            equal[name, unclosed[name].pop()[1]] -= 1
            now -= 1
        if not tag[3]:
            hides = begin + 1
    return most


def _count_separators(data: npt.NDArray[np.uint8]) -> int:
    separates = data <= ord(" ")
    for character in b"/\"'":
        separates |= data == character
    return int(np.count_nonzero(separates[:-1] > separates[1:]))


def _why_too_many_attributes(html: bytes) -> str:
    """Look at the long start tags.

    What looks like a tag may be in a comment or a script, and its quotes may hide a true one. So what is in a very
    long tag is looked at again.
    """
    steps = 0
    tags = _START_TAG.finditer(html)
    while tag := next(tags, None):
        inside = tag[1]
        if len(inside) < _LONG:
            continue
        count = len(_VALUE.sub(b" ", inside).translate(_SLASHES).split())
        if count > MAX_ATTRIBUTES:
            return f"an element with more than {MAX_ATTRIBUTES:,} attributes"
        steps += count * count // 2
        if len(inside) > 2 * MAX_ATTRIBUTES:
            tags = _START_TAG.finditer(html, tag.start() + 1)
            steps += 5 * len(inside)  # this look has its price, too
        if steps > MAX_STEPS:
            return _TOO_MANY_STEPS
    return ""
