"""What a user relies on: no page keeps a parser busy for minutes or fills the memory, and real pages pass."""

import pytest
from selectolax.lexbor import LexborHTMLParser

from html_classification.transforms.html.bearable import why_unbearable
from html_classification_tests.transforms.html.corpus import real_pages, wcxb

TOO_DEEP = "nested deeper than 5,000 elements"
TOO_MANY_ATTRIBUTES = "an element with more than 10,000 attributes"
TOO_MANY_STEPS = "takes a parser more than 200,000,000 steps"
TOO_MANY_COPIES = "opens formatting elements again more than 1,000,000 times"
TOO_MANY_TAGS = "more than 500,000 tags"


def attributes(count: int, form: str = "a{} ") -> str:
    return "".join(form.format(i) for i in range(count))


def formatting(inside: str) -> str:
    return "".join(f"<p><font size={i}>{inside}x" for i in range(4_000))


QUOTED, QUOTED_TAG = "a{}='>'", "a{}='<b'"

UNBEARABLE = {
    "unclosed": ("<div>" * 100_000 + "x", TOO_DEEP),
    "closed": ("<div>" * 100_000 + "x" + "</div>" * 100_000, TOO_DEEP),
    "stray end tags": ("<div></b>" * 100_000 + "x", TOO_DEEP),
    "capitals": ("<DIV>" * 6_000, TOO_DEEP),
    "annotations": ("<rt>" * 100_000, TOO_DEEP),
    "much in the deep": ("<div>" * 4_900 + "<p>x" * 60_000, TOO_MANY_STEPS),
    "attributes": (f"<div {attributes(50_000)}>x", TOO_MANY_ATTRIBUTES),
    "attributes between slashes": (f"<div/{attributes(50_000, 'a{}/')}>x", TOO_MANY_ATTRIBUTES),
    "attributes behind quotes": (f"<div {attributes(50_000, QUOTED)}>x", TOO_MANY_ATTRIBUTES),
    "attributes with tags": (f"<div {attributes(50_000, QUOTED_TAG)}>x", TOO_MANY_ATTRIBUTES),
    "attributes behind a comment": (f"<!-- <a b='--><div {attributes(50_000)}>x", TOO_MANY_ATTRIBUTES),
    "attributes of many": (f"<div {attributes(9_000)}>x" * 20, TOO_MANY_STEPS),
    "formatting": ("".join(f"<p><font size={i}>x" for i in range(4_000)), TOO_MANY_COPIES),
    "formatting with quotes": ("".join(f"<p><font a='>' b={i}>x" for i in range(4_000)), TOO_MANY_COPIES),
    "formatting closed in a comment": (formatting("<!--</font>-->"), TOO_MANY_COPIES),
    "formatting closed in a comment without end": (formatting("<!></font>") + "<!--", TOO_MANY_COPIES),
    "formatting closed in a script": (formatting("<script></font></script>"), TOO_MANY_COPIES),
    "formatting closed in a cell": (formatting("<table><td></font></table>"), TOO_MANY_COPIES),
    "formatting closed in a drawing": (formatting("<svg><title></font></svg>"), TOO_MANY_COPIES),
    "formatting closed in quotes": (formatting("<img alt='</font>'>"), TOO_MANY_COPIES),
    "formatting closed in quotes with a bracket": (formatting("<img alt='></font>'>"), TOO_MANY_COPIES),
    "formatting closed in quotes behind others": (formatting("<img a==' b='></font>'>"), TOO_MANY_COPIES),
    "formatting closed in its own quotes": (
        "".join(f"<p><font a='</font>' b={i}>x" for i in range(4_000)),
        TOO_MANY_COPIES,
    ),
    "tags": ("<p>x" * 600_000, TOO_MANY_TAGS),
}


@pytest.mark.parametrize("name", list(UNBEARABLE))
def test_unbearable(name: str) -> None:
    html, reason = UNBEARABLE[name]
    assert why_unbearable(html.encode()) == reason


BEARABLE = {
    "nothing": "",
    "a bracket": "<",
    "deep": "<div>" * 4_900 + "x",
    "a long list": "<ul>" + "<li>x" * 100_000,
    "a long table": "<table>" + "<tr><td>x" * 50_000,
    "line breaks": "x<br>" * 100_000,
    "closed elements": "<div><b>x</b></div>" * 50_000,
    "equal formatting": "<p><font size=1>x" * 4_000,
    "closed formatting": "".join(f"<p><font size={i}>x<!-- --><a href='/x'>y</a></font>" for i in range(4_000)),
    "one long attribute": f"<a href='{'x y ' * 1_000_000}'>x</a>",
    "images within the page": f"<img src='data:image/png;base64,{'A' * 50_000}'>" * 100,
    "a long script": "<script>" + "a < b; c = 'd e f';" * 100_000 + "</script>",
    "a long text": "word " * 1_000_000,
    "brackets": "<" * 1_000_000,
    "comments": "<!--" * 1_000_000,
    "quotes that are never closed": "<a b=\"<a b='" * 1_000,
}


@pytest.mark.parametrize("name", list(BEARABLE))
def test_bearable(name: str) -> None:
    html = BEARABLE[name].encode()
    assert why_unbearable(html) == ""
    assert LexborHTMLParser(html).root is not None


@real_pages
def test_real_pages_are_bearable() -> None:
    assert {why_unbearable(page["html"].encode()) for page in wcxb(300)} == {""}
