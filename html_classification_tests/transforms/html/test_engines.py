"""What a user relies on: a page is the same whichever engine reads it, whatever its markup."""

import pytest

from html_classification.transforms.html.engines import ENGINES
from html_classification.transforms.html.facts import Page
from html_classification.transforms.html.page import judged_text, parse_page
from html_classification_tests.transforms.html.corpus import real_pages, token_f1, wcxb

URL = "https://example.com/a/page.html"

both_engines = pytest.mark.parametrize("engine", list(ENGINES))

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
    assert page == Page(
        title="Suppe & Brot",
        text="Home Other Top Mail Bad Empty None Wasser kochen. Brot schneiden H2O ohne Skript eins zwei",
        description="Ein Rezept",
        headings=(),
        author="",
        published=None,
        declared_language="de-at",
        encoding="utf-8",
        canonical_url="https://example.com/suppe",
        links=("example.com", "other.example"),
        markup="rel:alternate rel:canonical tag:a:4-7 tag:iframe:1 tag:li:2-3 tag:nav:1 tag:p:2-3 tag:svg:1 tag:ul:1",
    )


@both_engines
@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<b><i>w</i>o</b>rd", "word"),
        ("<i></i>icon<i class=x></i>text", "icon text"),
        ("soft<wbr>break", "softbreak"),
        ("<b>one</b> <b>two</b>", "one two"),
        ("a<span>b</span>c<div>d</div>e", "a b c d e"),
        ("a<!-- x -->b", "a b"),
        ("a<script>x</script>b", "ab"),
        ("a&nbsp;&#8201;b\x1fc", "a b c"),
    ],
)
def test_what_separates_words(engine: str, html: str, text: str) -> None:
    assert parse_page(f"<p>{html}", URL, engine).page.text == text


@both_engines
@pytest.mark.parametrize(
    ("html", "title"),
    [
        ("<title></title><meta property='og:title' content='Open Graph'><h1>Heading</h1>", "Open Graph"),
        ("<h2>Second</h2><h1>First <i>one</i></h1><h1>Another</h1>", "First one"),
        ("<svg><title>Drawing</title></svg><p>x", ""),
        ("<body><p>x<title>Late</title>", "Late"),
    ],
)
def test_title(engine: str, html: str, title: str) -> None:
    assert parse_page(html, URL, engine).page.title == title


@both_engines
def test_headings_are_those_of_three_levels_in_their_order(engine: str) -> None:
    html = "<h2>Two<br>lines</h2><h1>O<b>n</b>e<script>x</script></h1><h3> <img></h3><h4>Four</h4><h3>Three</h3>"
    assert parse_page(html, URL, engine).page.headings == ("Two lines", "One", "Three")
    assert len(parse_page("<h3>x</h3>" * 60, URL, engine).page.headings) == 50


@both_engines
def test_what_old_pages_declare(engine: str) -> None:
    html = """<base href="https://cdn.example.org/x/"><meta http-equiv=content-language content=FR>
    <meta http-equiv="Content-Type" content="text/html; Charset='ISO-8859-1'"><a href=y>y</a>"""
    page = parse_page(html, URL, engine).page
    assert (page.encoding, page.declared_language, page.links) == ("iso-8859-1", "fr", ("cdn.example.org",))


@both_engines
def test_author_and_date_in_json_ld(engine: str) -> None:
    html = """<script type="Application/LD+JSON; charset=utf-8">{"@type": "BlogPosting",
    "author": {"name": "Ann"}, "datePublished": "2026-03-01"}</script>
    <script>{"author": "no JSON-LD"}</script><p>x"""
    page = parse_page(html, URL, engine).page
    assert (page.author, str(page.published)) == ("Ann", "2026-03-01")


@both_engines
def test_date_in_microdata_but_for_those_of_reviews(engine: str) -> None:
    html = """<div itemtype="https://schema.org/Review"><p><meta itemprop="datePublished" content="2020-01-01"></div>
    <time itemprop="dateModified datePublished" datetime="2026-03-01">yesterday</time>"""
    assert str(parse_page(html, URL, engine).page.published) == "2026-03-01"
    assert parse_page("<time datetime='2026-03-01'>yesterday</time>", URL, engine).page.published is None


@both_engines
def test_templates_are_not_the_page(engine: str) -> None:
    html = "<template><title>No</title><a href=/x>x</a><h1>No</h1></template><p>x"
    page = parse_page(html, URL, engine).page
    assert (page.title, page.links, page.headings) == ("", (), ())


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
    "word breaks": "x<wbr>" * 50_000,
    "one attribute": f"<p title='{'x' * 5_000_000}'>x",
    "dates": "<div>" * 1_000 + "<i itemprop=datePublished>x</i>" * 5_000,
    "deep JSON": f"<script type=application/ld+json>{'[' * 500_000}</script><p>x",
    "broken JSON": """
    <script type=application/ld+json>{"author": {"name": 1, "@id": []}, "datePublished": 2026}</script>
    <script type=application/ld+json>[{"author": null}, "\\ud800", NaN, {"@type": {}}]</script>
    <script type=application/ld+json>{"author": "a\\ud800\\u0000b"}</script><p>x""",
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
    text = judged_text(parsed.page.title, parsed.content) + parsed.page.text + parsed.page.author
    assert "\0" not in text
    text.encode()


@real_pages
def test_engines_agree_on_real_pages() -> None:
    count = 200
    agree: dict[str, int] = {}
    for page in wcxb(count):
        one, two = (parse_page(page["html"], page["url"], engine).page for engine in ENGINES)
        for fact in Page.__dataclass_fields__:
            same = getattr(one, fact) == getattr(two, fact)
            if fact == "text":
                same = token_f1(one.text, two.text) >= 0.99
            agree[fact] = agree.get(fact, 0) + same
    # lxml closes some elements elsewhere than the standard says: headings in headings, links in links.
    assert agree.pop("headings") >= 195
    assert agree.pop("links") >= 198
    assert set(agree.values()) == {count}
