"""Small versions for tests of the lake.

Belongs here: making a version of a stage from given rows in one call. Does not belong here: expectations.
"""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from html_classification.lake import Build, Dataset, Lake, RunInfo, materialize
from html_classification.lake.crawl_drop import parse_crawl_files
from html_classification.lake.external import ExternalFile, ExternalFiles
from html_classification.schemas.columns import Stage
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.raw import RAW
from html_classification.schemas.url_normalization import URL_NORMALIZATION

DAY = date(2026, 3, 1)
TIME = datetime(2026, 3, 1, 10, 15, tzinfo=UTC)
PAGES = URL_NORMALIZATION.name


def pages(**html: str) -> pl.DataFrame:
    """Rows of `preprocess/url-normalization`: a page for each name."""
    rows = [
        {"url": f"https://a.example/{name}", "original_url": name, "html": text, "timestamp": TIME}
        for name, text in sorted(html.items())
    ]
    return pl.DataFrame(rows, schema=dict(URL_NORMALIZATION.dtypes))


def put(
    lake: Lake,
    rows: pl.DataFrame,
    *,
    stage: Stage = URL_NORMALIZATION,
    day: date = DAY,
    source: bytes | None = None,
    **parameters: Any,
) -> Dataset:
    """Materialize rows; other rows, another source or other parameters are another version."""
    data = rows.hash_rows().to_list().__repr__().encode() if source is None else source
    drop = ExternalFiles([ExternalFile("a.txt", "/a.txt", data)], "a file", day)
    build = Build(inputs=lambda day: {"drop": drop}, compute=lambda drop: Outcome(rows), parameters=parameters)
    return materialize(lake, stage, build, day, RunInfo(stage.name, "job", "run-1")).dataset


def put_raw(lake: Lake, lines: bytes, *, day: date = DAY, name: str = "html-documents.jsonl") -> Dataset:
    """Materialize a crawl drop of one file, which is kept as it is."""
    drop = ExternalFiles([ExternalFile(name, f"/{name}", lines)], "crawl drop", day)
    build = Build(
        inputs=lambda day: {"drop": drop},
        compute=lambda drop: parse_crawl_files([(file.name, file.data) for file in drop.files], day),
        keeps_files="drop",
    )
    return materialize(lake, RAW, build, day, RunInfo("raw", "job", "run-1")).dataset
