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
    cost: float = column(
        "What the answer cost when it was bought, in the currency of the account.",
        "What a label is worth; a text that is on several pages or days was paid for once.",
        ge=0,
    )
    answer: str = column(
        "The answer as it came: JSON of the API or the annotation tool, the line of a label file.",
        "The evidence for the label; a later reading of it costs nothing.",
        tags=("pii",),
        nullable=True,
    )


LABELS = Stage(
    name="labels",
    layer="gold",
    title="Labels",
    description=(
        "All that annotators said of the day's pages, one row per page and annotator: answers bought of the labelling "
        "API and people's from the label store, by the SHA-1 of the text, and those of the label file, by normalized "
        "URL. Made from html_parsing and the label source named by HTML_CLASSIFICATION_LABELS. Used by annotators "
        "and annotated."
    ),
    model=Labels,
    code_version="2",
    may_be_empty=True,
    expendable=False,
)
