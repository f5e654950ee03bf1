"""What the markup of a page tells of its kind, as terms.

Belongs here: which elements, names and declared types become terms, and how they are written. Does not belong here:
finding them in a page (`engines`), what a page says and shows (`facts`), learning from terms (`training`).

Shops, forums and articles are alike as texts but not as markup: a forum has parts that are called `post`, a shop has
the type `Product`. Terms are words separated by spaces, so that they are counted like the words of a text:

- `tag:table:2-3`: an element, and how many there are of it;
- `input:search`: a kind of input;
- `type:product`: what the page declares itself or its parts to be, in JSON-LD or OpenGraph;
- `rel:next`: a kind of link in the head; `role:main`: a role of a part;
- `body:single`: a word of the names of body, main and article; `part:reviews`: of the names of other parts.

Pages may be hostile: terms have at most 36 letters, digits and `-_:.`, and there are at most some hundreds of them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

_COUNTED = (
    "a article aside audio blockquote button code dd details dl dt figure footer form h1 h2 h3 h4 iframe img input "
    "label li main nav ol p pre section select svg table td textarea time tr ul video"
)
#: Elements that are counted.
COUNTED = _COUNTED.split()

#: Terms of each kind are at most so many, the first of the page.
MAX_PARTS, MAX_OTHERS = 200, 30

#: Words are read so far, in characters of all of a kind.
_MAX_READ = 20_000

#: Words with digits are left out: most are made by programs, for one site or one page.
_WORD = re.compile(r"[a-z][a-z._-]{1,29}")


@dataclass(frozen=True, slots=True)
class Structure:
    """What an engine gathers, in the order of the document.

    Attributes:
        counts: How often the page has each of the elements `COUNTED`.
        inputs: Types of the inputs.
        relations: Relations of the links in the head.
        roles: Roles of containers.
        body: Lower-case words of the names of body, main and article, with spaces between them.
        parts: Lower-case words of the names of containers, likewise.
    """

    counts: Mapping[str, int]
    inputs: Iterable[str] = ()
    relations: Iterable[str] = ()
    roles: Iterable[str] = ()
    body: str = ""
    parts: str = ""


def terms(structure: Structure, types: Iterable[str]) -> str:
    """The terms of a page, sorted, each once.

    Args:
        structure: What stands in the markup.
        types: What the page declares itself and its parts to be, as it is written.

    >>> terms(Structure({"table": 3}, parts="price 2x"), ["https://schema.org/Product", "website"])
    'part:price tag:table:2-3 type:product type:website'
    """
    found = [f"tag:{name}:{bucket(count)}" for name, count in structure.counts.items() if count]
    found += _written("type", " ".join(kind.rpartition("/")[2] for kind in types), MAX_OTHERS)
    found += _written("input", " ".join(structure.inputs), MAX_OTHERS)
    found += _written("rel", " ".join(structure.relations), MAX_OTHERS)
    found += _written("role", " ".join(structure.roles), MAX_OTHERS)
    found += _written("body", structure.body, MAX_OTHERS)
    found += _written("part", structure.parts, MAX_PARTS)
    return " ".join(sorted(found))


def bucket(count: int) -> str:
    """A number of at least 1 as the range between two powers of two.

    >>> [bucket(count) for count in (1, 3, 4, 1_000)]
    ['1', '2-3', '4-7', '512-1023']
    """
    low = 1 << (count.bit_length() - 1)
    return "1" if low == 1 else f"{low}-{2 * low - 1}"


def types_of(nodes: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The types of JSON-LD nodes, as they are written."""
    for node in nodes:
        kind = node.get("@type")
        yield from (one for one in (kind if isinstance(kind, list) else [kind]) if isinstance(one, str))


def _written(kind: str, words: str, limit: int) -> Iterator[str]:
    """Terms of different words, the first ones that are short and plain."""
    different = filter(_WORD.fullmatch, dict.fromkeys(words[:_MAX_READ].lower().split()))
    return (f"{kind}:{word}" for word in islice(different, limit))
