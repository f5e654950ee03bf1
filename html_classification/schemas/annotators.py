"""The stage `annotators`: who labels, how much, and how well."""

from html_classification.schemas.columns import Stage, StageModel, UtcTimestamp, column

KINDS = ["person", "api", "file"]


class Annotators(StageModel):
    """One annotator of a window of days. A text counts once, by the annotator's latest answer."""

    annotator: str = column(
        "Who gave the labels: `file:<name>`, an API with its version, or a person.",
        "The one that the figures are about.",
        tags=("pii",),
        unique=True,
    )
    kind: str = column(
        "`person`, `api` or `file`, by how the name begins.", "A person's label wins over a machine's.", isin=KINDS
    )
    labels: int = column("Texts judged in the window.", "How much the annotator has done.", ge=1)
    shared: int = column(
        "Of these, texts to compare on: judged by others as well, and, where people judged shared texts at all, by a "
        "person.",
        "How far agreement, kappa and quality can be trusted: below 20 hardly.",
        ge=0,
    )
    agreement: float = column(
        "Share of the shared texts whose consensus is what the annotator said; null without shared texts.",
        "How often the answer stands.",
        nullable=True,
        ge=0,
        le=1,
    )
    kappa: float = column(
        "Cohen's kappa with the consensus of the others (for a machine, of people where they judged): 1 is perfect, 0 "
        "is chance; null where nothing can be compared.",
        "How well the annotator knows the categories, whether they are few or many, even or not.",
        nullable=True,
        ge=-1,
        le=1,
    )
    quality: float = column(
        "Cleanlab's annotator quality, 0 to 1: about the probability that an answer is right; null without shared "
        "texts.",
        "Decides whose answer counts more, and whom to train or to stop paying.",
        nullable=True,
        ge=0,
        le=1,
    )
    worst_category: str = column(
        "The category that the annotator misses most often, where the consensus is another than its answer; null "
        "without a miss.",
        "What to explain to the annotator first.",
        nullable=True,
        str_length={"min_value": 1},
    )
    mean_confidence: float = column(
        "Mean confidence that the annotator stated, 0 to 1; null where it stated none.",
        "Far above the quality, the annotator is too sure.",
        nullable=True,
        ge=0,
        le=1,
    )
    cost: float = column("What these labels cost, in the currency of the account.", "What the quality costs.", ge=0)
    last_labelled_at: UtcTimestamp = column(
        "When the latest of these labels was given, in UTC; null where none said when.",
        "Whether the annotator still works.",
        nullable=True,
    )


ANNOTATORS = Stage(
    name="annotators",
    layer="gold",
    title="Annotators",
    description=(
        "Who labelled the texts of a window of days ending with this one, how much, and how well: agreement with the "
        "others and quality, by cleanlab's multiannotator. The file is sorted by annotator. Made from labels. Used by "
        "annotated to weigh answers, and by whoever manages labelling."
    ),
    model=Annotators,
    may_be_empty=True,
)
