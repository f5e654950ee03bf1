"""Whether refined labels help: judged by trusted rows, all pairs as one, and never in favour of what is not better."""

import random
from collections.abc import Mapping, Sequence

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from html_classification.training.candidates import Kind
from html_classification.training.effect import Effect, EffectRules, measure_effect
from html_classification.training.errors import TrainingError

TURNED = {"cooking": "sports", "sports": "cooking"}
GIVEN, REFINED = Kind("given", "v1", "nb"), Kind("refined", "v1", "nb")
RULES = EffectRules(bootstrap_samples=200)


def held_out(trusted: int, others: int = 0, copies: int = 1) -> pl.DataFrame:
    """The test rows of a training set: first those that a person labelled; some pages have copies."""
    number = pl.int_range(trusted + others, eager=True)
    return pl.DataFrame({"number": number}).select(
        url=pl.format("https://a.example/{}", pl.col("number").cast(pl.String).str.zfill(4)),
        split=pl.lit("test"),
        label_source=pl.when(pl.col("number") < trusted).then(pl.lit("person:ann")).otherwise(pl.lit("file:l.jsonl")),
        duplicate_cluster=(pl.col("number") // copies).cast(pl.String),
        category=pl.when(pl.col("number") % 2 == 0).then(pl.lit("cooking")).otherwise(pl.lit("sports")),
    )


def answers(rows: pl.DataFrame, wrong: Sequence[int] = ()) -> pl.DataFrame:
    """What a model says that is wrong of these rows."""
    said = [TURNED[name] if number in wrong else name for number, name in enumerate(rows["category"])]
    return rows.select("url", "category", predicted=pl.Series(said))


def effect(rows: pl.DataFrame, wrong: Mapping[Kind, Sequence[int]], rules: EffectRules = RULES) -> Effect:
    """The effect, of models by their mistakes."""
    return measure_effect({kind: answers(rows, numbers) for kind, numbers in wrong.items()}, rows, rules)


def test_wrong_labels_of_test_rows_have_no_say_where_trusted_ones_are_enough() -> None:
    # The labels of the last 60 rows are wrong, and the model on given labels has learned to say the same.
    rows = held_out(trusted=60, others=60)
    wrong = {GIVEN: range(15), REFINED: [*range(2), *range(60, 90)]}
    found = effect(rows, wrong)
    assert (found.verdict, found.trusted[REFINED].rows, found.trusted[GIVEN].accuracy) == ("helps", 60, 0.75)
    assert found.words.startswith("refined labels help: macro-F1 0.967 against 0.750 (+0.217, +0.1")
    assert found.words.endswith(
        "; 1 pair of models on 60 held-out rows (labels of people or agreed on by several annotators)"
    )
    assert (found.check().passed, found.may_be_promoted(REFINED)) == (True, True)
    few = effect(rows, wrong, RULES.model_copy(update={"min_trusted_rows": 61}))
    assert (few.verdict, few.trusted[REFINED].rows) == ("does not help", 120)
    assert "only 60 of 120 different held-out pages have labels of people" in few.words
    assert (few.check().passed, few.may_be_promoted(REFINED), few.may_be_promoted(GIVEN)) == (False, False, True)
    assert few.check().figures["refinement_gain_accuracy"] == pytest.approx(-17 / 120, abs=1e-6)


def test_a_page_is_one_observation_however_many_pairs_and_copies_answer_it() -> None:
    rows = held_out(trusted=200, copies=2)
    kinds = [(version, name) for version in ("v1", "v2") for name in ("a", "b", "c", "d")]
    wrong: dict[Kind, Sequence[int]] = {Kind("given", *kind): range(6) for kind in kinds} | {
        Kind("refined", *kind): [] for kind in kinds
    }
    found = effect(rows, wrong)
    assert found.together is not None
    assert (len(found.pairs), found.together.clusters, found.together.won, found.together.lost) == (8, 100, 3, 0)
    assert found.together.p_value == 0.25
    assert "McNemar p 0.25" in found.words


def test_a_gain_that_is_bought_with_accuracy_or_too_small_does_not_help() -> None:
    rows = held_out(trusted=100).with_columns(
        category=pl.when(pl.int_range(pl.len()) < 90).then(pl.lit("cooking")).otherwise(pl.lit("sports"))
    )
    bought = effect(rows, {GIVEN: range(90, 97), REFINED: range(8)})
    assert bought.together is not None
    assert (bought.together.macro_f1.difference > 0, bought.together.accuracy.difference < 0) == (True, True)
    assert bought.verdict == "does not help"
    small = {GIVEN: [0, 1], REFINED: [0]}
    assert effect(rows, small).verdict == "helps"
    assert "which chance may explain" in effect(rows, small).words
    for stricter in ({"least_gain": 0.1}, {"beyond_chance": True}):
        assert effect(rows, small, RULES.model_copy(update=stricter)).verdict == "does not help"
    much = {GIVEN: range(20), REFINED: [0]}
    assert effect(rows, much, RULES.model_copy(update={"beyond_chance": True})).verdict == "helps"


def test_without_a_difference_or_a_pair_there_is_nothing_to_compare() -> None:
    rows = held_out(trusted=60)
    other = Kind("refined", "v2", "nb")
    for wrong in ({GIVEN: [1], REFINED: [1]}, {GIVEN: [1], other: []}):
        found = effect(rows, wrong)
        assert (found.verdict, found.check().passed) == ("nothing to compare", True)
        assert found.words.startswith("nothing to compare: ")
        # What was not shown to help does not replace the given labels.
        assert not any(found.may_be_promoted(kind) for kind in wrong if kind.labels == "refined")
    assert "refinement_gain_macro_f1" not in found.figures()


def test_models_of_other_rows_than_the_training_sets_are_refused() -> None:
    rows = held_out(trusted=60)
    models = {GIVEN: answers(rows), REFINED: answers(rows.head(59))}
    with pytest.raises(TrainingError, match="the model on refined labels of v1 nb was tested on other rows"):
        measure_effect(models, rows, RULES)


MISTAKES = st.lists(st.integers(0, 39), unique=True, max_size=20)


@settings(max_examples=25, deadline=None)
@given(MISTAKES, MISTAKES, st.integers(0, 40), st.randoms(use_true_random=False))
def test_labels_never_help_both_ways_and_the_order_has_no_part(
    first: list[int], second: list[int], trusted: int, chance: random.Random
) -> None:
    rules = EffectRules(bootstrap_samples=100, min_trusted_rows=20)
    rows = held_out(trusted=trusted, others=40 - trusted)
    one = effect(rows, {GIVEN: first, REFINED: second}, rules)
    other = effect(rows, {GIVEN: second, REFINED: first}, rules)
    assert {one.verdict, other.verdict} != {"helps"}
    assert (one.verdict == "nothing to compare") == (other.verdict == "nothing to compare")
    models = {kind: answers(rows, wrong) for kind, wrong in ((REFINED, second), (GIVEN, first))}
    shuffled = {
        kind: frame.sample(fraction=1, shuffle=True, seed=chance.randrange(99)) for kind, frame in models.items()
    }
    again = measure_effect(shuffled, rows.sample(fraction=1, shuffle=True, seed=1), rules)
    assert (again.words, again.figures(), again.trusted[GIVEN]) == (one.words, one.figures(), one.trusted[GIVEN])
