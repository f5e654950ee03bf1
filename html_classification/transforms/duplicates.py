"""Copies of pages: signatures of texts, and which pages belong together.

Belongs here: MinHash signatures and the clusters made from them, of a day or of a window of days. Does not
belong here: what is done about copies: nothing is dropped here.

The method is that of Broder (1997) with the banding of Leskovec, Rajaraman and Ullman (Mining of Massive
Datasets, chapter 3): texts are similar if they share many word 5-grams; signatures that agree in all 8 values
of one of 14 bands are candidates; candidates whose signatures agree in 80 % of all values are copies; copies
of copies are one cluster. Memory grows with the rows, never with the pairs.
"""

import re
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import polars as pl
from rensa import RMinHash

BANDS = 14
BAND_WIDTH = 8
PERMUTATIONS = BANDS * BAND_WIDTH
SEED = 42
SHINGLE_WORDS = 5

#: In bigger bands members are compared with one leader after another instead of each with each.
MAX_PAIRWISE = 64

_WORD = re.compile(r"[^\W_]+")
_BATCH = 512


def signatures(texts: pl.Series) -> pl.Series:
    """MinHash signature of each text: rensa's R-MinHash 0.5 of its word 5-grams, 112 permutations, seed 42.

    Words are lower-case runs of letters and digits. A text of fewer than five words is one gram; a text
    without words has `empty_signature`, which is a copy of nothing.

    Args:
        texts: Texts; null counts as empty.

    Returns:
        List(UInt32), one signature of 112 values per text.

    Examples:
        >>> one, two = signatures(pl.Series(["One fish, two fish.", "one fish two FISH"]))
        >>> one.to_list() == two.to_list()
        True
    """
    digests: list[list[int]] = []
    for batch in texts.fill_null("").alias("text").to_frame().iter_slices(_BATCH):
        digests += _digests(_shingles(text) for text in batch["text"])
    return pl.Series("minhash", digests, dtype=pl.List(pl.UInt32))


def empty_signature() -> list[int]:
    """The signature of a text without words."""
    return _digests([_shingles("")])[0]


def cluster(frame: pl.DataFrame, threshold: float = 0.8) -> pl.DataFrame:
    """Find which pages are copies of each other, exactly or nearly.

    Pages are copies if their `content_sha1` is the same, or if they have words and their signatures agree in
    at least `threshold` of the values, found by banding; clusters are the connected components. A pair of
    Jaccard similarity s becomes a candidate with probability 1 - (1 - s^8)^14: 93 % at 0.8, 99.96 % at 0.9.

    Args:
        frame: The columns url, content_sha1, minhash and timestamp. A url may come several times, as it does
            in a window of days.
        threshold: Share of equal values in two signatures, 0 to 1.

    Returns:
        One row per url, sorted by url: `url`, `duplicate_cluster` (smallest url of the cluster) and
        `duplicate_of` (url of its freshest page, of equally fresh ones the smallest; null for that page
        itself).
    """
    pages = frame.sort("url", "timestamp", "content_sha1")
    distinct = pages.select("minhash").unique(maintain_order=True).with_row_index("signature")
    pages = pages.join(distinct, on="minhash", how="left", maintain_order="left").with_row_index("page")
    matrix = distinct["minhash"].explode(empty_as_null=True).to_numpy().reshape(-1, PERMUTATIONS)
    blank = (matrix == np.array(empty_signature(), dtype=np.uint32)).all(axis=1)

    groups = _DisjointSets(pages.height)
    first = pages.group_by("signature").agg(pl.col("page").min()).sort("signature")["page"].to_list()
    same_text = pages.filter(pl.Series(~blank[pages["signature"].to_numpy()]))
    for key, rows in (("url", pages), ("content_sha1", pages), ("signature", same_text)):
        for one, two in rows.select("page", pl.col("page").min().over(key).alias("first")).iter_rows():
            groups.union(one, two)
    for one, two in _similar(matrix, np.flatnonzero(~blank), threshold):
        groups.union(first[one], first[two])

    return _name_clusters(pages.with_columns(pl.Series("component", groups.roots(), dtype=pl.Int64)))


def _shingles(text: str) -> list[str]:
    words = _WORD.findall(text.lower())
    if len(words) < SHINGLE_WORDS:
        return [" ".join(words)]
    return [" ".join(gram) for gram in zip(*(words[start:] for start in range(SHINGLE_WORDS)), strict=False)]


def _digests(shingles: Iterable[list[str]]) -> list[list[int]]:
    digests: list[list[int]] = RMinHash.digests_from_token_sets(shingles, num_perm=PERMUTATIONS, seed=SEED)
    return digests


def _name_clusters(pages: pl.DataFrame) -> pl.DataFrame:
    """Smallest and freshest url of each component, for each url."""
    freshest_first = pl.col("url").sort_by(["timestamp", "url"], descending=[True, False])
    named = pages.with_columns(
        duplicate_cluster=pl.col("url").min().over("component"),
        freshest=freshest_first.first().over("component"),
    )
    return (
        named.unique("url", keep="first", maintain_order=True)
        .with_columns(duplicate_of=pl.when(pl.col("freshest") != pl.col("url")).then("freshest"))
        .select("url", "duplicate_cluster", "duplicate_of")
        .sort("url")
    )


def _similar(matrix: npt.NDArray[np.uint32], rows: npt.NDArray[np.intp], threshold: float) -> Iterator[tuple[int, int]]:
    """Pairs of rows that share a band and agree in at least `threshold` of all values."""
    needed = threshold * PERMUTATIONS
    for band in range(BANDS):
        columns = range(band * BAND_WIDTH, (band + 1) * BAND_WIDTH)
        buckets = (
            pl.DataFrame([pl.Series(str(column), matrix[rows, column]) for column in columns])
            .select(pl.Series("row", rows), pl.struct(pl.all()).alias("band"))
            .group_by("band", maintain_order=True)
            .agg("row")
            .filter(pl.col("row").list.len() > 1)["row"]
        )
        for bucket in buckets:
            yield from _agreeing(matrix, bucket.to_numpy(), needed)


def _agreeing(matrix: npt.NDArray[np.uint32], bucket: npt.NDArray[np.intp], needed: float) -> Iterator[tuple[int, int]]:
    """Verified pairs of a bucket: each with each if it is small, else leader by leader.

    Thousands of pages from one template differ in a word each and share most bands. There each leader takes
    the pages that agree with it out of the bucket, so that the work is the pages times the leaders.
    """
    while len(bucket) > 1:
        leader, rest = bucket[0], bucket[1:]
        agrees = (matrix[rest] == matrix[leader]).sum(axis=1) >= needed
        for other in rest[agrees]:
            yield int(leader), int(other)
        bucket = rest[~agrees] if len(rest) >= MAX_PAIRWISE else rest


class _DisjointSets:
    """Union-find (Galler and Fischer, 1964) over the numbers below `size`; a set's root is its smallest."""

    def __init__(self, size: int) -> None:
        self._parents = list(range(size))

    def root(self, item: int) -> int:
        while (parent := self._parents[item]) != item:
            self._parents[item] = item = self._parents[parent]
        return item

    def union(self, one: int, two: int) -> None:
        low, high = sorted((self.root(one), self.root(two)))
        self._parents[high] = low

    def roots(self) -> list[int]:
        return [self.root(item) for item in range(len(self._parents))]
