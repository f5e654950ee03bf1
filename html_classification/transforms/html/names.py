"""What the parts of a page are called: ids and classes, as words.

Belongs here: reading the names of elements, and splitting them into words. Does not belong here: what the words mean
for main content (`content`) and for the kind of page (`markup`).
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from selectolax.lexbor import LexborNode

#: Names are read so far, in characters: longer ones are lists of utility classes, or hostile.
MAX_NAME = 200

#: A word that stands between the words of two names. A name may hold it, too, and deceives only its page.
NAME_END = "\1"

_CAMEL_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Names:
    """The names of some elements.

    Attributes:
        named: The elements that have a name, with it: id and class, as they are written, at most `MAX_NAME` characters.
        different: The different names.
        words: The lower-case words of those, with spaces between them, and with `NAME_END` between two names.
        bodies: The elements that microdata call the body of an article.
        mains: The others whose role is `main`.
        roles: The different roles of elements.
    """

    named: Sequence[tuple[LexborNode, str]]
    different: Collection[str]
    words: str
    bodies: Sequence[LexborNode]
    mains: Sequence[LexborNode]
    roles: Collection[str]


def names_of(elements: Iterable[LexborNode]) -> Names:
    """Read the names of elements.

    >>> from selectolax.lexbor import LexborHTMLParser
    >>> names_of(LexborHTMLParser("<div id=postBody class='entry-content'>").css("div")).words
    'post body entry content'
    """
    named: list[tuple[LexborNode, str]] = []
    bodies: list[LexborNode] = []
    mains: list[LexborNode] = []
    roles: set[str] = set()
    for element in elements:
        attributes = element.attributes
        name, identifier = attributes.get("class"), attributes.get("id")
        if identifier:
            name = f"{identifier} {name}" if name else identifier
        if name:
            named.append((element, name[:MAX_NAME]))
        if role := attributes.get("role"):
            roles.add(role)
        if attributes.get("itemprop") == "articleBody":
            bodies.append(element)
        elif role == "main":
            mains.append(element)
    different = dict.fromkeys(name for _, name in named)
    return Names(named, different, _words(different), bodies, mains, roles)


def _words(names: Iterable[str]) -> str:
    """The words of all names at once, which takes half the time of one by one."""
    lower = [name if name.islower() else _CAMEL_CASE.sub(" ", name).lower() for name in names]
    return f" {NAME_END} ".join(lower).replace("-", " ").replace("_", " ")
