"""Frames of pieces as larger batches.

Belongs here: putting small frames together, since looking at a batch costs about the same whatever its size. Does not
belong here: how rows are looked at (`lake.profile`).
"""

from collections.abc import Iterable, Iterator

import polars as pl


def in_batches(frames: Iterable[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """Put frames together until they have so many rows.

    Args:
        frames: Frames with the same columns.
        rows: How many rows a batch has at least, but for the last one.

    Examples:
        >>> small = [pl.DataFrame({"row": [n]}) for n in range(5)]
        >>> [batch.height for batch in in_batches(small, 2)]
        [2, 2, 1]
    """
    held: list[pl.DataFrame] = []
    for frame in frames:
        held.append(frame)
        if sum(one.height for one in held) >= rows:
            yield pl.concat(held)
            held = []
    if held:
        yield pl.concat(held)
