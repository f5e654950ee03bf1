"""What differs between two versions of a day.

Belongs here: comparing rows, columns, statistics and recipes. Does not belong here: finding the versions that a
person means (`history`), or printing (`cli`).

Rows are matched by url, and of a url's rows the first with the first, the second with the second. Columns are
compared one after the other, so that memory holds the keys and one column of both versions, however wide they are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from html_classification.lake.dataset import Dataset
from html_classification.lake.errors import LakeError
from html_classification.lake.history import CURRENT, PREVIOUS, open_version
from html_classification.lake.lake import Lake
from html_classification.lake.metadata import Metadata
from html_classification.lake.scanning import damaged

KEY = "url"
_EXAMPLES = 3  # values shown for each column that changed
_LONGEST = 200  # characters of a value shown
_MOST_ITEMS = 10  # items of a list shown
#: Figures that tell values, not just how many or how long.
_TELLING = ("most_frequent", "min", "max", "mean")


@dataclass(frozen=True)
class Difference:
    """A named value that differs; None where a side has none.

    Attributes:
        name: What it is, such as `parameters.rules` or `category.distinct`.
        a: The value in the first version.
        b: The value in the second one.
    """

    name: str
    a: Any
    b: Any


@dataclass(frozen=True)
class SourceDifference:
    """An input file that differs: `a` and `b` are its SHA-1 in each recipe, None where it was no input.

    Attributes:
        name: The name of the input.
        date: Its day, where it is of the lake.
        path: Its file name.
        a: SHA-1 in the first version.
        b: SHA-1 in the second one.
        stage: Its stage, where it is of the lake.
        a_version: The version of that stage that the first version read.
        b_version: The version of that stage that the second one read.
    """

    name: str
    date: str | None
    path: str
    a: str | None
    b: str | None
    stage: str | None = None
    a_version: str | None = None
    b_version: str | None = None


@dataclass(frozen=True)
class ColumnDifference:
    """A column whose values differ in rows that both versions have.

    Attributes:
        name: The column.
        rows: In how many rows.
        examples: Some of them: `url`, `nth`, `a`, `b`; none for personal columns.
    """

    name: str
    rows: int
    examples: list[dict[str, Any]]


@dataclass(frozen=True)
class RowsDiff:
    """How the rows of two frames differ.

    Attributes:
        key: What rows are matched by: `url`, or every column that both have where there is none.
        added: Rows of the second only: `url` and `nth`, which of the url's rows it is, from 1; without a url the rows.
        removed: Rows of the first only, likewise.
        changed: Rows of both that differ: `url`, `nth`, and `columns`, the names of the columns that do.
        unchanged: How many rows are the same.
        by_column: In how many rows each column differs.
    """

    key: list[str]
    added: pl.DataFrame
    removed: pl.DataFrame
    changed: pl.DataFrame
    unchanged: int
    by_column: list[ColumnDifference]


@dataclass(frozen=True)
class Diff:
    """What differs between two versions of a stage and day.

    Attributes:
        a: What the first version says about itself.
        b: What the second one does.
        rows: How the rows differ.
        columns_added: Name and type of the columns that only the second has.
        columns_removed: Name and type of those that only the first has.
        columns_retyped: The columns whose type differs, with both types.
        statistics: The figures that differ.
        recipe: The parameters, code version and columns of the recipes that differ: why the versions do.
        sources: The input files that differ, which is the other reason.
        environment: What else was different: packages, Python, git commit. No part of the recipe.
        personal: The columns whose values are not for showing.
    """

    a: Metadata
    b: Metadata
    rows: RowsDiff
    columns_added: dict[str, str]
    columns_removed: dict[str, str]
    columns_retyped: list[Difference]
    statistics: list[Difference]
    recipe: list[Difference]
    sources: list[SourceDifference]
    environment: list[Difference]
    personal: frozenset[str]

    @property
    def is_empty(self) -> bool:
        """Whether the data are the same: rows and columns."""
        rows = self.rows.added.height + self.rows.removed.height + self.rows.changed.height
        return not (rows or self.columns_added or self.columns_removed or self.columns_retyped)

    def to_dict(self, limit: int | None = None) -> dict[str, Any]:
        """All of it as JSON values, without the values of personal columns other than the url.

        Args:
            limit: At most so many rows of each kind; all without it.
        """
        rows, kinds = self.rows, ("added", "removed", "changed")
        frames: dict[str, pl.DataFrame] = {kind: getattr(rows, kind) for kind in kinds}
        return {
            "stage": self.a.stage,
            "date": self.a.date.isoformat(),
            "a": _side(self.a),
            "b": _side(self.b),
            "rows": {kind: frame.height for kind, frame in frames.items()} | {"unchanged": rows.unchanged},
            **{kind: [self.row(row) for row in shown(frame, limit)] for kind, frame in frames.items()},
            "columns": {
                "added": self.columns_added,
                "removed": self.columns_removed,
                "retyped": [asdict(item) for item in self.columns_retyped],
                "changed": [asdict(item) for item in rows.by_column],
            },
            "statistics": [asdict(item) for item in self.statistics],
            "recipe": [asdict(item) for item in self.recipe],
            "sources": [asdict(item) for item in self.sources],
            "environment": [asdict(item) for item in self.environment],
        }

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row of `added`, `removed` or `changed` as JSON values, personal ones other than the url left out."""
        if self.rows.key == [KEY]:
            return dict(row)
        return {name: _value(value) for name, value in row.items() if name not in self.personal}


def diff(lake: Lake, stage: str, day: date | str, a: str = PREVIOUS, b: str = CURRENT) -> Diff:
    """Compare two versions of a stage and day.

    Args:
        lake: The lake.
        stage: The stage.
        day: The day.
        a: The first version: its digits, at least the first 4, or `current` or `previous`.
        b: The second one, likewise.

    Raises:
        LakeError: One of them is not there, or cannot be read.
    """
    first, second = (open_version(lake, stage, day, name) for name in (a, b))
    return compare(first, second)


def compare(a: Dataset, b: Dataset) -> Diff:
    """Compare two datasets.

    Raises:
        LakeError: The rows of one cannot be read.
    """
    described = [{column.name: column.tags for column in one.metadata.schema_} for one in (a, b)]
    frames = [one.scan() for one in (a, b)]
    try:
        types_a, types_b = (frame.collect_schema() for frame in frames)
        names = {*types_a, *types_b}
        # Personal where either version says so, and where neither says anything.
        tags = {name: [tag for side in described for tag in side.get(name, ())] for name in names}
        unknown = {name for name in names if not any(name in side for side in described)}
        personal = frozenset(unknown | {name for name in names if "pii" in tags[name]})
        if _same_bytes(a, b):
            none = compare_rows(*(frame.head(0) for frame in frames))
            rows = replace(none, unchanged=a.metadata.statistics.rows)
        else:
            rows = compare_rows(*frames, personal=personal)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise LakeError(damaged([a.uri, b.uri], error)) from None
    return Diff(
        a=a.metadata,
        b=b.metadata,
        rows=rows,
        columns_added={name: str(kind) for name, kind in types_b.items() if name not in types_a},
        columns_removed={name: str(kind) for name, kind in types_a.items() if name not in types_b},
        columns_retyped=[
            Difference(name, str(kind), str(types_b[name]))
            for name, kind in types_a.items()
            if name in types_b and types_b[name] != kind
        ],
        statistics=_differences(_figures(a.metadata, personal), _figures(b.metadata, personal)),
        recipe=_differences(*(_flat(_without(one.metadata.recipe, "sources")) for one in (a, b))),
        sources=_sources(a.metadata, b.metadata),
        environment=_differences(
            *(_flat(one.metadata.context.model_dump(include={"git_commit", "packages", "python"})) for one in (a, b))
        ),
        personal=personal,
    )


def compare_rows(a: pl.LazyFrame, b: pl.LazyFrame, *, personal: frozenset[str] = frozenset()) -> RowsDiff:
    """Compare the rows of two frames. Null equals null, NaN equals NaN, in lists and structs too.

    A column that only one has counts in no row. One that changed its type is compared by value between integers
    and between floats; otherwise each value of it counts as changed. Without a url, rows are the same
    where all columns of the same name and type are.

    Args:
        a: The first.
        b: The second.
        personal: Columns of which no examples are given.
    """
    types_a, types_b = a.collect_schema(), b.collect_schema()
    common = [name for name in types_a if name in types_b]
    alike = [name for name in common if types_a[name] == types_b[name]]
    key = [KEY] if KEY in alike else alike
    if not key:  # nothing to match by
        return RowsDiff([], b.collect(), a.collect(), pl.DataFrame(), 0, [])
    keys_a, keys_b = _keys(a, key), _keys(b, key)
    # Row numbers of both sides for each key; null where a side has none.
    matched = keys_a.join(keys_b, on=["key", "nth"], how="full", nulls_equal=True, coalesce=True, suffix="_b")
    both = matched.filter(pl.col("row").is_not_null() & pl.col("row_b").is_not_null()).sort("row")
    differs: dict[str, pl.Series] = {}
    by_column = []
    for name in common if key == [KEY] else ():
        if name == KEY:
            continue
        values = [_column(frame, name, both[rows]) for frame, rows in ((a, "row"), (b, "row_b"))]
        unequal = _unequal(*values)
        if count := int(unequal.sum()):
            differs[name] = unequal
            where = unequal.arg_true().head(0 if name in personal else _EXAMPLES)
            found = [side.gather(where).to_list() for side in values]
            rows = _rows(both[where], key).iter_rows(named=True)
            examples = [
                {**row, "a": _value(one), "b": _value(other)} for row, one, other in zip(rows, *found, strict=True)
            ]
            by_column.append(ColumnDifference(name, count, examples))
    changed = _changed(both, differs, key)
    return RowsDiff(
        key=key,
        added=_rows(matched.filter(pl.col("row").is_null()).sort("row_b"), key),
        removed=_rows(matched.filter(pl.col("row_b").is_null()).sort("row"), key),
        changed=changed,
        unchanged=both.height - changed.height,
        by_column=by_column,
    )


def shown(frame: pl.DataFrame, limit: int | None) -> Iterator[dict[str, Any]]:
    """The first rows of a frame; all without a limit."""
    return (frame if limit is None else frame.head(limit)).iter_rows(named=True)


def _keys(frame: pl.LazyFrame, key: Sequence[str]) -> pl.DataFrame:
    """The key of each row, which one of that key it is, and its number."""
    keys = frame.select(key=pl.struct(key))
    return keys.with_columns(nth=pl.int_range(1, pl.len() + 1).over("key"), row=pl.int_range(pl.len())).collect()


def _rows(matched: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    return matched.select("key", "nth").unnest("key") if key == [KEY] else matched.select("key").unnest("key")


def _column(frame: pl.LazyFrame, name: str, rows: pl.Series) -> pl.Series:
    return frame.select(name).collect().to_series().gather(rows)


def _changed(both: pl.DataFrame, differs: Mapping[str, pl.Series], key: Sequence[str]) -> pl.DataFrame:
    if not differs:
        return _rows(both.clear(), key).with_columns(columns=pl.lit([], pl.List(pl.String)))
    names = [pl.when(unequal).then(pl.lit(name)).alias(name) for name, unequal in differs.items()]
    columns = both.select(columns=pl.concat_list(names).list.drop_nulls())
    rows = pl.concat([_rows(both, key), columns], how="horizontal")
    return rows.filter(pl.col("columns").list.len() > 0)


def _unequal(a: pl.Series, b: pl.Series) -> pl.Series:
    one, other = a.dtype, b.dtype
    both_integers, both_floats = one.is_integer() and other.is_integer(), one.is_float() and other.is_float()
    if one == other or both_integers or both_floats:
        return a.ne_missing(b)
    return a.is_not_null() | b.is_not_null()


def _value(value: Any) -> Any:
    """A value as JSON takes it, cut short."""
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else value[:_LONGEST] + "…"
    if isinstance(value, list):
        return [_value(item) for item in value[:_MOST_ITEMS]]
    if isinstance(value, dict):
        return {name: _value(item) for name, item in value.items()}
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)  # JSON has no NaN
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _side(metadata: Metadata) -> dict[str, Any]:
    return {
        "version": metadata.version,
        "created_at": metadata.created_at.isoformat(),
        "passed": metadata.passed,
        "rows": metadata.statistics.rows,
        "rejected_rows": metadata.statistics.rejected_rows,
    }


def _same_bytes(a: Dataset, b: Dataset) -> bool:
    return [file.sha1 for file in a.metadata.data_files] == [file.sha1 for file in b.metadata.data_files]


def _figures(metadata: Metadata, personal: frozenset[str]) -> dict[str, Any]:
    """The statistics by name; of personal columns nothing that tells values, though a version may have told them."""
    told = metadata.statistics.model_dump()
    columns = told.pop("by_column")
    for name in personal & set(columns):
        columns[name] = _without(columns[name], *_TELLING)
    return _flat(told) | _flat(columns)


def _without(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, with names joined by dots."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Difference]:
    return [
        Difference(name, a.get(name), b.get(name)) for name in dict.fromkeys([*a, *b]) if a.get(name) != b.get(name)
    ]


def _sources(a: Metadata, b: Metadata) -> list[SourceDifference]:
    sides = [{(s["name"], s["date"], s["path"]): s["sha1"] for s in one.recipe.get("sources", [])} for one in (a, b)]
    # The recipe knows inputs by content alone; which version of which stage it was stands beside it.
    known = [{(s.date, s.sha1): s for s in one.sources if s.stage} for one in (a, b)]
    found = []
    for name, day, path in dict.fromkeys([*sides[0], *sides[1]]):
        sha1s = [side.get((name, day, path)) for side in sides]
        if sha1s[0] != sha1s[1]:
            read = [side.get((day, sha1)) for side, sha1 in zip(known, sha1s, strict=True)]
            stage = next((one.stage for one in read if one), None)
            versions = [one.version if one else None for one in read]
            found.append(SourceDifference(name, day, path, sha1s[0], sha1s[1], stage, versions[0], versions[1]))
    return found
