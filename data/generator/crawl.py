"""Plans the fourteen drops: which documents exist, when each is crawled, under which address.

Belongs here: documents and the lines of a drop. Does not belong here: the files (``output``) and the
texts (``articles``).
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from data.generator import damage
from data.generator.articles import DAYS, Article, Composer, revised, syndicated
from data.generator.furniture import Page
from data.generator.hosts import HOSTS, PARKED, Host, hosts_for
from data.generator.sites import OFF_TOPIC_KINDS, render, render_off_topic
from data.generator.texts import CATEGORIES, LANGUAGES
from data.generator.urls import clean_url, messy_url

FIRST_DAY = date(2026, 3, 1)
Line = dict[str, Any]


@dataclass
class Document:
    """One page of the sample, with everything the truth file says about it."""

    number: int
    url: str
    language: str
    day: int
    host: Host
    article: Article | None = None
    off_topic: str | None = None
    html: str = ""
    encoding: str = "utf-8"
    lang_attribute: str = "right"
    broken: tuple[str, ...] = ()
    mojibake: bool = False
    entities: bool = False
    nul: bool = False
    near_duplicate_of: str | None = None
    exact_copy: bool = False
    recrawls: int = 0
    edited_recrawls: int = 0
    same_day_twins: int = 0
    spellings: list[str] = field(default_factory=list)
    messes: list[str] = field(default_factory=list)


class Crawl:
    """All documents and all lines, in the order in which they come about."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.documents: list[Document] = []
        self._composer = Composer()
        self._subjects: dict[str, list[str]] = {language: [] for language in LANGUAGES}
        self._copied: set[int] = set()
        self.drops: list[list[Line]] = [self._drop(day) for day in range(DAYS)]

    def _drop(self, day: int) -> list[Line]:
        rng = self.rng
        total = rng.randint(94, 106)
        twins, near, off_topic = rng.randint(2, 4), rng.randint(5, 7), rng.randint(2, 4)
        exact = rng.randint(1, 2)
        again = round(total * rng.uniform(0.115, 0.145)) if day else 0
        earlier = [doc for doc in self.documents if not doc.off_topic]
        fresh = total - twins - near - off_topic - exact - again
        new = [self._original(day) for _ in range(fresh)]
        new += [self._off_topic(day) for _ in range(off_topic)]
        pool = [doc for doc in (earlier + new) if doc.article and not doc.near_duplicate_of]
        new += [self._near_duplicate(day, pool) for _ in range(near)]
        new += [self._exact_copy(day, pool) for _ in range(exact)]
        lines = [self._line(doc, day, doc.html) for doc in new]
        lines += [self._again(doc, day) for doc in rng.sample(earlier, again)]
        lines += [self._twin(doc, day) for doc in rng.sample(new, twins)]
        lines.sort(key=lambda line: (datetime.fromisoformat(line["timestamp"]), line["url"]))
        return lines

    def _subject(self, language: str) -> str:
        # Dealing the subjects like cards keeps them equally frequent in every language.
        if not self._subjects[language]:
            self._subjects[language] = self.rng.sample(CATEGORIES, len(CATEGORIES))
        return self._subjects[language].pop()

    def _original(self, day: int) -> Document:
        language = self.rng.choices(LANGUAGES, (72, 8, 7, 7, 6))[0]
        category = self._subject(language)
        article = self._composer.compose(self.rng, category, language, day)
        host = self.rng.choice(hosts_for(category, language))
        return self._add(day, host, article)

    def _add(self, day: int, host: Host, article: Article) -> Document:
        rng = self.rng
        number = 1001 + len(self.documents) * 3
        url = clean_url(host, article.title, number, article.category)
        doc = Document(number, url, article.language, day, host, article, encoding=host.charset)
        doc.lang_attribute = rng.choices(("right", "missing", "wrong"), (86, 9, 5))[0]
        if host.template == "table":
            doc.lang_attribute = "missing"
        if rng.random() < 0.16:
            doc.broken = tuple(rng.sample(damage.BREAKAGES, rng.randint(1, 2)))
        special = any(ord(char) > 127 for text in article.paragraphs for char in text)
        flaw = rng.choices(("mojibake", "entities", None), (3, 18, 79))[0] if special else None
        doc.mojibake, doc.entities = flaw == "mojibake", flaw == "entities"
        doc.nul = rng.random() < 0.009
        doc.html = self._render(doc, article)
        self.documents.append(doc)
        return doc

    def _render(self, doc: Document, article: Article) -> str:
        # Its own generator, so that a page looks the same whenever it is fetched again.
        rng = random.Random(f"{self.seed}:{doc.number}")
        wrong = rng.choice([name for name in LANGUAGES if name != doc.language])
        lang = {"right": doc.language, "wrong": wrong, "missing": None}[doc.lang_attribute]
        html = render(Page(doc.host, doc.url, article, doc.encoding, lang), rng)
        html = damage.break_markup(html, rng, doc.broken)
        if doc.entities:
            html = damage.with_entities(html)
        if doc.mojibake:
            html = damage.mojibake(html)
        return damage.add_nul(html, rng) if doc.nul else html

    def _off_topic(self, day: int) -> Document:
        rng = self.rng
        kind = OFF_TOPIC_KINDS[(day + len(self.documents)) % len(OFF_TOPIC_KINDS)]
        host = rng.choice(HOSTS)
        number = 1001 + len(self.documents) * 3
        name = rng.choice(PARKED) if kind == "parked" else host.name
        doc = Document(number, f"{host.scheme}://{name}/{kind[:2]}/{number}", "en", day, host, off_topic=kind)
        doc.html = render_off_topic(kind, name if kind == "parked" else host.title, rng)
        doc.language = _off_topic_language(doc.html, kind)
        doc.lang_attribute = "missing"
        self.documents.append(doc)
        return doc

    def _source(self, pool: list[Document]) -> tuple[Document, Article]:
        free = [(doc, doc.article) for doc in pool if doc.article and doc.number not in self._copied]
        source, article = self.rng.choice(free)
        self._copied.add(source.number)
        return source, article

    def _near_duplicate(self, day: int, pool: list[Document]) -> Document:
        source, article = self._source(pool)
        choices = hosts_for(article.category, source.language)
        others = [host for host in choices if host.name != source.host.name] or list(choices)
        doc = self._add(day, self.rng.choice(others), syndicated(article, self.rng))
        doc.near_duplicate_of = source.url
        return doc

    def _exact_copy(self, day: int, pool: list[Document]) -> Document:
        source, article = self._source(pool)
        doc = self._add(day, source.host, article)
        doc.near_duplicate_of, doc.exact_copy = source.url, True
        for name in ("html", "encoding", "lang_attribute", "broken", "mojibake", "entities", "nul"):
            setattr(doc, name, getattr(source, name))
        return doc

    def _line(self, doc: Document, day: int, html: str, *, messy: float = 0.25) -> Line:
        rng = self.rng
        url = doc.url
        if rng.random() < messy:
            url, messes = messy_url(doc.url, rng)
            doc.messes = sorted({*doc.messes, *messes})
        if url not in doc.spellings:
            doc.spellings.append(url)
        line: Line = {"url": url, "html": html, "timestamp": _timestamp(day, rng)}
        if rng.random() < 0.5:
            line["status"] = 200
        if rng.random() < 0.4:
            line["content_type"] = f"text/html; charset={doc.encoding}"
        return line

    def _again(self, doc: Document, day: int) -> Line:
        doc.recrawls += 1
        if doc.article and self.rng.random() < 0.5 and not doc.exact_copy:
            doc.article = revised(doc.article, self.rng)
            doc.html = self._render(doc, doc.article)
            doc.edited_recrawls += 1
        return self._line(doc, day, doc.html, messy=0.4)

    def _twin(self, doc: Document, day: int) -> Line:
        doc.same_day_twins += 1
        before = len(doc.spellings)
        while True:
            line = self._line(doc, day, doc.html, messy=1.0)
            if len(doc.spellings) > before:
                return line


def _off_topic_language(html: str, kind: str) -> str:
    for language, word in (("de", "Bitte"), ("fr", "Page introuvable")):
        if word in html:
            return language
    return "la" if kind == "lorem" else "en"


def _timestamp(day: int, rng: random.Random) -> str:
    start = datetime.combine(FIRST_DAY + timedelta(days=day), datetime.min.time(), UTC)
    moment = start + timedelta(seconds=rng.randrange(86_400))
    hours = rng.choices((0, 1, -5), (60, 25, 15))[0]
    return moment.astimezone(timezone(timedelta(hours=hours))).isoformat()


def has_personal_data(doc: Document) -> bool:
    """Whether the page shows a mail address, a telephone number or a postal address of a person."""
    return bool(re.search(r"[\w.]+@\w+\.example", doc.html))
