"""What goes wrong with pages between an editor and a crawler: markup, encodings, characters.

Belongs here: changes to finished HTML. Does not belong here: anything that changes what a page says.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from html.entities import codepoint2name


def _unclosed(html: str, rng: random.Random) -> str:
    return re.sub("</(?:p|li|td)>", lambda match: "" if rng.random() < 0.6 else match.group(), html)


def _stray_div(html: str, rng: random.Random) -> str:
    return _at_paragraph(html, rng, "</div></div>")


def _nested_table(html: str, rng: random.Random) -> str:
    return _at_paragraph(html, rng, "<table><tr><td><table><tr><td>&nbsp;</table>")


def _missing_body(html: str, rng: random.Random) -> str:
    return re.sub("</?body[^>]*>|</html>", "", html)


def _bad_attributes(html: str, rng: random.Random) -> str:
    tags = ('<p class="a" class=b">', "<p style='x:1 align=left'>", "<p =1>")
    return re.sub("<p>", lambda _: rng.choice(tags), html, count=2)


def _wrong_nesting(html: str, rng: random.Random) -> str:
    return re.sub("<p>([^<]{40,80}) ", r"<p><b><i>\1</b></i> ", html, count=1)


def _at_paragraph(html: str, rng: random.Random, inserted: str) -> str:
    places = [match.start() for match in re.finditer("<p>", html)]
    where = rng.choice(places) if places else len(html)
    return html[:where] + inserted + html[where:]


_BROKEN: dict[str, Callable[[str, random.Random], str]] = {
    "unclosed_tags": _unclosed,
    "stray_div": _stray_div,
    "nested_table": _nested_table,
    "missing_body": _missing_body,
    "bad_attributes": _bad_attributes,
    "wrong_nesting": _wrong_nesting,
}
BREAKAGES = tuple(_BROKEN)


def break_markup(html: str, rng: random.Random, names: tuple[str, ...]) -> str:
    """The page with the named faults."""
    for name in names:
        html = _BROKEN[name](html, rng)
    return html


def add_nul(html: str, rng: random.Random) -> str:
    """The page with NUL characters between words."""
    where = [match.start() for match in re.finditer(" ", html)]
    for place in sorted(rng.sample(where, min(3, len(where))), reverse=True):
        html = html[:place] + "\u0000" + html[place:]
    return html


def mojibake(html: str) -> str:
    """The page as it reads when UTF-8 bytes were taken for Latin-1."""
    return html.encode("utf-8").decode("latin-1")


def with_entities(html: str) -> str:
    """The page with named or numeric references instead of letters outside ASCII."""

    def reference(match: re.Match[str]) -> str:
        code = ord(match.group())
        name = codepoint2name.get(code)
        return f"&{name};" if name else f"&#{code};"

    return re.sub(r"[^\x00-\x7f]", reference, html)
