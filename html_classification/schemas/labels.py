"""The stage `labels`: what annotators say."""

from html_classification.schemas.columns import Stage, StageModel, UtcTimestamp, column


class Labels(StageModel):
    """One annotator's answer about one document."""

    url: str = column("Normalized address.", "The page that was judged.", tags=("pii",), str_startswith="http")
    content_sha1: str = column(
        "SHA-1 of the text that was judged.",
        "The answer holds for every page with this text.",
        str_length={"min_value": 40, "max_value": 40},
    )
    category: str = column("The category given.", "The supervised target.", str_length={"min_value": 1})
    confidence: float = column(
        "How sure the annotator is, 0 to 1; null where not said.",
        "Weighs one label against another.",
        nullable=True,
        ge=0,
        le=1,
    )
    annotator: str = column(
        "Who gave the label: `file:<name>`, an API with its version, or a person.",
        "Lets the quality of each source be measured.",
        tags=("pii",),
    )
    labelled_at: UtcTimestamp = column(
        "When the label was given, in UTC; null where not said.", "Of two labels the later counts.", nullable=True
    )
    cost: float = column("What the label cost, in the currency of the account.", "Money spent.", ge=0)


LABELS = Stage(
    name="labels",
    layer="gold",
    title="Labels",
    description=(
        "The labels known for the day's pages, one row per page and annotator, joined by normalized URL. Made from "
        "html_parsing and the label source named by HTML_CLASSIFICATION_LABELS. Used by annotated."
    ),
    model=Labels,
    may_be_empty=True,
)
