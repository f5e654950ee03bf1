"""A text version on the pages of a day, and on one page."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from html_classification.schemas.columns import UTC_TIMESTAMP
from html_classification.schemas.text_normalization import TextNormalization
from html_classification.transforms.text.normalization import normalize_page, normalize_texts
from html_classification.transforms.text.versions import TEXT_VERSIONS

CORPUS = Path(__file__).parents[4] / "shared/corpora/wcxb/main_content.jsonl.gz"
VERSIONS = pytest.mark.parametrize("version", TEXT_VERSIONS.values(), ids=lambda version: version.name)


def pages(rows: list[tuple[str, str | None, str | None, str]]) -> pl.DataFrame:
    schema = {"url": pl.String, "title": pl.String, "content": pl.String, "language": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    crawled = datetime(2026, 3, 1, 10, 15, tzinfo=UTC)
    return frame.with_columns(pl.lit(crawled, UTC_TIMESTAMP).alias("timestamp"), pl.lit("x").alias("other"))


MIXED = pages(
    [
        ("http://c.org/", "Running!", "She went home.", "en"),
        ("http://a.org/", "Les maisons", "Il finissait.", "fr"),
        ("http://b.org/", "", "Er wagt den Wagen.", "de"),
        ("http://e.org/", "走った", None, "ja"),
        ("http://d.org/", " ☺\n", "™", "en"),
    ]
)


def test_normalized_pages_by_url():
    outcome = normalize_texts(MIXED, TEXT_VERSIONS["v2"])
    TextNormalization.validate(outcome.frame)
    assert outcome.frame.select("url", "title", "content").rows() == [
        ("http://a.org/", "les maisons", "il finir."),
        ("http://b.org/", "", "er wagen den wagen."),
        ("http://c.org/", "run!", "she go home."),
        ("http://e.org/", "走った", ""),
    ]
    assert outcome.figures == {
        "characters_before": 71,
        "characters_after": 58,
        "pages_without_title": 1,
        "pages_without_content": 1,
    }


def test_pages_without_text_are_rejected_with_the_reason():
    outcome = normalize_texts(MIXED, TEXT_VERSIONS["v1"])
    reason = "neither title nor content is left after the rules of text version v1"
    assert outcome.rejected == [{"reason": reason, "url": "http://d.org/"}]
    assert outcome.frame.height + len(outcome.rejected) == MIXED.height


@VERSIONS
def test_no_pages(version):
    outcome = normalize_texts(MIXED.clear(), version)
    TextNormalization.validate(outcome.frame)
    assert outcome.frame.is_empty()
    assert outcome.rejected == []
    assert outcome.figures["characters_before"] == 0


def test_a_missing_column_is_an_error():
    with pytest.raises(pl.exceptions.ColumnNotFoundError, match="language"):
        normalize_texts(MIXED.drop("language"), TEXT_VERSIONS["v1"])


@VERSIONS
@given(texts=st.lists(st.tuples(st.text(), st.text(), st.sampled_from(["en", "de", "und"])), min_size=1, max_size=5))
@settings(deadline=None, max_examples=40)
def test_one_page_at_inference_is_as_in_the_batch(version, texts):
    rows = [(f"http://x.org/{i}", *text) for i, text in enumerate(texts)]
    outcome = normalize_texts(pages(rows), version)
    batch = {row["url"]: (row["title"], row["content"]) for row in outcome.frame.to_dicts()}
    batch |= {row["url"]: ("", "") for row in outcome.rejected}
    assert batch == {row[0]: normalize_page(*row[1:], version) for row in rows}


@VERSIONS
@pytest.mark.parametrize("size", [1, 7, 400, 1000])
def test_a_page_is_the_same_in_batches_of_any_size(version, size):
    many = pl.concat([MIXED.with_columns(pl.col("url") + str(number)) for number in range(80)]).sort("url")
    whole = normalize_texts(many, version)
    batches = [normalize_texts(batch, version) for batch in many.iter_slices(size)]
    assert pl.concat(batch.frame for batch in batches).equals(whole.frame)
    assert [row for batch in batches for row in batch.rejected] == whole.rejected
    for name, figure in whole.figures.items():
        assert sum(batch.figures[name] for batch in batches) == figure


@VERSIONS
def test_the_same_pages_in_any_order_give_the_same_frame(version):
    first, second = normalize_texts(MIXED, version), normalize_texts(MIXED.reverse(), version)
    assert first.frame.equals(second.frame)
    assert (first.rejected, first.figures) == (second.rejected, second.figures)


@VERSIONS
@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of real pages is not beside the repository")
def test_real_pages(version):
    with gzip.open(CORPUS, "rt", encoding="utf-8") as lines:
        documents = [json.loads(line) for line, _ in zip(lines, range(40), strict=False)]
    frame = pages([(row["url"], row["title"], row["main_content"], "en") for row in documents])
    outcome = normalize_texts(frame.unique("url"), version)
    TextNormalization.validate(outcome.frame)
    assert outcome.rejected == []
    assert normalize_texts(frame.unique("url"), version).frame.equals(outcome.frame)
    for row in outcome.frame.head(5).to_dicts():
        source = frame.filter(pl.col("url") == row["url"]).row(0, named=True)
        assert normalize_page(source["title"], source["content"], "en", version) == (
            row["title"],
            row["content"],
        )
