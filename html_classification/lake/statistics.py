"""Figures of rows, for metadata.json.

Belongs here: per column nulls, distinct values, ranges, lengths, frequent values, gathered batch by batch. Does not
belong here: the values of personal columns; of those only counts and lengths are told.
"""

from collections import Counter
from typing import TYPE_CHECKING, Any

import polars as pl

from html_classification.lake.metadata import Statistics
from html_classification.schemas.outcome import Figures

if TYPE_CHECKING:
    from html_classification.schemas.columns import Stage

_FEW = 30


class StatisticsBuilder:
    """The figures of a day whose rows come in batches.

    Args:
        stage: The stage.
    """

    def __init__(self, stage: "Stage") -> None:
        self._personal = {column.name for column in stage.columns if "pii" in column.tags}
        self._columns: dict[str, _Column] = {}
        self._rows = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Look at some rows."""
        self._rows += frame.height
        for name in frame.columns:
            column = self._columns.setdefault(name, _Column(name in self._personal))
            column.add(frame[name])

    def build(self, rejected_rows: int, figures: Figures) -> Statistics:
        """The figures of all rows.

        Args:
            rejected_rows: How many rows were refused.
            figures: What the computation counted.
        """
        return Statistics(
            rows=self._rows,
            columns=len(self._columns),
            rejected_rows=rejected_rows,
            figures=dict(figures),
            by_column={name: column.figures() for name, column in self._columns.items()},
        )


class _Column:
    """What is gathered of a column: never its values, but for the few that are frequent."""

    def __init__(self, personal: bool) -> None:
        self._frequent: Counter[Any] | None = None if personal else Counter()
        self._values = pl.Series(dtype=pl.Null)
        self._nulls = 0
        self._hashes: list[pl.Series] = []
        self._lengths = _Range()
        self._range = _Range()

    def add(self, values: pl.Series) -> None:
        self._values = values.clear()
        self._nulls += values.null_count()
        if isinstance(values.dtype, pl.List):
            self._lengths.add(values.list.len())
            return
        # By 64-bit hashes: a day's pages need not be held, and two values in a million million rows share one.
        self._hashes.append(values.hash().unique())
        if values.dtype == pl.String:
            self._lengths.add(values.str.len_chars())
            self._count(values)
        elif values.dtype.is_temporal() or values.dtype.is_numeric():
            self._range.add(values)

    def _count(self, values: pl.Series) -> None:
        if self._frequent is not None and self._hashes[-1].len() <= _FEW:
            self._frequent.update(dict(values.drop_nulls().value_counts().rows()))
        if self._frequent is None or self._hashes[-1].len() > _FEW or len(self._frequent) > _FEW:
            self._frequent = None

    def figures(self) -> dict[str, Any]:
        figures: dict[str, Any] = {"nulls": self._nulls}
        if isinstance(self._values.dtype, pl.List):
            return figures | self._lengths.figures("_length")
        figures["distinct"] = pl.concat(self._hashes).n_unique() if self._hashes else 0
        if self._values.dtype == pl.String:
            figures |= self._lengths.figures("_length")
            if self._frequent is not None and figures["distinct"] <= _FEW:
                most = sorted(self._frequent.items(), key=lambda item: (-item[1], item[0]))[:10]
                figures["most_frequent"] = dict(most)
        elif self._values.dtype.is_temporal():
            figures |= {"min": _iso(self._range.least), "max": _iso(self._range.most)}
        elif self._values.dtype.is_numeric():
            figures |= self._range.figures()
        return figures


class _Range:
    """Least, most and mean of values that come in batches; nulls do not count."""

    def __init__(self) -> None:
        self.least: Any = None
        self.most: Any = None
        self._sum = 0.0
        self._count = 0

    def add(self, values: pl.Series) -> None:
        values = values.drop_nulls()
        if not values.len():
            return
        least, most = values.min(), values.max()
        self.least = least if self.least is None else min(self.least, least)
        self.most = most if self.most is None else max(self.most, most)
        if values.dtype.is_numeric():
            self._sum += float(values.sum())
            self._count += values.len()

    def figures(self, ending: str = "") -> dict[str, Any]:
        mean = round(self._sum / self._count, 3) if self._count else None
        return {f"min{ending}": self.least, f"max{ending}": self.most, f"mean{ending}": mean}


def _iso(value: Any) -> str | None:
    return value.isoformat() if value is not None else None
