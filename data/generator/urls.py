"""Addresses of pages: the clean form and the messy ones under which a crawler meets them.

Every messy form leads back to the clean one by the usual rules: lower-case host, no default port, no dot
segments, no tracking or session parameters, sorted query, no fragment, percent-encoding normalised.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from urllib.parse import quote, urlsplit, urlunsplit

from data.generator.hosts import Host

Parts = tuple[str, str, str, str, str]

_TRACKING = (
    "utm_source=newsletter&utm_medium=email",
    "utm_campaign=spring26",
    "utm_source=feed&utm_content=title",
    "gclid=Cj0KCQiA{}",
    "fbclid=IwAR0{}",
)


def clean_url(host: Host, title: str, number: int, category: str) -> str:
    """The clean address of a page; the number keeps two pages with one title apart."""
    slug = re.sub(r"[\W_]+", "-", title.lower()).strip("-")[:48].strip("-")
    path = {
        "blog": f"/2026/{slug}-{number}",
        "news": f"/{category}/{slug}-{number}.html",
        "magazine": f"/{category}/{slug}/{number}",
        "docs": f"/guide/{category}/{slug}_{number}",
        "table": f"/~{category[:4]}/page{number}.html",
        "shop": "/product",
        "forum": "/viewtopic.php",
    }[host.template]
    query = {"shop": f"id={number}&item={quote(slug)}", "forum": f"f={number % 17}&t={number}"}
    return urlunsplit((host.scheme, host.name, quote(path, safe="/~"), query.get(host.template, ""), ""))


def _tracking(parts: Parts, rng: random.Random) -> Parts:
    extra = rng.choice(_TRACKING).format(rng.randint(10**6, 10**7))
    return (*parts[:3], f"{parts[3]}&{extra}" if parts[3] else extra, parts[4])


def _upper_host(parts: Parts, rng: random.Random) -> Parts:
    host = parts[1].upper() if rng.random() < 0.5 else parts[1].title()
    return (parts[0], host, *parts[2:])


def _default_port(parts: Parts, rng: random.Random) -> Parts:
    return (parts[0], f"{parts[1]}:{443 if parts[0] == 'https' else 80}", *parts[2:])


def _dot_segments(parts: Parts, rng: random.Random) -> Parts:
    prefix = rng.choice(("/.", "/x/..", "/static/../."))
    return (*parts[:2], prefix + parts[2], *parts[3:])


def _unsorted_query(parts: Parts, rng: random.Random) -> Parts:
    if "&" not in parts[3]:
        return _tracking(parts, rng)
    return (*parts[:3], "&".join(reversed(parts[3].split("&"))), parts[4])


def _fragment(parts: Parts, rng: random.Random) -> Parts:
    return (*parts[:4], rng.choice(("comments", "top", "section-2")))


def _session(parts: Parts, rng: random.Random) -> Parts:
    session = f"{rng.getrandbits(64):016x}" * 2  # 32 digits, as forum software and PHP write them
    extra = f"{rng.choice(('PHPSESSID', 'sid'))}={session}"
    return (*parts[:3], f"{parts[3]}&{extra}" if parts[3] else extra, parts[4])


def _percent_encoded(parts: Parts, rng: random.Random) -> Parts:
    path = re.sub("%[0-9A-F]{2}", lambda match: match.group().lower(), parts[2])
    if path == parts[2]:
        # Encoding a letter that needs none gives another spelling of the same address.
        where = max(path.rfind("p"), path.rfind("-"), 1)
        path = f"{path[:where]}%{ord(path[where]):02X}{path[where + 1 :]}"
    return (*parts[:2], path, *parts[3:])


_MESSES: dict[str, Callable[[Parts, random.Random], Parts]] = {
    "tracking": _tracking,
    "upper_host": _upper_host,
    "default_port": _default_port,
    "dot_segments": _dot_segments,
    "unsorted_query": _unsorted_query,
    "fragment": _fragment,
    "session_id": _session,
    "percent_encoded": _percent_encoded,
}


def messy_url(url: str, rng: random.Random) -> tuple[str, list[str]]:
    """Another spelling of the address, and what was done to it."""
    split = urlsplit(url)
    parts: Parts = (split.scheme, split.netloc, split.path, split.query, split.fragment)
    names = [name for name in _MESSES if rng.random() < 0.12]
    for name in names or [rng.choices(list(_MESSES), (9, 3, 3, 2, 3, 5, 3, 2))[0]]:
        parts = _MESSES[name](parts, rng)
        if name not in names:
            names.append(name)
    return urlunsplit(parts), names
