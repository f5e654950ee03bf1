"""What the computation of a stage hands back.

Belongs here: the one small type shared by the transforms, which produce it, and the lake, which stores it.
Does not belong here: anything about a particular stage.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl


@dataclass(frozen=True)
class Outcome:
    """The rows of one day of one stage, and what became of the others.

    Attributes:
        frame: The good rows, with the columns of the stage's schema.
        rejected: The refused rows, as JSON objects: each with `reason`, where it came from, and the row.
        figures: Further numbers for the metadata, by name (`duplicate_urls: 12`); no clocks, no hosts.
        byproduct: What goes elsewhere than into the lake, such as a fitted model.
    """

    frame: pl.DataFrame
    rejected: list[dict[str, Any]] = field(default_factory=list)
    figures: Mapping[str, int | float | str] = field(default_factory=dict)
    byproduct: Any = None
