"""From the training set and what models say of it to the refined training set.

Belongs here: the whole of the refinement, in the order in which it happens, and all its rules as one. Does not belong
here: each piece of evidence, what follows from it and who looks first (the modules beside this one).
"""

from datetime import date

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from html_classification.refinement import review
from html_classification.refinement.ambiguity import AmbiguityRules, ambiguous
from html_classification.refinement.drift import DriftRules, drift
from html_classification.refinement.duplicates import DuplicateRules, conflicting_duplicates
from html_classification.refinement.findings import together
from html_classification.refinement.label_errors import LabelErrorRules, judge, label_errors
from html_classification.refinement.outliers import OutlierRules, off_topic, outlier_scores
from html_classification.refinement.repair import RepairRules, repair
from html_classification.refinement.texts import TextRules, broken_texts
from html_classification.refinement.trends import changes_in_bounds, trends
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.post_train import POST_TRAIN


class RefinementRules(BaseModel):
    """How strong evidence must be, and what follows from it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label_errors: LabelErrorRules = Field(LabelErrorRules(), description="When a label is wrong.")
    outliers: OutlierRules = Field(OutlierRules(), description="When a page is off-topic.")
    duplicates: DuplicateRules = Field(DuplicateRules(), description="When near duplicates contradict a label.")
    texts: TextRules = Field(TextRules(), description="When a text is broken.")
    ambiguity: AmbiguityRules = Field(AmbiguityRules(), description="When a page is between two categories.")
    drift: DriftRules = Field(DriftRules(), description="When a day is unlike the others.")
    repair: RepairRules = Field(RepairRules(), description="What is corrected, dropped, or sent to a person.")


def refine(rows: pl.DataFrame, predictions: pl.DataFrame, day: date, rules: RefinementRules | None = None) -> Outcome:
    """Repair labels where the evidence is strong, drop what nothing can be learned from, queue what is doubtful.

    Train and test rows are judged apart: no label of a test row has a part in what becomes of a train row, so that
    models on refined labels can be compared with others on the test rows.

    Args:
        rows: What `training.rows.rows_with_text` gives.
        predictions: Out-of-sample predictions of them: rows of `Predictions`. A label without one is not judged.
        day: The day of the refinement, the window's last: its own rows have figures of their own.
        rules: How strong evidence must be, and what follows from it; without them the defaults.

    Returns:
        Rows of `PostTrain` sorted by url, one for each of `rows`; as figures those of `trends`, and `not_judged`: rows
        without a prediction about the label that they have; as checks `no_drift`
        and `few_changes`.
    """
    rules = rules or RefinementRules()
    rows = rows.sort("url")
    # What was said of another label, before a person corrected it, say, is not said of this one.
    predictions = predictions.join(rows.select("url", "category"), on=["url", "category"], how="semi")
    judged = _judge(rows, predictions, rules)
    scored = outlier_scores(rows, rules.outliers.seed)
    found = together(
        [
            broken_texts(rows, rules.texts),
            off_topic(scored, rules.outliers),
            conflicting_duplicates(rows, rules.duplicates),
            label_errors(judged, rows, rules.label_errors),
            ambiguous(predictions, rules.ambiguity),
        ]
    )
    repaired = repair(rows, found, rules.repair)
    frame = _frame(rows, judged, scored, repaired)
    return Outcome(
        frame,
        figures={**trends(frame, day), "not_judged": rows.height - judged.height},
        checks=[drift(rows, day, rules.drift), changes_in_bounds(frame, int(repaired["held"].sum()), rules.repair)],
    )


def _judge(rows: pl.DataFrame, predictions: pl.DataFrame, rules: RefinementRules) -> pl.DataFrame:
    """Judge the labels of each side of the split by those of the same side alone."""
    sides = (rows.filter(pl.col("split") == side) for side in ("train", "test"))
    return pl.concat(
        [judge(predictions.join(side.select("url"), on="url", how="semi"), rules.label_errors) for side in sides]
    )


def _frame(rows: pl.DataFrame, judged: pl.DataFrame, scored: pl.DataFrame, repaired: pl.DataFrame) -> pl.DataFrame:
    """The columns of `PostTrain`."""
    known = judged.select("url", "label_quality", "suggested_category", "suggested_probability")
    by_model = (pl.col("suggested_category") == pl.col("suggested")).fill_null(value=False)
    frame = (
        rows.join(repaired, on="url", how="left", maintain_order="left")
        .join(known, on="url", how="left", maintain_order="left")
        .join(scored.select("url", "outlier_score"), on="url", how="left", maintain_order="left")
        .with_columns(
            given_category="category",
            category="repaired",
            label_quality=pl.col("label_quality").fill_null(1.0),
            suggested_category="suggested",
            suggested_probability=pl.when(by_model).then("suggested_probability"),
        )
    )
    return review.rank(frame).select(pl.col(name).cast(kind) for name, kind in POST_TRAIN.dtypes.items())
