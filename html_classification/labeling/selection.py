"""Choosing few of many: pages that are useful or typical, of all categories, and unlike each other.

Belongs here: the two ways of choosing, on numbers alone. Does not belong here: where the numbers come from
(`committee`), and what is told of the chosen (`queue`).
"""

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

#: How much pages unlike those already chosen are preferred: a page counts as much as its distance to this power.
SPREAD = 0.25

_ROWS_AT_ONCE = 1024


def most_useful(
    usefulness: "Floats", probabilities: "Floats", labels: "Floats", vectors: "Floats", size: int
) -> list[int]:
    """Choose useful pages, rare categories first, and none like another.

    Pages are chosen one by one. Each time the page counts most for which the product is greatest of its usefulness, of
    how rare its probable categories are (one by the number of labels, chosen pages included), and of its distance to
    the nearest page chosen.

    Args:
        usefulness: Of each page, not negative.
        probabilities: How probable each category is, a row for each page.
        labels: How many labels each category has.
        vectors: Unit vectors, a row for each page.
        size: How many to choose.

    Returns:
        The numbers of the chosen pages, best first; of equally good ones the first.
    """
    import numpy as np

    numbers = labels + 1.0
    distance = np.ones(len(usefulness))
    left = np.ones(len(usefulness), dtype=bool)
    chosen: list[int] = []
    while len(chosen) < min(size, len(usefulness)):
        value = usefulness * (probabilities @ (1.0 / numbers)) * distance**SPREAD
        best = int(np.where(left, value, -1.0).argmax())
        chosen.append(best)
        left[best] = False
        numbers = numbers + probabilities[best]
        distance = np.minimum(distance, np.clip(1.0 - vectors @ vectors[best], 0.0, 1.0))
    return chosen


def most_typical(vectors: "Floats", known: "Floats", size: int) -> tuple[list[int], list[int]]:
    """Choose pages that stand for as many others as possible, which no label stands for yet.

    It maximizes the sum over all pages of the similarity to the nearest page that is chosen or labelled (facility
    location). Taking the page that adds most, one by one, reaches 1 - 1/e of the best sum at least (Nemhauser, Wolsey
    and Fisher 1978). What a page adds never grows, so that few are looked at each time (Minoux 1978).

    Args:
        vectors: Unit vectors, a row for each page.
        known: The same of pages that have a label.
        size: How many to choose.

    Returns:
        The numbers of the chosen pages, best first, of equally good ones the first; and of how many pages each of them
        is the nearest one chosen.
    """
    import numpy as np

    nearest, gains = np.zeros(len(vectors)), np.zeros(len(vectors))
    for part in _parts(len(known)):
        nearest = np.maximum(nearest, (vectors @ known[part].T).max(axis=1))
    for part in _parts(len(vectors)):
        gains[part] = np.maximum(vectors[part] @ vectors.T - nearest, 0.0).sum(axis=1)
    owner = np.full(len(vectors), -1)
    promising = [(-gain, number) for number, gain in enumerate(gains.tolist())]
    heapq.heapify(promising)
    chosen: list[int] = []
    while promising and len(chosen) < size:
        _, number = heapq.heappop(promising)
        similarity = vectors @ vectors[number]
        now = (-float(np.maximum(similarity - nearest, 0.0).sum()), number)
        if promising and now > promising[0]:
            heapq.heappush(promising, now)
            continue
        owner[similarity > nearest] = len(chosen)
        owner[number] = len(chosen)
        nearest = np.maximum(nearest, similarity)
        chosen.append(number)
    stands_for = np.bincount(owner[owner >= 0], minlength=len(chosen))
    return chosen, stands_for.tolist()


def _parts(rows: int) -> list[slice]:
    return [slice(start, start + _ROWS_AT_ONCE) for start in range(0, rows, _ROWS_AT_ONCE)]
