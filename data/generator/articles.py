"""Composes articles from the text files: which paragraphs, in which order, with which comments.

Belongs here: the content of a page, before any HTML. Does not belong here: templates (``sites``), the
drops and what is crawled when (``crawl``).
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, replace

from data.generator.texts import CATEGORIES, chrome, fill, person, topic

DAYS = 14
_TRIES = 300
_FROM_FIRST_DAY = 0.7
_TYPOGRAPHIC = str.maketrans({"'": "’"})


@dataclass(frozen=True)
class Section:
    """A heading, possibly none, and the paragraphs under it."""

    heading: str | None
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Article:
    """What a page says, independent of how its site looks."""

    title: str
    category: str
    language: str
    author: str
    date: str
    sections: tuple[Section, ...]
    items: tuple[str, ...]
    comments: tuple[tuple[str, str], ...]
    contact: str | None = None
    kind: str = "plain"

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """All paragraphs in order."""
        return tuple(text for section in self.sections for text in section.paragraphs)


class Composer:
    """Writes articles and remembers which paragraphs went together, so that no two become alike."""

    def __init__(self) -> None:
        self._used: dict[str, list[frozenset[str]]] = defaultdict(list)

    def compose(self, rng: random.Random, category: str, language: str, day: int) -> Article:
        """A new article for a day of the crawl."""
        kind = rng.choices(("plain", "mixed", "short"), (69, 19, 12))[0]
        keys = self._paragraphs(rng, category, language, day, kind)
        texts = [fill(_text(key), rng, language) for key in keys]
        if rng.random() < 0.4:
            texts = [text.translate(_TYPOGRAPHIC) for text in texts]
        items = rng.sample(topic(category, language, "items"), rng.randint(2, 5))
        contact = fill(rng.choice(chrome(language, "contact")), rng, language)
        return Article(
            title=fill(rng.choice(topic(category, language, "titles")), rng, language),
            category=category,
            language=language,
            author=person(rng, language).name,
            date=f"2026-{rng.randint(1, 2):02d}-{rng.randint(1, 28):02d}",
            sections=_sections(rng, texts, topic(category, language, "headings"), kind),
            items=tuple(fill(item, rng, language) for item in items) if kind == "plain" else (),
            comments=tuple(_comment(rng, language) for _ in range(rng.choice((0, 0, 1, 2, 3, 5)))),
            contact=contact if rng.random() < 0.1 else None,
            kind=kind,
        )

    def _paragraphs(self, rng: random.Random, category: str, language: str, day: int, kind: str) -> list[str]:
        best: list[str] = []
        best_overlap = 2.0
        limit = 0.34 if language == "en" else 0.4
        for _ in range(_TRIES):
            keys = _draw(rng, category, language, day, kind)
            overlap = self._overlap(keys)
            if overlap < best_overlap:
                best, best_overlap = keys, overlap
            if overlap <= limit:
                break
        chosen = frozenset(best)
        for key in best:
            self._used[key].append(chosen)
        return best

    def _overlap(self, keys: list[str]) -> float:
        mine = frozenset(keys)
        others = [other for key in keys for other in self._used[key]]
        return max((len(mine & other) / len(mine | other) for other in others), default=0.0)


def _text(key: str) -> str:
    source, language, index = key.split(":")
    if source == "generic":
        return chrome(language, "generic")[int(index)]
    return topic(source, language, "paragraphs")[int(index)]


def _keys(source: str, language: str, count: int, rng: random.Random, day: int) -> list[str]:
    # Some paragraphs turn up only later in the crawl: new subjects appear on the web as well, and a
    # classifier that had seen every paragraph on the first days would look better than it is.
    if source == "generic":
        known = len(chrome(language, "generic"))
    else:
        total = len(topic(source, language, "paragraphs"))
        share = 1.0 if language != "en" else _FROM_FIRST_DAY + (1 - _FROM_FIRST_DAY) * day / (DAYS - 1)
        known = max(count, round(total * share))
    return [f"{source}:{language}:{index}" for index in rng.sample(range(known), count)]


def _draw(rng: random.Random, category: str, language: str, day: int, kind: str) -> list[str]:
    english = language == "en"
    other = rng.choice([name for name in CATEGORIES if name != category])
    if kind == "short":
        around = _keys("generic", language, rng.randint(1, 2), rng, day)
        return _keys(category, language, 1, rng, day) + around
    if kind == "mixed":
        own = rng.randint(2, 3) if english else 2
        keys = _keys(category, language, own, rng, day) + _keys(other, language, 2 if english else 1, rng, day)
        rng.shuffle(keys)
        return keys + _keys("generic", language, rng.randint(0, 1), rng, day)
    own = rng.randint(3, 6) if english else 3
    return _keys(category, language, own, rng, day) + _keys("generic", language, rng.randint(0, 1), rng, day)


def _sections(rng: random.Random, texts: list[str], headings: tuple[str, ...], kind: str) -> tuple[Section, ...]:
    if kind != "plain" or len(texts) < 3:
        return (Section(None, tuple(texts)),)
    cut = rng.randint(1, len(texts) - 1)
    return (Section(None, tuple(texts[:cut])), Section(rng.choice(headings), tuple(texts[cut:])))


def _comment(rng: random.Random, language: str) -> tuple[str, str]:
    return person(rng, language).first, fill(rng.choice(chrome(language, "comment")), rng, language)


def syndicated(article: Article, rng: random.Random) -> Article:
    """The article as another site reprints it: nearly the same words."""
    texts = list(article.paragraphs)
    where = rng.randrange(len(texts))
    words = texts[where].split(" ")
    del words[rng.randrange(len(words))]
    texts[where] = " ".join(words)
    if rng.random() < 0.5:
        texts[-1] += " " + fill(rng.choice(chrome(article.language, "comment")), rng, article.language)
    first = article.sections[0]
    size = len(first.paragraphs)
    rest = tuple(replace(section, paragraphs=tuple(texts[size:])) for section in article.sections[1:])
    return replace(
        article,
        sections=(replace(first, paragraphs=tuple(texts[:size])), *rest),
        comments=(),
        contact=None,
    )


def revised(article: Article, rng: random.Random) -> Article:
    """The article as found on a later visit: a comment more, or a sentence."""
    if rng.random() < 0.6:
        return replace(article, comments=(*article.comments, _comment(rng, article.language)))
    last = article.sections[-1]
    added = fill(rng.choice(chrome(article.language, "comment")), rng, article.language)
    texts = (*last.paragraphs[:-1], f"{last.paragraphs[-1]} {added}")
    return replace(article, sections=(*article.sections[:-1], replace(last, paragraphs=texts)))
