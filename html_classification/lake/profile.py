"""What is told of a version's rows: figures, checks, a sample.

Belongs here: looking at rows once, batch by batch, for all of it. Does not belong here: how each is made
(`statistics`, `sample`, `schemas.validation`).
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import polars as pl

from html_classification.lake.metadata import Statistics
from html_classification.lake.sample import SAMPLE_ROWS, sample_rows
from html_classification.lake.statistics import StatisticsBuilder
from html_classification.schemas.described import Check
from html_classification.schemas.outcome import Figures

if TYPE_CHECKING:
    from html_classification.schemas.columns import Stage


class Profile:
    """Figures, checks and sample of a day's rows.

    Args:
        stage: The stage.
    """

    def __init__(self, stage: "Stage") -> None:
        from html_classification.schemas.validation import Audit  # pandera takes most of a second to import

        self._stage = stage
        self._audit = Audit(stage)
        self._statistics = StatisticsBuilder(stage)
        self._rows = 0
        self.sample: list[dict[str, Any]] = []

    def add(self, frame: pl.DataFrame) -> None:
        """Look at some rows."""
        self._rows += frame.height
        self.sample += sample_rows(self._stage, frame, SAMPLE_ROWS - len(self.sample))
        self._statistics.add(frame)
        self._audit.add(frame)

    def looking_at(self, batches: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The batches as they are; each is looked at while the one who took it is busy with it."""
        seen = False
        for batch in batches:
            yield batch
            self.add(batch)
            seen = True
        if not seen:
            self.add(self._stage.empty())

    @property
    def rows(self) -> int:
        """How many rows there were."""
        return self._rows

    def checks(self) -> list[Check]:
        """The audit."""
        return self._audit.checks()

    def statistics(self, rejected_rows: int, figures: Figures) -> Statistics:
        """The figures."""
        return self._statistics.build(rejected_rows, figures)
