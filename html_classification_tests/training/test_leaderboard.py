"""The leaderboard: the same rows, the same order every time, what chance explains, a table and a picture."""

import io
import random

import polars as pl
import pytest
from PIL import Image

from html_classification.schemas.training import LEADERBOARD
from html_classification.schemas.validation import audit
from html_classification.training.effect import EffectRules
from html_classification.training.errors import TrainingError
from html_classification.training.leaderboard import (
    HeldOutRows,
    effect_to_markdown,
    picture,
    rank,
    rank_day,
    to_markdown,
)

SNAPSHOT = "training-set-2026-03-14-0123456789ab"


def held_out(stage: str, right: int, of: int = 6, first: int = 0) -> HeldOutRows:
    """Predictions of which the first are right."""
    categories = ["cooking", "sports"] * (of // 2)
    wrong = {"cooking": "sports", "sports": "cooking"}
    frame = pl.DataFrame(
        [
            {
                "url": f"https://a.example/{first + n}",
                "category": category,
                "predicted": (said := category if n < right else wrong[category]),
                "confidence": 0.9,
                "probabilities": [{"category": name, "probability": 0.9 if name == said else 0.1} for name in wrong],
            }
            for n, category in enumerate(categories)
        ]
    )
    return HeldOutRows(stage, f"{right:012x}", SNAPSHOT, 10, frame)


def training_set(model: HeldOutRows) -> pl.DataFrame:
    """The rows that it was tested on, labelled by people."""
    return model.predictions.select(
        "url", split=pl.lit("test"), label_source=pl.lit("person:ann"), duplicate_cluster="url"
    )


MODELS = [
    held_out("models/refined-v1-complement-nb", right=4),
    held_out("models/given-v2-logistic-regression", right=6),
    held_out("models/given-v1-complement-nb", right=4),
    held_out("models/given-v1-logistic-regression", right=2),
]


def test_it_is_by_macro_f1_and_of_equals_by_name() -> None:
    outcome = rank_day(MODELS, training_set(MODELS[0]), EffectRules())
    assert all(check.passed for check in audit(LEADERBOARD, outcome.frame))
    assert outcome.frame.select("rank", "model").rows() == [
        (1, "models/given-v2-logistic-regression"),
        (2, "models/given-v1-complement-nb"),
        (3, "models/refined-v1-complement-nb"),
        (4, "models/given-v1-logistic-regression"),
    ]
    best = outcome.frame.row(0, named=True)
    assert (best["labels"], best["text_version"], best["algorithm"]) == ("given", "v2", "logistic-regression")
    assert (best["train_rows"], best["test_rows"], best["accuracy"], best["macro_f1"]) == (10, 6, 1.0, 1.0)
    assert (best["roc_auc"], best["calibration_error"]) == (1.0, pytest.approx(0.1))
    assert best["snapshot"] == SNAPSHOT
    assert (outcome.figures["models"], outcome.figures["test_rows"]) == (4, 6)
    assert (outcome.figures["best_macro_f1"], outcome.figures["best_accuracy"]) == (1.0, 1.0)
    shuffled = random.Random(0).sample(MODELS, len(MODELS))
    again = rank_day(shuffled, training_set(MODELS[0]).reverse(), EffectRules())
    assert again.frame.equals(outcome.frame)
    assert (again.figures, again.checks) == (outcome.figures, outcome.checks)
    # Of registered models of several days nothing is known of refined labels.
    assert rank(MODELS).frame.equals(outcome.frame.select(rank(MODELS).frame.columns))
    assert "may_be_promoted" not in rank(MODELS).frame.columns


def test_it_says_which_models_chance_may_have_put_behind_the_best() -> None:
    models = [held_out(f"models/given-v{number}-x", right, of=200) for number, right in ((1, 180), (2, 178), (3, 120))]
    outcome = rank(models)
    assert outcome.frame["against_best"].to_list() == ["best", "not distinguishable", "worse"]
    assert outcome.figures["not_distinguishable_from_the_best"] == 1
    best, near, far = outcome.frame.select("behind", "behind_low", "behind_high", "p_value").rows()
    assert best == (0.0, 0.0, 0.0, 1.0)
    assert (near[0], near[3]) == (pytest.approx(0.01, abs=1e-3), 0.5)
    assert far[1] <= far[0] <= far[2]
    assert far[1] > 0.1
    assert far[3] < 1e-6


def test_models_of_other_rows_are_not_ranked_together() -> None:
    with pytest.raises(TrainingError, match=r"models/given-v3-x .* was tested on other rows than models/refined-v1"):
        rank([*MODELS, held_out("models/given-v3-x", right=4, first=1)])
    with pytest.raises(TrainingError, match="no models to rank"):
        rank([])


def test_one_category_has_no_roc_auc_and_is_ranked_all_the_same() -> None:
    one = held_out("models/given-v1-x", right=6)
    only = one.predictions.filter(category="sports")
    model = HeldOutRows(one.stage, one.version, SNAPSHOT, 10, only)
    outcome = rank_day([model], training_set(model), EffectRules())
    assert all(check.passed for check in audit(LEADERBOARD, outcome.frame))
    assert outcome.frame["roc_auc"].to_list() == [None]
    assert "| 1 | given | v1 | x | 1.000 | 1.000 |" in to_markdown(outcome.frame)


def test_the_table_has_a_row_for_each_model() -> None:
    lines = to_markdown(rank(MODELS).frame).splitlines()
    assert len(lines) == 2 + len(MODELS)
    assert {line.count("|") for line in lines} == {11}
    assert lines[2].startswith("| 1 | given | v2 | logistic-regression | 1.000 | 1.000 |  |  | 1.000 |")
    assert lines[3].startswith("| ≈2 | given | v1 | complement-nb | 0.667 |")


def test_a_better_model_on_refined_labels_may_be_promoted_only_where_refined_labels_help() -> None:
    rights = {"given-v1-a": 150, "refined-v1-a": 190, "given-v2-a": 180, "refined-v2-a": 120}
    models = [held_out(f"models/{stage}", right, of=200) for stage, right in rights.items()]
    outcome = rank_day(models, training_set(models[0]), EffectRules())
    board = outcome.frame.select("model", "gain_macro_f1", "trusted_accuracy", "may_be_promoted").rows()
    assert [(name, trusted, may) for name, _, trusted, may in board] == [
        ("models/refined-v1-a", 0.95, False),
        ("models/given-v2-a", 0.9, True),
        ("models/given-v1-a", 0.75, True),
        ("models/refined-v2-a", 0.6, False),
    ]
    assert [gain and round(gain, 2) for _, gain, _, _ in board] == [0.2, None, None, -0.3]
    (check,) = outcome.checks
    assert (check.name, check.passed, check.blocking) == ("refinement_helps", False, False)
    assert outcome.figures["refinement_gain_accuracy"] == pytest.approx(-0.05)
    assert outcome.figures["trusted_rows"] == 200
    verdict, pairs = effect_to_markdown(outcome.frame).split("\n\n")
    assert verdict.startswith("**refined labels do not help: macro-F1 0.775 against 0.825 (-0.050, ")
    assert verdict.endswith("No model on refined labels is promoted.")
    assert pairs.splitlines()[2].startswith("| v1 | a | 0.750 | 0.950 | +0.200 (")
    helped = rank_day(models[:2], training_set(models[0]), EffectRules())
    assert helped.frame["may_be_promoted"].all()
    assert helped.checks[0].passed
    assert "No model on refined" not in effect_to_markdown(helped.frame)
    alone = rank_day(models[:1], training_set(models[0]), EffectRules())
    assert effect_to_markdown(alone.frame).startswith("**nothing to compare: no algorithm has models on given and on ")


def test_the_picture_is_a_small_png_and_the_same_every_time() -> None:
    board = rank(MODELS).frame
    data = picture(board)
    image = Image.open(io.BytesIO(data))
    assert (image.format, image.width) == ("PNG", 600)
    assert len(data) < 20_000
    assert picture(board.reverse()) == data
    many = pl.concat([board] * 30).with_columns(rank=pl.int_range(1, pl.len() + 1))
    assert Image.open(io.BytesIO(picture(many))).height < 1000
