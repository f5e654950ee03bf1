"""The audit: does a frame keep the promises of its stage?

Belongs here: turning pandera's findings into named checks with figures. Does not belong here: the promises
themselves (the stage modules), or what happens when one is broken (`lake.building`).
"""

from collections import Counter
from typing import Any

import pandera.polars as pa
import polars as pl

from html_classification.schemas.columns import Stage
from html_classification.schemas.described import Check


def audit(stage: Stage, frame: pl.DataFrame) -> list[Check]:
    """Check a frame against its stage.

    Args:
        stage: The stage.
        frame: All rows of a version. Eager, since pandera does not look at the values of lazy frames.

    Returns:
        `schema`, and `not_empty` where the stage must have rows.
    """
    checks = [_schema(stage, frame)]
    if not stage.may_be_empty:
        checks.append(Check(name="not_empty", passed=frame.height > 0, figures={"rows": frame.height}))
    return checks


def _schema(stage: Stage, frame: pl.DataFrame) -> Check:
    figures: dict[str, Any] = {"rows": frame.height, "columns": frame.width}
    try:
        stage.model.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases.select("column", "check").rows()
        figures |= {f"{column} {check}": count for (column, check), count in sorted(Counter(cases).items(), key=str)}
        return Check(name="schema", passed=False, figures=figures)
    return Check(name="schema", passed=True, figures=figures)
