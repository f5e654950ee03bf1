"""Figures of a frame, for metadata.json.

Belongs here: per column nulls, distinct values, ranges, lengths, frequent values. Does not belong here: the
values of personal columns; of those only counts and lengths are told.
"""

from typing import TYPE_CHECKING, Any

import polars as pl

from html_classification.lake.metadata import Statistics
from html_classification.schemas.outcome import Outcome

if TYPE_CHECKING:
    from html_classification.schemas.columns import Stage

_FEW = 30


def statistics(stage: "Stage", outcome: Outcome) -> Statistics:
    """Figures of an outcome: rows, columns, rejected rows, and figures by column."""
    frame = outcome.frame
    personal = {column.name for column in stage.columns if "pii" in column.tags}
    return Statistics(
        rows=frame.height,
        columns=frame.width,
        rejected_rows=len(outcome.rejected),
        figures=dict(outcome.figures),
        by_column={name: _column(frame[name], name in personal) for name in frame.columns},
    )


def _column(values: pl.Series, personal: bool) -> dict[str, Any]:
    figures: dict[str, Any] = {"nulls": values.null_count()}
    if isinstance(values.dtype, pl.List):
        return figures | _lengths(values.list.len())
    figures["distinct"] = values.n_unique()
    if values.dtype == pl.String:
        figures |= _lengths(values.str.len_chars())
        if not personal and figures["distinct"] <= _FEW:
            figures["most_frequent"] = _most_frequent(values)
    elif values.dtype.is_temporal():
        figures |= {"min": _iso(values.min()), "max": _iso(values.max())}
    elif values.dtype.is_numeric():
        figures |= {"min": values.min(), "max": values.max(), "mean": _rounded(values.mean())}
    return figures


def _lengths(lengths: pl.Series) -> dict[str, Any]:
    return {"min_length": lengths.min(), "max_length": lengths.max(), "mean_length": _rounded(lengths.mean())}


def _most_frequent(values: pl.Series) -> dict[str, int]:
    counts = values.drop_nulls().value_counts().sort(["count", values.name], descending=[True, False]).head(10)
    return dict(counts.rows())


def _iso(value: Any) -> str | None:
    return value.isoformat() if value is not None else None


def _rounded(value: Any) -> float | None:
    return round(float(value), 3) if value is not None else None
