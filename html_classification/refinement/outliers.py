"""Which pages are off-topic: little like the rest of the collection.

Belongs here: how typical a page is, by three looks at it. Does not belong here: broken texts (`texts`), and what is
done about an off-topic page (`repair`).

1. **Distance in a reduced space.** TF-IDF of the words, and of the markup, is reduced to topics (latent semantic
   analysis; Deerwester et al. 1990). A page is as typical as the mean cosine similarity to the nearest tenth of the
   collection says, relative to what is usual there, and by the one of words and markup that says less. The mean
   distance to the nearest neighbours is the baseline that is hard to beat (Kuan and Mueller 2022, "Back to the Basics:
   Revisiting Out-of-Distribution Detection Baselines"); but with the usual ten neighbours, off-topic pages that come in
   numbers are each other's neighbours and look typical. A tenth is more than what is off-topic. It is measured against
   a sample, so that the time grows with the number of pages and not with its square.
2. **Isolation Forest** (Liu, Ting, Zhou 2008) on simple features of the text.
3. **Z-scores** of the same features, by median and median absolute deviation (Iglewicz and Hoaglin 1993, "How to Detect
   and Handle Outliers").

The distance decides. The forest and the z-scores find pages that are odd, not pages that are off-topic: planted pages
had average precision .05 to .5 by them and .99 to 1 by the distance. So they count where the distance is in between.
"""

from typing import TYPE_CHECKING

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from html_classification.refinement.findings import findings
from html_classification.training.algorithms import Parameters
from html_classification.training.features import term_groups
from html_classification.training.topics import topics, weights

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

TERMS = 5_000
TOPICS = 100
#: Part of the collection that a page is compared with, and fewer pages than this are too few to tell.
NEAREST = 0.1
FEWEST = 30
#: Of larger collections so many pages are drawn to compare with.
REFERENCE = 2_000
#: Trees of the forest.
TREES = 100

_READ = ("words", "markup")
_ROWS_AT_ONCE = 1_024
_DECIMALS = 6

#: Simple features of a text, by what they are called in reasons.
FEATURES: dict[str, pl.Expr] = {
    "length": pl.col("text").str.len_chars().log1p(),
    "length of words": (pl.col("text").str.len_chars() / (pl.col("words") + 1)).clip(0, 40),
    "share of digits": pl.col("text").str.count_matches(r"\d") / (pl.col("text").str.len_chars() + 1),
    "share of punctuation": pl.col("text").str.count_matches(r"[^\w\s]") / (pl.col("text").str.len_chars() + 1),
    "share of different words": pl.col("text").str.split(" ").list.n_unique() / (pl.col("words") + 1),
}


class OutlierRules(BaseModel):
    """How little typical a page must be. Of 1,136 real pages the least typical one has 0.32."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    strong_below: float = Field(
        0.2, ge=0, le=1, description="Pages whose outlier score is below this are off-topic beyond doubt."
    )
    doubt_below: float = Field(0.3, ge=0, le=1, description="Pages whose outlier score is below this may be.")
    odd_below: float = Field(
        0.45,
        ge=0,
        le=1,
        description="Below this they may be, too, if the Isolation Forest and a feature of the text call them odd.",
    )
    odd_forest: float = Field(
        0.65, ge=0, le=1, description="From this score on the Isolation Forest calls a text odd; 0.5 is usual."
    )
    odd_feature: float = Field(
        8.0, ge=0, description="A feature is odd that is so many robust standard deviations from the median."
    )
    seed: int = Field(0, ge=0, description="Of the reduction, the sample and the forest.")


def outlier_scores(rows: pl.DataFrame, seed: int = 0) -> pl.DataFrame:
    """Say how typical each page is of the collection.

    Args:
        rows: `url`, `text` and `markup`.
        seed: Of the reduction, the sample and the forest.

    Returns:
        Sorted by url: `url`; `outlier_score` (0 to 1, low is off-topic: similarity to the nearest tenth of the
        collection, 1 is usual or more); `forest` (0 to 1, high is odd); `feature` and `deviation`: the oddest feature
        of the text, and its distance from the median in robust standard deviations. A text without any word that
        another text has scores 0. Of fewer than 30 pages all score 1 and none is odd: too few to tell.
    """
    import numpy as np
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    rows = rows.sort("url")
    if rows.height < FEWEST:
        return rows.select(
            "url", outlier_score=pl.lit(1.0), forest=pl.lit(0.0), feature=pl.lit(""), deviation=pl.lit(0.0)
        )
    generator = np.random.default_rng(seed)
    sample = np.sort(generator.choice(rows.height, min(REFERENCE, rows.height), replace=False))
    groups = {group.name: group for group in term_groups(Parameters(words_per_term=1, markup_terms=TERMS))}
    with threadpool_limits(1):
        typical = []
        for name in _READ:
            count = groups[name].vectorizer.set_params(min_df=2, max_features=TERMS)
            texts = rows[groups[name].field].str.to_lowercase().to_list()
            typical.append(_typicality(topics(weights(texts, count), TOPICS, seed), sample, without=name == "markup"))
        features = _features(rows)
        forest = _forest(features, seed)
    deviations = _deviations(features)
    oddest = deviations.argmax(axis=1)
    return pl.DataFrame(
        {
            "url": rows["url"],
            "outlier_score": np.minimum(*typical).round(_DECIMALS),
            "forest": forest.round(_DECIMALS),
            "feature": [list(FEATURES)[number] for number in oddest],
            "deviation": deviations.max(axis=1).round(_DECIMALS),
        }
    )


def off_topic(scored: pl.DataFrame, rules: OutlierRules | None = None) -> pl.DataFrame:
    """The off-topic pages, as findings.

    Args:
        scored: What `outlier_scores` returned.
        rules: From when on a page is off-topic; without them the defaults.

    Returns:
        Findings `off_topic`.
    """
    rules = rules or OutlierRules()
    odd = (
        (pl.col("outlier_score") < rules.odd_below)
        & (pl.col("forest") >= rules.odd_forest)
        & (pl.col("deviation") >= rules.odd_feature)
    )
    far = pl.format("little like the rest of the collection: outlier score {}", pl.col("outlier_score").round(2))
    why = pl.format(", and its {} is {} times as far from the middle as usual", "feature", pl.col("deviation").round(0))
    found = scored.filter((pl.col("outlier_score") < rules.doubt_below) | odd)
    return findings(
        found.select(
            "url",
            strong=pl.col("outlier_score") < rules.strong_below,
            reason=pl.concat_str(far, pl.when(odd).then(why).otherwise(pl.lit(""))),
        ),
        "off_topic",
    )


def _typicality(vectors: "Floats", sample: "npt.NDArray[np.int64]", *, without: bool) -> "Floats":
    """Mean similarity to the nearest tenth of the sample, relative to the median of all, 0 to 1.

    Pages without any term are typical where `without` says so: a page without markup of note is like any other.
    """
    import numpy as np

    nearest = max(1, round(NEAREST * len(sample)))
    known = vectors[sample].T
    place = np.full(len(vectors), -1)
    place[sample] = np.arange(len(sample))
    similarity = np.empty(len(vectors))
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        found = vectors[rows] @ known
        (drawn,) = np.nonzero(place[rows] >= 0)
        found[drawn, place[rows][drawn]] = -1.0  # a page is no neighbour of itself
        similarity[rows] = np.partition(found, -nearest, axis=1)[:, -nearest:].mean(axis=1)
    known_terms = vectors.any(axis=1)
    usual = np.median(similarity[known_terms]) if known_terms.any() else 0.0
    typical = np.clip(similarity / usual, 0.0, 1.0) if usual > 0 else np.ones(len(vectors))
    return np.where(known_terms, typical, float(without or not usual > 0))


def _features(rows: pl.DataFrame) -> "Floats":
    import numpy as np

    words = pl.col("text").str.count_matches(r"\S+")
    # Part by part: splitting all texts into words at once would take many times their memory.
    parts = rows.select("text").iter_slices(_ROWS_AT_ONCE)
    return np.concatenate([part.with_columns(words=words).select(**FEATURES).to_numpy() for part in parts])


def _forest(features: "Floats", seed: int) -> "Floats":
    import numpy as np
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(n_estimators=TREES, random_state=seed).fit(features)
    return np.asarray(-forest.score_samples(features))


def _deviations(features: "Floats") -> "Floats":
    """Distance from the median in robust standard deviations; 0 where most texts have the same value."""
    import numpy as np

    distance = np.abs(features - np.median(features, axis=0))
    spread = 1.4826 * np.median(distance, axis=0)
    return np.asarray(np.divide(distance, spread, out=np.zeros_like(distance), where=spread > 0))
