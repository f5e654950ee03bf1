"""Columns that several stages have: described once.

Belongs here: a function for each such column. Does not belong here: columns of one stage only.
"""

from typing import Any

from html_classification.schemas.columns import column


def page_url(*, unique: bool = True) -> Any:
    """The normalized address, by which rows are joined and sorted."""
    return column(
        "Normalized address: WHATWG rules, tracking parameters removed, query sorted, no fragment.",
        "The identity of the page.",
        tags=("pii",),
        unique=unique,
        str_startswith="http",
    )


def page_html() -> Any:
    """The document itself."""
    return column(
        "The document as the crawler decoded it, markup and all.",
        "The evidence that everything else is derived from.",
        tags=("pii",),
    )


def source_encoding() -> Any:
    """The encoding of the bytes, where it is known."""
    return column(
        "Encoding that the document's bytes were decoded from, by its WHATWG name; null where the crawler did not say.",
        "Tells how far the characters can be trusted.",
        nullable=True,
    )


def crawl_time() -> Any:
    """When the page was crawled."""
    return column(
        "Time of the crawl, in UTC with microseconds.",
        "How fresh the copy is: of two copies the fresher counts, and training data are split by it.",
    )


def detected_language() -> Any:
    """The language that the content is in."""
    return column(
        "Detected language, ISO 639; `und` where there is too little text to tell.",
        "Chooses stop words and lemmas, and is a slice that models are measured by.",
        str_length={"min_value": 2, "max_value": 3},
    )


def model_text() -> Any:
    """Title and content as one text."""
    return column("`title - content` in the default text version.", "What a model reads.", tags=("pii",))


def given_category() -> Any:
    """The category that the label source gave."""
    return column("The category given by the label source.", "The supervised target.", str_length={"min_value": 1})


def label_confidence() -> Any:
    """How sure the annotator is."""
    return column(
        "How sure the annotator is, 0 to 1; null where not said.",
        "How far the label can be trusted.",
        nullable=True,
        ge=0,
        le=1,
    )


def duplicate_cluster(scope: str) -> Any:
    """The group of copies that a page is in.

    Args:
        scope: Among which pages copies were looked for, in words.
    """
    return column(
        f"Smallest URL of the group of exact and near duplicates {scope}; the page's own where it has none.",
        "Keeps copies on one side of a train/test split, and in one fold.",
        tags=("pii",),
    )
