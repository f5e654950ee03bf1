"""Texts with near duplicates planted among them, and how many of those are found.

Belongs here: perturbations of texts, similarities computed without any hashing, recall and precision. Does not belong
here: expectations, and where texts come from; the benchmark of near duplicates uses this too.
"""

import datetime as dt
import hashlib
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import combinations

import polars as pl

from html_classification.schemas.columns import UTC_TIMESTAMP
from html_classification.transforms.duplicates import cluster, signatures

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
#: Pairs from here on are to be found, and pairs below there should not be.
ALIKE, STRANGERS = 0.8, 0.7

Words = list[str]
Perturbation = Callable[[Words, random.Random], Words]
Pair = tuple[int, int]


def edited(share: float) -> Perturbation:
    """Single words replaced, here and there: each changes five 5-grams."""

    def perturb(words: Words, chance: random.Random) -> Words:
        places = set(chance.sample(range(len(words)), _some(words, share)))
        return [f"edit{chance.randrange(10**6)}" if place in places else word for place, word in enumerate(words)]

    return perturb


def rewritten(share: float) -> Perturbation:
    """Words replaced in one place."""

    def perturb(words: Words, chance: random.Random) -> Words:
        count = _some(words, share)
        start = chance.randrange(len(words) - count + 1)
        return [*words[:start], *(f"new{chance.randrange(10**6)}" for _ in range(count)), *words[start + count :]]

    return perturb


def shuffled(paragraph: int) -> Perturbation:
    """Paragraphs of so many words in another order."""

    def perturb(words: Words, chance: random.Random) -> Words:
        paragraphs = [words[start : start + paragraph] for start in range(0, len(words), paragraph)]
        chance.shuffle(paragraphs)
        return [word for part in paragraphs for word in part]

    return perturb


def with_boilerplate(share: float) -> Perturbation:
    """A menu put before the text and a footer after it, as long as a share of it."""

    def perturb(words: Words, chance: random.Random) -> Words:
        count = _some(words, share)
        added = [f"menu{chance.randrange(10**6)}" for _ in range(count)]
        return [*added[: count // 2], *words, *added[count // 2 :]]

    return perturb


def truncated(share: float) -> Perturbation:
    """The end cut off."""

    def perturb(words: Words, chance: random.Random) -> Words:
        return words[: max(len(words) - _some(words, share), 1)]

    return perturb


#: By kind, from light to heavy: most leave a similarity at or over 0.8, some fall short of it.
PERTURBATIONS: Mapping[str, Sequence[Perturbation]] = {
    "words edited, 1 to 10 %": [edited(share) for share in (0.01, 0.02, 0.03, 0.05, 0.1)],
    "a passage rewritten, 1 to 10 %": [rewritten(share) for share in (0.01, 0.02, 0.05, 0.1)],
    "paragraphs shuffled": [shuffled(paragraph) for paragraph in (40, 80, 160)],
    "boilerplate added, 5 to 30 %": [with_boilerplate(share) for share in (0.05, 0.1, 0.2, 0.3)],
    "truncated, 5 to 30 %": [truncated(share) for share in (0.05, 0.1, 0.2, 0.3)],
}


ALL_PERTURBATIONS = [perturb for kind in PERTURBATIONS.values() for perturb in kind]


@dataclass(frozen=True)
class Score:
    """Pairs of texts that are alike or were said to be.

    Attributes:
        alike: Pairs of true similarity at or over 0.8.
        found: Those of them that are in one cluster.
        reported: Pairs in one cluster.
        right: Those of them of true similarity at or over 0.7.
    """

    alike: int = 0
    found: int = 0
    reported: int = 0
    right: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(*(one + two for one, two in zip(astuple(self), astuple(other), strict=True)))

    @property
    def recall(self) -> float:
        """Share of the pairs that are alike which were found."""
        return self.found / self.alike if self.alike else 1.0

    @property
    def precision(self) -> float:
        """Share of the reported pairs that were right."""
        return self.right / self.reported if self.reported else 1.0


def score(texts: Sequence[str], perturbations: Sequence[Perturbation], seed: int = 0) -> Score:
    """How well perturbed copies are found: one of each text, by one perturbation after the other, among all texts."""
    chance = random.Random(seed)
    split = [words for text in texts if (words := text.split())]
    copies = [perturbations[place % len(perturbations)](words, chance) for place, words in enumerate(split)]
    return compare([*texts, *map(" ".join, copies)])


def compare(texts: Sequence[str]) -> Score:
    """Compare the clusters of texts with the true similarities of all pairs."""
    alike = {pair: similarity for pair, similarity in similarities(texts).items() if similarity >= STRANGERS}
    wanted = {pair for pair, similarity in alike.items() if similarity >= ALIKE}
    urls = [f"https://e.com/{number:06}" for number in range(len(texts))]
    frame = pl.DataFrame({"url": urls, "content_sha1": [sha1(url) for url in urls]}).with_columns(
        signatures(pl.Series(texts, dtype=pl.String)), timestamp=pl.lit(NOON, dtype=UTC_TIMESTAMP)
    )
    groups = cluster(frame).with_row_index("number").group_by("duplicate_cluster").agg("number")["number"]
    reported = {pair for group in groups for pair in combinations(sorted(group.to_list()), 2)}
    return Score(len(wanted), len(wanted & reported), len(reported), len(alike.keys() & reported))


def similarities(texts: Sequence[str]) -> dict[Pair, float]:
    """Jaccard similarity of all pairs of texts that have a 5-gram in common, from the grams themselves."""
    grams = [word_grams(text) for text in texts]
    holders: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, own in enumerate(grams):
        for gram in own:
            holders[gram].append(number)
    # Many grams are held by the same texts: each such group is taken apart once.
    groups = Counter(tuple(numbers) for numbers in holders.values() if len(numbers) > 1)
    common: Counter[Pair] = Counter()
    for numbers, count in groups.items():
        for pair in combinations(numbers, 2):
            common[pair] += count
    return {(one, two): shared / (len(grams[one]) + len(grams[two]) - shared) for (one, two), shared in common.items()}


def word_grams(text: str) -> set[tuple[str, ...]]:
    """The 5-grams of a text in a script with spaces, as `grams` defines them; a shorter text is one gram."""
    words = re.findall(r"[^\W_]+", text.lower())
    return {tuple(words[start : start + 5]) for start in range(max(len(words) - 4, min(len(words), 1)))}


def sha1(text: str) -> str:
    """SHA-1 in hexadecimal."""
    return hashlib.sha1(text.encode()).hexdigest()


def _some(words: Words, share: float) -> int:
    return max(1, round(len(words) * share))
