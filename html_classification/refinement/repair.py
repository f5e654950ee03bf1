"""What is done with each row of the training set: kept, relabelled, dropped, or put before a person.

Belongs here: the rules, and the reasons in words. Does not belong here: the evidence (`label_errors`,
`outliers`).
"""

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from html_classification.refinement.label_errors import label_quality
from html_classification.refinement.outliers import outlier_scores
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.post_train import ACTIONS, POST_TRAIN


class RepairRules(BaseModel):
    """How strong the evidence must be. The defaults relabel rarely: what is doubtful is for a person."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    relabel_from_probability: float = Field(
        0.8,
        ge=0,
        le=1,
        description="Relabel only where the model gives another category at least this probability, …",
    )
    relabel_to_given_probability: float = Field(
        0.05, ge=0, le=1, description="… the given category at most this one, …"
    )
    relabel_min_rows: int = Field(
        5, ge=1, description="… and the other category has at least so many train rows to learn it from."
    )
    drop_below_typicality: float = Field(
        0.03, ge=0, le=1, description="Drop rows whose outlier score is below this: off-topic pages."
    )
    seed: int = Field(0, ge=0, description="Seed of the outlier scores.")


def refine(rows: pl.DataFrame, predictions: pl.DataFrame, rules: RepairRules | None = None) -> Outcome:
    """Repair labels where the evidence is strong, drop off-topic pages, mark the doubtful ones for a person.

    In this order: an off-topic page is dropped; a label issue with strong evidence is relabelled; other
    label issues are kept and marked for review; the rest is kept.

    Train and test rows are judged apart: no label of a test row has a part in what becomes of a train row, so that
    models on refined labels can be compared with others on the test rows.

    Args:
        rows: Rows of the training set: `url`, `text`, `category`, `split`, `timestamp`.
        predictions: Out-of-sample predictions of them: rows of `Predictions`. A row without one is kept.
        rules: How strong the evidence must be; without them the defaults.

    Returns:
        Rows of `PostTrain` sorted by url, one for each of `rows`; as figures `label_issues`, `outliers`,
        each action, and `not_predicted`.
    """
    rules = rules or RepairRules()
    rows = rows.sort("url")
    if rows.is_empty():
        return Outcome(POST_TRAIN.empty(), figures=_figures(POST_TRAIN.empty(), 0, 0))
    evidence = (
        rows.join(_quality(rows, predictions), on="url", how="left", maintain_order="left")
        .with_columns(
            outlier_score=pl.Series(outlier_scores(rows["text"].to_list(), rules.seed)),
            predicted=pl.col("label_quality").is_not_null(),
            is_label_issue=pl.col("is_label_issue").fill_null(value=False),
            suggested_rows=pl.col("suggested_category").replace_strict(
                dict(rows.filter(pl.col("split") == "train")["category"].value_counts().iter_rows()),
                default=0,
                return_dtype=pl.Int64,
            ),
        )
        .with_columns(action=_action(rules))
    )
    return _outcome(evidence, rules)


def _quality(rows: pl.DataFrame, predictions: pl.DataFrame) -> pl.DataFrame:
    """Judge the labels of each side of the split by those of the same side alone."""
    sides = rows.select("url", "split").partition_by("split", maintain_order=True)
    return pl.concat([label_quality(predictions.join(side, on="url", how="semi")) for side in sides])


def _action(rules: RepairRules) -> pl.Expr:
    strong = (
        (pl.col("suggested_probability") >= rules.relabel_from_probability)
        & (pl.col("label_quality") <= rules.relabel_to_given_probability)
        & (pl.col("suggested_rows") >= rules.relabel_min_rows)
    )
    return (
        pl.when(pl.col("outlier_score") < rules.drop_below_typicality)
        .then(pl.lit("dropped"))
        .when(pl.col("is_label_issue") & strong)
        .then(pl.lit("relabelled"))
        .when(pl.col("is_label_issue"))
        .then(pl.lit("review"))
        .otherwise(pl.lit("kept"))
    )


def _outcome(evidence: pl.DataFrame, rules: RepairRules) -> Outcome:
    """Put the rows into the columns of `PostTrain`, with the reasons."""
    outlier = pl.format(
        "off-topic: outlier score {}, rows below {} are dropped",
        _two("outlier_score"),
        pl.lit(rules.drop_below_typicality),
    )
    issue = pl.format(
        "the model says {} with probability {}, given {} has {}",
        "suggested_category",
        _two("suggested_probability"),
        "category",
        _two("label_quality"),
    )
    wordless = pl.lit("no text to learn from: it shares no word with any other page")
    doubtful = pl.lit("not certain enough to relabel: a person should look")
    frame = evidence.select(
        "url",
        "text",
        pl.when(pl.col("action") == "relabelled").then("suggested_category").otherwise("category").alias("category"),
        pl.col("category").alias("given_category"),
        "action",
        pl.concat_list(
            pl.when((pl.col("action") == "dropped") & (pl.col("outlier_score") == 0)).then(wordless),
            pl.when((pl.col("action") == "dropped") & (pl.col("outlier_score") > 0)).then(outlier),
            pl.when("is_label_issue").then(issue),
            pl.when(pl.col("action") == "review").then(doubtful),
            pl.when(~pl.col("predicted")).then(pl.lit("no out-of-sample prediction: the label was not checked")),
        )
        .list.drop_nulls()
        .alias("reasons"),
        pl.col("label_quality").fill_null(1.0),
        "outlier_score",
        "timestamp",
    )
    issues, unchecked = int(evidence["is_label_issue"].sum()), int((~evidence["predicted"]).sum())
    return Outcome(frame.select(list(POST_TRAIN.dtypes)), figures=_figures(frame, issues, unchecked))


def _two(column: str) -> pl.Expr:
    """A probability as people read it: two decimals."""
    return pl.col(column).round(2).cast(pl.String)


def _figures(frame: pl.DataFrame, label_issues: int, not_predicted: int) -> dict[str, int | float | str]:
    actions = {action: int((frame["action"] == action).sum()) for action in ACTIONS}
    return {
        "label_issues": label_issues,
        "outliers": actions["dropped"],
        **actions,
        "not_predicted": not_predicted,
    }
