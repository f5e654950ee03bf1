"""Writes drops, labels and truth. Belongs here: file formats, label noise, the five bad lines."""

from __future__ import annotations

import gzip
import json
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

from data.generator.crawl import FIRST_DAY, Crawl, Document, has_personal_data
from data.generator.texts import CATEGORIES

WRONG_SHARE = 0.10
UNLABELLED_SHARE = 0.05
OFF_TOPIC_LABELLED = 0.8
_EMOJI = ("👍", "😀", "❤")


def write(seed: int, output: Path) -> None:
    """Write the whole sample below a directory."""
    crawl = Crawl(seed)
    rng = random.Random(f"{seed}:output")
    for day, lines in enumerate(crawl.drops):
        _write_drop(output, day, [_json(line) for line in lines], rng)
    given = _labels(crawl.documents, rng)
    label_urls = {doc.number: rng.choice(doc.spellings) for doc in crawl.documents if given[doc.number]}
    labels = [
        {"url": label_urls[doc.number], "category": given[doc.number]} for doc in crawl.documents if given[doc.number]
    ]
    truth = [_truth(doc, given[doc.number], label_urls.get(doc.number)) for doc in crawl.documents]
    _write_lines(output / "labels.jsonl", labels)
    _write_lines(output / "truth.jsonl", truth)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(f"{_json(row)}\n" for row in rows).encode())


def _write_drop(output: Path, day: int, lines: list[str], rng: random.Random) -> None:
    for line in _bad_lines().get(day, ()):
        lines.insert(rng.randrange(1, len(lines)), line)
    folder = output / "crawl" / (FIRST_DAY + timedelta(days=day)).isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    # No name and no time in the gzip header: the same seed has to give the same bytes.
    data = gzip.compress("".join(f"{line}\n" for line in lines).encode(), compresslevel=9, mtime=0)
    (folder / "html-documents.jsonl.gz").write_bytes(data)


def _bad_lines() -> dict[int, tuple[str, ...]]:
    html = "<html><body><p>Nothing to see</p></body></html>"
    when = "T11:00:00+00:00"
    good = {"url": "https://dailyharbor.example/cut", "html": html, "timestamp": f"2026-03-04{when}"}
    return {
        3: ("<<<<<<< crawler-07 out of memory", _json(good)[:70]),
        7: (
            _json({"url": "https://dailyharbor.example/no-html", "timestamp": f"2026-03-08{when}"}),
            _json({"url": "https://dailyharbor.example/no-date", "html": html, "timestamp": "not a date"}),
        ),
        11: (_json({"url": 4711, "html": html, "timestamp": f"2026-03-12{when}"}),),
    }


def _labels(documents: list[Document], rng: random.Random) -> dict[int, str | None]:
    """The category that the team was given for each document, wrong ones included."""
    given: dict[int, str | None] = {}
    unlabelled = set(rng.sample(range(len(documents)), round(len(documents) * UNLABELLED_SHARE)))
    for index, doc in enumerate(documents):
        if doc.article:
            given[doc.number] = None if index in unlabelled else doc.article.category
        else:
            given[doc.number] = rng.choice(CATEGORIES) if rng.random() < OFF_TOPIC_LABELLED else None
    labelled = [doc for doc in documents if doc.article and given[doc.number]]
    for doc in rng.sample(labelled, round(len(labelled) * WRONG_SHARE)):
        given[doc.number] = rng.choice([name for name in CATEGORIES if name != given[doc.number]])
    return given


def _truth(doc: Document, given: str | None, label_url: str | None) -> dict[str, Any]:
    return {
        "url": doc.url,
        "category": doc.article.category if doc.article else None,
        "given_category": given,
        "label_url": label_url,
        "off_topic": bool(doc.off_topic),
        "off_topic_kind": doc.off_topic,
        "kind": doc.article.kind if doc.article else None,
        "template": doc.host.template if doc.article else None,
        "language": doc.language,
        "lang_attribute": doc.lang_attribute,
        "encoding": doc.encoding,
        "mojibake": doc.mojibake,
        "entities": doc.entities,
        "nul": doc.nul,
        "emoji": any(sign in doc.html for sign in _EMOJI),
        "broken_markup": list(doc.broken),
        "near_duplicate_of": doc.near_duplicate_of,
        "exact_copy": doc.exact_copy,
        "first_day": (FIRST_DAY + timedelta(days=doc.day)).isoformat(),
        "recrawl": doc.recrawls,
        "edited_recrawl": doc.edited_recrawls,
        "same_day_twin": doc.same_day_twins,
        "spellings": doc.spellings,
        "messy_url": doc.messes,
        "pii": has_personal_data(doc),
    }
