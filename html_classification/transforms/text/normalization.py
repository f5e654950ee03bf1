"""Applying a text version: to the pages of a day, and to one page at inference, through the very same code.

Belongs here: which columns are normalized and which rows are kept. Does not belong here: what the rules do
(`rules`), which there are in a version (`versions`).
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import polars as pl

from html_classification.schemas.outcome import Outcome
from html_classification.transforms.text.versions import TextVersion

_TEXT_COLUMNS = ["title", "content"]
#: Fewer pages than this are not worth a thread of their own.
_LEAST_SLICE = 64


def normalize_texts(pages: pl.DataFrame, version: TextVersion) -> Outcome:
    """Bring the title and content of parsed pages into the form of a text version.

    Args:
        pages: Columns `url`, `title`, `content`, `language` (ISO 639-1 or `und`) and `timestamp`, as in the
            stage `preprocess/html-parsing`; other columns are ignored. A null title or content counts as
            empty.
        version: The rules.

    Returns:
        `frame` with the columns of `TextNormalization`, sorted by url; `rejected` has the url of each page of
        which no text is left, with the reason; `figures` are the characters of titles and contents before and
        after, and the pages left without a title or without content.

    Raises:
        polars.exceptions.ColumnNotFoundError: Where a column is missing.
    """
    before = pages.select("url", *_TEXT_COLUMNS, "language", "timestamp").sort("url")
    after = _apply(before, version)
    empty = {column: pl.col(column) == "" for column in _TEXT_COLUMNS}
    textless = pl.all_horizontal(*empty.values())
    reason = f"neither title nor content is left after the rules of text version {version.name}"
    kept = after.filter(~textless)
    return Outcome(
        frame=kept,
        rejected=[{"reason": reason, "url": url} for url in after.filter(textless)["url"]],
        figures={
            "characters_before": _characters(before),
            "characters_after": _characters(after),
            "pages_without_title": kept.filter(empty["title"]).height,
            "pages_without_content": kept.filter(empty["content"]).height,
        },
    )


def normalize_page(title: str, content: str, language: str, version: TextVersion) -> tuple[str, str]:
    """Bring one page into the form of a text version, as `normalize_texts` does for many.

    Args:
        title: The page's title.
        content: Its main content.
        language: Its language, ISO 639-1 or `und`.
        version: The rules.

    Returns:
        The normalized title and content; both may be empty.

    >>> from html_classification.transforms.text.versions import TEXT_VERSIONS
    >>> normalize_page("Bread!", "She baked 2 loaves (50 €).", "en", TEXT_VERSIONS["v1"])
    ('bread', 'she baked 2 loaves 50')
    >>> normalize_page("Bread!", "She baked 2 loaves (50 €).", "en", TEXT_VERSIONS["v2"])
    ('bread!', 'she bake 2 loaves (50 ).')
    """
    page = pl.DataFrame({"title": [title], "content": [content], "language": [language]})
    row = _apply(page, version).row(0, named=True)
    return row["title"], row["content"]


def _apply(pages: pl.DataFrame, version: TextVersion) -> pl.DataFrame:
    """The pages with all rules applied, in slices side by side: polars takes one thread for one column."""
    size = max(_LEAST_SLICE, -(-pages.height // pl.thread_pool_size()))
    if pages.height <= size:
        return _apply_rules(pages, version)
    with ThreadPoolExecutor(pl.thread_pool_size()) as threads:
        slices = threads.map(partial(_apply_rules, version=version), pages.iter_slices(size))
        return pl.concat(slices)


def _apply_rules(pages: pl.DataFrame, version: TextVersion) -> pl.DataFrame:
    pages = pages.with_columns(pl.col(_TEXT_COLUMNS).cast(pl.String).fill_null(""))
    for rule in version.rules:
        pages = rule.apply(pages, _TEXT_COLUMNS)
    return pages


def _characters(pages: pl.DataFrame) -> int:
    return sum(int(pages[column].str.len_chars().sum()) for column in _TEXT_COLUMNS)
