"""Which signatures are alike, without comparing each with each.

Belongs here: matrices of signatures, bands, candidates and their verification. Does not belong here: pages, urls and
times (`clusters`).

Locality-sensitive hashing by bands, as in Leskovec, Rajaraman and Ullman (Mining of Massive Datasets, chapter 3):
signatures that agree in all 7 values of one of 16 bands are candidates, which a pair of Jaccard similarity s becomes
with probability 1 - (1 - s^7)^16: 97.7 % at 0.8, 99.98 % at 0.9. Candidates are alike if their signatures agree in
`AGREEMENT` of all values. The share of equal values scatters about s by sqrt(s (1 - s) / 112), which is 0.04: what is
wanted is all pairs from 0.8 on and few below 0.7, so the cut lies between the two.

Bands are done one after the other and rows are compared many at once, so that memory grows with the rows, never with
the pairs, and time as well: see `_agreeing` for crowds.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from html_classification.transforms.duplicates.signatures import PERMUTATIONS, empty_signature

BANDS = 16
BAND_WIDTH = 7
#: Share of equal values from which two signatures are alike.
AGREEMENT = 0.75

#: Up to so many rows of a band are compared each with each; a bigger crowd only with so many of its own.
MAX_LEADERS = 64

#: Rows that are computed with at once: their values stay in the processor's cache.
_CHUNK = 4096

Numbers = npt.NDArray[np.intp]
Pairs = tuple[Numbers, Numbers]
Hashes = npt.NDArray[np.uint64]
Matrix = npt.NDArray[np.uint32]


def fingerprints(matrix: Matrix, first: int = 0, width: int = PERMUTATIONS) -> Hashes:
    """A 64-bit number for each row, equal for rows that are equal in `width` columns from `first` on.

    A multilinear hash (Carter and Wegman, 1979). Two other rows have equal numbers with a chance of about 2^-60, and
    whatever follows from equal numbers is verified.
    """
    factors = np.random.PCG64(first).random_raw(width) | np.uint64(1)
    hashes = np.empty(len(matrix), dtype=np.uint64)
    for start in range(0, len(matrix), _CHUNK):
        part = slice(start, start + _CHUNK)
        hashes[part] = matrix[part, first : first + width].astype(np.uint64) @ factors
    return hashes


def connected(components: Numbers, pairs: Iterable[Pairs]) -> Numbers:
    """Components after rows were joined in pairs.

    Args:
        components: The number of each row's component, not negative.
        pairs: Rows that belong together, as arrays of the same length: the one and the other of each pair.

    Returns:
        New numbers: equal for rows of one component, else of no meaning.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ends = [(components[one], components[two]) for one, two in pairs if len(one)]
    if not ends:
        return components
    one, two = (np.concatenate(end) for end in zip(*ends, strict=True))
    size = int(components.max()) + 1
    graph = coo_array((np.ones(len(one), dtype=np.int8), (one, two)), shape=(size, size))
    numbers: Numbers = connected_components(graph, directed=False)[1]
    return numbers[components]


def join_alike(matrix: Matrix, order: Numbers, components: Numbers, threshold: float = AGREEMENT) -> Numbers:
    """Join the components of rows whose signatures are alike.

    Args:
        matrix: A signature in each row; `empty_signature` is like nothing, itself included.
        order: The rows of the matrix in an order that does not depend on theirs: by it leaders are chosen.
        components: The component of each, in that order.
        threshold: Share of equal values from which two are alike, 0 to 1.

    Returns:
        The components after that, in that order, as `connected` numbers them.
    """
    blank = fingerprints(np.array([empty_signature()], dtype=np.uint32))
    keys = fingerprints(matrix)[order]
    members = np.flatnonzero(keys != blank)
    keys = keys[members]
    components = connected(components, _agreeing(matrix, order, components, members, keys, threshold))
    # Of equal signatures, which are in one component now, one is enough.
    equal = pl.DataFrame({"key": keys, "component": components[members]})
    members = members[equal.select(pl.struct(pl.all()).is_first_distinct()).to_series().to_numpy()]
    for band in range(BANDS):
        keys = fingerprints(matrix, band * BAND_WIDTH, BAND_WIDTH)[order[members]]
        components = connected(components, _agreeing(matrix, order, components, members, keys, threshold))
    return components


def _agreeing(
    matrix: Matrix, order: Numbers, components: Numbers, members: Numbers, keys: Hashes, threshold: float
) -> Iterator[Pairs]:
    """Pairs of members with the same key that agree, of those that are not in one component yet.

    In each bucket the first member leads and is compared with all others, then the second with those after it, and so
    on; one round does that in all buckets at once. In a small bucket each meets each. In a crowd, such as thousands of
    pages made from one template, whoever belongs to a leader's component leaves with it, and after `MAX_LEADERS` rounds
    the rest is left alone, so that the work is the rows times a constant. Alike rows missed by that share further
    bands, and not all of those are crowded.
    """
    members, bucket = _buckets(members, keys, components)
    component = components[members]
    crowded = np.bincount(bucket)[bucket] > MAX_LEADERS
    for _ in range(MAX_LEADERS):
        if not len(members):
            return
        leads = np.concatenate([[True], bucket[1:] != bucket[:-1]])
        led = np.cumsum(leads)[~leads] - 1
        leader, aim = members[leads][led], component[leads][led]
        members, bucket, component, crowded = (part[~leads] for part in (members, bucket, component, crowded))
        apart = np.flatnonzero(component != aim)
        apart = apart[_agree(matrix, order[leader[apart]], order[members[apart]], threshold)]
        yield leader[apart], members[apart]
        component[apart] = aim[apart]
        stay = ~(crowded & (component == aim))
        members, bucket, component, crowded = (part[stay] for part in (members, bucket, component, crowded))


def _buckets(members: Numbers, keys: Hashes, components: Numbers) -> tuple[Numbers, Numbers]:
    """Members sorted by key, and the number of each one's bucket; without buckets that are of one component."""
    by_key = np.argsort(keys, kind="stable")
    members, keys = members[by_key], keys[by_key]
    begins = np.concatenate([[True], keys[1:] != keys[:-1]])[: len(keys)]
    bucket = np.cumsum(begins) - 1
    starts = np.flatnonzero(begins)
    if not len(starts):
        return members, bucket
    lowest, highest = (extreme.reduceat(components[members], starts) for extreme in (np.minimum, np.maximum))
    divided = (lowest != highest)[bucket]
    return members[divided], bucket[divided]


def _agree(matrix: Matrix, one: Numbers, two: Numbers, threshold: float) -> npt.NDArray[np.bool_]:
    """Whether rows agree in at least `threshold` of their values, pair by pair."""
    agree = np.empty(len(one), dtype=bool)
    for start in range(0, len(one), _CHUNK):
        part = slice(start, start + _CHUNK)
        equal = np.count_nonzero(matrix[one[part]] == matrix[two[part]], axis=1)
        agree[part] = equal >= threshold * PERMUTATIONS
    return agree
