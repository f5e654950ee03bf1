"""Pages that an earlier day has parsed already.

Belongs here: bringing what former versions know of a day's addresses to where workers can look it up. Does not belong
here: deciding whether a page is unchanged, which needs its bytes (`transforms.html.documents`).
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import polars as pl

from html_classification.lake.dataset import Dataset
from html_classification.lake.store import in_parallel

log = logging.getLogger(__name__)

_AT_ONCE = 8


def known_pages(former: Iterable[Dataset], urls: pl.Series, per_piece: int, folder: Path) -> list[tuple[Path, ...]]:
    """Write what former versions know of a day's addresses, of each the newest, a file for each version.

    Args:
        former: The versions, newest first.
        urls: The day's addresses, sorted.
        per_piece: How many of them are a piece.
        folder: Where the files go.

    Returns:
        For each piece the files that have rows for it. A version that cannot be read is passed over with a warning:
        its pages are parsed.
    """
    pieces: list[tuple[Path, ...]] = [()] * -(-urls.len() // per_piece)
    wanted = pl.DataFrame({"url": urls}).with_row_index("row")
    for number, (dataset, known) in enumerate(_known_urls(list(former), urls)):
        if not wanted.height:
            break
        found = wanted.join(known, on="url", how="semi", maintain_order="left")
        if not found.height:
            continue
        path = folder / f"known-{number}.parquet"
        rows = dataset.scan().join(found.lazy().select("url"), on="url", how="semi", maintain_order="left")
        try:
            rows.sink_parquet(path, compression="lz4", row_group_size=1024)
        except (pl.exceptions.PolarsError, OSError) as error:
            _pass_over(dataset, error)
            continue
        wanted = wanted.join(found, on="url", how="anti", maintain_order="left")
        for piece in (found["row"] // per_piece).unique():
            pieces[piece] += (path,)
    return pieces


def _known_urls(versions: Sequence[Dataset], urls: pl.Series) -> Iterator[tuple[Dataset, pl.DataFrame]]:
    """Versions with those of the addresses that they have, a few asked at once."""
    for start in range(0, len(versions), _AT_ONCE):
        some = versions[start : start + _AT_ONCE]
        yield from zip(some, in_parallel(lambda one: _urls(one, urls), some), strict=True)


def _urls(dataset: Dataset, among: pl.Series) -> pl.DataFrame:
    """Which of some addresses a version has."""
    try:
        return dataset.scan().select("url").filter(pl.col("url").is_in(among.implode())).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        _pass_over(dataset, error)
        return pl.DataFrame(schema={"url": pl.String})


def _pass_over(dataset: Dataset, error: Exception) -> None:
    reason = str(error).partition("\n")[0]
    log.warning("%s cannot be read, so its pages are parsed again: %s", dataset.uri, reason)
