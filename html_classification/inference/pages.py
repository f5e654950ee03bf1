"""Pages as people hand them to a model, read into one form.

Belongs here: the forms that are taken, and what each value must be. Does not belong here: what becomes of a page
(`pipeline`).
"""

from collections.abc import Iterable, Mapping
from math import isnan
from typing import Any, NamedTuple

_FORMS = "give HTML, a list of it, a table with a column `html` and perhaps `url`, or a list of such rows"


class GivenPage(NamedTuple):
    """One page as it was given.

    Attributes:
        html: The document; whatever was given in its place, if it is neither text nor bytes.
        url: Its address, as given; None where it is not known.
    """

    html: Any
    url: Any


def read_pages(given: Any) -> list[GivenPage]:
    """Read pages in any of the forms that models take.

    Args:
        given: HTML, as text or as the bytes that a server sent; one row, as a mapping with `html` and perhaps `url`; a
            sequence of either; or a table, such as a pandas or polars frame, with these columns. Other columns are
            ignored.

    Returns:
        The pages in the same order. Missing values, NaN included, are None.

    Raises:
        ValueError: If it is something else, or there is no `html`.

    >>> read_pages([{"url": "https://a.example/", "html": "<p>One"}, b"<p>Two"])
    [GivenPage(html='<p>One', url='https://a.example/'), GivenPage(html=b'<p>Two', url=None)]
    """
    if isinstance(given, str | bytes | Mapping):
        return [_page(given)]
    if hasattr(given, "columns"):
        return _read_table(given)
    if isinstance(given, Iterable):
        return [_page(one) for one in given]
    raise ValueError(f"{type(given).__name__} is not a form of pages: {_FORMS}")


def _read_table(table: Any) -> list[GivenPage]:
    names = list(table.columns)
    if "html" not in names:
        found = ", ".join(map(str, names)) or "none"
        raise ValueError(f"the table has no column `html` (its columns: {found}): {_FORMS}")
    html: Iterable[Any] = table["html"]
    urls: Iterable[Any] = table["url"] if "url" in names else [None] * len(table)
    return [GivenPage(_known(one), _known(url)) for one, url in zip(html, urls, strict=True)]


def _page(given: Any) -> GivenPage:
    if not isinstance(given, Mapping):
        return GivenPage(_known(given), None)
    if "html" not in given:
        raise ValueError(f"a row has no `html` (it has: {', '.join(map(str, given)) or 'nothing'}): {_FORMS}")
    return GivenPage(_known(given["html"]), _known(given.get("url")))


def _known(value: Any) -> Any:
    """The value, or None for a NaN or NA, which is how pandas says that there is none."""
    missing = value is None or (isinstance(value, float) and isnan(value)) or type(value).__name__ == "NAType"
    return None if missing else value
