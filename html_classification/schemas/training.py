"""The stages of training: `training-set`, `predictions`, `models/…` and `leaderboard`."""

from typing import Annotated

import polars as pl

from html_classification.schemas.columns import Stage, StageModel, UtcTimestamp, column
from html_classification.schemas.shared import (
    crawl_time,
    detected_language,
    duplicate_cluster,
    given_category,
    page_url,
)

#: Probability of each category, in alphabetical order of the categories.
Probabilities = Annotated[pl.List, pl.Struct({"category": pl.String, "probability": pl.Float64})]


class TrainingSet(StageModel):
    """One page of the window, and the side of the split that it is on."""

    url: str = page_url()
    day: pl.Date = column("The day of the data that the page's freshest copy is from.", "Where to find its text.")
    category: str = given_category()
    label_source: str = column(
        "Who gave this category: annotators in order of names, joined by `, `.",
        "Where the label came from, a slice that models are measured by.",
        tags=("pii",),
    )
    language: str = detected_language()
    split: str = column(
        "`train` or `test`: the newest rows are for testing.",
        "Says which rows a model may learn from.",
        isin=["train", "test"],
    )
    duplicate_cluster: str = duplicate_cluster("of the window")
    timestamp: UtcTimestamp = crawl_time()


class Predictions(StageModel):
    """What a model that has not seen the page says about it."""

    url: str = page_url()
    category: str = given_category()
    predicted: str = column("The most probable category.", "The model's answer.")
    confidence: float = column("Probability of the predicted category.", "How sure the model is.", ge=0, le=1)
    probabilities: Probabilities = column(
        "Every category with its probability, in alphabetical order.", "What label errors are found from."
    )


class Leaderboard(StageModel):
    """One model of the day and how well it does."""

    rank: int = column("1 for the best of the day by macro-F1.", "Which model is proposed for promotion.", ge=1)
    model: str = column("Stage of the model.", "Leads to its held-out predictions.", unique=True)
    version: str = column("Version of the model's stage.", "The exact build; MLflow runs carry it as a tag.")
    snapshot: str = column("Snapshot of the training set that it was made from.", "The exact data, by name.")
    labels: str = column("`given` or `refined`: the labels it learned from.", "Shows whether refinement helps.")
    text_version: str = column("The text version it reads.", "Compares text versions.")
    algorithm: str = column("The algorithm.", "Compares algorithms.")
    train_rows: int = column("Rows it learned from.", "How much data it took.", ge=0)
    test_rows: int = column("Rows it was tested on.", "How far the figures can be trusted.", ge=0)
    accuracy: float = column("Share of test rows it gets right.", "The plain figure.", ge=0, le=1)
    macro_f1: float = column("Mean F1 over the categories.", "The figure that models are ranked by.", ge=0, le=1)
    roc_auc: float = column(
        "Mean ROC AUC, one category against the rest; null where all test rows are of one category.",
        "How well its probabilities put pages in order, wherever the line is drawn.",
        nullable=True,
        ge=0,
        le=1,
    )
    log_loss: float = column(
        "Mean of -log of the probability of the given category, in nats.",
        "Low where it is sure and right, high where it is sure and wrong.",
        ge=0,
    )
    calibration_error: float = column(
        "Mean distance of its confidence from the share that is right, over ten bins.",
        "How far its confidence can be taken at its word.",
        ge=0,
        le=1,
    )
    behind: float = column(
        "Macro-F1 of the best less its own, over the categories that test rows have.",
        "What choosing it over the best would cost.",
    )
    behind_low: float = column(
        "Lower end of the 95 % interval of `behind` (paired bootstrap).",
        "At or below 0, it may be as good as the best.",
    )
    behind_high: float = column("Upper end of it.", "What choosing it may cost at most.")
    p_value: float = column(
        "Exact two-sided McNemar test against the best: how often equally good models differ in so many answers.",
        "Where it is large, the best is no better than it by more than chance.",
        ge=0,
        le=1,
    )
    against_best: str = column(
        "What `p_value` and the interval say: `worse`, `not distinguishable`, or `better` where it is right more often "
        "by far and yet has the lower macro-F1; `best` is the best itself.",
        "Models that are not distinguishable may be chosen among by other reasons.",
        isin=["best", "better", "not distinguishable", "worse"],
    )
    trusted_rows: int = column(
        "Test rows that refined labels are judged on: those with trusted labels, or all where these are too few.",
        "How far the verdict on refined labels can be trusted.",
        ge=1,
    )
    trusted_accuracy: float = column(
        "Share of the trusted rows it gets right.", "The plain figure, where wrong labels play no part.", ge=0, le=1
    )
    trusted_macro_f1: float = column(
        "Mean F1 over the categories that the trusted rows have.", "Compares given and refined labels.", ge=0, le=1
    )
    gain_macro_f1: float = column(
        "Macro-F1 on the trusted rows less that of the same kind of model on given labels; null for models on given "
        "labels, and where there is no such model.",
        "What refined labels brought this model.",
        nullable=True,
    )
    gain_low: float = column(
        "Lower end of the interval of `gain_macro_f1` (paired bootstrap).",
        "Above 0, refined labels have helped this model by more than chance.",
        nullable=True,
    )
    gain_high: float = column("Upper end of it.", "What refined labels may have brought at most.", nullable=True)
    refinement: str = column(
        "Whether models on refined labels are better than those on given labels, all pairs together, in words; the "
        "same for all models of the day.",
        "Why models on refined labels may be promoted, or may not.",
    )
    may_be_promoted: bool = column(
        "Whether promotion may take it: false for models on refined labels, unless these have helped.",
        "Keeps refined data from replacing the given ones without a proof.",
    )


TRAINING_SET = Stage(
    name="training-set",
    layer="training",
    title="Training set",
    description=(
        "The rows of a window of days ending with this one: one freshest copy per URL, split by time into train and "
        "test with no URL and no near-duplicate cluster on both sides. It names rows, not texts: a model takes the "
        "text of its version by url and day. Made from annotated and html_parsing. Used by all models."
    ),
    model=TrainingSet,
    code_version="2",
)

PREDICTIONS = Stage(
    name="predictions",
    layer="training",
    title="Out-of-sample predictions",
    description=(
        "For every row of the training set, what a model says that was trained without it (cross-validation, near "
        "duplicates in one fold, a second time without learning from doubtful labels). Made from training_set, "
        "html_parsing and the default text version. Used by post_train to find wrong labels."
    ),
    model=Predictions,
    code_version="2",
)

LEADERBOARD = Stage(
    name="leaderboard",
    layer="training",
    title="Leaderboard",
    description=(
        "Every model of the day on the same test rows, best first: text versions, algorithms, given and refined "
        "labels side by side, whether chance explains how far each is behind the best, and whether refined labels "
        "help. Made from all models and training_set. Used by promotion."
    ),
    model=Leaderboard,
    code_version="3",
)


def model_stage(labels: str, text_version: str, algorithm: str) -> Stage:
    """The stage of one kind of model: its predictions on the held-out rows.

    Args:
        labels: `given` or `refined`.
        text_version: The text version it reads, such as `v2`.
        algorithm: The algorithm, such as `logistic-regression`.

    Returns:
        The stage `models/<labels>-<text version>-<algorithm>`.
    """
    return Stage(
        name=f"models/{labels}-{text_version}-{algorithm}",
        layer="training",
        title=f"{algorithm} on text {text_version}, {labels} labels",
        description=(
            f"A model of the algorithm {algorithm} trained on text version {text_version} with {labels} labels. The "
            "model itself, its metrics and parameters are in MLflow, under the tag `html_classification.version`; the "
            "lake keeps its predictions on the test rows. Made from training_set, the text version"
            f"{' and post_train' if labels == 'refined' else ''}. Used by leaderboard."
        ),
        model=Predictions,
    )
