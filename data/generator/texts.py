"""Reads the text files beside this package and fills the slots in them.

Belongs here: the file format, the slots, the choices. Does not belong here: what a page is made of
(``articles``) or how it looks (``sites``).

A text file has sections ``[name]`` followed by one entry a line. An entry may hold slots such as
``{city}`` and choices such as ``[this|that]`` or ``{this|that}``.
"""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path

from data.generator.people import Person, email_of, phone_number, price, street_address

CATEGORIES = ("cooking", "gardening", "technology", "travel", "health", "finance", "sports")
LANGUAGES = ("en", "de", "fr", "es", "it")
TEXTS = Path(__file__).resolve().parent / "texts"

_SECTION = re.compile(r"^\[([a-z0-9.]+)\]$")
_CHOICE = re.compile(r"[\[{]([^\[\]{}|]*(?:\|[^\[\]{}|]*)+)[\]}]")
_SLOT = re.compile(r"\{([a-z]+)\}")
_WEEKDAYS = {
    "de": ("Montag", "Freitag", "Samstag"),
    "fr": ("lundi", "vendredi", "samedi"),
    "es": ("lunes", "viernes", "sábado"),
    "it": ("lunedì", "venerdì", "sabato"),
}


@cache
def sections(name: str) -> dict[str, tuple[str, ...]]:
    """The sections of one text file."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in (TEXTS / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        heading = _SECTION.match(line)
        if heading:
            current = found.setdefault(heading.group(1), [])
        elif line.strip():
            current.append(line.strip())
    return {key: tuple(entries) for key, entries in found.items()}


def topic(category: str, language: str, section: str) -> tuple[str, ...]:
    """Entries on one topic, for example all paragraphs on cooking in French."""
    return sections(f"{category}.{language}")[section]


def chrome(language: str, section: str) -> tuple[str, ...]:
    """Entries for what stands around an article: navigation, banners, comments."""
    return sections(f"chrome.{language}")[section]


def names(section: str, language: str) -> tuple[str, ...]:
    """Names of a kind in a language, or those without a language when there are none."""
    found = sections("names")
    return found.get(f"{section}.{language}") or found.get(section) or found[f"{section}.en"]


def person(rng: random.Random, language: str) -> Person:
    """An invented person whose name suits the language."""
    return Person(rng.choice(names("first", language)), rng.choice(names("last", language)))


def fill(text: str, rng: random.Random, language: str) -> str:
    """The text with every choice taken and every slot filled."""
    chosen = _CHOICE.sub(lambda match: rng.choice(match.group(1).split("|")), text)
    somebody = person(rng, language)

    def value(match: re.Match[str]) -> str:
        return _slot(match.group(1), rng, language, somebody)

    return _SLOT.sub(value, chosen)


def _slot(name: str, rng: random.Random, language: str, somebody: Person) -> str:
    if name in ("city", "month", "brand"):
        return rng.choice(names(name, language))
    if name == "day":
        return rng.choice(_WEEKDAYS.get(language) or names("day", "en"))
    values = {
        "number": lambda: str(rng.randint(10, 60)),
        "small": lambda: str(rng.randint(4, 9)),
        "percent": lambda: str(rng.randint(3, 48)),
        "year": lambda: str(rng.randint(1998, 2025)),
        "price": lambda: price(rng, language),
        "person": lambda: somebody.name,
        "email": lambda: email_of(somebody, rng),
        "phone": lambda: phone_number(rng, language),
        "address": lambda: street_address(rng, names("street", language), names("city", language)),
    }
    return values[name]()
