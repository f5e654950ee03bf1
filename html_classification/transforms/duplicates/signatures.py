"""MinHash signatures: 112 numbers that stand for a text.

Belongs here: signatures, and what they are called in metadata. Does not belong here: words and grams (`grams`), which
texts are copies (`clusters`).

The share of equal numbers in two signatures estimates the Jaccard similarity of the two sets of grams: the grams that
both texts have, divided by those that one of them has (Broder, 1997). R-MinHash needs about one hash for each gram,
not 112 (Dahlgaard, Knudsen and Thorup, Fast Similarity Sketching, 2017).
"""

from collections.abc import Iterator

import numpy as np
import polars as pl
from rensa import RMinHash

from html_classification.transforms.duplicates.grams import grams

PERMUTATIONS = 112
SEED = 42

#: What `signatures` computes, for the metadata: signatures of another description can't be compared with these.
SIGNATURE = f"rensa R-MinHash 0.5 of hashed word 5-grams, {PERMUTATIONS} permutations, seed {SEED}"

#: Texts are done together up to so many characters: they take up to ten times that in bytes meanwhile.
_BATCH = 1 << 20


def signatures(texts: pl.Series) -> pl.Series:
    """MinHash signature of each text: see `SIGNATURE`, and `grams` for what words are.

    Case, punctuation and repetitions of a gram make no difference. A text of fewer than five words is one gram; a
    text without words has `empty_signature`, which is a copy of nothing.

    Args:
        texts: Texts; null counts as empty.

    Returns:
        List(UInt32) named `minhash`, one signature of 112 values per text.

    Examples:
        >>> one, two = signatures(pl.Series(["One fish, two fish.", "one fish two FISH"]))
        >>> one.to_list() == two.to_list()
        True
    """
    digests = [np.zeros((0, PERMUTATIONS), dtype=np.uint32)]
    for batch in _batches(texts):
        hashes, offsets = grams(batch)
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets, PERMUTATIONS, SEED)
        digests.append(np.array(matrix.to_rows(), dtype=np.uint32))
    return pl.Series("minhash", np.concatenate(digests)).cast(pl.List(pl.UInt32))


def empty_signature() -> list[int]:
    """The signature of a text without words."""
    return RMinHash(PERMUTATIONS, SEED).digest()  # type: ignore[no-any-return]


def _batches(texts: pl.Series) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in texts.fill_null(""):
        if batch and size + len(text) > _BATCH:
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    if batch:
        yield batch
