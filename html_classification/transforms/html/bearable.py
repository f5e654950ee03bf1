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
_FORMATTING_TAG = re.compile(rb"<(/?)(" + b"|".join(_FORMATTING) + rb")(?=[\s/>])" + _INSIDE, re.IGNORECASE)
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
    formatting = np.count_nonzero(_MAYBE_FORMATTING[first, second])
    if not reason and formatting * tags > MAX_COPIES and _count_open_formatting(html) * tags > MAX_COPIES:
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


def _count_open_formatting(html: bytes) -> int:
    """How many formatting elements, at most, are open at the same time, and opened again by each tag."""
    unclosed: defaultdict[bytes, list[bytes]] = defaultdict(list)
    equal: Counter[tuple[bytes, bytes]] = Counter()
    now = most = 0
    for tag in _FORMATTING_TAG.finditer(html):
        name, attributes = tag[2].lower(), tag[3]
        if not tag[1] and equal[name, attributes] < _MAX_EQUAL:
            unclosed[name].append(attributes)
            equal[name, attributes] += 1
            now += 1
            most = max(most, now)
        elif tag[1] and unclosed[name]:
            equal[name, unclosed[name].pop()] -= 1
            now -= 1
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
