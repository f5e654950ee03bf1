import random

import polars as pl
import pytest

from html_classification.refinement.findings import FINDINGS
from html_classification.refinement.outliers import FEWEST, OutlierRules, off_topic, outlier_scores
from html_classification_tests.training.corpus import invented_pages

pytestmark = pytest.mark.filterwarnings("error")
FOREIGN = ["ikke", "hund", "katt", "bil", "hus", "tre", "vann", "sol", "måne", "stjerne", "elv", "fjell"]


def pages(*texts: str, of: pl.DataFrame | None = None) -> pl.DataFrame:
    """Invented pages, and others with these texts."""
    known = invented_pages(90) if of is None else of
    more = [f"https://z.example/{number:03d}" for number in range(len(texts))]
    others = pl.DataFrame(
        {"url": more, "text": texts, "markup": ["tag:a:4-7 tag:p:2-3"] * len(texts)},
        schema=dict.fromkeys(("url", "text", "markup"), pl.String),
    )
    return pl.concat([known.select("url", "text", "markup"), others])


def texts_of(words: list[str], number: int) -> list[str]:
    chance = random.Random(0)
    return [" ".join(chance.choices(words, k=20)) for _ in range(number)]


def test_pages_of_another_world_are_the_least_typical_also_where_there_are_several() -> None:
    scored = outlier_scores(pages(*texts_of(FOREIGN, 4), of=invented_pages(240)))
    assert scored["url"].to_list() == sorted(scored["url"])
    least = scored.sort("outlier_score").head(4)
    assert set(least["url"]) == {f"https://z.example/{number:03d}" for number in range(4)}
    found = off_topic(scored)
    assert dict(found.schema) == FINDINGS
    assert found["url"].to_list() == sorted(least["url"])
    assert found["strong"].all()
    assert found["reason"][0].startswith("little like the rest of the collection: outlier score 0.")


def test_pages_of_other_markup_are_little_typical_too() -> None:
    alike = invented_pages(90).select("url", "text", "markup")
    other = alike.head(3).with_columns(
        url="https://z.example/" + pl.col("url").str.slice(-4), markup=pl.lit("tag:table:16+ tag:font:16+ class:old")
    )
    scored = outlier_scores(pl.concat([alike, other]))
    assert set(scored.sort("outlier_score").head(3)["url"]) == set(other["url"])


def test_a_page_without_markup_of_note_is_like_any_other() -> None:
    known = invented_pages(90).select("url", "text", "markup")
    bare = pl.col("url").is_in(known["url"].head(5).implode())
    scored = outlier_scores(known.with_columns(markup=pl.when(bare).then(pl.lit("")).otherwise("markup")))
    assert off_topic(scored).is_empty()


def test_a_text_without_a_word_that_others_have_scores_nothing() -> None:
    scored = outlier_scores(pages("", "zzxx qqyy wwvv"))
    assert scored.tail(2)["outlier_score"].to_list() == [0.0, 0.0]


def test_the_rules_say_from_when_on() -> None:
    scored = outlier_scores(pages(*texts_of(FOREIGN, 2)))
    assert off_topic(scored, OutlierRules(strong_below=0, doubt_below=0, odd_below=0)).is_empty()
    doubtful = off_topic(scored, OutlierRules(strong_below=0, doubt_below=0.3))
    assert doubtful["strong"].to_list() == [False, False]


def test_what_is_in_between_is_doubtful_where_forest_and_features_call_it_odd() -> None:
    scored = pl.DataFrame(
        {
            "url": ["a", "b", "c"],
            "outlier_score": [0.4, 0.4, 0.5],
            "forest": [0.7, 0.6, 0.7],
            "feature": ["share of digits"] * 3,
            "deviation": [12.4, 12.0, 12.0],
        }
    )
    (reason,) = off_topic(scored)["reason"]
    assert reason == (
        "little like the rest of the collection: outlier score 0.4, and its share of digits is 12.0 times as far from "
        "the middle as usual"
    )


@pytest.mark.parametrize(
    "texts",
    [[], ["one"], [""] * 40, ["same text"] * 40, ["word", *[""] * 45], [f"w{i} x{i}" for i in range(40)]],
    ids=["none", "one", "empty", "alike", "one word", "nothing in common"],
)
def test_collections_that_say_little(texts: list[str]) -> None:
    scored = outlier_scores(pages(*texts, of=invented_pages(90).head(0)))
    assert scored["outlier_score"].is_between(0, 1).all()
    assert scored.height == len(texts)
    if len(texts) < FEWEST:
        assert off_topic(scored).is_empty()


def test_the_same_pages_have_the_same_scores_in_any_order() -> None:
    some = pages(*texts_of(FOREIGN, 3))
    assert outlier_scores(some).equals(outlier_scores(some.reverse()))
