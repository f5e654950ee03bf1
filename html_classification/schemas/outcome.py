"""What the computation of a stage hands back.

Belongs here: the two small types shared by the computations, which produce them, and the lake, which stores them.
Does not belong here: anything about a particular stage.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from html_classification.schemas.described import Check

Figures = Mapping[str, int | float | str]


@dataclass(frozen=True)
class Outcome:
    """The rows of one day of one stage, and what became of the others.

    Attributes:
        frame: The good rows, with the columns of the stage's schema.
        rejected: The refused rows, as JSON objects: each with `reason`, where it came from, and the row.
        figures: Further numbers for the metadata, by name (`duplicate_urls: 12`); no clocks, no hosts.
        checks: What the computation itself has to say of its quality.
        byproduct: What goes elsewhere than into the lake, such as a fitted model.
    """

    frame: pl.DataFrame
    rejected: list[dict[str, Any]] = field(default_factory=list)
    figures: Figures = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    byproduct: Any = None


@dataclass(frozen=True)
class Stream:
    """The same for a day that need not fit into memory: its rows come in batches, once.

    Attributes:
        batches: The good rows, in order; none is larger than memory bears.
        rows_per_group: Rows of a row group of the parquet file: what a reader must hold at least.
        compression: How hard zstd tries, 1 to 22.
        rejected: Gives the refused rows; called after the batches are through.
        figures: Further numbers for the metadata; complete after the batches are through.
        checks: What the computation itself has to say of its quality; complete after the batches are through.
    """

    batches: Iterator[pl.DataFrame]
    rows_per_group: int
    compression: int = 3
    rejected: Callable[[], Iterator[dict[str, Any]]] = lambda: iter(())
    figures: Figures = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
