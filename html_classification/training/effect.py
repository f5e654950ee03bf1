"""Whether refined labels help: models on given and on refined labels, on the same held-out rows.

Belongs here: whose labels are trusted, the pairs of models, one verdict for all of them, the check. Does not belong
here: the statistics of a difference (`comparison`), the board that shows it (`leaderboard`), what follows for the
champion (`promoting`).

A pair is the same algorithm on the same text version, trained on given and on refined labels: nothing but the labels
differs. Pairs are many and each tells little, so that they are judged together: the answers of all pairs are stacked,
and what any of them says of a page, or of its near duplicates, is one observation (a cluster) of the test and of the
bootstrap in `comparison`.

Held-out rows are judged by their given labels, of which some are wrong as well. A model on given labels has learned the
same mistakes, which makes it look better than it is; so the labels of people count, and those that several annotators
agree on. Where these are too few, all rows count: that favours the given labels, so that refinement must help all the
more to be seen.

Simulated (100 times 8 pairs of models that are right of 80 % and share most of their mistakes, ten categories), this is
how often refined labels are said to help; in brackets, how often with `beyond_chance`:

| truly better by | 60 rows      | 150 rows     | 400 rows     |
| --------------- | ------------ | ------------ | ------------ |
| -5 points       | 6 % (0 %)    | 1 % (0 %)    | 0 % (0 %)    |
| -2 points       | 32 % (0 %)   | 16 % (0 %)   | 4 % (0 %)    |
| none            | 38 % (6 %)   | 51 % (6 %)   | 62 % (7 %)   |
| 2 points        | 72 % (18 %)  | 81 % (23 %)  | 98 % (52 %)  |
| 5 points        | 92 % (41 %)  | 99 % (76 %)  | 100 % (99 %) |

A model on refined labels that is let through still has to stand against the champion (`promoting`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from html_classification.labeling.answers import MACHINES, is_person
from html_classification.schemas.described import Check
from html_classification.training.candidates import Kind
from html_classification.training.comparison import (
    DECIMALS,
    NO_SLICES,
    Comparison,
    Difference,
    PromotionRules,
    compare,
)
from html_classification.training.errors import TrainingError

Verdict = Literal["helps", "does not help", "nothing to compare"]
GIVEN, REFINED = "given", "refined"

REFINEMENT_HELPS = "refinement_helps"
REFINEMENT_HELPS_DESCRIPTION = (
    "Models on refined labels are better than those on given labels, all pairs of the same algorithm and text version "
    "together, on the held-out rows whose labels can be trusted; or there is nothing to compare. While it fails, no "
    "model on refined labels is promoted: the refined data do not replace the given."
)
#: What is read of the training set.
ROW_COLUMNS = ["url", "split", "label_source", "duplicate_cluster"]


class EffectRules(BaseModel):
    """When refined labels count as helping."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trust_agreement: bool = Field(
        True,
        description="Whether a label that several machines agree on is trusted, besides those of people. Two versions "
        "of the same machine are one.",
    )
    min_trusted_rows: int = Field(
        50,
        ge=1,
        description="Near duplicates count as one. With fewer held-out rows of trusted labels than this, all held-out "
        "rows are judged by their given labels, which favours the models on given labels.",
    )
    least_gain: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Refined labels help where neither macro-F1 nor accuracy is lower and one of them is higher by "
        "more than this.",
    )
    beyond_chance: bool = Field(
        False,
        description="Whether the gain must be more than chance explains. The safest; on few rows it hides small gains.",
    )
    significance: float = Field(
        0.05,
        gt=0,
        lt=0.5,
        description="Error level of intervals and tests. Models that are worse by them do not help whatever the gain.",
    )
    bootstrap_samples: int = Field(
        1000, ge=100, le=100_000, description="Draws of the bootstrap: how fine intervals are."
    )
    seed: int = Field(0, ge=0, description="Of the draws: same seed, same interval.")

    @property
    def of_comparison(self) -> PromotionRules:
        """The same for `compare`, which has further rules that have no part in this."""
        return PromotionRules(significance=self.significance, bootstrap_samples=self.bootstrap_samples, seed=self.seed)


@dataclass(frozen=True)
class Judges:
    """The held-out rows that models are judged on.

    Attributes:
        rows: Their `url` and `duplicate_cluster`, sorted by url.
        words: Whose labels they have, in words.
    """

    rows: pl.DataFrame
    words: str


class TrustedFigures(NamedTuple):
    """How a model does on the rows that are judged."""

    rows: int
    accuracy: float
    macro_f1: float


@dataclass(frozen=True)
class Effect:
    """What refinement did.

    Attributes:
        verdict: Whether it helps.
        words: The verdict with its figures, one line.
        judges: The rows that it was reached on.
        trusted: How each model does on them.
        pairs: The refined model's comparison with the given one, by the kind of the refined one.
        together: The comparison of all pairs; None where there are none.
    """

    verdict: Verdict
    words: str
    judges: Judges
    trusted: Mapping[Kind, TrustedFigures]
    pairs: Mapping[Kind, Comparison]
    together: Comparison | None

    def may_be_promoted(self, kind: Kind) -> bool:
        """Whether a model of a kind may become champion: one on refined labels must be shown to be of use."""
        return kind.labels == GIVEN or self.verdict == "helps"

    def figures(self) -> dict[str, int | float | str]:
        """What metadata tell of it: numbers as such, so that they can be followed over the days."""
        said: dict[str, int | float | str] = {
            "refinement": self.verdict,
            "refinement_pairs": len(self.pairs),
            "trusted_rows": self.judges.rows.height,
            "trusted_labels": self.judges.words,
        }
        if self.together:
            for name in ("macro_f1", "accuracy"):
                difference: Difference = getattr(self.together, name)
                gain = f"refinement_gain_{name}"
                said |= {gain: difference.difference, f"{gain}_low": difference.low, f"{gain}_high": difference.high}
            said["refinement_p_value"] = round(self.together.p_value, 6)
        return said

    def check(self) -> Check:
        """Whether refinement helps, where that can be told: it only warns."""
        figures = {"reason": self.words} | self.figures()
        return Check(name=REFINEMENT_HELPS, passed=self.verdict != "does not help", figures=figures, blocking=False)


def is_trusted(label_source: str, *, trust_agreement: bool = True) -> bool:
    """Whether a label can be trusted, by who gave it.

    Where people judged, only people are named (`labeling.consensus`). Machines of one name err alike.

    Args:
        label_source: Annotators, joined by `, `.
        trust_agreement: Whether several machines that agree are trusted.

    >>> is_trusted("person:ann"), is_trusted("api:judge/2"), is_trusted("file:labels, old.jsonl")
    (True, False, False)
    >>> is_trusted("api:judge/2, file:labels.jsonl"), is_trusted("api:judge/2, api:judge/3")
    (True, False)
    """
    if is_person(label_source):
        return True
    names = {name.partition("/")[0] for name in label_source.split(", ") if name.startswith(MACHINES)}
    return trust_agreement and len(names) > 1


def choose_judges(training_set: pl.DataFrame, rules: EffectRules) -> Judges:
    """The held-out rows whose labels can be trusted, or all where these are too few.

    Args:
        training_set: Both sides, at least `ROW_COLUMNS`.
        rules: What is trusted, and how many are enough.

    Returns:
        The rows, and in words whose labels they have.
    """
    test = training_set.filter(pl.col("split") == "test").sort("url")
    sources = test["label_source"].unique().sort().to_list()
    good = [source for source in sources if is_trusted(source, trust_agreement=rules.trust_agreement)]
    trusted = test.filter(pl.col("label_source").is_in(good))
    whose = "of people or agreed on by several annotators" if rules.trust_agreement else "of people"
    pages, enough = trusted["duplicate_cluster"].n_unique(), rules.min_trusted_rows
    if pages >= enough:
        return Judges(trusted.select("url", "duplicate_cluster"), f"labels {whose}")
    words = (
        f"all labels, as only {pages} of {test['duplicate_cluster'].n_unique()} different held-out pages have labels "
        f"{whose}, and {enough} are needed: wrong ones among them favour the models on given labels"
    )
    return Judges(test.select("url", "duplicate_cluster"), words)


def measure_effect(answers: Mapping[Kind, pl.DataFrame], training_set: pl.DataFrame, rules: EffectRules) -> Effect:
    """Compare models on refined labels with those on given labels.

    Args:
        answers: Rows of `Predictions` for the test rows, by the kind of model; all for the same rows.
        training_set: The rows of the training set, at least `ROW_COLUMNS`.
        rules: When refinement helps.

    Returns:
        The verdict and what it is made of, the same for any order of models and rows.

    Raises:
        TrainingError: The test rows of the models are not those of the training set.
    """
    judges = choose_judges(training_set, rules)
    _require_held_out(answers, training_set)
    judged = {kind: frame.join(judges.rows, on="url") for kind, frame in answers.items()}
    twins = [
        (kind, twin)
        for kind in sorted(judged, key=lambda kind: (kind.text_version, kind.algorithm))
        for twin in [Kind(GIVEN, kind.text_version, kind.algorithm)]
        if kind.labels == REFINED and twin in judged
    ]
    pairs = {kind: compare(judged[kind], judged[twin], NO_SLICES, rules.of_comparison) for kind, twin in twins}
    trusted = {kind: _figures(frame) for kind, frame in judged.items()}
    if not twins:
        words = "nothing to compare: no algorithm has models on given and on refined labels"
        return Effect("nothing to compare", words, judges, trusted, pairs, None)
    refined, given = (_stacked([judged[pair[side]] for pair in twins]) for side in (0, 1))
    together = compare(refined, given, NO_SLICES, rules.of_comparison)
    verdict = _verdict(together, rules, differ=not refined["predicted"].equals(given["predicted"]))
    return Effect(verdict, _words(verdict, together, len(pairs), judges), judges, trusted, pairs, together)


def _require_held_out(answers: Mapping[Kind, pl.DataFrame], training_set: pl.DataFrame) -> None:
    test = set(training_set.filter(pl.col("split") == "test")["url"])
    for kind, frame in answers.items():
        if set(frame["url"]) != test:
            message = (
                f"the model on {kind.labels} labels of {kind.text_version} {kind.algorithm} was tested on other rows "
                "than the training set has: materialize the training set's models of that day again"
            )
            raise TrainingError(message)


def _figures(judged: pl.DataFrame) -> TrustedFigures:
    """The figures as `compare` has them: macro-F1 over the categories that the rows have."""
    given, said = (dict(judged[name].value_counts().iter_rows()) for name in ("category", "predicted"))
    right = dict(judged.filter(pl.col("category") == pl.col("predicted"))["category"].value_counts().iter_rows())
    f1 = [2 * right.get(name, 0) / (rows + said.get(name, 0)) for name, rows in sorted(given.items())]
    accuracy = sum(right.values()) / judged.height
    return TrustedFigures(judged.height, round(accuracy, DECIMALS), round(sum(f1) / len(f1), DECIMALS))


def _stacked(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """The answers of several models as those of one: a row is told apart by its model, its cluster is the page's."""
    return pl.concat(
        frame.sort("url").select(
            pl.format("{} {}", pl.lit(number), "url").alias("url"), "category", "predicted", "duplicate_cluster"
        )
        for number, frame in enumerate(frames)
    )


def _verdict(together: Comparison, rules: EffectRules, *, differ: bool) -> Verdict:
    if not differ:
        return "nothing to compare"
    gains = (together.macro_f1.difference, together.accuracy.difference)
    told = together.verdict == "better" if rules.beyond_chance else together.verdict != "worse"
    return "helps" if told and min(gains) >= 0 and max(gains) > rules.least_gain else "does not help"


def _words(verdict: Verdict, together: Comparison, pairs: int, judges: Judges) -> str:
    """The verdict with its figures; nothing in it comes from pages."""
    where = f"{pairs} pair{'s' if pairs > 1 else ''} of models on {judges.rows.height} held-out rows ({judges.words})"
    if verdict == "nothing to compare":
        return f"nothing to compare: the answers on given and on refined labels are the same, {where}"
    told = "" if together.verdict != "not distinguishable" else ", which chance may explain"
    return (
        f"refined labels {'help' if verdict == 'helps' else 'do not help'}: macro-F1 {together.macro_f1}, accuracy "
        f"{together.accuracy}, McNemar p {together.p_value:.2g}{told}; {where}"
    )
