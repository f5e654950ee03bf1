"""What a page says in structured data: JSON-LD with the vocabulary of schema.org (https://schema.org/Article).

Belongs here: reading such scripts, which people and programs write carelessly, and dates. Does not belong here:
finding them in a page (`engines`), and what counts more than what (`facts`).
"""

import html
import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import orjson

#: Longer scripts, in characters, are no facts about a page but a dump of its data.
MAX_CHARACTERS = 1_000_000

#: No more of a page's objects and lists than this are looked at.
MAX_NODES = 10_000

FIRST_YEAR, LAST_YEAR = 1990, 2100

Node = Mapping[str, Any]

#: What other people wrote on the page, and other pages that it lists: their authors and dates are not the page's.
_BY_OTHERS = "review reviews comment comments acceptedAnswer suggestedAnswer"
_LISTED = "itemListElement hasPart blogPost citation"
_OTHERS = frozenset(f"{_BY_OTHERS} {_LISTED}".split())

#: The types of schema.org whose author is that of the page: Article and its kinds, BlogPosting and the like.
_ARTICLE = re.compile(r"(Article|Posting|Report|Recipe)$")

_UNENCODABLE = re.compile("[\0\ud800-\udfff]")

_DATE = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:(?:T| +)(?P<time>(?!24)[0-2]\d:\d\d(?::\d\d)?)(?:[.,]\d+)? *(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)?.*)?",
    re.IGNORECASE | re.DOTALL,
)


def nodes_of(scripts: Iterable[str]) -> list[Node]:
    """All objects in a page's JSON-LD that are about the page, articles first, outer before inner ones.

    Args:
        scripts: Texts of the scripts. What is no JSON, or longer than a million characters, counts as empty.
    """
    nodes = list(_walk([_json(script) for script in scripts]))
    return sorted(nodes, key=lambda node: not _is_article(node))


def author_of(nodes: Sequence[Node]) -> str:
    """Names of the authors in the first node that names some, joined by `, `; empty where none does.

    >>> author_of([{"@type": "Article", "author": [{"name": "Ann"}, "Bo"]}])
    'Ann, Bo'
    """
    known = {node["@id"]: node for node in nodes if isinstance(node.get("@id"), str) and "name" in node}
    for node in nodes:
        if names := list(dict.fromkeys(_names(node.get("author"), known))):
            return ", ".join(names)
    return ""


def published_of(nodes: Sequence[Node]) -> date | None:
    """The day of publication in the first node that names one."""
    for node in nodes:
        for text in _listed(node.get("datePublished")):
            if isinstance(text, str) and (day := to_date(text)):
                return day
    return None


def to_date(text: str) -> date | None:
    """The day that an ISO 8601 date or time names, in UTC where it names a zone.

    Args:
        text: The text, as people write it: with a space for the T or before the zone, and the like.

    Returns:
        The day; None where the text is anything else, such as `May 6`, or a day before 1990 or after 2100.

    Examples:
        >>> to_date("2026-03-01"), to_date("2026-03-01T23:30:00-05:00")
        (datetime.date(2026, 3, 1), datetime.date(2026, 3, 2))
        >>> to_date("yesterday") or to_date("0001-01-01")
    """
    found = _DATE.fullmatch(text.strip())
    if not found:
        return None
    zone = (found["zone"] or "").upper().replace("UTC", "Z").replace("GMT", "Z")
    try:
        time = datetime.fromisoformat(f"{found['date']}T{found['time'] or '00:00'}{zone}")
        day = (time.astimezone(UTC) if zone else time).date()
    except (ValueError, OverflowError):  # a thirteenth month, or out of the calendar by its zone
        return None
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else None


def _json(script: str) -> Any:
    if len(script) > MAX_CHARACTERS:
        return None
    try:
        return orjson.loads(script)
    except orjson.JSONDecodeError:
        pass  # often only line ends within strings, which the next one lets pass
    try:
        return json.loads(script, strict=False)
    except (ValueError, RecursionError):
        return None


def _walk(roots: Iterable[Any]) -> Iterator[Node]:
    """Objects in what JSON gave, breadth first, so that the page's own come before what they mention."""
    waiting = deque(roots)
    for _ in range(MAX_NODES):
        if not waiting:
            return
        item = waiting.popleft()
        if isinstance(item, dict):
            yield item
            waiting.extend(inner for key, inner in item.items() if key not in _OTHERS and _holds(inner))
        elif isinstance(item, list):
            waiting.extend(filter(_holds, item))


def _holds(value: Any) -> bool:
    return isinstance(value, (dict, list))


def _is_article(node: Node) -> bool:
    return any(isinstance(name, str) and _ARTICLE.search(name) for name in _listed(node.get("@type")))


def _listed(value: Any) -> list[Any]:
    """JSON-LD has one value where there could be a list."""
    return value if isinstance(value, list) else [value]


def _names(author: Any, known: Mapping[str, Node]) -> Iterator[str]:
    """The names in a name, an object with a name or a reference to one, or a list of these."""
    for one in _listed(author):
        name = one
        if isinstance(one, dict):
            identity = one.get("@id")
            referred = known.get(identity, {}) if isinstance(identity, str) else {}
            name = one.get("name") or referred.get("name")
        for text in _listed(name):
            # Publishers escape names for HTML, although a script needs none of it.
            plain = " ".join(html.unescape(text).split()) if isinstance(text, str) else ""
            if plain and "://" not in plain:
                yield _UNENCODABLE.sub("\ufffd", plain)
