"""What the markup tells of the kind of page."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from html_classification.transforms.html.engines import ENGINES
from html_classification.transforms.html.markup import MAX_OTHERS, MAX_PARTS, Structure, terms
from html_classification.transforms.html.page import parse_page

URL = "https://shop.example/"

PAGE = """<html><head><link rel="next canonical" href="/2"><meta property="og:type" content="Product">
<script type="application/ld+json">{"@type": ["Product", "https://schema.org/Thing"], "offers": {"@type": "Offer"}}
</script></head><body class="single-product"><nav><div class="menu">Menu</div><form><input type=Search></form></nav>
<main id="Shop"><div class="priceBox col-12" role="main"><table><tr><td>1<td>2</table><p>x</div></main>"""


@pytest.mark.parametrize("engine", list(ENGINES))
def test_a_page(engine: str) -> None:
    assert parse_page(PAGE, URL, engine).page.markup.split() == [
        "body:product",
        "body:shop",
        "body:single",
        "input:search",
        "part:box",
        "part:col",
        "part:price",
        "rel:canonical",
        "rel:next",
        "role:main",
        "tag:form:1",
        "tag:input:1",
        "tag:main:1",
        "tag:nav:1",
        "tag:p:1",
        "tag:table:1",
        "tag:td:2-3",
        "tag:tr:1",
        "type:offer",
        "type:product",
        "type:thing",
    ]


def test_a_page_without_elements_has_few_terms() -> None:
    assert parse_page("just text", URL).page.markup == ""


def test_a_page_with_very_many_names_has_few_terms() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [a + b + c for a in letters for b in letters for c in letters]
    html = "".join(f"<div class='{word}'><link rel={word}><input type={word}></div>" for word in words[:3_000]) + "x"
    found = parse_page(html, URL).page.markup.split()
    assert sum(term.startswith("part:") for term in found) == MAX_PARTS
    assert sum(term.startswith("rel:") for term in found) <= MAX_OTHERS
    assert len(found) < 400


@given(st.lists(st.text(max_size=60)), st.integers(0, 10_000))
def test_terms_are_short_plain_words_whatever_a_page_calls_its_parts(words: list[str], count: int) -> None:
    names = " ".join(words)
    found = terms(Structure({"p": count}, words, words, words, names, names), words)
    assert all(re.fullmatch(r"[a-z0-9._:-]+", term) and len(term) <= 36 for term in found.split())
    assert found == " ".join(sorted(set(found.split())))
