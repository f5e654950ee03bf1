"""A version in words.

Belongs here: metadata as lines and tables for a terminal. Does not belong here: the metadata themselves
(`metadata`).

What metadata tell came from pages, file names and packages: it is printed as it is, markup and control characters
without effect.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from html_classification.lake.dataset import Dataset
from html_classification.lake.metadata import Metadata, Source
from html_classification.printable import printable

#: Of a stage with more inputs than this only the range is told: a training set reads a file for each day of a window.
_MOST_SOURCES = 5
_MOST_VALUES = 3
_LONGEST = 20


def describe(dataset: Dataset) -> Iterator[RenderableType]:
    """What `lake show` prints: what it is, its figures, what it was made from and how, checks, columns and sample."""
    metadata = dataset.metadata
    title = f"{metadata.dataset}: {metadata.stage} {metadata.date}, version {metadata.version} ({metadata.layer})"
    yield Text(printable(title), style="bold")
    yield Text(printable(metadata.description))
    yield Text()
    for name, value in _facts(dataset):
        yield Text(f"  {name:<10}{printable(value)}", style="red" if value.startswith("FAILED") else "")
    yield from _section("Made from", ["input", "date", "version", "address"], _sources(metadata.sources))
    steps = ([str(number), _with(step.step, step.parameters)] for number, step in enumerate(metadata.process, 1))
    yield from _section("Steps", ["", "step"], steps)
    checks = (
        ["passed" if one.passed else "FAILED" if one.blocking else "warns", one.describe()] for one in metadata.checks
    )
    yield from _section("Checks", ["", "check"], checks)
    yield from _section("Columns", ["name", "type", "figures", "what it is"], _columns(metadata))
    files = ([file.path, f"{file.bytes:,}", file.sha1] for file in metadata.files)
    yield from _section("Files", ["name", "bytes", "sha1"], files)
    for number, row in enumerate(metadata.sample, 1):
        yield from _section(f"Sample, row {number}", ["column", "value"], ([key, _text(row[key])] for key in row))


def _facts(dataset: Dataset) -> Iterator[tuple[str, str]]:
    metadata = dataset.metadata
    statistics, workflow, context = metadata.statistics, metadata.workflow, metadata.context
    yield "at", dataset.uri
    commit = f", commit {context.git_commit}" if context.git_commit else ""
    yield "built", f"{metadata.created_at:%Y-%m-%d %H:%M:%S} UTC in {workflow.seconds} s on {context.host}"
    yield "by", f"{workflow.asset_key}, run {workflow.run_id or 'none'}, code version {context.code_version}{commit}"
    yield "rows", f"{statistics.rows:,}, rejected {statistics.rejected_rows:,}"
    for name, value in statistics.figures.items():
        yield "", f"{name.replace('_', ' ')}: {_text(value)}"
    failed = [check.name for check in metadata.checks if check.blocking and not check.passed]
    yield "audit", f"FAILED: {', '.join(failed)}; it cannot be published" if failed else "passed"
    yield "expires", f"{metadata.expires_on}" if metadata.expires_on else "never"


def _sources(sources: Sequence[Source]) -> Iterator[list[str]]:
    by_stage: dict[str, list[Source]] = {}
    for source in sources:
        by_stage.setdefault(source.stage or source.description or "", []).append(source)
    for name, found in by_stage.items():
        if len(found) <= _MOST_SOURCES:
            yield from ([name, one.date or "", one.version or "", one.uri] for one in found)
            continue
        days = sorted(one.date for one in found if one.date)
        span = f"{days[0]} to {days[-1]}" if days else ""
        yield [name, span, "", f"{len(found)} files: --json names each"]


def _columns(metadata: Metadata) -> Iterator[list[str]]:
    for column in metadata.schema_:
        tags = f" [{', '.join(column.tags)}]" if column.tags else ""
        figures = ", ".join(_figures(metadata.statistics.by_column.get(column.name, {})))
        yield [column.name, column.type + tags, figures, f"{column.description} {column.business_meaning}"]


def _figures(figures: dict[str, Any]) -> Iterator[str]:
    yield from (f"{figures[name]:,} {name}" for name in ("nulls", "distinct") if figures.get(name))
    frequent = list((figures.get("most_frequent") or {}).items())
    if frequent:
        values = ", ".join(f"{value[:_LONGEST] or '(empty)'} {count:,}" for value, count in frequent[:_MOST_VALUES])
        yield values + (", …" if len(frequent) > _MOST_VALUES else "")
        return
    for low, high, unit in (("min", "max", ""), ("min_length", "max_length", " long")):
        if figures.get(low) is not None:
            yield f"{figures[low]} to {figures[high]}{unit}"


def _with(name: str, parameters: dict[str, Any]) -> str:
    told = ", ".join(f"{key}={_text(value)}" for key, value in parameters.items())
    return f"{name} ({told})" if told else name


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _section(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[RenderableType]:
    """A heading and a table; neither where there are no rows."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in columns:
        table.add_column(name, justify="right" if name == "bytes" else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    if table.row_count:
        yield Text(f"\n{title}", style="bold")
        yield table
