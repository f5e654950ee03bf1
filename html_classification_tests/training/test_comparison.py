"""Two models on the same rows: figures against those of others, and what is chance."""

import json
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from html_classification.training.comparison import Comparison, PromotionRules, compare
from html_classification.training.errors import TrainingError
from html_classification.training.evaluation import evaluate

NO_SLICES = pl.DataFrame(schema={"url": pl.String, "slice": pl.String, "value": pl.String})
FEW_DRAWS = PromotionRules(bootstrap_samples=200)


def answers(categories: Sequence[str], said: Sequence[str], clusters: Sequence[str] | None = None) -> pl.DataFrame:
    """Rows of `Predictions`, as far as a comparison reads them."""
    rows = {"url": [f"https://a.example/{index:04d}" for index in range(len(said))]}
    rows |= {"category": list(categories), "predicted": list(said)}
    probabilities = [[{"category": name, "probability": 1.0}] for name in said]
    frame = pl.DataFrame(rows | {"probabilities": probabilities, "confidence": [1.0] * len(said)})
    return frame if clusters is None else frame.with_columns(duplicate_cluster=pl.Series(list(clusters)))


def part(comparison: Comparison, value: str, measure: str) -> tuple[int, int, int, float, bool]:
    (found,) = (part for part in comparison.parts if (part.value, part.measure) == (value, measure))
    return found.rows, found.won, found.lost, found.difference, found.fallen


def invented(seed: int, rows: int = 300) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Two equally good models that share most of their mistakes; six categories of unlike size, four sites."""
    chance = np.random.default_rng(seed)
    names = np.array(list("abcdef"))
    categories = chance.choice(6, size=rows, p=np.array([8, 5, 4, 3, 2, 2]) / 24)
    hard = chance.random(rows)

    def said() -> list[str]:
        luck = np.where(chance.random(rows) < 0.7, hard, chance.random(rows))
        wrong = (categories + chance.integers(1, 6, rows)) % 6
        return names[np.where(luck < 0.8, categories, wrong)].tolist()

    candidate, champion = (answers(names[categories].tolist(), said()) for _ in range(2))
    sites = names[chance.choice(4, size=rows)]
    slices = candidate.select("url", slice=pl.lit("site"), value=pl.Series(sites))
    return candidate, champion, slices


def test_figures_are_those_of_the_evaluation_and_of_the_binomial_distribution() -> None:
    from scipy.stats import binomtest

    candidate, champion, slices = invented(1)
    found = compare(candidate, champion, slices, PromotionRules(bootstrap_samples=200, min_rows=1))
    for model, figures in (("candidate", evaluate(candidate)), ("champion", evaluate(champion))):
        assert getattr(found.accuracy, model) == pytest.approx(figures.accuracy, abs=1e-6)
        assert getattr(found.macro_f1, model) == pytest.approx(figures.macro_f1, abs=1e-6)
        for name, of_category in figures.categories.items():
            for measure in ("f1", "recall"):
                (one,) = (part for part in found.parts if (part.value, part.measure) == (name, measure))
                assert getattr(one, model) == pytest.approx(getattr(of_category, measure), abs=1e-6)
                assert one.rows == of_category.support
    right = [(rows["category"] == rows["predicted"]).to_numpy() for rows in (candidate, champion)]
    assert (found.won, found.lost) == ((right[0] & ~right[1]).sum(), (right[1] & ~right[0]).sum())
    assert found.p_value == pytest.approx(binomtest(found.won, found.won + found.lost).pvalue)
    assert found.accuracy.low <= found.accuracy.difference <= found.accuracy.high
    assert found.macro_f1.low <= found.macro_f1.difference <= found.macro_f1.high


def test_a_bootstrap_interval_is_as_wide_as_theory_says() -> None:
    # Of 400 rows 60 are won and 20 lost: the difference has a variance of (0.2 - 0.1 ** 2) / 400.
    rows = ["a", "b"] * 200
    turned = ["b", "a"] * 200
    candidate = answers(rows, rows[:60] + turned[60:80] + rows[80:])
    champion = answers(rows, turned[:60] + rows[60:])
    found = compare(candidate, champion, NO_SLICES, PromotionRules())
    width = 2 * 1.96 * (0.19 / 400) ** 0.5
    assert found.accuracy.high - found.accuracy.low == pytest.approx(width, rel=0.1)
    assert (found.won, found.lost, found.verdict) == (60, 20, "better")


@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_order_does_not_matter_and_exchanging_the_models_turns_all_around(seed: int, chance: object) -> None:
    candidate, champion, slices = invented(seed, rows=80)
    found = compare(candidate, champion, slices, FEW_DRAWS)
    shuffled = (rows.sample(fraction=1.0, shuffle=True, seed=seed) for rows in (candidate, champion, slices))
    assert compare(*shuffled, FEW_DRAWS) == found
    turned = compare(champion, candidate, slices, FEW_DRAWS)
    assert (turned.won, turned.lost, turned.p_value) == (found.lost, found.won, found.p_value)
    assert turned.macro_f1.difference == pytest.approx(-found.macro_f1.difference)
    assert turned.macro_f1.low == pytest.approx(-found.macro_f1.high, abs=2e-6)
    opposite = {"better": "worse", "worse": "better"}
    assert turned.verdict == opposite.get(found.verdict, found.verdict)


def test_a_model_is_not_distinguishable_from_itself() -> None:
    candidate, _, slices = invented(3)
    found = compare(candidate, candidate, slices, FEW_DRAWS)
    assert (found.verdict, found.p_value, found.fallen) == ("not distinguishable", 1.0, ())
    assert (found.macro_f1.low, found.macro_f1.high) == (0, 0)


def test_near_duplicates_count_once() -> None:
    # One page that only the champion gets right, and 29 copies of it.
    rows = ["a", "b"] * 50 + ["a"] * 30
    wrong = rows[:100] + ["b"] * 30
    copies = [f"https://a.example/{min(index, 100):04d}" for index in range(130)]
    apart = compare(answers(rows, wrong), answers(rows, rows), NO_SLICES, FEW_DRAWS)
    together = compare(answers(rows, wrong, copies), answers(rows, rows), NO_SLICES, FEW_DRAWS)
    assert (apart.verdict, apart.lost, apart.clusters) == ("worse", 30, 130)
    assert (together.verdict, together.lost, together.clusters) == ("not distinguishable", 1, 101)
    assert apart.fallen
    assert not together.fallen
    assert together.rows == 130


def test_equally_good_models_are_seldom_refused_and_a_lost_category_is_found() -> None:
    refused, found = 0, []
    for seed in range(100):
        candidate, champion, slices = invented(seed)
        comparison = compare(candidate, champion, slices, FEW_DRAWS)
        refused += comparison.verdict == "worse" or bool(comparison.fallen)
        if seed < 20:
            lost = pl.when(pl.col("predicted") == "c").then(pl.lit("a")).otherwise("predicted")
            found.append(compare(candidate.with_columns(predicted=lost), champion, slices, FEW_DRAWS).fallen)
    assert refused <= 5
    assert all("c" in {part.value for part in fallen} for fallen in found)


def test_a_fall_counts_beyond_the_margin_where_there_are_enough_rows() -> None:
    rows = ["a"] * 100 + ["b"] * 100 + ["c"] * 15
    wrong = ["a"] * 88 + ["b"] * 12 + ["b"] * 100 + ["a"] * 15
    languages = answers(rows, rows).select("url", slice=pl.lit("language"), value=pl.Series(["de"] * 40 + ["en"] * 175))
    found = compare(answers(rows, wrong), answers(rows, rows), languages, FEW_DRAWS)
    assert part(found, "a", "recall") == (100, 0, 12, -0.12, True)
    assert part(found, "b", "recall") == (100, 0, 0, 0.0, False)
    assert part(found, "de", "accuracy") == (40, 0, 0, 0.0, False)
    assert part(found, "en", "accuracy") == (175, 0, 27, -0.154286, True)
    assert "c" not in {part.value for part in found.parts}
    wide = FEW_DRAWS.model_copy(update={"category_margin": 0.15, "slice_margin": 0.2, "min_rows": 10})
    allowed = compare(answers(rows, wrong), answers(rows, rows), languages, wide)
    assert {(one.value, one.measure) for one in allowed.fallen} == {("c", "recall"), ("c", "f1")}
    assert [one.fallen for one in allowed.parts[:3]] == [True, True, False]
    assert (str(allowed.worst(category=True)), allowed.figures()["fallen"]) == (
        "recall of category c 0.000 against 1.000 (-1.000, -1.000 to -1.000), p 3.1e-05",
        ["recall of category c", "f1 of category c"],
    )


def test_many_fallen_parts_of_long_names_stay_short() -> None:
    names = [f"{index:02d} " + "ж" * 500 for index in range(40)]
    rows = [name for name in names for _ in range(20)]
    found = compare(answers(rows, ["x"] * len(rows)), answers(rows, rows), NO_SLICES, FEW_DRAWS)
    assert len(found.fallen) == 80
    figures = found.figures()
    assert (len(figures["fallen"]), figures["fallen"][-1]) == (21, "60 more")
    assert len(json.dumps(figures, ensure_ascii=False)) < 5_000
    assert len(str(found.worst(category=True))) < 200


def test_categories_that_no_row_has_may_be_said() -> None:
    rows = ["a", "b"] * 30
    found = compare(answers(rows, ["x"] * 60), answers(rows, rows), NO_SLICES, FEW_DRAWS)
    assert (found.verdict, found.accuracy.candidate, found.macro_f1.champion) == ("worse", 0, 1)
    assert {part.value for part in found.parts} == {"a", "b"}
    alone = compare(answers(["a"], ["a"]), answers(["a"], ["b"]), NO_SLICES, FEW_DRAWS)
    assert (alone.rows, alone.won, alone.p_value, alone.parts) == (1, 1, 1.0, ())


def test_other_rows_are_not_compared() -> None:
    with pytest.raises(TrainingError, match="answered 2 rows and the champion 3, of which 2 are the same"):
        compare(answers("ab", "ab"), answers("aba", "aba"), NO_SLICES, FEW_DRAWS)
    with pytest.raises(TrainingError, match="of which 1 are the same"):
        compare(answers("ab", "ab"), answers("aa", "ab"), NO_SLICES, FEW_DRAWS)
    with pytest.raises(TrainingError, match="answered 0 rows"):
        compare(answers("ab", "ab").clear(), answers("ab", "ab").clear(), NO_SLICES, FEW_DRAWS)
