"""The stage `annotated`: pages with the category they are trained on."""

from html_classification.schemas.columns import Stage, StageModel, UtcTimestamp, column
from html_classification.schemas.shared import crawl_time, model_text, page_url


class Annotated(StageModel):
    """One labelled page."""

    url: str = page_url()
    title: str = column("Title in the default text version.", "Part of the text.", tags=("pii",))
    content: str = column("Content in the default text version.", "Part of the text.", tags=("pii",))
    text: str = model_text()
    category: str = column(
        "The category that the page's annotators settle on: people where people judged, else machines.",
        "The supervised target.",
        str_length={"min_value": 1},
    )
    label_source: str = column(
        "Who gave this category, of those whose answers were weighed: annotators in order of names, joined by `, `.",
        "Where the label came from.",
        tags=("pii",),
    )
    label_confidence: float = column(
        "0 to 1: of one answer the confidence stated with it, null where none was; of several the probability of the "
        "category, given the answers and the annotators' qualities.",
        "How far the label can be trusted.",
        nullable=True,
        ge=0,
        le=1,
    )
    annotators: int = column(
        "How many annotators' answers were weighed: those of people where people judged, else those of machines.",
        "A label that several agree on is worth more.",
        ge=1,
    )
    timestamp: UtcTimestamp = crawl_time()


ANNOTATED = Stage(
    name="annotated",
    layer="gold",
    title="Annotated pages",
    description=(
        "The day's labelled pages with the text of the default text version: the gold data. Where several annotators "
        "judged a page it has their consensus; a person wins over the machine. Pages without a label are counted and "
        "left out. Made from text_normalization_v2, labels and annotators. Used by training_set "
        "and labeling_queue."
    ),
    model=Annotated,
    code_version="2",
    may_be_empty=True,
)
