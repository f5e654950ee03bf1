"""The stage `labels`: what annotators say."""

from html_classification.schemas.columns import Stage, StageModel, UtcTimestamp, column
from html_classification.schemas.shared import given_category, label_confidence, page_url


class Labels(StageModel):
    """One annotator's answer about one document."""

    url: str = page_url(unique=False)
    content_sha1: str = column(
        "SHA-1 of the text that was judged.",
        "The answer holds for every page with this text.",
        str_length={"min_value": 40, "max_value": 40},
    )
    category: str = given_category()
    confidence: float = label_confidence()
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
    expendable=False,
)
