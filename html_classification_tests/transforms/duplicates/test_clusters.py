"""What a user relies on: copies are found, strangers stay strangers, whatever the order."""

import datetime as dt
import gzip
import json
import random
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from html_classification.schemas.columns import UTC_TIMESTAMP
from html_classification.transforms.duplicates import cluster, signatures
from html_classification_tests.transforms.duplicates import planted

MARKED = Path(__file__).parents[3].parent / "shared" / "corpora" / "wcxb" / "main_content.jsonl.gz"
real_texts = pytest.mark.skipif(not MARKED.exists(), reason="the WCXB corpus is not beside the repository")


def pages(*rows: tuple[str, str, int]) -> pl.DataFrame:
    """Pages by name, content and hours after noon; the title is the name of the page."""
    contents = pl.Series([content for _, content, _ in rows], dtype=pl.String)
    return pl.DataFrame(
        {
            "url": pl.Series([f"https://e.com/{name}" for name, _, _ in rows], dtype=pl.String),
            "content_sha1": [planted.sha1(f"{name} - {text}") for name, text, _ in rows],
            "timestamp": pl.Series([planted.NOON + dt.timedelta(hours=t) for _, _, t in rows], dtype=UTC_TIMESTAMP),
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


def marked_texts(least_words: int = 1) -> list[str]:
    """Main content of real pages as people marked it, spread over the corpus."""
    lines = gzip.decompress(MARKED.read_bytes()).splitlines()
    texts = [json.loads(line)["main_content"] or "" for line in lines]
    return [text for text in texts if len(text.split()) >= least_words]


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


def test_rows_of_one_url_are_one_page() -> None:
    text = text_of(1)
    window = pages(("a", text, 0), ("a", text_of(2), 24), ("b", text, 48), ("c", text_of(2), 72))
    assert clusters(window) == {"a": ("a", "c"), "b": ("a", "c"), "c": ("a", None)}


def test_thousands_of_pages_from_one_template() -> None:
    text = text_of(4, 400)
    rows = [(f"p{i:04}", edited(text, 2, seed=i) + f" page{i}", 0) for i in range(3_000)]
    found = clusters(pages(*rows, *[(f"same{i}", text, 0) for i in range(2_000)], ("other", text_of(5), 0)))
    assert {name for page, (name, _) in found.items() if page != "other"} == {"p0000"}
    assert found["other"] == ("other", None)


def test_copies_among_thousands_of_strangers_from_one_template() -> None:
    # Half of each page is the site's: every band has a crowd that shares it and nothing else.
    template = text_of(6, 200)
    rows = [(f"p{i:04}", f"{template} {text_of(100 + i, 100)}", 0) for i in range(2_000)]
    rows += [(f"q{i:04}", edited(text, 5), 0) for i, (_, text, _) in enumerate(rows[:100])]
    found = clusters(pages(*rows))
    assert sum(found[f"q{i:04}"][0] == f"p{i:04}" for i in range(100)) >= 95
    assert sum(name == page for page, (name, _) in found.items()) >= 1_980


def test_a_hundred_thousand_copies() -> None:
    one = pages(("", text_of(7), 0))
    urls = pl.Series("url", [f"https://e.com/{number:06}" for number in range(100_000)])
    frame = urls.to_frame().join(one.drop("url"), how="cross").with_columns(content_sha1=pl.col("url"))
    assert cluster(frame)["duplicate_cluster"].unique().to_list() == [urls[0]]


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 15), st.integers(0, 5), st.integers(0, 12), st.integers(0, 3)), min_size=1, max_size=40
    ),
    order=st.randoms(use_true_random=False),
)
def test_the_order_never_matters(rows: list[tuple[int, int, int, int]], order: random.Random) -> None:
    texts = [(f"p{page}", edited(text_of(text, 100), edit + 1, seed=edit), hour) for page, text, edit, hour in rows]
    expected = cluster(pages(*texts))
    order.shuffle(texts)
    assert cluster(pages(*texts)).equals(expected)
    assert expected["url"].to_list() == sorted({f"https://e.com/p{page}" for page, *_ in rows})


def test_nothing() -> None:
    assert cluster(pages()).is_empty()
    assert cluster(pages()).columns == ["url", "duplicate_cluster", "duplicate_of"]


def test_other_signatures_are_refused() -> None:
    frame = pages(("a", "text", 0)).with_columns(pl.col("minhash").list.head(64))
    with pytest.raises(ValueError, match=r"\[64\] values, not of 112"):
        cluster(frame)


def test_planted_copies_are_found_among_generated_texts() -> None:
    texts = [text_of(seed, length) for seed, length in enumerate((40, 80, 150, 300, 600) * 100)]
    score = planted.score(texts, planted.ALL_PERTURBATIONS)
    assert score.alike > 250
    assert score.recall >= 0.95
    assert score.precision >= 0.95


@real_texts
def test_planted_copies_are_found_among_real_texts() -> None:
    score = planted.score(marked_texts()[::4], planted.ALL_PERTURBATIONS)
    assert score.alike > 150
    assert score.recall >= 0.95
    assert score.precision >= 0.95


@real_texts
def test_half_rewritten_texts_are_no_copies() -> None:
    texts = marked_texts(least_words=150)[:60]
    rows = [(f"a{i:03}", text, 0) for i, text in enumerate(texts)]
    rows += [(f"b{i:03}", edited(text, len(text.split()) // 2), 1) for i, text in enumerate(texts)]
    found = clusters(pages(*rows))
    assert not any(found[f"a{i:03}"][0] == found[f"b{i:03}"][0] for i in range(len(texts)))
