"""What a user relies on: pages become text whatever their markup, whichever engine reads them."""

import datetime as dt
import gzip
import hashlib
import json
import pickle
import re
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from html_classification.schemas.html_parsing import HTML_PARSING
from html_classification.schemas.url_normalization import URL_NORMALIZATION
from html_classification.transforms import html as html_module
from html_classification.transforms.engines import ENGINES
from html_classification.transforms.html import PageRejected, judged_text, parse_documents, parse_page

WCXB = Path(__file__).parents[2].parent / "shared" / "corpora" / "wcxb"
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
URL = "https://example.com/a/page.html"

real_pages = pytest.mark.skipif(not WCXB.exists(), reason="the WCXB corpus is not beside the repository")
both_engines = pytest.mark.parametrize("engine", list(ENGINES))


def wcxb(count: int) -> list[dict[str, str]]:
    """Real pages, `count` of them, spread over the days of the corpus."""
    drops = sorted(WCXB.glob("crawl/*/*.jsonl.gz"))
    pages = [[json.loads(line) for line in gzip.decompress(drop.read_bytes()).splitlines()] for drop in drops]
    return [day[i] for i in range(max(map(len, pages))) for day in pages if i < len(day)][:count]


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text.lower()))


def token_f1(one: str, two: str) -> float:
    first, second = words(one), words(two)
    return 2 * (first & second).total() / max(first.total() + second.total(), 1) if first + second else 1.0


def documents(*pages: str) -> pl.DataFrame:
    rows = [(f"https://example.com/{i}", f"https://example.com/{i}", page, NOON) for i, page in enumerate(pages)]
    return pl.DataFrame(rows, schema=dict(URL_NORMALIZATION.dtypes), orient="row")


PAGE = """<!doctype html><html lang="de-AT"><head><meta charset="UTF-8">
<title> Suppe
 &amp; Brot </title><meta name="Description" content=" Ein  Rezept ">
<link rel="alternate canonical" href="../suppe">
<style>p{}</style><script>var a="<p>no</p>"</script></head><body><svg><title>Logo</title></svg>
<nav><a href="/home">Home</a><a href="https://Other.example:444/x">Other</a><a href="#top">Top</a>
<a href="mailto:a@b.c">Mail</a><a href="http://[bad">Bad</a><a href="">Empty</a><a>None</a></nav>
<p>Was<b>ser</b> kochen.<p>Brot<br>schneiden H<sub>2</sub>O<noscript>ohne Skript</noscript>
<template><p>template</p></template><iframe>frame</iframe><!-- comment -->
<ul><li>eins</li><li>zwei</li></ul></html>"""


@both_engines
def test_a_page(engine: str) -> None:
    page = parse_page(PAGE, URL, engine).page
    assert page.title == "Suppe & Brot"
    assert page.description == "Ein Rezept"
    assert page.declared_language == "de-at"
    assert page.encoding == "utf-8"
    assert page.canonical_url == "https://example.com/suppe"
    assert page.links == ("example.com", "other.example")
    assert page.text == ("Home Other Top Mail Bad Empty None Wasser kochen. Brot schneiden H2O ohne Skript eins zwei")


@both_engines
@pytest.mark.parametrize(
    ("html", "title"),
    [
        ("<title></title><meta property='og:title' content='Open Graph'><h1>Heading</h1>", "Open Graph"),
        ("<h1>First <i>one</i></h1><h1>Second</h1>", "First one"),
        ("<svg><title>Drawing</title></svg><p>x", ""),
        ("<body><p>x<title>Late</title>", "Late"),
    ],
)
def test_title(engine: str, html: str, title: str) -> None:
    assert parse_page(html, URL, engine).page.title == title


@both_engines
def test_what_old_pages_declare(engine: str) -> None:
    html = """<base href="https://cdn.example.org/x/"><meta http-equiv=content-language content=FR>
    <meta http-equiv="Content-Type" content="text/html; Charset='ISO-8859-1'"><a href=y>y</a>"""
    page = parse_page(html, URL, engine).page
    assert (page.encoding, page.declared_language, page.links) == ("iso-8859-1", "fr", ("cdn.example.org",))


HOSTILE = {
    "entities": "<p>x" + "&amp;" * 200_000 + "&nosuch;&#xD800;&#0;&#x110000;" * 20_000,
    "binary": bytes(range(256)).decode("latin-1") * 500,
    "nul": "<title>a\0b</title><p>c\0d",
    "surrogate": "<title>a\ud800b</title><p>c\udfffd",
    "brackets": "x" + "<" * 200_000,
    "unclosed": "<p>x<a href=y>" * 2_400,
    "paragraphs": "<p>x" * 50_000,
    "deep tables": "<table><tr><td>" * 4_000 + "x",
    "formatting": "<p>x" + "<i><b>y</i>" * 2_000,
    "xml prolog": '<?xml version="1.0" encoding="utf-16"?><html><body>x',
    "plain text": "https://example.com/only-text",
}


@both_engines
@pytest.mark.parametrize("name", list(HOSTILE))
@pytest.mark.filterwarnings("error")
def test_hostile_pages_become_text(engine: str, name: str) -> None:
    parsed = parse_page(HOSTILE[name], URL, engine)
    assert parsed.page.text
    assert parsed.content
    assert "\0" not in judged_text(parsed.page.title, parsed.content) + parsed.page.text
    judged_text(parsed.page.title, parsed.page.text).encode()


@both_engines
@pytest.mark.parametrize(
    ("html", "reason"),
    [
        ("", "no text"),
        ("<!-- nothing --><script>x</script>", "no text"),
        ("<frameset><frame src=x></frameset>", "no text"),
        ("<div>" * 100_000 + "x", "nested deeper than 5,000 elements"),
        ("<div>" * 100_000 + "x" + "</div>" * 100_000, "nested deeper than 5,000 elements"),
        ("<div></b>" * 100_000 + "x", "nested deeper than 5,000 elements"),
        (
            "<div " + " ".join(f"a{i}" for i in range(50_000)) + ">x",
            "an element with more than 10,000 attributes",
        ),
        ("x" * 10_000_001, "longer than 10,000,000 characters"),
    ],
    ids=range(8),
)
def test_unbearable_pages_are_refused(engine: str, html: str, reason: str) -> None:
    with pytest.raises(PageRejected) as rejection:
        parse_page(html, URL, engine)
    assert rejection.value.reason == reason


@both_engines
def test_deep_but_bearable(engine: str) -> None:
    assert parse_page("<div>" * 4_000 + "deep", URL, engine).page.text == "deep"


def test_main_content_and_its_fallback() -> None:
    sentence = "The quick brown fox jumps over the lazy dog and runs into the deep forest. "
    menu = "<nav><a href=/>Home</a> <a href=/b>Blog</a></nav>"
    article = f"{menu}<article><p>{sentence * 5}</article><footer>Imprint</footer>"
    found = parse_page(article, URL)
    assert not found.whole_text
    assert found.content == (sentence * 5).strip()
    assert "Imprint" in found.page.text

    listing = "<nav>" + "".join(f"<a href=/{i}>Item {i}</a>" for i in range(30)) + "</nav>"
    outcome = parse_documents(documents(article, listing))
    assert outcome.frame["content"][1] == outcome.frame["text"][1] != ""
    assert outcome.figures["content_is_whole_text"] == 1


def test_parsing_can_run_in_other_processes() -> None:
    parsed = pickle.loads(pickle.dumps(parse_page))(PAGE, URL)
    assert pickle.loads(pickle.dumps(parsed)) == parsed


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
        "content_is_whole_text": 1,
        "copies": 1,
        "exact_copies": 1,
        "rejected_no_text": 1,
    }


def test_no_documents() -> None:
    outcome = parse_documents(documents())
    HTML_PARSING.model.validate(outcome.frame)
    assert outcome.rejected == []


def test_a_parser_that_gives_up_costs_one_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def gives_up(html: str) -> str:
        if "bad" in html:
            raise html_module.PageUnreadable("resiliparse: gave up")
        return "content"

    monkeypatch.setattr(html_module, "_main_content", gives_up)
    outcome = parse_documents(documents("<p>good", "<p>bad", "<p>good too"))
    assert outcome.frame.height == 2
    assert [row["reason"] for row in outcome.rejected] == ["unreadable: resiliparse: gave up"]


@real_pages
def test_engines_agree_on_real_pages() -> None:
    facts: dict[str, list[Any]] = {engine: [] for engine in ENGINES}
    for page in wcxb(60):
        for engine in ENGINES:
            facts[engine].append(parse_page(page["html"], page["url"], engine).page)
    pairs = list(zip(facts["lexbor"], facts["beautifulsoup"], strict=True))
    assert [one.title for one, _ in pairs] == [two.title for _, two in pairs]
    assert [one.description for one, _ in pairs] == [two.description for _, two in pairs]
    assert [one.canonical_url for one, _ in pairs] == [two.canonical_url for _, two in pairs]
    assert sum(token_f1(one.text, two.text) >= 0.99 for one, two in pairs) >= 59


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
    rows = [(page["url"], page["url"], page["html"], NOON) for page in wcxb(60)]
    frame = pl.DataFrame(rows, schema=dict(URL_NORMALIZATION.dtypes), orient="row")
    outcome = parse_documents(frame)
    HTML_PARSING.model.validate(outcome.frame)
    assert outcome.frame.height + len(outcome.rejected) == 60
    assert outcome.frame.equals(parse_documents(frame.reverse()).frame)
