"""What to label next: the pages whose labels would teach models most.

Belongs here: which pages of a window may be chosen, what is told of the chosen ones. Does not belong here: what models
say of them (`committee`), how few are chosen of many (`selection`), who labels them and how (`exports`).

Pages that have no label and are no copy of one that has, each cluster of copies once, are put before a committee of
models. A page is the more useful the less certain the committee is (margin) and the less it agrees (vote entropy);
rare categories and pages unlike those already chosen are preferred. Where labels are too few for models, those pages
are chosen that stand for the most others. The benchmark `labeling_queue` tells what that is worth, and what else was
tried.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from html_classification.labeling.committee import MEMBERS, TOPICS, Opinions, opinions, terms_of
from html_classification.labeling.selection import most_typical, most_useful
from html_classification.schemas.labeling_queue import LABELING_QUEUE
from html_classification.schemas.outcome import Outcome
from html_classification.training.split import shuffle_keys
from html_classification.training.topics import topics
from html_classification.transforms.text.document import title_and_content
from html_classification.transforms.text.versions import DEFAULT_TEXT_VERSION

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

#: What is read of the window's days, besides `day`.
PAGE_COLUMNS = ["url", "title", "content_sha1", "minhash", "timestamp"]
LABEL_COLUMNS = ["url", "category", "timestamp"]
TEXT_COLUMNS = ["url", "title", "content"]

_DECIMALS = 6
#: Below this cosine similarity to all labelled pages, a page is unlike what is labelled.
_ALIKE = 0.5
_UNLIKE = "unlike what is labelled"

Texts = Mapping[str, pl.DataFrame | pl.LazyFrame]


class QueueRules(BaseModel):
    """How many pages to choose, and how much work that may be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int = Field(100, ge=1, description="Pages chosen at most.")
    least_labels: int = Field(
        20, ge=2, description="With fewer labels, or with one category, no models are asked: pages go by clusters."
    )
    most_candidates: int = Field(
        2_000, ge=1, description="Of more pages than these, or than `size`, so many are drawn and looked at."
    )
    most_examples: int = Field(
        2_000, ge=2, description="Models learn from so many labelled pages at most, rare categories in full."
    )
    seed: int = Field(0, ge=0, description="Of what is drawn, and of the reduction to topics.")


@dataclass(frozen=True)
class _Window:
    """The pages of a window: those with a label, those that may be chosen, and how many may not."""

    labelled: pl.DataFrame
    pool: pl.DataFrame
    figures: dict[str, int | float | str]


def choose(pages: pl.DataFrame, labelled: pl.DataFrame, texts: Texts, rules: QueueRules | None = None) -> Outcome:
    """Choose which pages of a window to label next.

    Of each url the freshest copy counts. Whether it has a label goes by the url, whatever its text was then. The order
    of the rows makes no difference.

    Args:
        pages: The rows of `preprocess/html-parsing` of all days of the window: `PAGE_COLUMNS` and `day`.
        labelled: The rows of `annotated` of the same days: `LABEL_COLUMNS` and `day`.
        texts: By text version, the rows of the same days: `TEXT_COLUMNS` and `day`. The default version must be among
            them: pages without a text in it are left out. Of lazy frames only the texts needed are collected.
        rules: How many to choose; without them the defaults.

    Returns:
        Rows of `LabelingQueue` sorted by url, at most `size`. Figures: `window_pages` (urls), `labelled`,
        `categories`, `without_text`, `left_out_duplicates`, `pool` (pages that may be chosen), `looked_at` (of them),
        `learned_from` (labelled pages), `committee` (models; 0 where pages were chosen by clusters), `chosen`.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    rules = rules or QueueRules()
    window = _window(pages, labelled, texts[DEFAULT_TEXT_VERSION])
    examples = _examples(window.labelled, rules)
    candidates = _candidates(window.pool, rules)
    categories = window.labelled["category"].n_unique()
    figures = {**window.figures, "looked_at": candidates.height}
    if candidates.is_empty():
        return Outcome(LABELING_QUEUE.empty(), figures={**figures, "learned_from": 0, "committee": 0, "chosen": 0})
    rows = pl.concat([examples.select("url", "day"), candidates.select("url", "day")])
    by_models = window.labelled.height >= rules.least_labels and categories > 1
    with threadpool_limits(1):
        if by_models:
            matrices = {name: terms_of(_texts(rows, version)) for name, version in sorted(texts.items())}
            vectors = topics(matrices[DEFAULT_TEXT_VERSION], TOPICS, rules.seed)
            said = opinions(list(matrices.values()), examples["category"].to_list(), MEMBERS)
            frame = _by_models(candidates, said, vectors, window.labelled["category"], rules.size)
        else:
            vectors = topics(terms_of(_texts(rows, texts[DEFAULT_TEXT_VERSION])), TOPICS, rules.seed)
            frame = _by_clusters(candidates, vectors, window.labelled["category"], rules.size)
    figures |= {
        "learned_from": examples.height if by_models else 0,
        "committee": len(texts) * len(MEMBERS) if by_models else 0,
        "chosen": frame.height,
    }
    types: dict[Any, Any] = dict(LABELING_QUEUE.dtypes)
    return Outcome(frame.select(list(types)).cast(types).sort("url"), figures=figures)


def _window(pages: pl.DataFrame, labelled: pl.DataFrame, texts: pl.DataFrame | pl.LazyFrame) -> _Window:
    """Tell the pages with a label from those that may be chosen, one of each cluster of copies."""
    from html_classification.transforms.duplicates.clusters import cluster_rows

    facts = pages.select("url", "title", "content_sha1", "timestamp", "day", place=pl.int_range(pl.len()))
    rows = facts.sort("url", "timestamp", "day")
    freshest = rows.unique("url", keep="last", maintain_order=True)
    labels = labelled.select("url", "category", "timestamp", "day").sort("url", "timestamp", "day", "category")
    labels = labels.unique("url", keep="last", maintain_order=True)
    have_text = texts.lazy().select("url", "day").collect()
    unlabelled = freshest.join(labels, on="url", how="anti")
    readable = unlabelled.join(have_text, on=["url", "day"], how="semi")
    judged = rows.join(labels, on=["url", "day"], how="semi")  # the text that was judged, which may be an older one
    clusters = cluster_rows(
        pl.concat([readable, judged]).select("url", "content_sha1", "timestamp", "place"), pages["minhash"]
    )
    taken = clusters.join(labels, on="url", how="semi").select("duplicate_cluster").unique()
    pool = (
        readable.join(clusters, on="url", how="left")
        .filter(pl.col("duplicate_of").is_null())
        .join(taken, on="duplicate_cluster", how="anti")
        .sort("url")
    )
    figures: dict[str, int | float | str] = {
        "window_pages": freshest.height,
        "labelled": labels.height,
        "categories": labels["category"].n_unique(),
        "without_text": unlabelled.height - readable.height,
        "left_out_duplicates": readable.height - pool.height,
        "pool": pool.height,
    }
    return _Window(labels.join(have_text, on=["url", "day"], how="semi"), pool, figures)


def _examples(labelled: pl.DataFrame, rules: QueueRules) -> pl.DataFrame:
    """The labelled pages that models learn from: where they are too many, as many of each category as can be."""
    drawn = _shuffled(labelled, rules.seed)
    turn = pl.int_range(pl.len()).over("category")
    return drawn.with_columns(turn=turn).sort("turn", "key").head(rules.most_examples).sort("url")


def _candidates(pool: pl.DataFrame, rules: QueueRules) -> pl.DataFrame:
    """The pages that are looked at: where they are too many, some of them."""
    return _shuffled(pool, rules.seed).head(max(rules.most_candidates, rules.size)).sort("url")


def _shuffled(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    return frame.with_columns(key=shuffle_keys(frame["url"], seed)).sort("key")


def _texts(rows: pl.DataFrame, version: pl.DataFrame | pl.LazyFrame) -> list[str]:
    """The text of each row in a text version; empty where it has none."""
    found = (
        version.lazy()
        .join(rows.lazy(), on=["url", "day"], how="semi")
        .select("url", "day", text=title_and_content())
        .collect(engine="streaming")
    )
    texts = rows.join(found, on=["url", "day"], how="left", maintain_order="left")["text"]
    return texts.fill_null("").to_list()


def _by_models(
    candidates: pl.DataFrame, said: Opinions, vectors: "Floats", labels: pl.Series, size: int
) -> pl.DataFrame:
    """The pages that models are unsure of, with what they say."""
    import numpy as np

    known, vectors = vectors[: -candidates.height], vectors[-candidates.height :]
    numbers = np.array([int((labels == name).sum()) for name in said.categories], dtype=np.float64)
    uncertainty, disagreement = said.uncertainty, said.disagreement
    chosen = most_useful(uncertainty + disagreement, said.probabilities, numbers, vectors, size)
    unlike = (vectors[chosen] @ known.T).max(axis=1) < _ALIKE
    return candidates[chosen].with_columns(
        rank=pl.int_range(1, len(chosen) + 1),
        predicted=pl.Series([said.categories[said.probabilities[row].argmax()] for row in chosen], dtype=pl.String),
        probability=pl.Series(said.probabilities[chosen].max(axis=1).round(_DECIMALS)),
        uncertainty=pl.Series(uncertainty[chosen].round(_DECIMALS)),
        disagreement=pl.Series(disagreement[chosen].round(_DECIMALS)),
        reasons=pl.Series(
            [_doubts(said, row, numbers) + [_UNLIKE] * bool(odd) for row, odd in zip(chosen, unlike, strict=True)],
            dtype=pl.List(pl.String),
        ),
    )


def _doubts(said: Opinions, row: int, labels: "Floats") -> list[str]:
    """What speaks for a page, in words."""
    probabilities, votes = said.probabilities[row], said.votes[row]
    first, second = (int(number) for number in (-probabilities).argsort(kind="stable")[:2])
    names = said.categories
    both = f"{names[first]} {probabilities[first]:.2f}, {names[second]} {probabilities[second]:.2f}"
    unsure = 1.0 - (probabilities[first] - probabilities[second]) >= 0.5
    reasons = [f"the models are unsure: {both}" if unsure else f"the models are rather sure: {both}"]
    if votes.max() < said.members:
        most, *others = (int(name) for name in (-votes).argsort(kind="stable") if votes[name])
        rest = "".join(f", {int(votes[name])} {names[name]}" for name in others)
        reasons.append(f"{int(votes[most])} of {said.members} models say {names[most]}{rest}")
    few = [name for name in (first, second) if labels[name] < labels.sum() / len(names) / 2]
    reasons += [f"few labels of category {names[name]}: {int(labels[name])} of {int(labels.sum())}" for name in few]
    return reasons


def _by_clusters(candidates: pl.DataFrame, vectors: "Floats", labels: pl.Series, size: int) -> pl.DataFrame:
    """The pages that stand for most others, where models cannot be asked."""
    known = len(vectors) - candidates.height
    chosen, stands_for = most_typical(vectors[known:], vectors[:known], size)
    why = _why_no_models(labels)
    reasons = [[why, _typical(pages)] for pages in stands_for]
    nothing: dict[str, Any] = {
        name: pl.lit(None) for name in ("predicted", "probability", "uncertainty", "disagreement")
    }
    return candidates[chosen].with_columns(
        rank=pl.int_range(1, len(chosen) + 1), reasons=pl.Series(reasons, dtype=pl.List(pl.String)), **nothing
    )


def _why_no_models(labels: pl.Series) -> str:
    if not len(labels):
        return "no labels yet, so that no model can be asked"
    if labels.n_unique() == 1:
        return f"all labels are of category {labels[0]}, so that no model can be asked"
    return f"only {len(labels)} labels, too few to ask models"


def _typical(pages: int) -> str:
    if pages < 2:
        return "unlike all pages that are labelled or chosen"
    return f"typical of {pages} pages, which are less like any other page that is labelled or chosen"
