"""The order in which people look at rows in doubt, and the preview of it."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from html_classification.refinement.review import preview, rank
from html_classification.schemas.post_train import ACTIONS, ISSUES, POST_TRAIN, PostTrain

HOSTILE = "</td><script>alert(1)</script> | [a](javascript:b) \u202ekcab \x1b[31m"


def judged(name: str, **changes: Any) -> dict[str, Any]:
    """A row of `PostTrain` in doubt because its label is probably wrong."""
    url = f"https://a.example/{name}"
    return {
        "url": url,
        "day": date(2026, 3, 1),
        "split": "train",
        "text": f"all about {name}",
        "category": "travel",
        "given_category": "travel",
        "label_source": "file:labels.jsonl",
        "action": "review",
        "issues": ["label_error"],
        "reasons": ["the model says sports"],
        "suggested_category": "sports",
        "suggested_probability": 0.75,
        "label_quality": 0.25,
        "outlier_score": 1.0,
        "review_rank": None,
        "duplicate_cluster": url,
        "timestamp": datetime(2026, 3, 1, tzinfo=UTC),
    } | changes


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=dict(POST_TRAIN.dtypes))


def order(*rows: dict[str, Any]) -> list[str]:
    """The names of the rows, in the order of their ranks."""
    ranked = rank(frame(*rows)).filter(pl.col("review_rank").is_not_null()).sort("review_rank")
    assert ranked["review_rank"].to_list() == list(range(1, ranked.height + 1))
    return [url.rpartition("/")[2] for url in ranked["url"]]


def test_the_likeliest_wrong_labels_come_first() -> None:
    assert order(judged("a", label_quality=0.45), judged("b", label_quality=0.02), judged("c")) == ["b", "c", "a"]


def test_wrong_labels_come_before_odd_pages_and_those_before_ambiguous_ones() -> None:
    rows = [
        judged("ambiguous", issues=["ambiguous"], label_quality=0.1),
        judged("off-topic", issues=["off_topic"], label_quality=0.2),
        judged("broken", issues=["ambiguous", "broken_text"], label_quality=0.3),
        judged("wrong", issues=["off_topic", "label_error"], label_quality=0.4),
    ]
    assert order(*rows) == ["wrong", "off-topic", "broken", "ambiguous"]


def test_conflicting_copies_are_asked_once_and_come_before_labels_that_are_probably_right() -> None:
    conflict = {"issues": ["conflicting_duplicates"], "duplicate_cluster": "x"}
    rows = [
        judged("copy", **conflict, label_quality=0.9),
        judged("other-copy", **conflict, given_category="sports", label_quality=1.0),
        judged("wrong", label_quality=0.2),
        judged("unsure", label_quality=0.55),
        judged("ambiguous", issues=["ambiguous"]),
    ]
    assert order(*rows) == ["wrong", "copy", "unsure", "ambiguous", "other-copy"]


def test_of_copies_with_the_same_wrong_label_one_is_asked_first() -> None:
    copies = [judged(name, duplicate_cluster="x", label_quality=0.05) for name in ("a", "b", "c")]
    assert order(*copies, judged("d", label_quality=0.49)) == ["a", "d", "b", "c"]


def test_copies_of_what_a_person_has_labelled_come_last() -> None:
    decided = judged("decided", action="kept", label_source="person:ann", duplicate_cluster="x")
    copy = judged("copy", duplicate_cluster="x", label_quality=0.05)
    assert order(decided, copy, judged("a", issues=["ambiguous"])) == ["a", "copy"]


def test_an_answer_that_is_worth_more_comes_first_among_labels_that_are_about_as_probably_wrong() -> None:
    many = [judged(f"{name}{n}", action="kept", given_category=name) for name in ("travel", "sports") for n in range(5)]
    test_row = judged("test-row", split="test", label_quality=0.24)
    assert order(judged("a", label_quality=0.21), test_row) == ["test-row", "a"]
    assert order(judged("a", label_quality=0.19), test_row) == ["a", "test-row"]
    assert order(*many, judged("a"), judged("rare", given_category="finance")) == ["rare", "a"]
    assert order(*many, judged("a"), judged("rare", suggested_category="finance")) == ["rare", "a"]
    copied = [judged(name, duplicate_cluster="x", label_quality=0.24) for name in ("b", "c")]
    assert order(judged("a", label_quality=0.22), *copied) == ["b", "a", "c"]


def test_without_a_suggestion_a_row_is_not_taken_for_a_rare_one() -> None:
    rows = [judged("a", suggested_category=None, given_category="travel"), judged("b", given_category="finance")]
    assert order(*rows, judged("c", action="kept", given_category="travel")) == ["b", "a"]


ROWS = st.lists(
    st.builds(
        lambda quality, cluster, split, action, issues, suggested: {
            "label_quality": quality,
            "duplicate_cluster": cluster,
            "split": split,
            "action": action,
            "issues": issues,
            "suggested_category": suggested,
        },
        st.floats(0, 1),
        st.sampled_from("abc"),
        st.sampled_from(["train", "test"]),
        st.sampled_from(ACTIONS),
        st.lists(st.sampled_from(ISSUES), unique=True),
        st.sampled_from(["sports", None]),
    ),
    max_size=12,
)


@given(ROWS, st.randoms(use_true_random=False))
def test_every_row_in_doubt_has_a_rank_whatever_the_order_of_the_rows(rows: list[dict[str, Any]], chance: Any) -> None:
    made = [judged(f"{number:02}", **changes) for number, changes in enumerate(rows)]
    ranked = rank(frame(*made))
    PostTrain.validate(ranked.select(list(POST_TRAIN.dtypes)))
    doubtful = ranked.filter(action="review")
    assert sorted(doubtful["review_rank"]) == list(range(1, doubtful.height + 1))
    assert ranked.filter(pl.col("action") != "review")["review_rank"].null_count() == ranked.height - doubtful.height
    assert ranked["url"].to_list() == [row["url"] for row in made]
    assert rank(ranked).equals(ranked)
    chance.shuffle(made)
    assert rank(frame(*made)).sort("url").equals(ranked)


def test_the_preview_shows_the_first_rows_and_how_many_there_are() -> None:
    rows = [judged(f"{number:02}", label_quality=number / 100) for number in range(25)]
    rows += [judged("gone", action="dropped"), judged("good", action="kept")]
    summary, _, note, _, head, _, first, *others = preview(rank(frame(*rows)), rows=20).splitlines()
    assert summary == "**25 to look at**, 0 relabelled, 1 dropped, 1 kept"
    assert note == "The first 20:"
    assert head == "| rank | page | given → suggested | probability | why | text |"
    told = "| 1 | `https://a.example/00` | travel → sports | 0.75 | the model says sports | all about 00 |"
    assert first == told
    assert len(others) == 19


def test_where_nothing_is_in_doubt_the_preview_is_one_line() -> None:
    assert preview(POST_TRAIN.empty()) == "**0 to look at**, 0 relabelled, 0 dropped, 0 kept"


def test_hostile_pages_and_labels_are_escaped_in_the_preview() -> None:
    row = judged("a", url=f"https://a.example/{HOSTILE}", text=HOSTILE * 50, given_category=HOSTILE, reasons=[HOSTILE])
    shown = preview(rank(frame(row | {"suggested_category": None, "suggested_probability": None})))
    assert "<script" not in shown
    assert "](" not in shown.replace("\\](", "")
    assert all(line.isprintable() for line in shown.splitlines())
    assert len(shown.splitlines()) == 5
    assert max(map(len, shown.splitlines())) < 2_000
