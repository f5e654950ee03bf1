"""The page of the review queue: what people see, and what a hostile page cannot do on it."""

import re
from datetime import date
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from html_classification.refinement.review import rank
from html_classification.refinement.review_page import MORE_TEXT, TEXT_LENGTH, review_page
from html_classification.refinement.review_style import STYLE
from html_classification.schemas.post_train import POST_TRAIN
from html_classification_tests.refinement.test_review import HOSTILE, frame, judged

DAY = date(2026, 3, 14)


def shown(*rows: dict[str, Any], **options: Any) -> LexborHTMLParser:
    return LexborHTMLParser(review_page(rank(frame(*rows)), DAY, **options))


def texts(tree: LexborHTMLParser, selector: str) -> list[str]:
    return [" ".join(node.text().split()) for node in tree.css(selector)]


class Elements(HTMLParser):
    """The elements of a page as they stand there: each must be closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attributes)))
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_row_shows_text_given_and_suggested_label_and_why() -> None:
    reasons = ["the model says sports", "2 copies have other labels"]
    row = judged("a", reasons=reasons, issues=["conflicting_duplicates", "label_error"], text="Title\nMore of it")
    tree = shown(row, judged("b", label_quality=0.01))
    assert texts(tree, "article h3") == ["1 https://a.example/b", "2 https://a.example/a"]
    article = tree.css("article")[1]
    told = dict(zip(texts(article, "dt"), texts(article, "dd"), strict=True))
    assert told == {
        "Given label": "travel",
        "Suggested": "sports 0.75",
        "Label quality": "0.25",
        "Issues": "conflicting duplicates, label error",
        "About it": "train row of 2026-03-01, labelled by file:labels.jsonl",
    }
    assert texts(article, ".why li") == reasons
    assert article.css_first(".text").text() == "Title\nMore of it"
    assert article.css_first(".bar span").attributes["style"] == "width: 75%"
    link = article.css_first("a").attributes
    assert (link["href"], link["rel"]) == ("https://a.example/a", "noopener noreferrer nofollow")


def test_the_summary_counts_and_the_changes_are_listed_below_the_queue() -> None:
    rows = [judged("a"), judged("b"), judged("c", suggested_category="cooking", issues=["ambiguous"])]
    rows += [judged("changed", action="relabelled", category="sports", text="word " * 100), judged("k", action="kept")]
    rows += [judged("gone", action="dropped", issues=["off_topic"], reasons=["like no other page"])]
    tree = shown(*rows, left_out=["3 a person has answered"])
    assert texts(tree, "header p") == [
        "3 pages of 6 should be looked at by a person. Left out: 3 a person has answered."
    ]
    counted = [[texts(row, "td") for row in table.css("tr")[1:]] for table in tree.css(".counts")]
    assert counted == [
        [
            ["1", "kept as they are"],
            ["1", "relabelled"],
            ["1", "dropped: not trained on"],
            ["3", "to look at; kept until then"],
        ],
        [["1", "off topic"], ["4", "label error"], ["1", "ambiguous"]],
        [["2", "travel", "sports"], ["1", "travel", "cooking"]],
    ]
    assert [node.attributes["id"] for node in tree.css("section")] == ["summary", "queue", "relabelled", "dropped"]
    (relabelled,), (dropped,) = (texts(tree, f"#{action} td:first-child") for action in ("relabelled", "dropped"))
    assert (relabelled, dropped) == ("https://a.example/changed", "https://a.example/gone")
    assert texts(tree, "#relabelled td")[1:4] == ["travel", "sports", "the model says sports"]


def test_it_says_how_many_are_not_shown() -> None:
    rows = [judged(f"{number}", action=action) for action in ("review", "dropped") for number in range(5)]
    rows = [row | {"url": f"{row['url']}-{row['action']}"} for row in rows]
    tree = shown(*rows, limit=2)
    assert len(tree.css("article")) == len(tree.css("#dropped tr")) - 1 == 2
    assert "The first 2 are shown, 3 are not." in texts(tree, "#queue p")[0]
    assert "The first 2 are shown, 3 are not." in texts(tree, "#dropped p")[0]
    assert len(shown(*rows, limit=None).css("article")) == 5


def test_a_long_text_is_folded_and_cut() -> None:
    text = "a" * TEXT_LENGTH + "b" * (MORE_TEXT - TEXT_LENGTH) + "c" * 5
    tree = shown(judged("a", text=text))
    assert [set(one) for one in texts(tree, ".text")] == [{"a"}, {"b"}]
    assert len(tree.css("details .text")) == 1
    assert texts(tree, ".note") == ["5 more characters are not shown."]
    assert texts(shown(judged("a", text="")), ".text") == ["(no text)"]


def test_what_is_not_known_is_left_blank_and_an_empty_queue_is_a_page_too() -> None:
    row = judged("a", suggested_category=None, suggested_probability=None, issues=[], reasons=[])
    assert texts(shown(row), "dd")[1] == "–"
    assert texts(shown(judged("a", suggested_probability=None)), "dd")[1] == "sports"
    tree = LexborHTMLParser(review_page(POST_TRAIN.empty(), DAY))
    assert texts(tree, "#queue p")[0] == "Nothing is in doubt."
    assert texts(tree, "#dropped p") == ["None."]


def checked(page: str) -> list[tuple[str, dict[str, str | None]]]:
    """The elements of a page that is well-formed, and runs and fetches nothing."""
    parser = Elements()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    for tag, attributes in parser.seen:
        assert tag not in {"script", "img", "iframe", "form", "link", "object", "base", "input"}
        assert not {name for name in attributes if name.startswith("on") or name in {"src", "srcset", "ping"}}
        target = (attributes.get("href") or "#").lower()
        assert target.startswith(("#", "http://", "https://"))
        assert target.startswith("#") or attributes["rel"] == "noopener noreferrer nofollow"
        assert re.fullmatch(r"width: \d{1,3}%", attributes.get("style") or "width: 0%")
    ids = [attributes["id"] for _, attributes in parser.seen if "id" in attributes]
    assert len(ids) == len(set(ids))
    return parser.seen


def test_the_page_needs_nothing_else_and_forbids_itself_everything_but_its_style() -> None:
    elements = checked(review_page(rank(frame(judged("a"))), DAY))
    policies = [one["content"] for tag, one in elements if tag == "meta" and "http-equiv" in one]
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    assert policies[0] == policy
    assert ("html", {"lang": "en"}) in elements
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    levels = [int(tag[1]) for tag, _ in elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@given(
    st.text() | st.just(HOSTILE) | st.just("\"'><img src=x onerror=alert(1)>{day}%s\n\u2028"),
    st.sampled_from(["javascript:", "data:text/html,", "https://", "HTTP://", ""]),
)
def test_hostile_pages_and_labels_do_nothing(text: str, scheme: str) -> None:
    hostile = {"text": text * 3, "given_category": text, "category": text, "suggested_category": text}
    hostile |= {"reasons": [text], "label_source": text}
    rows = [judged(action, **hostile, action=action) for action in ("review", "relabelled", "dropped", "kept")]
    made = frame(*rows).with_columns(url=scheme + pl.col("action") + pl.lit(text))
    page = review_page(rank(made), DAY, left_out=[text])
    checked(page)
    assert all(line.isprintable() for line in page.split("\n"))
    links = LexborHTMLParser(page).css("a[rel]")
    assert len(links) == (3 if scheme.lower() in {"https://", "http://"} else 0)


def test_colours_can_be_read() -> None:
    def luminance(colour: str) -> float:
        digits = "".join(digit * 2 for digit in colour) if len(colour) == 3 else colour
        parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    palettes = re.findall(r":root \{([^}]*)\}", STYLE)
    assert len(palettes) == 3  # light, dark, print
    for palette in palettes:
        colours = dict(re.findall(r"--(\w+): #(\w+)", palette))
        for front in ("text", "soft", "link"):
            for back in ("back", "panel"):
                low, high = sorted(luminance(colours[name]) for name in (front, back))
                assert (high + 0.05) / (low + 0.05) >= 4.5, (front, back)


def test_the_same_rows_give_the_same_page_whatever_their_order() -> None:
    rows = rank(frame(*(judged(name, label_quality=0.1) for name in "abc"), judged("d", action="dropped")))
    assert review_page(rows, DAY) == review_page(rows.reverse(), DAY)
