"""What to label next: which pages may be chosen, which are, and what is told of them."""

import datetime as dt
import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from html_classification.labeling.queue import QueueRules, choose
from html_classification.schemas.columns import UTC_TIMESTAMP
from html_classification.schemas.labeling_queue import LABELING_QUEUE
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.validation import audit
from html_classification.transforms.duplicates import signatures
from html_classification_tests.training.corpus import WORDS

FIRST = dt.date(2026, 3, 1)
WITHOUT_MODELS = [None, None, None, None]


@dataclass(frozen=True)
class Page:
    """A page of a window, with a label or without."""

    name: str
    text: str
    label: str | None = None
    day: int = 0
    readable: bool = True

    @property
    def url(self) -> str:
        return f"https://{self.name}.example/"


def written(name: str, shares: Mapping[str, float], words: int = 60) -> str:
    """A text of the words of some categories, in these shares, and of words that all have."""
    chance = random.Random(name)
    categories = chance.choices(list(shares), list(shares.values()), k=words)
    own = [chance.choice(WORDS[category].split()) for category in categories]
    return " ".join([*own, *chance.choices(["page", "today", "more", "about", "contact", "news"], k=words // 2)])


def page(name: str, *categories: str, label: str | None = None, **others: int | bool) -> Page:
    return Page(name, written(name, dict.fromkeys(categories, 1.0)), label, **others)  # type: ignore[arg-type]


def labelled(each: int, categories: Sequence[str] = ("cooking", "sports", "travel")) -> list[Page]:
    return [page(f"known-{name}-{number}", name, label=name) for name in categories for number in range(each)]


Frames = tuple[pl.DataFrame, pl.DataFrame, dict[str, pl.DataFrame]]


def frames(pages: Sequence[Page]) -> Frames:
    rows = [
        {
            "url": one.url,
            "title": one.name,
            "content": one.text,
            "content_sha1": hashlib.sha1(one.text.encode()).hexdigest(),
            "timestamp": dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC) + dt.timedelta(days=one.day),
            "day": FIRST + dt.timedelta(days=one.day),
            "category": one.label,
            "readable": one.readable,
        }
        for one in pages
    ]
    types = dict.fromkeys(["url", "title", "content", "content_sha1", "category"], pl.String)
    frame = pl.DataFrame(rows, schema={**types, "timestamp": UTC_TIMESTAMP, "day": pl.Date, "readable": pl.Boolean})
    parsed = frame.with_columns(signatures(frame["content"]).alias("minhash"))
    labels = frame.filter(pl.col("category").is_not_null()).select("url", "category", "timestamp", "day")
    texts = frame.filter("readable").select("url", "title", "content", "day")
    return (
        parsed.select("url", "title", "content_sha1", "minhash", "timestamp", "day"),
        labels,
        {"v1": texts.with_columns(pl.col("content").str.replace_all("more", "")), "v2": texts},
    )


def queue(pages: Sequence[Page], **rules: int) -> Outcome:
    outcome = choose(*frames(pages), QueueRules(**rules))
    assert all(check.passed for check in audit(LABELING_QUEUE, outcome.frame))
    assert sorted(outcome.frame["rank"]) == list(range(1, outcome.frame.height + 1))
    assert outcome.frame["url"].is_sorted()
    assert outcome.frame["reasons"].list.len().min() != 0
    return outcome


def names(outcome: Outcome) -> list[str]:
    """The titles of the chosen pages, first to label first."""
    return outcome.frame.sort("rank")["title"].to_list()


def opinion(row: Mapping[str, object]) -> list[object]:
    return [row[name] for name in ("predicted", "probability", "uncertainty", "disagreement")]


MIXED = [page(f"mixed-{number}", "cooking", "sports") for number in range(6)]
CLEAR = [page(f"clear-{number}", "cooking") for number in range(6)]


def test_pages_that_models_are_unsure_of_come_before_those_that_they_are_sure_of() -> None:
    outcome = queue([*labelled(10), *CLEAR, *MIXED])
    assert {name.partition("-")[0] for name in names(outcome)[:6]} == {"mixed"}
    assert outcome.figures == {
        "window_pages": 42,
        "labelled": 30,
        "categories": 3,
        "without_text": 0,
        "left_out_duplicates": 0,
        "pool": 12,
        "looked_at": 12,
        "learned_from": 30,
        "committee": 4,
        "chosen": 12,
    }
    rows = outcome.frame.sort("rank").rows(named=True)
    first, last = rows[0], rows[-1]
    assert first["uncertainty"] > 0.5 > last["uncertainty"]
    assert first["reasons"][0].startswith("the models are unsure: ")
    assert last["reasons"][0].startswith("the models are rather sure: cooking ")
    assert (last["predicted"], last["day"]) == ("cooking", FIRST)


def test_the_size_is_respected() -> None:
    everything = names(queue([*labelled(10), *CLEAR, *MIXED]))
    assert names(queue([*labelled(10), *CLEAR, *MIXED], size=5)) == everything[:5]


@pytest.mark.parametrize("known", [0, 10], ids=["without models", "with models"])
def test_copies_of_labelled_pages_are_left_out_and_of_other_copies_one_is_chosen(known: int) -> None:
    long = {name: written(name, {"cooking": 1, "sports": 1}, 400) for name in ("labelled", "free")}
    pages = [
        *labelled(known),
        Page("original", long["labelled"], "sports"),
        Page("exact-copy", long["labelled"]),
        Page("near-copy", long["labelled"].replace("page", "leaf", 1)),
        Page("older", long["free"], day=0),
        Page("fresher", long["free"].replace("today", "now", 1), day=1),
        *MIXED,
    ]
    outcome = queue(pages)
    assert sorted(names(outcome)) == ["fresher", *(one.name for one in MIXED)]
    assert outcome.figures["left_out_duplicates"] == 3
    of_fresher = outcome.frame.filter(title="fresher")
    assert of_fresher["duplicate_cluster"].to_list() == ["https://fresher.example/"]


def test_a_page_crawled_again_is_one_page_and_its_label_stays_with_it() -> None:
    again = [
        page("free", "sports"),
        Page("free", written("changed", {"travel": 1}), day=1),
        page("done", "sports", label="sports"),
        Page("done", written("also changed", {"travel": 1}), day=1),
    ]
    outcome = queue([*labelled(10), *again])
    assert names(outcome) == ["free"]
    assert outcome.frame["day"].to_list() == [FIRST + dt.timedelta(days=1)]
    assert (outcome.figures["labelled"], outcome.figures["window_pages"]) == (31, 32)


def test_a_text_that_was_labelled_under_an_address_that_has_another_text_now_is_not_labelled_again() -> None:
    old = written("old", {"sports": 1}, 300)
    moved = [Page("here", old, "sports"), Page("here", written("new", {"travel": 1}, 300), day=1), Page("there", old)]
    assert names(queue([*labelled(10), *moved, *MIXED[:1]])) == ["mixed-0"]


def test_rare_categories_get_their_share() -> None:
    """One page in nine is partly of a rare category, and at least four in ten of those chosen."""
    known = [*labelled(40, ["cooking", "sports"]), *labelled(8, ["travel"])]
    common = [page(f"common-{number}", "cooking", "sports") for number in range(40)]
    rare = [Page(f"rare-{number}", written(f"rare-{number}", {"travel": 2, "sports": 3})) for number in range(5)]
    outcome = queue([*known, *common, *rare], size=10)
    assert sum(name.startswith("rare") for name in names(outcome)) >= 4
    reasons = outcome.frame.filter(pl.col("title").str.starts_with("rare"))["reasons"].to_list()
    assert all("few labels of category travel: 8 of 88" in why for why in reasons)


def test_without_labels_the_first_pages_are_of_different_topics() -> None:
    pages = [page(f"{name}-{number}", name) for name in WORDS for number in range(8)]
    outcome = queue(pages, size=3)
    assert {name.partition("-")[0] for name in names(outcome)} == set(WORDS)
    for row in outcome.frame.rows(named=True):
        assert opinion(row) == WITHOUT_MODELS
        assert row["reasons"][0] == "no labels yet, so that no model can be asked"
        assert row["reasons"][1].startswith("typical of 8 pages")
    assert outcome.figures["committee"] == outcome.figures["learned_from"] == 0


@pytest.mark.parametrize(
    ("known", "why"),
    [
        (labelled(30, ["cooking"]), "all labels are of category cooking, so that no model can be asked"),
        (labelled(5, ["cooking", "sports"]), "only 10 labels, too few to ask models"),
    ],
    ids=["one category", "few labels"],
)
def test_with_too_little_to_ask_models_pages_unlike_the_labelled_ones_come_first(known: list[Page], why: str) -> None:
    pages = [page(f"{name}-{number}", name) for name in ("cooking", "travel") for number in range(8)]
    outcome = queue([*known, *pages], size=2)
    assert names(outcome)[0].startswith("travel")
    assert {row["reasons"][0] for row in outcome.frame.rows(named=True)} == {why}
    assert [opinion(row) for row in outcome.frame.rows(named=True)] == [WITHOUT_MODELS] * 2


@pytest.mark.parametrize("pages", [[], labelled(10)], ids=["no pages", "all labelled"])
def test_nothing_to_label(pages: list[Page]) -> None:
    outcome = queue(pages)
    assert outcome.frame.is_empty()
    assert (outcome.figures["pool"], outcome.figures["chosen"]) == (0, 0)


def test_pages_that_no_model_can_read_are_left_out_and_counted() -> None:
    outcome = queue([*labelled(10), *MIXED, page("mute", "sports", readable=False)])
    assert "mute" not in names(outcome)
    assert (outcome.figures["without_text"], outcome.figures["pool"]) == (1, 6)


def test_texts_without_any_word_are_no_obstacle() -> None:
    outcome = queue([Page("dash", "-"), Page("dots", "...")])
    assert sorted(names(outcome)) == ["dash", "dots"]


def test_of_many_pages_some_are_looked_at_and_of_many_labels_some_are_learned_from() -> None:
    known = [*labelled(40, ["cooking", "sports"]), *labelled(3, ["travel"])]
    outcome = queue([*known, *MIXED, *CLEAR], size=2, most_candidates=5, most_examples=30)
    expected = {"pool": 12, "looked_at": 5, "labelled": 83, "learned_from": 30, "chosen": 2}
    assert {name: outcome.figures[name] for name in expected} == expected
    assert queue([*known, *MIXED, *CLEAR], size=9, most_candidates=5).figures["looked_at"] == 9


def test_lazy_texts_and_texts_missing_in_another_version() -> None:
    pages, labels, texts = frames([*labelled(10), *MIXED])
    lazy = choose(pages, labels, {name: frame.lazy() for name, frame in texts.items()})
    assert lazy.frame.equals(choose(pages, labels, texts).frame)
    fewer = choose(pages, labels, {"v2": texts["v2"], "v1": texts["v1"].head(3)})
    assert sorted(fewer.frame["url"]) == sorted(one.url for one in MIXED)


@st.composite
def windows(draw: st.DrawFn) -> list[Page]:
    """Small windows: pages crawled again, copied, labelled or not, some without a word."""
    crawled = st.tuples(st.integers(0, 12), st.integers(0, 2), st.integers(0, 9), st.sampled_from([None, *WORDS]))
    found = {(name, day): (text, label) for name, day, text, label in draw(st.lists(crawled, max_size=30))}
    kinds = sorted(WORDS)
    return [
        Page(f"p{name}", written(str(text), {kinds[text % 3]: 1, kinds[text % 2]: 1}) if text else "", label, day)
        for (name, day), (text, label) in found.items()
    ]


@settings(max_examples=40, deadline=None)
@given(
    window=windows(), size=st.integers(1, 8), least=st.sampled_from([2, 20]), chance=st.randoms(use_true_random=False)
)
def test_whatever_the_window(window: list[Page], size: int, least: int, chance: random.Random) -> None:
    outcome = queue(window, size=size, least_labels=least)
    with_label = {one.url for one in window if one.label}
    assert outcome.frame.height == min(size, outcome.figures["pool"]) == outcome.figures["chosen"]
    assert not set(outcome.frame["url"]) & with_label
    assert not set(outcome.frame["content_sha1"]) & set(_judged(window))
    assert outcome.frame["duplicate_cluster"].is_unique().all()
    assert outcome.frame["content_sha1"].is_unique().all()
    mixed = chance.sample(window, len(window))
    assert queue(mixed, size=size, least_labels=least).frame.equals(outcome.frame)


def _judged(window: list[Page]) -> list[str]:
    """The texts of the pages that have a label: of each address the latest labelled one."""
    latest = {one.url: one.text for one in sorted(window, key=lambda one: one.day) if one.label}
    return [hashlib.sha1(text.encode()).hexdigest() for text in latest.values()]
