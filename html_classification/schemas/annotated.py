"""The stage `annotated`: pages with the category they are trained on."""

from html_classification.schemas.columns import Stage, StageModel, UtcTimestamp, column
from html_classification.schemas.shared import crawl_time, given_category, label_confidence, model_text, page_url


class Annotated(StageModel):
    """One labelled page."""

    url: str = page_url()
    title: str = column("Title in the default text version.", "Part of the text.", tags=("pii",))
    content: str = column("Content in the default text version.", "Part of the text.", tags=("pii",))
    text: str = model_text()
    category: str = given_category()
    label_source: str = column("The annotator whose label was taken.", "Where the label came from.", tags=("pii",))
    label_confidence: float = label_confidence()
    timestamp: UtcTimestamp = crawl_time()


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
