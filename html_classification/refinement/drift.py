"""Drift: days whose text or categories differ from those of the other days of the window.

Belongs here: whether chance explains the difference, and how large it is. Does not belong here: whether a single page
is off-topic (`outliers`).

Pages of one site look alike, and so do near duplicates; they often come on one day together, which is no drift. So not
pages are shuffled among the days, but bunches of them: the pages of one day that hang together by site or near
duplicates. Bunches of different days are exchangeable where nothing drifts, however large they are, and so the
permutation test is exact. A day that one site alone has changed is therefore no alarm.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from html_classification.schemas.described import Check

NO_DRIFT = "no_drift"
NO_DRIFT_DESCRIPTION = (
    "No day of the window has other texts, or another mix of categories, than the other days, by more than chance "
    "explains and by enough to matter. If one has, see whether another crawl or a changed site came in."
)

#: Characters of a text in which its first words are looked for, for each word.
_CHARACTERS_PER_WORD = 8
#: Words known, the most frequent of the window, and the topics that they are reduced to: with fewer and larger
#: directions a day of another topic stands out from chance (measured against random projections).
_TERMS = 5_000
_TOPICS = 32
#: Bunches times permutations in one piece.
_PIECE = 1_000_000

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class DriftRules(BaseModel):
    """What counts as drift: more than chance explains, and enough to matter."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: float = Field(
        0.01,
        gt=0,
        lt=1,
        description="How often windows without drift may fail the check, over all their days, for text and "
        "categories together.",
    )
    permutations: int = Field(499, ge=19, description="Shuffles that chance is judged by.")
    text_distance: float = Field(
        0.15,
        ge=0,
        description="Least distance of a day's mean text from that of the other days, beyond chance, in standard "
        "deviations of a text.",
    )
    category_distance: float = Field(
        0.1,
        ge=0,
        le=1,
        description="Least share of a day's rows that are of other categories than the other days' mix would have, "
        "beyond chance.",
    )
    min_rows: int = Field(20, ge=2, description="A day with fewer rows is not compared.")
    min_bunches: int = Field(
        5, ge=2, description="Nor is one with fewer bunches: groups of rows of one site or of near duplicates."
    )
    max_rows: int = Field(
        400, ge=20, description="Rows of a day that are read: of more, so many, evenly over the addresses in order."
    )
    words: int = Field(200, ge=1, description="Words of a text that are read, its first.")
    seed: int = Field(0, ge=0, description="Seed of the shuffles and of the topics.")

    @model_validator(mode="after")
    def _can_fail(self) -> "DriftRules":
        if 1 / (self.permutations + 1) > self.level / 2:
            needed = math.ceil(2 / self.level) - 1
            message = f"with {self.permutations} permutations no p-value reaches half the level: take at least {needed}"
            raise ValueError(message)
        return self


@dataclass(frozen=True)
class _Compared:
    """The most different day: its number, how far it is beyond chance, and how often chance does as much."""

    day: int
    distance: float
    p_value: float
    drifts: bool


def drift(rows: pl.DataFrame, day: date | None = None, rules: DriftRules | None = None) -> Check:
    """Check whether a day differs from the other days of the window by more than chance explains.

    The distance of a day is that between its mean and the mean of all other days: of TF-IDF word vectors reduced to 32
    topics (latent semantic analysis), and of categories as total variation. It is weighted by the day's size, and the
    greatest of all days is compared with the greatest of shuffled windows (Westfall and Young 1993), which takes the
    number of days into account, more sharply than Bonferroni's bound; text and categories share the level (Bonferroni).
    The distance that is told has the mean square of the shuffled ones taken off, since means of few rows differ by
    chance.

    Args:
        rows: `url`, `day`, `text`, `category`, `duplicate_cluster` of a window.
        day: The only day to compare with the others; without it each is.
        rules: What counts as drift; without them the defaults.

    Returns:
        The check `no_drift`, which does not block. Its figures: `rows`, `rows_read`, `bunches`, `days_compared` and,
        where days were compared, `most_different_day`, `distance` and `p_value` of the text, and
        `most_different_day_categories`, `distance_categories` and `p_value_categories`; else `not_compared`, why.
    """
    rules = rules or DriftRules()
    all_rows, rows = rows.height, _some(rows, rules.max_rows)
    days = rows["day"].unique().sort()
    bunch = _bunches(rows)
    of_row = (rows["day"].rank("dense").cast(pl.Int64) - 1).to_numpy()
    bunches = int(bunch.max()) + 1 if rows.height else 0
    day_of = np.zeros(bunches, dtype=np.int64)
    day_of[bunch] = of_row
    sizes = np.bincount(of_row, minlength=days.len())
    enough = (sizes >= rules.min_rows) & (np.bincount(day_of, minlength=days.len()) >= rules.min_bunches)
    candidates = np.flatnonzero(enough)
    figures: dict[str, Any] = {"rows": all_rows, "rows_read": rows.height, "bunches": bunches}
    if day is not None:
        candidates = candidates[[days[int(number)] == day for number in candidates]]
    # The other days together must be as many rows as a day.
    candidates = candidates[[rows.height - sizes[number] >= rules.min_rows for number in candidates]]
    if not len(candidates):
        short = f"no day with {rules.min_rows} rows in {rules.min_bunches} bunches to compare with other days"
        if day is not None:
            short = f"{day} has no rows or too few, or there are too few of other days"
        return Check(
            name=NO_DRIFT, passed=True, figures={**figures, "days_compared": 0, "not_compared": short}, blocking=False
        )
    shuffled = _Shuffles(day_of, candidates, rules)
    text = shuffled.compare(*_text_vectors(rows, rules), bunch, rules.text_distance)
    mix = shuffled.compare(*_category_vectors(rows), bunch, rules.category_distance)
    figures |= {
        "days_compared": len(candidates),
        "most_different_day": str(days[text.day]),
        "distance": text.distance,
        "p_value": text.p_value,
        "most_different_day_categories": str(days[mix.day]),
        "distance_categories": mix.distance,
        "p_value_categories": mix.p_value,
    }
    return Check(name=NO_DRIFT, passed=not (text.drifts or mix.drifts), figures=figures, blocking=False)


#: From differences of means, shape (…, dimensions), to distances, shape (…).
Measure = Callable[[Floats], Floats]


@dataclass(frozen=True)
class _Shuffles:
    """The days of bunches, as they are and shuffled."""

    day_of: Integers
    candidates: Integers
    rules: DriftRules

    def compare(self, vectors: Floats, measure: Measure, bunch: Integers, least: float) -> _Compared:
        """Find the day whose mean is farthest from that of the others.

        Args:
            vectors: One for each row.
            measure: The distance.
            bunch: Number of each row's bunch.
            least: Least distance that matters.
        """
        from scipy.sparse import csr_array

        rows, bunches = len(bunch), len(self.day_of)
        gather = csr_array((np.ones(rows), (bunch, np.arange(rows))), shape=(bunches, rows))
        # The last column counts rows.
        sums = gather @ np.hstack([vectors, np.ones((rows, 1))])
        (observed,), (weighted,) = self._distances(sums, measure, self.day_of[None])
        square, reached = np.zeros(len(observed)), np.ones(len(observed))
        generator = np.random.default_rng(self.rules.seed)
        piece = max(1, _PIECE // bunches)
        for start in range(0, self.rules.permutations, piece):
            count = min(piece, self.rules.permutations - start)
            orders = generator.permuted(np.tile(self.day_of, (count, 1)), axis=1)
            distances, weights = self._distances(sums, measure, orders)
            square += (distances**2).sum(axis=0)
            # Sums in another order differ in the last digits.
            reached += (weights.max(axis=1, keepdims=True) >= weighted * (1 - 1e-9)).sum(axis=0)
        p_values = reached / (self.rules.permutations + 1)
        beyond = np.sqrt(np.maximum(observed**2 - square / self.rules.permutations, 0))
        drifts = (p_values <= self.rules.level / 2) & (beyond >= least) & (beyond > 0)
        most = max(range(len(observed)), key=lambda number: (drifts[number], weighted[number]))
        return _Compared(
            day=int(self.candidates[most]),
            distance=round(float(beyond[most]), 6),
            p_value=round(float(p_values[most]), 6),
            drifts=bool(drifts[most]),
        )

    def _distances(self, sums: Floats, measure: Measure, orders: Integers) -> tuple[Floats, Floats]:
        """Distances of each candidate from the other days in each order, plain and weighted by size."""
        from scipy.sparse import csr_array

        count, bunches = orders.shape
        days = len(self.candidates)
        place = np.full(int(self.day_of.max()) + 1, -1)
        place[self.candidates] = np.arange(days)
        placed = place[orders]
        order, which = np.nonzero(placed >= 0)
        taken = csr_array(
            (np.ones(len(which)), (order * days + placed[order, which], which)), shape=(count * days, bunches)
        )
        of_day = (taken @ sums).reshape(count, days, -1)
        others = sums.sum(axis=0) - of_day
        own, rest = of_day[..., -1], others[..., -1]
        differences = of_day[..., :-1] / own[..., None] - others[..., :-1] / rest[..., None]
        distances = measure(differences)
        return distances, distances * np.sqrt(own * rest / (own + rest))


def _some(rows: pl.DataFrame, of_day: int) -> pl.DataFrame:
    """At most so many rows of each day, evenly over the addresses: every site keeps its share. Sorted by url."""
    place, count = pl.int_range(pl.len()).over("day"), pl.len().over("day").cast(pl.Int64)
    taken = (place + 1) * of_day // count > place * of_day // count
    return rows.sort("url").filter(taken | (count <= of_day))


def _bunches(rows: pl.DataFrame) -> Integers:
    """Number of each row's bunch: rows of one day that hang together by site or near duplicates, over any steps."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    from html_classification.training.sites import site

    if rows.is_empty():
        return np.zeros(0, dtype=np.int64)
    sites, clusters = (
        rows.select(pl.struct("day", key).rank("dense") - 1).to_series().to_numpy().astype(np.int64)
        for key in (site().alias("key"), "duplicate_cluster")
    )
    nodes = int(sites.max() + clusters.max()) + 2
    linked = csr_array((np.ones(rows.height), (sites, sites.max() + 1 + clusters)), shape=(nodes, nodes))
    _, component = connected_components(linked, directed=False)
    # Numbered without gaps, as rows come.
    _, first, inverse = np.unique(component[sites], return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)


def _text_vectors(rows: pl.DataFrame, rules: DriftRules) -> tuple[Floats, Measure]:
    """TF-IDF of the first words of each text, reduced; and the distance in standard deviations of a text."""
    from scipy.sparse import csr_array

    from html_classification.training.features import TOKEN_PATTERN

    read = rules.words * _CHARACTERS_PER_WORD
    words = pl.col("text").str.slice(0, read).str.to_lowercase().str.extract_all(TOKEN_PATTERN)
    counts = (
        rows.lazy()
        .select(row=pl.int_range(pl.len()), word=words.list.head(rules.words))
        .explode("word")
        .drop_nulls()
        .group_by("row", "word")
        .agg(count=pl.len())
        .collect()
    )
    known = (
        counts.group_by("word")
        .agg(texts=pl.len())
        .filter(pl.col("texts") > 1)
        .sort(["texts", "word"], descending=[True, False])
        .head(_TERMS)
        .with_row_index("term")
    )
    weights = (
        counts.join(known, on="word")
        .sort("row", "term")
        .select("row", "term", weight=(1 + pl.col("count").log()) * (rows.height / pl.col("texts")).log1p())
    )
    lengths = weights.group_by("row").agg(length=(pl.col("weight") ** 2).sum().sqrt())
    weights = weights.join(lengths, on="row", maintain_order="left")
    matrix = csr_array(
        ((weights["weight"] / weights["length"]).to_numpy(), (weights["row"].to_numpy(), weights["term"].to_numpy())),
        shape=(rows.height, known.height),
    )
    vectors = _topics(matrix, rules.seed)
    spread = float(np.sqrt(vectors.var(axis=0).sum())) or 1.0
    return vectors, lambda differences: np.asarray(np.sqrt((differences**2).sum(axis=-1)) / spread)


def _topics(matrix: Any, seed: int) -> Floats:
    """The rows of a sparse matrix in the space of its largest directions.

    These are found by two rounds of subspace iteration (Halko, Martinsson and Tropp 2011, "Finding Structure with
    Randomness"), which is near enough here and a fraction of the time of an exact decomposition.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    topics = min(_TOPICS, *matrix.shape)
    space: Floats = np.random.default_rng(seed).standard_normal((matrix.shape[1], topics))
    turned = matrix.T.tocsr()
    with threadpool_limits(1):  # more threads would add in another order
        for _ in range(2):
            space, _triangle = np.linalg.qr(turned @ (matrix @ space))
    return np.asarray(matrix @ space)


def _category_vectors(rows: pl.DataFrame) -> tuple[Floats, Measure]:
    """Which category each row has; and the total variation between two mixes of them."""
    vectors = rows["category"].to_dummies().select(pl.all().name.keep()).to_numpy().astype(np.float64)
    return vectors, lambda differences: np.asarray(np.abs(differences).sum(axis=-1) / 2)
