"""The audit: do rows keep the promises of their stage?

Belongs here: turning pandera's findings into named checks with figures. Does not belong here: the promises
themselves (the stage modules), or what happens when one is broken (`lake.building`).
"""

from collections import Counter
from typing import Any

import pandera.polars as pa
import polars as pl

from html_classification.schemas.columns import Stage
from html_classification.schemas.described import Check


class Audit:
    """The audit of a day whose rows come in batches.

    Args:
        stage: The stage.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._rows = 0
        self._columns = len(stage.dtypes)
        self._failures: Counter[str] = Counter()
        self._unique = [name for name, field in stage.model.to_schema().columns.items() if field.unique]
        self._last: dict[str, Any] = {}

    def add(self, frame: pl.DataFrame) -> None:
        """Look at some rows.

        Args:
            frame: The next rows. Eager, since pandera does not look at the values of lazy frames.
        """
        self._rows += frame.height
        self._columns = frame.width
        try:
            self._stage.model.validate(frame, lazy=True)
        except pa.errors.SchemaErrors as errors:
            cases = errors.failure_cases.select("column", "check").rows()
            self._failures.update(f"{column} {check}" for column, check in cases)
        for name in self._unique:
            self._follows(name, frame)

    def _follows(self, name: str, frame: pl.DataFrame) -> None:
        """Batches come sorted by what is unique in a stage, so that no value of one can be in the one before."""
        if not frame.height or name not in frame.columns:
            return
        if name in self._last and not self._last[name] < frame[name].min():
            self._failures[f"{name} not in order from batch to batch"] += 1
        self._last[name] = frame[name].max()

    def checks(self) -> list[Check]:
        """The checks: `schema`, and `not_empty` where the stage must have rows."""
        figures = {"rows": self._rows, "columns": self._columns} | dict(sorted(self._failures.items()))
        checks = [Check(name="schema", passed=not self._failures, figures=figures)]
        if not self._stage.may_be_empty:
            checks.append(Check(name="not_empty", passed=self._rows > 0, figures={"rows": self._rows}))
        return checks


def audit(stage: Stage, frame: pl.DataFrame) -> list[Check]:
    """Check a frame against its stage.

    Args:
        stage: The stage.
        frame: All rows of a version.

    Returns:
        `schema`, and `not_empty` where the stage must have rows.
    """
    whole = Audit(stage)
    whole.add(frame)
    return whole.checks()
