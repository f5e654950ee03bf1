"""Two models on the very same rows: which is better, and where has the new one fallen.

Belongs here: the statistics of a comparison, and what is set about them. Does not belong here: figures of one model
(`evaluation`), which rows are compared and what follows (`promoting`).

Near duplicates are answered alike, so that they are one observation: clusters vote, and clusters are drawn.

- Which of two answers is right more often is tested exactly: McNemar's test in its exact form, a sign test of the rows
  (here: clusters) on which only one model is right (McNemar 1947, Psychometrika 12; exact form: Dietterich 1998,
  Neural Computation 10).
- Differences have intervals of the paired bootstrap, clusters drawn with replacement, percentiles (Efron and Tibshirani
  1993, An Introduction to the Bootstrap, chapter 13; paired use on classifiers: Berg-Kirkpatrick et al. 2012, EMNLP).
- Many categories and slices are looked at, and one of fifty falls by chance in nearly every comparison. So a fall
  counts where it is beyond the margin *and* the sign test of the part says so at a level that is divided by the number
  of parts that could say so at all, that is, where the models disagree often enough (Tarone 1990, Biometrics 46).

The parts share half of the error level. Simulated with ten categories, sixty sites and four further kinds of slices,
at a level of 5 %, two equally good models were refused in 3.0 %, 3.6 % and 4.5 % of the comparisons on 150, 335 and
1,500 rows; a model that had lost a category of 7 % of the rows was found in 99 % of those on 335 rows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from html_classification.training.errors import TrainingError
from html_classification.training.paired import Answers, Measured, measure
from html_classification.training.run_values import clipped

Verdict = Literal["better", "not distinguishable", "worse"]
CATEGORY = "category"
#: Says that no slices are to be compared.
NO_SLICES = pl.DataFrame(schema={"url": pl.String, "slice": pl.String, "value": pl.String})
DECIMALS = 6
#: Of names of categories and slices, in words and tags.
_LONGEST_NAME = 60
#: How many parts that fell are named where all are asked for.
_MOST_FALLEN = 20


class PromotionRules(BaseModel):
    """When a new model replaces the champion."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    significance: float = Field(
        0.05,
        gt=0,
        lt=0.5,
        description="Error level: a difference that equally good models show more often than this counts as chance, "
        "and intervals cover the rest. The lower it is, the worse a new model may be and is promoted all the same.",
    )
    margin: float = Field(
        0.02,
        ge=0,
        le=1,
        description="The most that a model of newer data may be behind the champion in macro-F1 or accuracy, where "
        "chance may explain it, and is promoted all the same.",
    )
    category_margin: float = Field(
        0.05, ge=0, le=1, description="The most that F1 or recall of a category may fall, where it is not chance."
    )
    slice_margin: float = Field(
        0.05, ge=0, le=1, description="The most that the accuracy of a slice may fall, where it is not chance."
    )
    min_rows: int = Field(20, ge=1, description="Categories and slices with fewer test rows than this are not judged.")
    min_rows_compared: int = Field(
        50,
        ge=1,
        description="Near duplicates count as one. On fewer rows than this a new model must be distinguishably better. "
        "The rows that the champion learned from, and their copies, are left out of the comparison, unless fewer than "
        "this are left: then all count, which favours the champion.",
    )
    bootstrap_samples: int = Field(
        1000, ge=100, le=100_000, description="Draws of the bootstrap: how fine intervals are."
    )
    seed: int = Field(0, ge=0, description="Of the draws: same seed, same interval.")


class Difference(BaseModel):
    """A figure of both models: the candidate's less the champion's, with its interval."""

    model_config = ConfigDict(frozen=True)

    candidate: float = Field(description="Figure of the new model.")
    champion: float = Field(description="Figure of the champion on the same rows.")
    difference: float = Field(description="The candidate's less the champion's.")
    low: float = Field(description="Lower end of the difference's bootstrap interval.")
    high: float = Field(description="Upper end of it.")

    def __str__(self) -> str:
        """One line.

        >>> str(Difference(candidate=0.9, champion=0.8, difference=0.1, low=0.05, high=0.15))
        '0.900 against 0.800 (+0.100, +0.050 to +0.150)'
        """
        interval = f"{self.difference:+.3f}, {self.low:+.3f} to {self.high:+.3f}"
        return f"{self.candidate:.3f} against {self.champion:.3f} ({interval})"


class Part(Difference):
    """How a category or a slice did."""

    slice: str = Field(description="`category`, or the kind of slice, such as `language`.")
    value: str = Field(description="Which one.")
    measure: str = Field(description="`f1` or `recall` of a category, `accuracy` of a slice.")
    rows: int = Field(description="Its rows.")
    won: int = Field(description="Clusters of rows where the candidate answers better than the champion.")
    lost: int = Field(description="Clusters where it answers worse.")
    p_value: float = Field(description="One-sided: how often equally good models lose so many of them, or more.")
    fallen: bool = Field(description="Whether it fell by more than the margin, and not by chance.")

    def __str__(self) -> str:
        """One line."""
        return f"{self.name} {super().__str__()}, p {self.p_value:.2g}"

    @property
    def name(self) -> str:
        """Which figure of what, such as `recall of category sports`; long names are cut."""
        return f"{self.measure} of {self.slice} {clipped(self.value, _LONGEST_NAME)}"


class Comparison(BaseModel):
    """What is known of two models from the same rows."""

    model_config = ConfigDict(frozen=True)

    rows: int = Field(description="Rows that both answered.")
    clusters: int = Field(description="Of how many clusters of near duplicates.")
    won: int = Field(description="Clusters where only the candidate is right, or is so more often.")
    lost: int = Field(description="Clusters where the champion is.")
    p_value: float = Field(description="McNemar's exact test, two-sided: how often equally good models differ so much.")
    accuracy: Difference = Field(description="Share of rows that are right.")
    macro_f1: Difference = Field(description="Mean F1 over the categories that rows have.")
    verdict: Verdict = Field(
        description="`worse`: McNemar's test or the interval of macro-F1 says so; `better`: one of them does, and none "
        "says worse; else `not distinguishable`."
    )
    parts: tuple[Part, ...] = Field(description="Categories and slices with enough rows, the worst first.")
    level: float = Field(description="The p-value up to which a fall of a part is not chance.")

    @property
    def fallen(self) -> tuple[Part, ...]:
        """The parts that fell by more than the margin and not by chance."""
        return tuple(part for part in self.parts if part.fallen)

    def worst(self, *, category: bool) -> Part | None:
        """The category, or else the slice, that fell most."""
        return next((part for part in self.parts if (part.slice == CATEGORY) == category), None)

    def figures(self) -> dict[str, Any]:
        """The comparison without the parts that nobody asks for: what tags and metadata keep."""
        worst = {"worst_category": self.worst(category=True), "worst_slice": self.worst(category=False)}
        return {
            **self.model_dump(exclude={"parts"}),
            **{
                name: part and part.model_dump() | {"value": clipped(part.value, _LONGEST_NAME)}
                for name, part in worst.items()
            },
            "fallen": named(part.name for part in self.fallen),
        }


def named(parts: Iterable[str], most: int = _MOST_FALLEN) -> list[str]:
    """The first of some parts, and how many there are more.

    >>> named(["a", "b", "c"], 1), named(["a"], 1)
    (['a', '2 more'], ['a'])
    """
    names = list(parts)
    return [*names[:most], f"{len(names) - most} more"] if len(names) > most else names


def compare(candidate: pl.DataFrame, champion: pl.DataFrame, slices: pl.DataFrame, rules: PromotionRules) -> Comparison:
    """Compare two models by their answers to the same rows.

    Args:
        candidate: Rows of `Predictions` of the new model; with a column `duplicate_cluster` near duplicates count as
            one observation, else each row is one.
        champion: Rows of `Predictions` of the champion: the same urls with the same categories.
        slices: `url`, `slice`, `value`, as of `slices_of`; of other urls too. Without rows no slice is judged.
        rules: Levels, margins and draws.

    Returns:
        The comparison, the same for any order of the rows.

    Raises:
        TrainingError: If there are no rows, or not the same.
    """
    rows = _same_rows(candidate, champion)
    categories = rows["category"].unique().sort().to_list()
    memberships = rows.with_row_index("row").join(slices, on="url").sort("slice", "value", "row")
    groups = memberships.group_by("slice", "value", maintain_order=True).agg("row")
    measured = measure(
        _answers(rows, categories, groups),
        samples=rules.bootstrap_samples,
        seed=rules.seed,
        level=rules.significance,
    )
    differences = _differences(measured)
    counts = [rows.height, *(int((rows["category"] == name).sum()) for name in categories), *groups["row"].list.len()]
    names = [("", "", "accuracy"), *((CATEGORY, name, "recall") for name in categories)]
    names += [(kind, value, "accuracy") for kind, value in groups["slice", "value"].rows()]
    names += [(CATEGORY, name, "f1") for name in categories]
    counts += counts[1 : len(categories) + 1]
    looks = [
        _Look(*name, count, difference, won, lost)
        for name, count, difference, won, lost in zip(
            names, counts, differences[:-1], measured.won.tolist(), measured.lost.tolist(), strict=True
        )
    ]
    whole, macro_f1 = looks[0], differences[-1]
    judged = [look for look in looks[1:] if look.rows >= rules.min_rows]
    level = _level([look.won + look.lost for look in judged], rules.significance / 2)
    p_value = min(1.0, 2 * min(_tail(whole.lost, whole.won), _tail(whole.won, whole.lost)))
    parts = [look.part(level, rules) for look in judged]
    return Comparison(
        rows=rows.height,
        clusters=rows["cluster"].n_unique(),
        won=whole.won,
        lost=whole.lost,
        p_value=p_value,
        accuracy=whole.difference,
        macro_f1=macro_f1,
        verdict=_verdict(whole, p_value, macro_f1, rules.significance),
        parts=tuple(sorted(parts, key=lambda part: (not part.fallen, part.difference, part.slice, part.value))),
        level=level,
    )


def _same_rows(candidate: pl.DataFrame, champion: pl.DataFrame) -> pl.DataFrame:
    """Both models' answers side by side, in order of the urls, with the number of each row's cluster."""
    own = pl.col("duplicate_cluster" if "duplicate_cluster" in candidate.columns else "url")
    rows = candidate.select("url", "category", "predicted", cluster=own.rank("dense").cast(pl.Int64) - 1)
    others = champion.select("url", "category", "predicted")
    both = rows.join(others, on=["url", "category"], suffix="_champion", validate="1:1").sort("url")
    if not both.height or not both.height == rows.height == others.height:
        raise TrainingError(
            f"The candidate answered {rows.height} rows and the champion {others.height}, of which {both.height} are "
            "the same: let both answer the candidate's test rows."
        )
    return both


def _answers(rows: pl.DataFrame, categories: list[str], groups: pl.DataFrame) -> Answers:
    numbers = {name: number for number, name in enumerate(categories)}
    given, candidate, champion = (
        rows[name].replace_strict(numbers, default=-1, return_dtype=pl.Int64).to_numpy()
        for name in ("category", "predicted", "predicted_champion")
    )
    members = groups.with_row_index("group").explode("row").select(pl.col("row", "group").cast(pl.Int64))
    return Answers(
        given=given,
        candidate=candidate,
        champion=champion,
        cluster=rows["cluster"].to_numpy(),
        categories=len(categories),
        members=members.to_numpy(),
        groups=groups.height,
    )


@dataclass(frozen=True)
class _Look:
    """One figure that is looked at."""

    slice: str
    value: str
    measure: str
    rows: int
    difference: Difference
    won: int
    lost: int

    def part(self, level: float, rules: PromotionRules) -> Part:
        margin = rules.category_margin if self.slice == CATEGORY else rules.slice_margin
        p_value = _tail(self.lost, self.won)
        return Part(
            **self.difference.model_dump(),
            slice=self.slice,
            value=self.value,
            measure=self.measure,
            rows=self.rows,
            won=self.won,
            lost=self.lost,
            p_value=p_value,
            fallen=self.difference.difference < -margin and p_value <= level,
        )


def _differences(measured: Measured) -> list[Difference]:
    """Rounded: figures that mean the same are the same on each machine."""
    columns = (measured.candidate, measured.champion, measured.low, measured.high)
    return [
        Difference(
            candidate=round(candidate, DECIMALS),
            champion=round(champion, DECIMALS),
            difference=round(candidate - champion, DECIMALS),
            low=round(low, DECIMALS),
            high=round(high, DECIMALS),
        )
        for candidate, champion, low, high in zip(*(column.tolist() for column in columns), strict=True)
    ]


def _tail(lost: int, won: int) -> float:
    """How often a fair coin shows at least `lost` heads in `lost + won` throws.

    >>> _tail(5, 0), _tail(0, 5), _tail(0, 0)
    (0.03125, 1.0, 1.0)
    """
    from scipy.special import bdtrc

    return float(bdtrc(lost - 1, lost + won, 0.5)) if lost else 1.0


def _level(disagreements: Sequence[int], significance: float) -> float:
    """Divide the level by the number of parts that can reach it: those where the models disagree often enough.

    Args:
        disagreements: Of each part, in how many clusters one model does better.
        significance: The level for all of them together.

    >>> _level([1, 2, 0, 1], 0.05), _level([8, 9, 1, 2], 0.05), _level([30] * 50, 0.05)
    (0.05, 0.025, 0.001)
    """
    smallest = sorted(0.5**number for number in disagreements)
    for parts in range(1, len(smallest) + 1):
        if sum(p_value <= significance / parts for p_value in smallest) <= parts:
            return significance / parts
    return significance


def _verdict(whole: _Look, p_value: float, macro_f1: Difference, significance: float) -> Verdict:
    told = p_value <= significance
    if (told and whole.lost > whole.won) or macro_f1.high < 0:
        return "worse"
    if (told and whole.won > whole.lost) or macro_f1.low > 0:
        return "better"
    return "not distinguishable"
