"""The label that counts: people before machines, the better before the many, and as sure as it should be."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from html_classification.labeling.annotators import judge_annotators
from html_classification.labeling.answers import is_person
from html_classification.labeling.consensus import consensus, trusted_quality
from html_classification_tests.labeling.simulated import crowd, majority, share_right, window

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
# The best is last by name, so that ties do not help it.
SPREAD = {"person:eve": 0.95, "person:dea": 0.9, "person:cem": 0.6, "person:ben": 0.5, "person:ann": 0.45}


def only(frame: pl.DataFrame) -> dict[str, Any]:
    (row,) = frame.rows(named=True)
    return row


@pytest.mark.parametrize("seed", range(3))
def test_weighing_annotators_beats_counting_them(seed: int) -> None:
    labels, truth = crowd(SPREAD, texts=500, each=3, seed=seed)
    quality = trusted_quality(judge_annotators(labels).frame)
    weighed = consensus(labels, quality)
    assert share_right(weighed, truth) > share_right(majority(labels), truth) + 0.03
    assert share_right(weighed, truth) >= share_right(consensus(labels), truth) + 0.03


def test_the_confidence_is_how_often_the_label_is_right() -> None:
    labels, truth = crowd(SPREAD, texts=2000, each=2)
    found = consensus(labels, SPREAD)
    for sure in (found.filter(pl.col("label_confidence") > 0.9), found.filter(pl.col("label_confidence") < 0.8)):
        assert sure.height > 100
        assert sure["label_confidence"].mean() == pytest.approx(share_right(sure, truth), abs=0.05)


def test_a_person_wins_over_any_number_of_machines() -> None:
    machines = [{"annotator": f"api:{n}", "category": "travel", "confidence": 1.0} for n in range(5)]
    row = only(consensus(window(*machines, {"annotator": "ann"}), {"ann": 0.3, "api:1": 1.0}))
    assert row == {
        "url": "https://news.example/a",
        "category": "sports",
        "label_source": "ann",
        "label_confidence": None,
        "annotators": 1,
    }


def test_one_answer_is_taken_as_it_is() -> None:
    row = only(consensus(window({"annotator": "file:x.jsonl", "confidence": 0.3}), {"file:x.jsonl": 0.9}))
    assert (row["category"], row["label_source"], row["label_confidence"]) == ("sports", "file:x.jsonl", 0.3)


def test_those_who_gave_the_category_are_named() -> None:
    rows = [{"annotator": name, "category": category} for name, category in zip("dacb", "xyxx", strict=True)]
    row = only(consensus(window(*rows)))
    assert (row["category"], row["label_source"], row["annotators"]) == ("x", "b, c, d", 4)
    assert 0.9 < row["label_confidence"] < 1


def test_a_good_annotator_outweighs_two_poor_ones() -> None:
    poor = [{"annotator": name, "category": "travel"} for name in ("ben", "cem")]
    labels = window({"annotator": "ann"}, *poor)
    assert only(consensus(labels, {"ann": 0.95, "ben": 0.55, "cem": 0.55}))["category"] == "sports"
    assert only(consensus(labels))["category"] == "travel"


def test_the_more_categories_there_are_the_more_it_means_to_agree() -> None:
    labels = window({"annotator": "ann"}, {"annotator": "ben"})
    assert [only(consensus(labels, categories=n))["label_confidence"] for n in (2, 10)] == [0.941176, 0.993103]


def test_two_machines_that_agree_are_no_surer_than_one() -> None:
    rows = [{"annotator": name, "confidence": 0.8} for name in ("api:a", "api:b")]
    assert only(consensus(window(*rows), categories=10))["label_confidence"] == pytest.approx(0.8)
    apart = window(rows[0], {**rows[1], "category": "travel", "confidence": 0.9})
    assert only(consensus(apart))["category"] == "travel"


@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        ({"labelled_at": NOON + timedelta(microseconds=1)}, {"labelled_at": NOON}),
        ({"labelled_at": NOON}, {"labelled_at": None}),
        ({"annotator": "adam"}, {}),
    ],
    ids=["the latest", "dated is later than undated", "by name"],
)
def test_where_nothing_else_decides(winner: dict[str, Any], loser: dict[str, Any]) -> None:
    both = [{"annotator": "zoe", "category": "travel"} | winner, {"annotator": "ben", "category": "sports"} | loser]
    for order in (both, both[::-1]):
        row = only(consensus(window(*order), categories=10))
        assert row["category"] == "travel"
        assert row["label_confidence"] < 0.5


def test_few_texts_do_not_make_an_expert() -> None:
    frame = pl.DataFrame({"annotator": ["few", "many", "none"], "shared": [2, 500, 0], "quality": [1.0, 0.95, None]})
    quality = trusted_quality(frame)
    assert quality["none"] < quality["few"] < quality["many"] < 0.95


NAMES = ["ann", "ben", "cem", "api:one", "api:two", "file:labels.jsonl"]
answers = st.fixed_dictionaries(
    {
        "url": st.sampled_from(["https://news.example/a", "https://news.example/b"]),
        "annotator": st.sampled_from(NAMES),
        "category": st.sampled_from(["x", "y", "z"]),
        "confidence": st.none() | st.floats(0, 1),
        "labelled_at": st.none() | st.sampled_from([NOON, NOON + timedelta(days=1)]),
    }
)


@given(
    st.lists(answers, max_size=12, unique_by=lambda row: (row["url"], row["annotator"])),
    st.dictionaries(st.sampled_from(NAMES), st.floats(0, 1)),
    st.randoms(use_true_random=False),
)
def test_what_holds_of_any_answers(rows: list[dict[str, Any]], quality: dict[str, float], random: Any) -> None:
    found = consensus(window(*rows), quality)
    random.shuffle(rows)
    assert consensus(window(*rows), quality).equals(found)
    assert found["url"].to_list() == sorted({row["url"] for row in rows})
    for page in found.iter_rows(named=True):
        said = [row for row in rows if row["url"] == page["url"]]
        people = [row for row in said if is_person(row["annotator"])]
        counted = people or said
        assert page["annotators"] == len(counted)
        sources = sorted(row["annotator"] for row in counted if row["category"] == page["category"])
        assert page["label_source"] == ", ".join(sources)
        assert sources
        if len(counted) > 1:
            assert 0 < page["label_confidence"] <= 1
        else:
            assert page["label_confidence"] == counted[0]["confidence"]
