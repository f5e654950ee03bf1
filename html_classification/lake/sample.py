"""A few rows for people: cut short, and without what should not be passed around.

Belongs here: choosing, cutting and masking the rows of sample.jsonl, metadata.json and the preview in
Dagster. Does not belong here: the data themselves, which are never masked.
"""

import re
from typing import TYPE_CHECKING, Any

import orjson
import polars as pl

if TYPE_CHECKING:
    from html_classification.schemas.columns import Stage


SAMPLE_ROWS = 5
_LONGEST = 300
_MOST_ITEMS = 10
_NEARBY = 200  # characters past the cut that are looked at, so that nothing personal is cut in two and missed
_MASKED = (
    (re.compile(r"[\w.+-]+(?:@|%40)[\w-]+(\.[\w-]+)+", re.IGNORECASE), "[e-mail]"),
    (re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b"), "[account]"),
    (re.compile(r"(?<![\w-])\+?\(?\d(?:[\d ()./-]{6,18})\d(?![\w-])"), "[number]"),
)


#: What Markdown makes a link of where it stands alone.
_ADDRESS = re.compile(r"((?:https?://|www\.)[^\s`|<>]+|[^\s`|<>@]+@[^\s`|<>]+)", re.IGNORECASE)


def mask(text: str) -> str:
    """Replace e-mail addresses, account numbers and telephone-like numbers.

    >>> mask("Write to jo@shop.example or call (555) 0142-77.")
    'Write to [e-mail] or call [number].'
    """
    for pattern, replacement in _MASKED:
        text = pattern.sub(replacement, text)
    return text


def sample_rows(stage: "Stage", frame: pl.DataFrame, rows: int = SAMPLE_ROWS) -> list[dict[str, Any]]:
    """The first rows as JSON values, long strings and lists cut, columns tagged `pii` masked."""
    personal = {column.name for column in stage.columns if "pii" in column.tags}
    return [
        {name: _shown(value, name in personal) for name, value in row.items()} for row in frame.head(rows).to_dicts()
    ]


def to_jsonl(rows: list[dict[str, Any]]) -> bytes:
    """Rows as JSON lines in UTF-8; dates as ISO 8601."""
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z) for row in rows)


def to_markdown(rows: list[dict[str, Any]], longest: int = 60) -> str:
    """Rows as a Markdown table that is safe to render: no markup of the data survives in it."""
    if not rows:
        return "*no rows*"
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    lines += ["| " + " | ".join(_cell(row[name], longest) for name in names) + " |" for row in rows]
    return "\n".join(lines)


def _shown(value: Any, personal: bool) -> Any:
    if isinstance(value, str):
        shown = mask(value[: _LONGEST + _NEARBY]) if personal else value
        return shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "…"
    if isinstance(value, list):
        return [_shown(item, personal) for item in value[:_MOST_ITEMS]]
    if isinstance(value, dict):
        return {name: _shown(item, personal) for name, item in value.items()}
    return value


def _cell(value: Any, longest: int) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_UTC_Z).decode().strip('"')
    text = " ".join(text.split())
    text = text if len(text) <= longest else text[:longest] + "…"
    # Addresses become code, so that nobody follows a link to a crawled page by accident.
    parts = re.split(_ADDRESS, text)
    return "".join(f"`{part}`" if number % 2 else _escaped(part) for number, part in enumerate(parts))


def _escaped(text: str) -> str:
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, entity)
    return re.sub(r"([\\`*_\[\]|~!])", r"\\\1", text)
