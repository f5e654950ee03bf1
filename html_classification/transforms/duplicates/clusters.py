"""Clusters of pages that are copies of each other.

Belongs here: from frames with signatures to the cluster of each page. Does not belong here: which pairs of signatures
are alike (`banding`), days (`window`).
"""

import numpy as np
import polars as pl

from html_classification.transforms.duplicates.banding import AGREEMENT, Matrix, Numbers, connected, join_alike
from html_classification.transforms.duplicates.signatures import PERMUTATIONS


def cluster(frame: pl.DataFrame, threshold: float = AGREEMENT) -> pl.DataFrame:
    """Find which pages are copies of each other, exactly or nearly.

    Pages are copies if their `content_sha1` is the same, or if they have words and their signatures agree in at
    least `threshold` of the values, found as `banding` says. Clusters are the connected components: copies of copies
    are in one. The order of the rows makes no difference. Time and memory grow with the rows: a million take some
    seconds, and about 500 bytes each beyond the frame.

    Args:
        frame: The columns url, content_sha1, minhash and timestamp. A url may come several times, as it does in a
            window of days: its rows are one page.
        threshold: Share of equal values in two signatures, 0 to 1. The default finds nearly all pairs of Jaccard
            similarity 0.8 and more: see `banding`.

    Returns:
        One row per url, sorted by url: `url`, `duplicate_cluster` (smallest url of the cluster) and `duplicate_of`
        (url of its freshest page, of equally fresh ones the smallest; null for that page itself).

    Raises:
        ValueError: A signature has not as many values as `signatures` gives it.
    """
    rows = frame.select("url", "content_sha1", "timestamp", place=pl.int_range(pl.len()))
    return cluster_rows(rows, frame["minhash"], threshold)


def cluster_rows(rows: pl.DataFrame, signatures: pl.Series, threshold: float = AGREEMENT) -> pl.DataFrame:
    """Find copies among some of the rows that there are signatures of, without copying those.

    Args:
        rows: The columns url, content_sha1, timestamp and `place`: where the row's signature is.
        signatures: Signatures, of which some may be of no row.
        threshold: As for `cluster`.

    Returns:
        What `cluster` returns.

    Raises:
        ValueError: A signature has not as many values as `signatures` gives it.
    """
    pages = rows.sort("url", "timestamp", "content_sha1").with_columns(number=pl.int_range(pl.len()))
    numbers = pages["number"].to_numpy()
    same = [pages.select(pl.col("number").first().over(key)).to_series() for key in ("url", "content_sha1")]
    components = connected(numbers, [(numbers, first.to_numpy()) for first in same])
    components = join_alike(_matrix(signatures), pages["place"].to_numpy(), components, threshold)
    return _named(pages, components)


def _matrix(signatures: pl.Series) -> Matrix:
    """The signatures as the rows of a matrix, not copied where they are in one chunk."""
    widths = signatures.list.len().unique().to_list()
    if widths not in ([], [PERMUTATIONS]):
        message = f"minhash has signatures of {widths} values, not of {PERMUTATIONS}: compute them with `signatures`"
        raise ValueError(message)
    matrix: Matrix = signatures.list.to_array(PERMUTATIONS).to_numpy()
    return matrix


def _named(pages: pl.DataFrame, components: Numbers) -> pl.DataFrame:
    """Smallest and freshest url of each component, for each url; pages are sorted by url."""
    _, smallest, component = np.unique(components, return_index=True, return_inverse=True)
    age = -pages["timestamp"].to_physical().to_numpy()
    by_freshness = np.lexsort((np.arange(pages.height), age, component))
    freshest = by_freshness[np.unique(component[by_freshness], return_index=True)[1]]
    url = pages["url"]
    return (
        pl.DataFrame(
            {
                "url": url,
                "duplicate_cluster": url.gather(smallest[component]),
                "freshest": url.gather(freshest[component]),
            }
        )
        .unique("url", keep="first", maintain_order=True)
        .with_columns(duplicate_of=pl.when(pl.col("freshest") != pl.col("url")).then("freshest"))
        .drop("freshest")
    )
