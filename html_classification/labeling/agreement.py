"""How far annotators agree beyond chance: the coefficients of the literature.

Belongs here: pure functions on counts and answers. Does not belong here: what is made of them (`annotators`,
`label_checks`).

Fleiss' kappa is left out: it needs the same number of answers for each unit, and where they are, Krippendorff's alpha
tells the same, corrected for small samples.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def krippendorff_alpha(counts: "Array") -> float | None:
    """Krippendorff's alpha for nominal data with any number of annotators and missing answers.

    One minus the ratio of the disagreement observed within units to that expected if answers were dealt to units by
    chance (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section D). Units with fewer than two
    answers have nothing to compare and do not count.

    Args:
        counts: A row for each unit, a column for each category: how many annotators gave it.

    Returns:
        1 for perfect agreement, 0 for that of chance, less where annotators avoid to agree; None where there is
        nothing to compare: no unit with two answers, or one category in all of them.

    >>> import numpy as np
    >>> krippendorff_alpha(np.array([[2, 0], [0, 2], [1, 1], [0, 1]]))
    0.444444
    """
    import numpy as np

    answers = counts.sum(axis=1)
    counts, answers = counts[answers > 1].astype(np.float64), answers[answers > 1]
    totals = counts.sum(axis=0)
    expected = totals.sum() ** 2 - (totals**2).sum()
    if not expected:
        return None
    observed = ((answers**2 - (counts**2).sum(axis=1)) / (answers - 1)).sum()
    return round(float(1 - (totals.sum() - 1) * observed / expected), 6)


def cohens_kappa(ones: "Array", others: "Array") -> float | None:
    """Cohen's kappa of two annotators of the same units (Cohen 1960, by scikit-learn).

    Args:
        ones: The answers of the first, as numbers of categories.
        others: Those of the second, in the same order.

    Returns:
        1 for perfect agreement, 0 for that of chance; None where nothing can be told: no unit, or the same one
        category in all answers.

    >>> import numpy as np
    >>> cohens_kappa(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]))
    0.5
    """
    import numpy as np

    if len(np.union1d(ones, others)) < 2:
        return None
    from sklearn.metrics import cohen_kappa_score

    return round(float(cohen_kappa_score(ones, others)), 6)
