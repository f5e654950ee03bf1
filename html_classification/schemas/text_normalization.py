"""The stages `preprocess/text-normalization/<version>`: text as models read it. One model for all versions."""

from html_classification.schemas.columns import Stage, StageModel, UtcTimestamp, column
from html_classification.schemas.shared import crawl_time, detected_language, page_url


class TextNormalization(StageModel):
    """One page's normalized text."""

    url: str = page_url()
    title: str = column("Title after the rules of the text version.", "The title as models read it.", tags=("pii",))
    content: str = column(
        "Main content after the rules of the text version.", "The content as models read it.", tags=("pii",)
    )
    language: str = detected_language()
    timestamp: UtcTimestamp = crawl_time()


def text_normalization_stage(version: str, rules: list[str]) -> Stage:
    """The stage of one text version.

    Args:
        version: Name of the version, such as `v2`.
        rules: What its rules do, in order, in words.

    Returns:
        The stage `preprocess/text-normalization/<version>`.
    """
    return Stage(
        name=f"preprocess/text-normalization/{version}",
        layer="silver",
        title=f"Normalized text, version {version}",
        description=(
            f"Title and content of each page after these rules, in this order: {', '.join(rules)}. "
            "Made from html_parsing. Used by the models of this text version and by labeling_queue, and the default "
            "version by annotated. The very same rules are applied at inference."
        ),
        model=TextNormalization,
        code_version="2",
    )
