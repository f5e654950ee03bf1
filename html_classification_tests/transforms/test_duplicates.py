"""What a user relies on: copies are found, strangers stay strangers, whatever the order."""

import datetime as dt
import hashlib
import random

import polars as pl
import pytest

from html_classification.schemas.columns import UTC_TIMESTAMP
from html_classification.transforms.duplicates import PERMUTATIONS, cluster, empty_signature, signatures
from html_classification.transforms.html import parse_page
from html_classification_tests.transforms.test_html import real_pages, wcxb

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
GOLDEN = [3416961315, 3346357008, 3274915766, 3288578002]


def pages(*rows: tuple[str, str, int]) -> pl.DataFrame:
    """Pages by name, content and hours after noon; the title is the name of the page."""
    contents = pl.Series([content for _, content, _ in rows], dtype=pl.String)
    return pl.DataFrame(
        {
            "url": pl.Series([f"https://e.com/{name}" for name, _, _ in rows], dtype=pl.String),
            "content_sha1": [hashlib.sha1(f"{name} - {text}".encode()).hexdigest() for name, text, _ in rows],
            "timestamp": pl.Series([NOON + dt.timedelta(hours=t) for _, _, t in rows], dtype=UTC_TIMESTAMP),
        },
        schema_overrides={"content_sha1": pl.String},
    ).with_columns(signatures(contents))


def clusters(frame: pl.DataFrame) -> dict[str, tuple[str, str | None]]:
    short = "https://e.com/"
    rows = cluster(frame).with_columns(pl.all().str.strip_prefix(short)).rows()
    return {url: (name, copy_of) for url, name, copy_of in rows}


def text_of(seed: int, length: int = 300) -> str:
    generator = random.Random(seed)
    return " ".join(f"w{generator.randrange(5000)}" for _ in range(length))


def edited(text: str, words: int, seed: int = 0) -> str:
    """The text with so many words replaced, all in one place."""
    split = text.split()
    start = random.Random(seed).randrange(len(split) - words)
    return " ".join([*split[:start], *(f"new{i}" for i in range(words)), *split[start + words :]])


def test_signatures_ignore_case_and_punctuation() -> None:
    one, two, other, short, empty, missing = signatures(
        pl.Series(
            [
                "Boil the water, then add salt!",
                "boil THE water then add-salt",
                "a b c d e f",
                "two words",
                "?!",
                None,
            ]
        )
    )
    assert one.to_list() == two.to_list() != other.to_list()
    assert len(short) == PERMUTATIONS
    assert empty.to_list() == missing.to_list() == empty_signature()
    assert signatures(pl.Series([], dtype=pl.String)).dtype == pl.List(pl.UInt32)


def test_signatures_stay_the_same() -> None:
    # They are stored, and compared over days: another version of rensa must not slip in unseen.
    assert signatures(pl.Series(["the quick brown fox jumps over the lazy dog"]))[0].to_list()[:4] == GOLDEN


def test_exact_and_near_copies() -> None:
    text = text_of(1)
    frame = pages(("c", text, 1), ("b", text, 0), ("a", edited(text, 3), 0), ("x", text_of(2), 5))
    assert clusters(frame) == {"a": ("a", "c"), "b": ("a", "c"), "c": ("a", None), "x": ("x", None)}


def test_of_equally_fresh_copies_the_smallest_url_counts() -> None:
    text = text_of(1)
    assert clusters(pages(("b", text, 1), ("c", text, 1), ("a", text, 0))) == {
        "a": ("a", "b"),
        "b": ("a", None),
        "c": ("a", "b"),
    }


def test_copies_of_copies_are_one_cluster() -> None:
    # Each page shares most of its text with the next one, the first nothing with the last.
    words = text_of(3, 1_000).split()
    chain = [(f"p{i:02}", " ".join(words[i * 20 : i * 20 + 400]), 0) for i in range(25)]
    assert {name for name, _ in clusters(pages(*chain)).values()} == {"p00"}


def test_pages_without_content_are_no_copies() -> None:
    empty = pages(("a", "", 0), ("b", "", 0), ("c", "?!", 0))
    assert {name for name, _ in clusters(empty).values()} == {"a", "b", "c"}
    same_title = empty.with_columns(content_sha1=pl.col("content_sha1").first())
    assert {name for name, _ in clusters(same_title).values()} == {"a"}


def test_a_window_of_days() -> None:
    text = text_of(1)
    window = pages(("a", text, 0), ("a", text_of(2), 24), ("b", text, 48), ("c", text_of(2), 72))
    assert clusters(window) == {"a": ("a", "c"), "b": ("a", "c"), "c": ("a", None)}


def test_thousands_of_pages_from_one_template() -> None:
    text = text_of(4, 400)
    rows = [(f"p{i:04}", edited(text, 2, seed=i) + f" page{i}", 0) for i in range(3_000)]
    found = clusters(pages(*rows, *[(f"same{i}", text, 0) for i in range(2_000)], ("other", text_of(5), 0)))
    assert {name for page, (name, _) in found.items() if page != "other"} == {"p0000"}
    assert found["other"] == ("other", None)


def test_the_order_never_matters() -> None:
    rows = [(f"p{i:02}", edited(text_of(i % 10), 1 + i, seed=i), i % 3) for i in range(60)]
    expected = cluster(pages(*rows))
    for seed in range(3):
        random.Random(seed).shuffle(rows)
        assert cluster(pages(*rows)).equals(expected)


def test_nothing() -> None:
    assert cluster(pages()).is_empty()
    assert cluster(pages()).columns == ["url", "duplicate_cluster", "duplicate_of"]


@real_pages
def test_recall_and_precision_on_real_texts() -> None:
    texts = [parse_page(page["html"], page["url"]).content for page in wcxb(150)]
    texts = [text for text in texts if len(text.split()) >= 150][:100]
    assert len(texts) == 100
    rows = [(f"a{i:03}", text, 0) for i, text in enumerate(texts)]
    # One place of each text changed, 5 % of its words: 5-grams shared by about 0.9 in Jaccard's measure.
    rows += [(f"b{i:03}", edited(text, len(text.split()) // 20, seed=i), 1) for i, text in enumerate(texts)]
    found = clusters(pages(*rows))
    recalled = sum(found[f"a{i:03}"][0] == found[f"b{i:03}"][0] for i in range(100))
    wrong = sum(name[1:] != page[1:] for page, (name, _) in found.items())
    assert recalled >= 95
    assert wrong <= 4  # real copies in the corpus: a handful


@pytest.mark.parametrize("share", [0.5])
@real_pages
def test_half_rewritten_texts_are_no_copies(share: float) -> None:
    texts = [parse_page(page["html"], page["url"]).content for page in wcxb(60)]
    texts = [text for text in texts if len(text.split()) >= 150]
    rows = [(f"a{i:03}", text, 0) for i, text in enumerate(texts)]
    rows += [(f"b{i:03}", edited(text, int(len(text.split()) * share)), 1) for i, text in enumerate(texts)]
    found = clusters(pages(*rows))
    assert not any(found[f"a{i:03}"][0] == found[f"b{i:03}"][0] for i in range(len(texts)))
