"""What the commands share: how they print, how they fail, arguments that many take.

Belongs here: tables, JSON, consoles, one-line errors. Does not belong here: any command.
"""

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TextIO

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from html_classification.printable import printable

if TYPE_CHECKING:
    from html_classification.lake import Lake


def console(file: TextIO) -> Console:
    """A console for a stream. Outside of a terminal a line may be as long as it must: nothing is cut in a log."""
    return Console(file=file, width=None if file.isatty() else 240)


out = console(sys.stdout)

Day = Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], metavar="DATE", help="The day of the data.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON array.")]


def fail(message: str, code: int = 1) -> NoReturn:
    """End with one line on stderr, whatever the message quotes."""
    line = Text(f"html-classification: {printable(message)}", style="red")
    Console(stderr=True, soft_wrap=True).print(line)
    raise SystemExit(code)


def open_lake() -> "Lake":
    """The lake of the settings."""
    from html_classification.lake import Lake
    from html_classification.settings import load_settings

    return Lake(load_settings().lake)


def print_json(rows: list[dict[str, Any]]) -> None:
    """Rows as a JSON array."""
    sys.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")


def print_table(columns: list[str], rows: list[dict[str, Any]]) -> None:
    """Rows as a table of some columns."""
    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(name.replace("_", " "), justify="right" if isinstance(rows[0][name], int) else "left")
    for row in rows:
        table.add_row(*(Text(printable(str(row[name]))) for name in columns))
    out.print(table)
