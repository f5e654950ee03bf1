"""Which given labels do not fit what models say that have not seen them.

Belongs here: the project's own interface to cleanlab, whose upstream is frozen, so that it can be replaced by changing
this module alone. Does not belong here: the predictions (`training.out_of_sample`), and what is done about a label
(`repair`).

Two looks at the same probabilities, and a label is in doubt by either:

- Confident learning (Northcutt, Jiang, Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels")
  estimates how many labels of each category are wrong, and names that many with the least probability of the given
  label (cleanlab's filter `prune_by_class`). It adapts to how bad the labels are.
- The given category is far less probable than the likeliest other one.

On 1,136 real pages with 10 % of the labels flipped, either alone finds 85 to 93 % of them; both together are measured
by the benchmark `label_repair`. Of what cleanlab's other filters find, `low_self_confidence` has 75 to 83 % of the
flips, `confident_learning` 67 to 68 %, `both` 84 %, and `predicted_neq_given` 95 to 98 %, but half of what it names is
right.
"""

import warnings
from typing import TYPE_CHECKING, Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from html_classification.refinement.findings import findings
from html_classification.training.probabilities import as_numbers, given_against_other

if TYPE_CHECKING:
    import numpy as np

#: What `judge` returns.
COLUMNS: dict[str, Any] = {
    "url": pl.String,
    "label_quality": pl.Float64,
    "is_label_issue": pl.Boolean,
    "suggested_category": pl.String,
    "suggested_probability": pl.Float64,
}
_DECIMALS = 6


class LabelErrorRules(BaseModel):
    """When a label is in doubt, and when it is wrong beyond doubt."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    doubt_below: float = Field(
        0.27,
        ge=0,
        le=0.5,
        description="A label whose quality is below this is in doubt, whatever cleanlab says: 0.27 is a given category "
        "that is 2.7 times less probable than the likeliest other one.",
    )
    strong_below: float = Field(
        0.08,
        ge=0,
        le=0.5,
        description="Of labels in doubt, those whose quality is below this are wrong beyond doubt: twelve times less "
        "probable.",
    )
    strong_min_rows: int = Field(
        5,
        ge=1,
        description="… if both categories have at least so many train rows to learn them from, copies of the page not "
        "counted.",
    )


def judge(predictions: pl.DataFrame, rules: LabelErrorRules | None = None) -> pl.DataFrame:
    """Judge each given label by the out-of-sample prediction.

    A category without a row may be suggested too: rows that are judged apart need not have all that the model knows.
    With rows of fewer than two categories, or fewer than three rows, nothing can be compared, and no label is an issue.

    Args:
        predictions: Rows of `Predictions`, each by a model that has not seen the row.
        rules: Of which `doubt_below` counts; without them the defaults.

    Returns:
        Sorted by url: `url`, `label_quality` (0 to 1, see `training.probabilities.given_against_other`),
        `is_label_issue`, `suggested_category` (the most probable one, the given one included) and
        `suggested_probability`.
    """
    import numpy as np

    rules = rules or LabelErrorRules()
    rows = predictions.sort("url")
    if rows.is_empty():
        return pl.DataFrame(schema=COLUMNS)
    categories, given, probabilities = as_numbers(rows)
    best = probabilities.argmax(axis=1)
    quality = given_against_other(probabilities, given)
    doubtful = (_named_by_cleanlab(given, probabilities) | _doubtful(quality, given, rules)) & (best != given)
    return pl.DataFrame(
        {
            "url": rows["url"],
            "label_quality": quality.round(_DECIMALS),
            "is_label_issue": doubtful,
            "suggested_category": [categories[index] for index in best],
            "suggested_probability": probabilities[np.arange(len(rows)), best].round(_DECIMALS),
        },
        schema=COLUMNS,
    )


def label_errors(judged: pl.DataFrame, rows: pl.DataFrame, rules: LabelErrorRules | None = None) -> pl.DataFrame:
    """The labels in doubt, as findings.

    Args:
        judged: What `judge` returned.
        rows: `url`, `category`, `split` and `duplicate_cluster` of the same rows.
        rules: From when on it is beyond doubt; without them the defaults.

    Returns:
        Findings `label_error`, each with the category that is suggested.
    """
    rules = rules or LabelErrorRules()
    train = pl.col("split") == "train"
    train_rows = dict(rows.filter(train)["category"].value_counts().iter_rows())
    known, elsewhere = (
        pl.col(name).replace_strict(train_rows, default=0, return_dtype=pl.Int64)
        for name in ("suggested_category", "category")
    )
    # A category that the models of a fold did not know is no evidence against the label.
    copies = pl.when(train).then(pl.len().over("category", "duplicate_cluster")).otherwise(0)
    given_known = rows.select("url", "category", given_rows=elsewhere - copies)
    two = {name: pl.col(name).round(2).cast(pl.String) for name in ("suggested_probability", "label_quality")}
    found = judged.filter("is_label_issue").join(given_known, on="url")
    learned = (known >= rules.strong_min_rows) & (pl.col("given_rows") >= rules.strong_min_rows)
    return findings(
        found.select(
            "url",
            suggested="suggested_category",
            strong=(pl.col("label_quality") < rules.strong_below) & learned,
            reason=pl.format(
                "models that have not seen it say {} with probability {}; the quality of the label {} is {}",
                "suggested_category",
                two["suggested_probability"],
                "category",
                two["label_quality"],
            ),
        ),
        "label_error",
    )


def _can_be_compared(given: "np.ndarray[Any, Any]") -> bool:
    import numpy as np

    return len(given) >= 3 and len(np.unique(given)) >= 2


def _doubtful(
    quality: "np.ndarray[Any, Any]", given: "np.ndarray[Any, Any]", rules: LabelErrorRules
) -> "np.ndarray[Any, Any]":
    import numpy as np

    return quality < rules.doubt_below if _can_be_compared(given) else np.zeros(len(given), dtype=bool)


def _named_by_cleanlab(given: "np.ndarray[Any, Any]", probabilities: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Cleanlab's verdict, without its remark on small categories, which is true of every small day."""
    import numpy as np
    from cleanlab.filter import find_label_issues

    if not _can_be_compared(given):
        return np.zeros(len(given), dtype=bool)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="May not flag all label issues in class", category=UserWarning)
        found: np.ndarray[Any, Any] = find_label_issues(given, probabilities, filter_by="prune_by_class", n_jobs=1)
    return found
