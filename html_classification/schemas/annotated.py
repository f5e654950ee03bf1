"""The stage `annotated`: pages with the category they are trained on."""

from html_classification.schemas.columns import Stage, StageModel, UtcTimestamp, column


class Annotated(StageModel):
    """One labelled page."""

    url: str = column(
        "Normalized address.", "The identity of the page.", tags=("pii",), unique=True, str_startswith="http"
    )
    title: str = column("Title in the default text version.", "Part of the text.", tags=("pii",))
    content: str = column("Content in the default text version.", "Part of the text.", tags=("pii",))
    text: str = column("`title - content` in the default text version.", "What a model reads.", tags=("pii",))
    category: str = column(
        "The category given by the label source.", "The supervised target.", str_length={"min_value": 1}
    )
    label_source: str = column("The annotator whose label was taken.", "Where the label came from.", tags=("pii",))
    label_confidence: float = column(
        "The annotator's confidence, 0 to 1; null where not said.",
        "How far the label can be trusted.",
        nullable=True,
        ge=0,
        le=1,
    )
    timestamp: UtcTimestamp = column("Time of the crawl, in UTC.", "Orders the rows for the split by time.")


ANNOTATED = Stage(
    name="annotated",
    layer="gold",
    title="Annotated pages",
    description=(
        "The day's labelled pages with the text of the default text version: the gold data. Pages without a label "
        "are counted and left out. Made from text_normalization_v2 and labels. Used by training_set."
    ),
    model=Annotated,
    may_be_empty=True,
)
