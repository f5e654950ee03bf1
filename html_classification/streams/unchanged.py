"""Pages that an earlier day has parsed already.

Belongs here: bringing what former versions know of a day's addresses to where workers can look it up. Does not belong
here: deciding whether a page is unchanged, which needs its bytes (`transforms.html.documents`).
"""

import logging
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from html_classification.lake.dataset import Dataset

log = logging.getLogger(__name__)


def known_pages(former: Iterable[Dataset], urls: pl.Series, folder: Path) -> tuple[Path, ...]:
    """Write the rows that former versions have for a day's addresses, a file for each version that has some.

    Args:
        former: The versions, newest first.
        urls: The day's addresses.
        folder: Where the files go.

    Returns:
        The files, in the order of the versions. A version that cannot be read is passed over: its pages are parsed.
    """
    found = []
    wanted = urls.to_frame("url").lazy()
    for number, dataset in enumerate(former):
        path = folder / f"known-{number}.parquet"
        try:
            rows = dataset.scan().join(wanted, on="url", how="semi", maintain_order="left")
            rows.sink_parquet(path, compression="lz4", row_group_size=1024)
            if pl.scan_parquet(path, glob=False).select(pl.len()).collect().item():
                found.append(path)
        except (pl.exceptions.PolarsError, OSError) as error:
            log.warning("%s cannot be read, so its pages are parsed again: %s", dataset.uri, error)
    return tuple(found)
