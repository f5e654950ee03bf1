"""What is taken for the main content of a page, and what is not."""

import gzip
import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from html_classification.transforms.html.content import MIN_CONTENT_WORDS, Content, Elements, text_and_content
from html_classification.transforms.html.page import parse_page
from html_classification_tests.transforms.html.corpus import WCXB, real_pages, token_f1, wcxb

SENTENCE = "The soup boils slowly while the onions turn golden in the pan. "
PARAGRAPH = f"<p>{SENTENCE * 4}</p>"
FRAME = (
    "<header><nav>Home Recipes About</nav></header>{}"
    "<aside>Ten more soups</aside><div id=cookie-banner>We use cookies</div><footer>All rights reserved</footer>"
)


def both(html: str) -> tuple[str, Content]:
    root = LexborHTMLParser(html).root
    assert root is not None
    return text_and_content(root, Elements.of(root))


def extract(html: str) -> Content:
    return both(html)[1]


def text(html: str) -> str:
    content = extract(html)
    assert not content.whole_text
    return content.text


def links(*labels: str) -> str:
    return "<ul>" + "".join(f"<li><a href='/{label}'>{label}</a></li>" for label in labels) + "</ul>"


def test_an_article_without_its_frame() -> None:
    article = f"<main><article><h1>Onion soup</h1>{PARAGRAPH}<ul><li>Salt</li><li>Pepper</li></ul></article></main>"
    assert text(FRAME.format(article)) == f"Onion soup {SENTENCE * 4}Salt Pepper"


@pytest.mark.parametrize(
    "part",
    [
        "<div class=share-buttons>Share this</div>",
        "<div class='post relatedPosts'>Other soups</div>",
        "<section id=newsletter_signup>Your address</section>",
        "<ul class=breadcrumb><li>Home</li></ul>",
        "<div class=comments>First!</div>",
        "<div role=region class=modal__body>Sign in</div>",
        "<button>Buy</button>",
        "<select><option>Red<option>Blue</select>",
    ],
)
def test_parts_that_are_not_for_reading_go(part: str) -> None:
    assert (
        text(f"<article>{PARAGRAPH}{part}{PARAGRAPH.replace('soup', 'stew')}</article>")
        == (SENTENCE * 4 + SENTENCE.replace("soup", "stew") * 4).strip()
    )


@pytest.mark.parametrize("name", ["menu-open", "no-sidebar", "with-sidebar", "adscititious", "shareholders", "formal"])
def test_a_name_that_says_something_else_takes_nothing_away(name: str) -> None:
    assert "golden" in text(f"<div><p>{'Before. ' * 100}</p><div class='{name}'>{PARAGRAPH * 9}</div></div>")


def test_a_forum_keeps_what_a_blog_drops() -> None:
    answers = "".join(f"<div class=comment>Answer {number}: add salt.</div>" for number in range(9))
    page = f"<div class='{{}}'><h1>Soup</h1>{PARAGRAPH}</div><div>{answers}</div>"
    assert "Answer 8" in text(page.format("forum-thread"))
    assert "Answer" not in text(page.format("blog"))


def test_a_product_page() -> None:
    product = (
        f"<h1>Soup pot</h1><div class=price>$ 30</div><label>Colour</label><div>{PARAGRAPH}</div>"
        "<table><tr><td>Weight<td>2 kg</table><div class=recommended-products>Lid, spoon</div>"
    )
    assert text(FRAME.format(product)) == f"Soup pot $ 30 {SENTENCE * 4}Weight 2 kg"


def test_a_list_of_links_is_content_where_there_is_little_else() -> None:
    labels = [f"Recipe number {number}" for number in range(30)]
    assert text(FRAME.format(f"<h1>Recipes</h1>{links(*labels)}")) == "Recipes " + " ".join(labels)


def test_a_list_of_links_beside_an_article_goes_and_links_in_sentences_stay() -> None:
    page = f"<p>Use <a href=/pan>a pan</a> or <a href=/pot>a pot</a>.</p>{PARAGRAPH}{links('Soups', 'Stews')}"
    assert text(page) == f"Use a pan or a pot . {SENTENCE * 4}".strip()


def test_documentation_with_code() -> None:
    docs = f"<main>{PARAGRAPH}<pre><code>boil(water)\n    stir()</code></pre><h2>Options</h2>{PARAGRAPH[:40]}</main>"
    found = text(f"<div class=sidebar>{links('Intro', 'API')}</div>{docs}")
    assert "boil(water) stir() Options" in found
    assert "API" not in found


def test_a_page_without_any_container() -> None:
    assert text(f"Soup<br>{SENTENCE * 4}") == f"Soup {SENTENCE * 4}".strip()


def test_what_is_there_twice_is_taken_once() -> None:
    found = text(f"<div class=desktop>{PARAGRAPH}<b>4.5</b></div><div class=mobile>{PARAGRAPH}<b>4.5</b></div>")
    assert found == f"{SENTENCE * 4}4.5 4.5"


def test_a_mark_that_holds_little_is_not_believed() -> None:
    assert "golden" in text(f"<article>A teaser</article><div>{PARAGRAPH}</div>")


def test_where_nothing_is_found_all_text_is_the_content() -> None:
    assert extract("<nav>Soup <p> and stew</nav>") == Content("Soup and stew", whole_text=True)
    assert extract(f"<nav>{SENTENCE * 4}</nav><p>Hi") == Content(f"{SENTENCE * 4}Hi", whole_text=True)
    assert extract("<p>Hi") == Content("Hi", whole_text=False)
    assert extract("") == Content("", whole_text=False)


def test_marks_do_not_show_in_the_visible_text() -> None:
    page = FRAME.format(f"<main role=main><article class=post-content>a<a href=x>b</a><svg></svg>c {PARAGRAPH}</main>")
    shown = "Home Recipes About a b c {}Ten more soups We use cookies All rights reserved"
    assert both(page)[0] == shown.format(SENTENCE * 4)


MANY = 20_000


@pytest.mark.parametrize(
    "html",
    [
        pytest.param("<div>" * 5000 + SENTENCE * 9, id="deep"),
        pytest.param("<div class=menu>word " * 5000, id="deep-parts"),
        pytest.param("<div class=menu>" * 5000 + SENTENCE * 9000, id="deep-parts-around-all"),
        pytest.param("<nav>" * 2500 + "<aside>" * 2500 + SENTENCE * 9, id="deep-elements"),
        pytest.param("<article>" * 5000 + SENTENCE * 9, id="deep-marks"),
        pytest.param("<ul><li><a href=x>word</a>" * 2500, id="deep-lists"),
        pytest.param("<div class=ad>word</div>" * MANY, id="siblings"),
        pytest.param("".join(f"<div class=c{number}>word</div>" for number in range(MANY)), id="names"),
        pytest.param("<p>" + "<a href=x>word</a>" * MANY, id="links"),
        pytest.param(f"<div class='{'menu ' * MANY}'>word</div>" * 9, id="long-names"),
        pytest.param("<p>" + "word " * 50 * MANY, id="long-text"),
        pytest.param("<p>word" + "<p>\x01unwanted" * MANY, id="marks"),
    ],
)
def test_hostile_structures_give_text(html: str) -> None:
    assert "word" in extract(html).text or "golden" in extract(html).text


HTML = st.lists(
    st.sampled_from(
        [
            "<div>",
            "</div>",
            "<p>",
            "<nav>",
            "</nav>",
            "<a>",
            "</a>",
            "<ul>",
            "<li>",
            "</ul>",
            "<main>",
            "</main>",
            "<article>",
            "</article>",
            "<span>",
            "</span>",
            "<div\tclass=menu>",
            "<section\tid=comments>",
            "</section>",
            "<div\tclass=forum>",
            "<button>",
            "\x01\x02",
            "<p>\x01link<p>",
            "<p>\x01apart<p>",
            "<p>\x01unwanted<p>",
            "<p>\x01/part<p>",
            "<div\tclass='\x01\x20\x01\x20menu'>",
            "<p>\xa0<p>",
            "one",
            "two",
        ]
    ),
    max_size=60,
).map(" ".join)


@given(HTML)
def test_content_is_folded_words_of_the_page_and_always_the_same(html: str) -> None:
    text, content = both(html)
    shown = Counter(text.split())
    assert (text, content) == both(html)
    assert text == " ".join(text.split())
    assert content.text == " ".join(content.text.split())
    assert Counter(content.text.split()) <= shown
    assert content.whole_text or len(content.text.split()) >= min(MIN_CONTENT_WORDS, shown.total())


@given(HTML)
def test_an_engine_finds_the_same(html: str) -> None:
    html = f"<p>word{html}"
    parsed = parse_page(html, "https://example.com/")
    assert (parsed.page.text, Content(parsed.content, parsed.whole_text)) == both(html)


@real_pages
def test_real_pages_are_found_as_people_marked_them() -> None:
    rows = map(json.loads, gzip.decompress((WCXB / "main_content.jsonl.gz").read_bytes()).splitlines())
    marked = {row["url"]: row["main_content"] or "" for row in rows}
    pages = wcxb(280)
    found = [token_f1(parse_page(page["html"], page["url"]).content, marked[page["url"]]) for page in pages]
    assert sum(found) / len(found) >= 0.80
