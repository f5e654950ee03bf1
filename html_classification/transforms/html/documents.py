"""The pages of a day as a frame: the computation of the stage `preprocess/html-parsing`.

Belongs here: the frame made of many parsed pages. Does not belong here: what is taken from one page (`page`),
languages and copies (`language`, `duplicates`), days that do not fit into memory (`streams`).
"""

import contextlib
import gc
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from html_classification.schemas.html_parsing import HTML_PARSING
from html_classification.schemas.outcome import Outcome
from html_classification.transforms import duplicates, language
from html_classification.transforms.html.page import PageRejected, ParsedPage, content_sha1, parse_utf_8

MAX_LINK_HOSTS = 100

_CLUSTERS = ("duplicate_cluster", "duplicate_of")
_WORD = re.compile(r"\w+")


def parse_documents(documents: pl.DataFrame, engine: str = "lexbor") -> Outcome:
    """Compute `preprocess/html-parsing` for a day that fits into memory.

    Args:
        documents: The columns of the stage `preprocess/url-normalization`.
        engine: A name from `engines.ENGINES`.

    Returns:
        The parsed pages, sorted by url, with the columns of the stage; the refused documents with `reason`,
        `url`, `timestamp` and `html`; and as figures: documents, pages whose content is the whole text,
        copies (all, and the exact ones), and rejections by reason.
    """
    outcome = parse_pages(documents.sort("url"), engine)
    frame = mark_copies(outcome.frame, copies_among(outcome.frame))
    return Outcome(
        frame, outcome.rejected, {**outcome.figures, **copy_figures(frame["duplicate_of"], frame["content_sha1"])}
    )


def parse_pages(
    documents: pl.DataFrame,
    engine: str,
    *,
    begin: Callable[[int], None] = lambda row: None,
    end: Callable[[], None] = lambda: None,
    refused: Mapping[int, str] | None = None,
    known: Sequence[Path] = (),
) -> Outcome:
    """Parse documents one by one: all columns of the stage but those that tell of copies.

    Args:
        documents: The columns of the stage `preprocess/url-normalization`.
        engine: A name from `engines.ENGINES`.
        begin: Called with the number of each row before it is parsed.
        end: Called after the last one.
        refused: Rows that must not be parsed, with the reason.
        known: Parquet files of this stage that may have some of the pages as they are: same address, same bytes,
            parsed in the same way. What is found there is not parsed again.

    Returns:
        The rows in the order of the documents, the refused documents, and the figures.

    Raises:
        MemoryError: There is not enough for so many documents at once.
    """
    pages = documents["html"].cast(pl.Binary).to_list()
    digests = [hashlib.sha1(html, usedforsecurity=False).hexdigest() for html in pages]
    documents = documents.select(
        "url",
        "timestamp",
        "encoding",
        pl.Series("html_bytes", map(len, pages), dtype=pl.Int64),
        pl.Series("html_sha1", digests, dtype=pl.String),
    )
    unchanged = _unchanged(documents, known)
    found = set(unchanged["url"])
    rows: list[dict[str, Any]] = []
    rejected: list[dict[str, Any]] = []
    whole_texts = 0
    with _collecting_seldom():
        for number, (document, html) in enumerate(zip(documents.iter_rows(named=True), pages, strict=True)):
            url = document["url"]
            if url in found:
                continue
            begin(number)
            try:
                parsed = _parse(html, url, engine, (refused or {}).get(number))
            except PageRejected as rejection:
                row = {"url": url, "timestamp": document["timestamp"].isoformat(), "html": html.decode()}
                rejected.append({"reason": rejection.reason, **row})
            else:
                rows.append(document | _facts(parsed, document["encoding"]))
                whole_texts += parsed.whole_text
        end()

    kinds = Counter(row["reason"].split(":")[0].replace(" ", "_") for row in rejected)
    figures: dict[str, int | float | str] = {
        "engine": engine,
        "documents": documents.height,
        "unchanged": unchanged.height,
        "content_is_whole_text": whole_texts,
    }
    figures |= {f"rejected_{kind}": kinds[kind] for kind in sorted(kinds)}
    frame = pl.concat([_complete(rows), unchanged]).sort("url") if found else _complete(rows)
    return Outcome(frame, rejected, figures)


def copies_among(pages: pl.DataFrame) -> pl.DataFrame:
    """Which pages of a day are copies of each other: see `duplicates.cluster`.

    Args:
        pages: The columns url, content_sha1, minhash and timestamp of parsed pages.

    Returns:
        `url`, `duplicate_cluster`, `duplicate_of`, sorted by url.
    """
    return duplicates.cluster(pages.select("url", "content_sha1", "minhash", "timestamp"))


def mark_copies(pages: pl.DataFrame, clusters: pl.DataFrame) -> pl.DataFrame:
    """The pages with all columns of the stage.

    Args:
        pages: Some of the pages.
        clusters: What `copies_among` said of all of them.
    """
    return pages.join(clusters, on="url", how="left", maintain_order="left").select(list(HTML_PARSING.dtypes))


def copy_figures(duplicate_of: pl.Series, content_sha1: pl.Series) -> dict[str, int]:
    """How many pages are copies of others, and how many of these are exact."""
    return {"copies": duplicate_of.count(), "exact_copies": content_sha1.len() - content_sha1.n_unique()}


def agreement(html: bytes, url: str) -> tuple[bool, float] | None:
    """How far the two engines agree on a page.

    Args:
        html: The document in UTF-8.
        url: Its absolute address.

    Returns:
        Whether the titles are the same, and the token F1 of the texts, 0 to 1; None for a page that is refused.
    """
    try:
        one, two = (_parse(html, url, engine, None).page for engine in ("lexbor", "beautifulsoup"))
    except PageRejected:
        return None
    first, second = (Counter(_WORD.findall(page.text.lower())) for page in (one, two))
    words = first.total() + second.total()
    return one.title == two.title, 2 * (first & second).total() / words if words else 1.0


def _unchanged(documents: pl.DataFrame, known: Sequence[Path]) -> pl.DataFrame:
    """What earlier days know of the same pages with the same bytes.

    The time of the crawl is that of today, and so is what the crawler said of the encoding.
    """
    dtypes = {name: kind for name, kind in HTML_PARSING.dtypes.items() if name not in _CLUSTERS}
    found = pl.DataFrame(schema=dtypes)
    wanted = documents.select("url", "html_sha1", "timestamp", said="encoding")
    today = pl.coalesce("said", "declared_encoding").alias("encoding")
    for path in known:
        wanted = wanted.join(found, on="url", how="anti")
        if not wanted.height:
            break
        among = pl.col("url").is_between(pl.lit(wanted["url"].min()), pl.lit(wanted["url"].max()))
        rows = pl.scan_parquet(path, glob=False).filter(among).drop("timestamp", *_CLUSTERS).collect()
        found = pl.concat([found, rows.join(wanted, on=["url", "html_sha1"]).with_columns(today).select(list(dtypes))])
    return found


@contextlib.contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Trees are freed as they are left; looking for cycles among their nodes would take a tenth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _parse(html: bytes, url: str, engine: str, refused: str | None) -> ParsedPage:
    if refused is not None:
        raise PageRejected(refused)
    return parse_utf_8(html, url, engine)


def _facts(parsed: ParsedPage, encoding: str | None) -> dict[str, Any]:
    """The columns that depend on one page alone."""
    page = parsed.page
    return {
        "title": page.title,
        "content": parsed.content,
        "text": page.text,
        "description": page.description,
        "headings": list(page.headings),
        "author": page.author or None,
        "published": page.published,
        "declared_language": page.declared_language,
        "encoding": encoding or page.encoding,
        "declared_encoding": page.encoding,
        "canonical_url": page.canonical_url,
        "link_count": len(page.links),
        "link_hosts": sorted(set(page.links))[:MAX_LINK_HOSTS],
        "markup": page.markup,
        "content_sha1": content_sha1(page.title, parsed.content),
    }


def _words(text: pl.Expr) -> pl.Expr:
    """How many words a text has whose white space is folded."""
    return pl.when(text == "").then(0).otherwise(text.str.count_matches(" ", literal=True) + 1).cast(pl.Int64)


def _complete(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """The frame of the stage without what tells of copies: languages and signatures added."""
    computed = {"language", "language_confidence", "minhash", "content_words", *_CLUSTERS}
    schema = {name: dtype for name, dtype in HTML_PARSING.dtypes.items() if name not in computed}
    facts = pl.DataFrame(rows, schema=schema)
    judged = facts.select(pl.format("{} - {}", "title", "content").alias("judged"))["judged"]
    facts = facts.with_columns(
        *language.detect_languages(judged),
        duplicates.signatures(facts["content"]).alias("minhash"),
        content_words=_words(pl.col("content")),
    )
    return facts.select([name for name in HTML_PARSING.dtypes if name not in _CLUSTERS])
