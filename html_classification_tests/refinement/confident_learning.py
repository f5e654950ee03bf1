"""Confident learning written anew, from the paper, to compare cleanlab with.

Northcutt, Jiang, Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels", section 3: thresholds
(equation 2), the confident joint (1), its calibration to the counts of the given labels (3), and pruning by class.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def confident_joint(given: npt.NDArray[np.int64], probabilities: Floats) -> Floats:
    """Rows that are given as i and confidently are j, scaled so that each i has as many as were given."""
    rows, categories = probabilities.shape
    counts = np.bincount(given, minlength=categories)
    thresholds = [probabilities[given == k, k].mean() if counts[k] else np.inf for k in range(categories)]
    joint = np.zeros((categories, categories))
    for row in range(rows):
        confident = [k for k in range(categories) if probabilities[row, k] >= thresholds[k]]
        if confident:
            joint[given[row], max(confident, key=lambda k: probabilities[row, k])] += 1
    for k in range(categories):
        joint[k, k] = max(joint[k, k], 1)
        joint[k] *= counts[k] / joint[k].sum()
    return joint


def pruned_by_class(given: npt.NDArray[np.int64], probabilities: Floats) -> set[int]:
    """Of each category as many rows as its part of the joint says are wrong, the least probable ones."""
    joint = confident_joint(given, probabilities)
    found: set[int] = set()
    for k in range(joint.shape[0]):
        (own,) = np.nonzero(given == k)
        wrong = round(len(own) - joint[k, k])
        found |= set(own[np.argsort(probabilities[own, k])][:wrong].tolist())
    return {row for row in found if probabilities[row].argmax() != given[row]}
