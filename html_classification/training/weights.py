"""What a classifier goes by: the terms that speak most for and against each category.

Belongs here: reading weights out of fitted scikit-learn classifiers. Does not belong here: how they came about
(`fitting`, `algorithms`), and where they are shown (`report`).
"""

from typing import TYPE_CHECKING, Any

from html_classification.training.fitting import Classifier

if TYPE_CHECKING:
    import numpy as np

STRONGEST = 20


def feature_weights(classifier: Classifier, strongest: int = STRONGEST) -> dict[str, Any]:
    """The strongest terms of a classifier.

    Args:
        classifier: What `fit` returned.
        strongest: Terms for each category and direction.

    Returns:
        As `kind` what the weights are, and the terms, each with `group` (such as `words`), `term` and `weight`:

        - `coefficients` of a linear classifier: `categories` has the terms `for` and `against` each.
        - `log probabilities` of naive Bayes, likewise: by how much they are above the mean of all categories.
        - `importances` of trees, which are of no category: `terms`.
        - `none` for all other classifiers.
    """
    import numpy as np

    names = classifier.pipeline[:-1].get_feature_names_out()
    model = classifier.pipeline[-1]
    kind, weights = _weights(model)
    if weights is None or weights.shape[1] != len(names):
        return {"kind": "none"}
    if kind == "importances":
        return {"kind": kind, "terms": _strongest(names, weights[0], strongest)}
    if len(weights) == 1 and len(model.classes_) == 2:
        weights = np.vstack([-weights, weights])
    categories = {
        str(name): {"for": _strongest(names, row, strongest), "against": _strongest(names, -row, strongest, -1)}
        for name, row in zip(model.classes_, weights, strict=True)
    }
    return {"kind": kind, "categories": categories}


def _weights(model: Any) -> "tuple[str, np.ndarray[Any, Any] | None]":
    """What the weights are, and the weights, of shape (categories, terms)."""
    import numpy as np

    if hasattr(model, "coef_"):
        return "coefficients", model.coef_.toarray() if hasattr(model.coef_, "toarray") else np.asarray(model.coef_)
    if hasattr(model, "feature_log_prob_"):
        return "log probabilities", model.feature_log_prob_ - model.feature_log_prob_.mean(axis=0)
    if hasattr(model, "feature_importances_"):
        return "importances", np.asarray(model.feature_importances_)[np.newaxis]
    return "none", None


def _strongest(
    names: "np.ndarray[Any, Any]", weights: "np.ndarray[Any, Any]", count: int, sign: int = 1
) -> list[dict[str, Any]]:
    """The terms of positive weight, the heaviest first; of equal ones those first that stand first."""
    import numpy as np

    found = []
    for index in np.argsort(-weights, kind="stable")[:count]:
        if weights[index] > 0:
            group, _, term = names[index].partition("__")  # as a ColumnTransformer names its columns
            found.append({"group": group, "term": term, "weight": round(sign * float(weights[index]), 6)})
    return found
