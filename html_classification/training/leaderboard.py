"""The leaderboard: every model of a day on the same test rows, best first.

Belongs here: the order, how far each is behind the best, and the board as a table and as a picture. Does not belong
here: the figures (`evaluation`), the statistics of a difference (`comparison`), whether refined labels help (`effect`),
and what follows (`promoting`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from html_classification.schemas.outcome import Outcome
from html_classification.schemas.training import LEADERBOARD
from html_classification.training.candidates import Kind
from html_classification.training.comparison import NO_SLICES, PromotionRules, compare
from html_classification.training.effect import GIVEN, Effect, EffectRules, measure_effect
from html_classification.training.errors import TrainingError
from html_classification.training.evaluation import evaluate

_DECIMALS = 6
#: The columns that a board has of a day's models alone, where refined labels are judged.
_OF_REFINEMENT = (
    *("trusted_rows", "trusted_accuracy", "trusted_macro_f1", "gain_macro_f1", "gain_low", "gain_high"),
    *("refinement", "may_be_promoted"),
)
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # told apart by the colour-blind too
_SHOWN = 40  # models in the picture


class LeaderboardRules(BaseModel):
    """What a leaderboard says beyond the order of the models."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    refinement: EffectRules = Field(EffectRules(), description="When refined labels count as helping.")


@dataclass(frozen=True)
class HeldOutRows:
    """What the lake keeps of a model.

    Attributes:
        stage: The model's stage.
        version: Its version.
        snapshot: The snapshot of its training set.
        train_rows: Rows that it learned from.
        predictions: Rows of `Predictions`: its answers to the test rows.
    """

    stage: str
    version: str
    snapshot: str
    train_rows: int
    predictions: pl.DataFrame


def rank_day(held_out: Sequence[HeldOutRows], training_set: pl.DataFrame, rules: EffectRules) -> Outcome:
    """The leaderboard of a day, with what refined labels are good for.

    Args:
        held_out: The models of a day.
        training_set: The rows that they are made from, at least `effect.ROW_COLUMNS`.
        rules: When refined labels help.

    Returns:
        Rows of `Leaderboard`, by rank. As figures those of `rank` and of the effect; the check `refinement_helps`.

    Raises:
        TrainingError: There is no model, or not all were tested on the test rows of the training set.
    """
    ranked = rank(held_out)
    answers = {Kind.of_stage(model.stage): model.predictions for model in held_out}
    effect = measure_effect(answers, training_set, rules)
    judged = [_judged(model, effect) for model in held_out]
    schema = {name: dtype for name, dtype in LEADERBOARD.dtypes.items() if name in ("model", *_OF_REFINEMENT)}
    frame = ranked.frame.join(pl.DataFrame(judged, schema=schema), on="model", maintain_order="left")
    frame = frame.select(list(LEADERBOARD.dtypes))
    return Outcome(frame, figures={**ranked.figures, **effect.figures()}, checks=[effect.check()])


def rank(held_out: Sequence[HeldOutRows]) -> Outcome:
    """Some models, best first, whatever days they are of.

    Args:
        held_out: The models, all of the same test rows.

    Returns:
        Rows of `Leaderboard` without what is known of refined labels, by rank: macro-F1, then accuracy, then the name.
        As figures `models`, `test_rows`, `best_macro_f1`, `best_accuracy` and `not_distinguishable_from_the_best`:
        models that chance may put behind it.

    Raises:
        TrainingError: There is no model, or two were tested on different rows.
    """
    if not held_out:
        raise TrainingError("no models to rank: materialize the models of that day first")
    _require_same_rows(held_out)
    measured = [_measure(model) for model in held_out]
    order = sorted(range(len(measured)), key=lambda n: _place(measured[n]))
    best = held_out[order[0]].predictions
    frame = pl.DataFrame(
        [_ranked(measured[n], place, held_out[n].predictions, best) for place, n in enumerate(order, 1)],
        schema={name: dtype for name, dtype in LEADERBOARD.dtypes.items() if name not in _OF_REFINEMENT},
    )
    figures: dict[str, int | float | str] = {
        "models": frame.height,
        "test_rows": frame["test_rows"][0],
        "best_macro_f1": frame["macro_f1"][0],
        "best_accuracy": frame["accuracy"][0],
        "not_distinguishable_from_the_best": frame.filter(against_best="not distinguishable").height,
    }
    return Outcome(frame, figures=figures)


def to_markdown(board: pl.DataFrame) -> str:
    """The board as a Markdown table, for Dagster's metadata.

    Args:
        board: Rows of `Leaderboard`.

    Returns:
        A row for each model, by rank; models that chance may have put behind the best have a `≈` before their rank.
    """
    names = ["", "labels", "text", "algorithm", "accuracy", "macro-F1", "behind (95 %)", "p", "ROC AUC", "log loss"]
    lines = [names, ["---"] * 4 + ["---:"] * 6]
    for row in board.sort("rank").iter_rows(named=True):
        alike = row["against_best"] == "not distinguishable"
        roc_auc = "" if row["roc_auc"] is None else f"{row['roc_auc']:.3f}"
        behind = f"{row['behind']:.3f} ({row['behind_low']:.3f} to {row['behind_high']:.3f})" if row["rank"] > 1 else ""
        lines.append(
            [
                f"{'≈' if alike else ''}{row['rank']}",
                *(row[name] for name in ("labels", "text_version", "algorithm")),
                *(f"{row[name]:.3f}" for name in ("accuracy", "macro_f1")),
                *(behind, f"{row['p_value']:.2g}" if behind else "", roc_auc, f"{row['log_loss']:.3f}"),
            ]
        )
    return _table(lines)


def effect_to_markdown(board: pl.DataFrame) -> str:
    """Given and refined labels side by side, for Dagster's metadata.

    Args:
        board: Rows of `Leaderboard`.

    Returns:
        The verdict in one line, and a row for each pair of models: macro-F1 on the trusted rows.
    """
    first = board.row(0, named=True)
    kept = "" if board["may_be_promoted"].all() else " No model on refined labels is promoted."
    verdict = f"**{first['refinement']}**.{kept}"
    given = {
        (row["text_version"], row["algorithm"]): row["trusted_macro_f1"]
        for row in board.filter(labels=GIVEN).iter_rows(named=True)
    }
    pairs = board.filter(pl.col("gain_macro_f1").is_not_null()).sort("text_version", "algorithm")
    if pairs.is_empty():
        return verdict
    lines = [["text", "algorithm", "macro-F1 on given labels", "on refined labels", "difference (95 %)"]]
    lines.append(["---"] * 2 + ["---:"] * 3)
    for row in pairs.iter_rows(named=True):
        kind = (row["text_version"], row["algorithm"])
        difference = f"{row['gain_macro_f1']:+.3f} ({row['gain_low']:+.3f} to {row['gain_high']:+.3f})"
        lines.append([*kind, f"{given[kind]:.3f}", f"{row['trusted_macro_f1']:.3f}", difference])
    return f"{verdict}\n\n{_table(lines)}"


def picture(board: pl.DataFrame) -> bytes:
    """The board as a picture.

    Args:
        board: Rows of `Leaderboard`.

    Returns:
        A PNG file: macro-F1 of each model, best above, with the 95 % interval of how far it is behind the best; the
        accuracy as a grey bar. A colour for each text version; hollow where the labels are the given ones. Of more
        than 40 models the best are shown.
    """
    from matplotlib.figure import Figure
    from PIL import Image

    shown = board.sort("rank").head(_SHOWN)
    height = 0.9 + 0.24 * shown.height
    figure = Figure(figsize=(7.5, height), dpi=80)
    axes = figure.add_axes((0.36, 0.55 / height, 0.62, 1 - 0.85 / height))
    versions = sorted(set(shown["text_version"]))
    colours = {version: _COLOURS[number % len(_COLOURS)] for number, version in enumerate(versions)}
    best = shown["macro_f1"][0]
    for place, row in enumerate(shown.iter_rows(named=True)):
        colour = colours[row["text_version"]]
        inside = colour if row["labels"] == "refined" else "white"
        axes.plot([best - row["behind_high"], best - row["behind_low"]], [place, place], color=colour, linewidth=1)
        axes.plot(row["accuracy"], place, "|", color="#888888", markersize=9)
        axes.plot(row["macro_f1"], place, "o", color=colour, markerfacecolor=inside, markersize=5)
    axes.axvline(best, color="#cccccc", linewidth=0.8, zorder=0)
    names = [f"{row['labels']} {row['text_version']} {row['algorithm']}" for row in shown.iter_rows(named=True)]
    axes.set_yticks(range(shown.height), names, fontsize=8, parse_math=False)
    axes.set_ylim(shown.height - 0.4, -0.6)
    axes.tick_params(axis="x", labelsize=8)
    axes.set_xlabel(f"macro-F1 and interval (●), accuracy (|), {shown['test_rows'][0]} test rows", fontsize=8)
    axes.set_title("filled: refined labels, hollow: given labels", fontsize=8)
    drawn, small = BytesIO(), BytesIO()
    figure.savefig(drawn, format="png")
    # With few colours it takes a third of the room, and Dagster keeps it in its database.
    Image.open(drawn).convert("RGB").quantize(128).save(small, "png", optimize=True)
    return small.getvalue()


def _require_same_rows(held_out: Sequence[HeldOutRows]) -> None:
    first, *others = held_out
    rows = first.predictions.select("url", "category").sort("url")
    for other in others:
        if not other.predictions.select("url", "category").sort("url").equals(rows):
            message = (
                f"{other.stage} ({other.snapshot}) was tested on other rows than {first.stage} ({first.snapshot}): "
                "materialize all models of that day from the same training set"
            )
            raise TrainingError(message)


def _measure(model: HeldOutRows) -> dict[str, str | int | float | None]:
    kind, metrics = Kind.of_stage(model.stage), evaluate(model.predictions)
    figures = {name: getattr(metrics, name) for name in LEADERBOARD.dtypes if name in type(metrics).model_fields}
    return {
        "model": model.stage,
        "version": model.version,
        "snapshot": model.snapshot,
        "labels": kind.labels,
        "text_version": kind.text_version,
        "algorithm": kind.algorithm,
        "train_rows": model.train_rows,
        "test_rows": metrics.rows,
        **{name: None if value is None else round(value, _DECIMALS) for name, value in figures.items()},
    }


def _place(row: dict[str, str | int | float | None]) -> tuple[float, float, str]:
    return -float(row["macro_f1"] or 0), -float(row["accuracy"] or 0), str(row["model"])


def _ranked(
    row: dict[str, str | int | float | None], place: int, predictions: pl.DataFrame, best: pl.DataFrame
) -> dict[str, str | int | float | None]:
    """A row of the board, from the figures of a model and its place."""
    found = compare(predictions, best, NO_SLICES, PromotionRules())
    return row | {
        "rank": place,
        "behind": round(0.0 - found.macro_f1.difference, _DECIMALS),
        "behind_low": round(0.0 - found.macro_f1.high, _DECIMALS),
        "behind_high": round(0.0 - found.macro_f1.low, _DECIMALS),
        "p_value": round(found.p_value, _DECIMALS),
        "against_best": "best" if place == 1 else found.verdict,
    }


def _judged(model: HeldOutRows, effect: Effect) -> dict[str, str | int | float | None]:
    """What a model's row has of refined labels."""
    kind = Kind.of_stage(model.stage)
    pair, trusted = effect.pairs.get(kind), effect.trusted[kind]
    return {
        "model": model.stage,
        "trusted_rows": trusted.rows,
        "trusted_accuracy": trusted.accuracy,
        "trusted_macro_f1": trusted.macro_f1,
        "gain_macro_f1": pair.macro_f1.difference if pair else None,
        "gain_low": pair.macro_f1.low if pair else None,
        "gain_high": pair.macro_f1.high if pair else None,
        "refinement": effect.words,
        "may_be_promoted": effect.may_be_promoted(kind),
    }


def _table(lines: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
