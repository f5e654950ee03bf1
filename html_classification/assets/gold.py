"""Gold: labels, and the pages that they make training data of."""

from functools import cache

from html_classification.assets.silver import TEXT_STAGES
from html_classification.assets.stage_asset import stage_asset
from html_classification.labeling.annotation import annotate
from html_classification.labeling.label_file import labels_of_pages, read_label_file
from html_classification.lake import Build, Step, Upstream
from html_classification.lake.external import ExternalFiles
from html_classification.resources import LabelSource
from html_classification.schemas.annotated import ANNOTATED
from html_classification.schemas.html_parsing import HTML_PARSING
from html_classification.schemas.labels import LABELS
from html_classification.transforms.text.versions import DEFAULT_TEXT_VERSION


@stage_asset(LABELS, reads={"html_parsing": HTML_PARSING}, resources=("label_source",))
def labels(html_parsing: Upstream, label_source: LabelSource) -> Build:
    """The labels known for the day's pages."""
    label_file = cache(lambda: read_label_file(label_source.address))  # once a step, and inside the first day
    return Build(
        inputs=lambda day: {
            "pages": html_parsing.day(day, ["url", "content_sha1"]),
            "label_file": ExternalFiles([label_file()], "label file", day),
        },
        compute=lambda pages, label_file: labels_of_pages(pages, label_file.files[0]),
        process=[Step(step="join labels to pages by normalized URL")],
    )


@stage_asset(ANNOTATED, reads={"texts": TEXT_STAGES[DEFAULT_TEXT_VERSION], "labels": LABELS})
def annotated(texts: Upstream, labels: Upstream) -> Build:
    """The labelled pages of the day."""
    return Build(
        inputs=lambda day: {"texts": texts.day(day), "labels": labels.day(day)},
        compute=annotate,
        process=[
            Step(step="choose the surest, then latest label of each page"),
            Step(step="join title and content to one text"),
        ],
    )
