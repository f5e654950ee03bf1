"""What a user relies on: the pages of a day become the rows of the stage; what is refused is kept with its reason."""

import datetime as dt
import gzip
import hashlib
import json

import polars as pl
import pytest

from html_classification.schemas.html_parsing import HTML_PARSING
from html_classification.schemas.url_normalization import URL_NORMALIZATION
from html_classification.transforms.html.content import Content
from html_classification.transforms.html.documents import parse_documents
from html_classification.transforms.html.engines import ENGINES, LexborEngine, PageUnreadable
from html_classification.transforms.html.facts import Page
from html_classification.transforms.html.page import parse_page
from html_classification_tests.transforms.html.corpus import WCXB, real_pages, token_f1, wcxb

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def frame_of(pages: list[tuple[str, str]]) -> pl.DataFrame:
    """Addresses and pages as a frame of the stage before, where nothing else is known of them."""
    known = {"url": [url for url, _ in pages], "html": [html for _, html in pages]}
    frame = pl.DataFrame(known, schema={"url": pl.String, "html": pl.String})
    frame = frame.with_columns(original_url="url", timestamp=pl.lit(NOON, URL_NORMALIZATION.dtypes["timestamp"]))
    missing = {name: pl.lit(None, kind) for name, kind in URL_NORMALIZATION.dtypes.items() if name not in frame.columns}
    return frame.with_columns(**missing).select(list(URL_NORMALIZATION.dtypes))


def documents(*pages: str) -> pl.DataFrame:
    return frame_of([(f"https://example.com/{i}", page) for i, page in enumerate(pages)])


def test_the_stage() -> None:
    german = "<title>Garten</title><p>" + "Im Frühling werden die Beete umgegraben und die Samen gesät. " * 8
    links = "".join(f"<a href='https://h{i}.example/'>l</a>" for i in range(150))
    outcome = parse_documents(documents("<p>" + links, "", german, german))
    HTML_PARSING.model.validate(outcome.frame)
    assert outcome.frame.columns == list(HTML_PARSING.dtypes)
    many, one, two = outcome.frame.iter_rows(named=True)
    assert (many["link_count"], len(many["link_hosts"]), many["duplicate_of"]) == (150, 100, None)
    assert (one["language"], one["url"], two["url"]) == (
        "de",
        "https://example.com/2",
        "https://example.com/3",
    )
    assert one["content_sha1"] == hashlib.sha1(f"Garten - {one['content']}".encode()).hexdigest()
    assert two["duplicate_cluster"] == two["duplicate_of"] == one["duplicate_cluster"] == one["url"]
    assert outcome.rejected == [
        {
            "reason": "no text",
            "url": "https://example.com/1",
            "timestamp": "2026-03-01T12:00:00+00:00",
            "html": "",
        }
    ]
    assert outcome.figures == {
        "engine": "lexbor",
        "documents": 4,
        "unchanged": 0,
        "content_is_whole_text": 0,
        "copies": 1,
        "exact_copies": 1,
        "rejected_no_text": 1,
    }


def test_no_documents() -> None:
    outcome = parse_documents(documents())
    HTML_PARSING.model.validate(outcome.frame)
    assert outcome.rejected == []


def test_a_parser_that_gives_up_costs_one_page(monkeypatch: pytest.MonkeyPatch) -> None:
    class GivesUp(LexborEngine):
        def parse(self, html: bytes, url: str) -> tuple[Page, Content]:
            if b"bad" in html:
                raise PageUnreadable("Lexbor: gave up")
            return super().parse(html, url)

    monkeypatch.setitem(ENGINES, "lexbor", GivesUp())  # type: ignore[arg-type]
    outcome = parse_documents(documents("<p>good", "<p>bad", "<p>good too"))
    assert outcome.frame.height == 2
    assert [row["reason"] for row in outcome.rejected] == ["unreadable: Lexbor: gave up"]


@real_pages
def test_main_content_is_what_people_marked() -> None:
    lines = gzip.decompress((WCXB / "main_content.jsonl.gz").read_bytes()).splitlines()
    marked = {page["url"]: page["main_content"] or "" for page in map(json.loads, lines)}
    parsed = [(page["url"], parse_page(page["html"], page["url"])) for page in wcxb(60)]
    content = sum(token_f1(page.content, marked[url]) for url, page in parsed) / len(parsed)
    text = sum(token_f1(page.page.text, marked[url]) for url, page in parsed) / len(parsed)
    assert content > 0.75
    assert content > text


@real_pages
def test_the_stage_on_real_pages_is_the_same_each_time() -> None:
    frame = frame_of([(page["url"], page["html"]) for page in wcxb(60)])
    outcome = parse_documents(frame)
    HTML_PARSING.model.validate(outcome.frame)
    assert outcome.frame.height + len(outcome.rejected) == 60
    assert outcome.frame.equals(parse_documents(frame.reverse()).frame)
