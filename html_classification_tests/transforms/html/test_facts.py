"""What a user relies on: links lead where browsers say, and names are names."""

import can_ada
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from html_classification.transforms.html.facts import Markup, Shown, assemble
from html_classification.transforms.html.markup import Structure
from html_classification.transforms.html.page import parse_page

URL = "https://example.com/a/page.html?q=1"

WRITTEN = (
    "http https HTTP ftp mailto javascript : / // \\ ? # . .. @ 80 443 99999 [ ] [::1] 127.1 0x7f a.example B.Example "
    "xn--bcher-kva.example bücher.example xn--a %41 %00 page.html a b - _ ~"
)
pieces = st.sampled_from([*WRITTEN.split(), " ", "\t", "\n", "\xa0"])
hrefs = st.lists(pieces, max_size=7).map("".join) | st.text(max_size=12)


def markup(**gathered: object) -> Markup:
    empty = {"html": {}, "titles": [], "metas": [], "canonical": "", "base": "", "hrefs": [], "linked_data": []}
    return Markup(**{**empty, "dates": [], "structure": Structure({}), **gathered})  # type: ignore[arg-type]


def by_the_standard(href: str, base: str) -> tuple[str, ...]:
    """The host that a link leads to, by an implementation of the standard."""
    if href.lstrip().startswith("#") or not href.strip():
        return ()
    try:
        target = can_ada.parse(base) + href
    except ValueError:
        return ()
    return (target.hostname,) if target.protocol in ("http:", "https:") and target.hostname else ()


@given(hrefs, st.sampled_from([URL, "http://other.example:8080", "https://[::1]/x/", "ftp://files.example/"]))
@example("http://host.example\n", URL)
@example("/\t/host.example", URL)
@example("https://a..b/", URL)
@example("http://1.2.3/", URL)
@example("https:page", URL)
def test_hosts_of_links_are_those_of_the_standard(href: str, url: str) -> None:
    assert assemble(markup(hrefs=[href]), Shown([], ""), url).links == by_the_standard(href, url)


@pytest.mark.parametrize(
    ("metas", "author"),
    [
        ('<meta name=author content=" Ann  Lee ">', "Ann Lee"),
        ('<meta property="article:author" content="https://example.com/ann"><meta name=DC.creator content=Bo>', "Bo"),
        ('<meta property="article:author" content="facebook.com/ann">', ""),
        ('<meta property="article:author" content="Bo"><meta name=author content=Ann>', "Ann"),
        (f'<meta name=author content="{"x" * 300}">', "x" * 200),
        ('<meta name=author content="AC/DC">', "AC/DC"),
    ],
    ids=range(6),
)
def test_author_in_meta_elements(metas: str, author: str) -> None:
    assert parse_page(f"{metas}<p>x", URL).page.author == author


@pytest.mark.parametrize(
    ("metas", "published"),
    [
        ('<meta property="article:published_time" content="2026-03-01T23:30:00-05:00">', "2026-03-02"),
        ('<meta property="article:published_time" content="soon"><meta name=dc.date content=2026-03-01>', "2026-03-01"),
        ('<meta name="og:article:published_time" content="2026-03-01">', "2026-03-01"),
        ("<meta name=dc.date content=0001-01-01>", "None"),
    ],
    ids=range(4),
)
def test_date_in_meta_elements(metas: str, published: str) -> None:
    assert str(parse_page(f"{metas}<p>x", URL).page.published) == published


def test_json_ld_comes_first() -> None:
    html = """<meta name=author content=Admin><meta name=dc.date content=2020-01-01><script type=application/ld+json>
    {"@type": "Article", "author": "Ann", "datePublished": "2026-03-01"}</script><p>x"""
    page = parse_page(html, URL).page
    assert (page.author, str(page.published)) == ("Ann", "2026-03-01")
