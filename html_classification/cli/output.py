"""What the commands share: how they print, how they fail, arguments that many take.

Belongs here: tables, JSON, consoles, one-line errors. Does not belong here: any command.
"""

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TextIO

import typer
from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from html_classification.printable import printable, without_passwords

if TYPE_CHECKING:
    from html_classification.lake import Lake


def console(file: TextIO) -> Console:
    """A console for a stream. Outside of a terminal a line may be as long as it must: nothing is cut in a log."""
    return Console(file=file, width=None if file.isatty() else 240)


out = console(sys.stdout)

#: What a person copies from a table to another command, in the order in which commands take it.
_LEADING = ("name", "stage", "date", "version")
_ENDLESS = 100_000  # columns

Day = Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], metavar="DATE", help="The day of the data.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON array.")]


def fail(message: str, code: int = 1) -> NoReturn:
    """End with one line on stderr, whatever the message quotes."""
    line = Text(f"html-classification: {printable(without_passwords(message))}", style="red")
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
    """Rows as a table of some columns; where a terminal is too narrow for it, a few lines for each row.

    Sentences may go on in the next line. What has no spaces is never cut, so that it can be copied.
    """
    titles = {name: name.replace("_", " ") for name in columns}
    cells = [{name: printable(str(row[name])) for name in columns} for row in rows]
    table = Table(box=None, pad_edge=False)
    for name, title in titles.items():
        whole = not any(" " in row[name] for row in cells)
        widest = max(cell_len(text) for text in [title, *(row[name] for row in cells)])
        justify: JustifyMethod = "right" if any(isinstance(row[name], int) for row in rows) else "left"
        table.add_column(title, justify=justify, no_wrap=whole, min_width=widest if whole else None)
    for row in cells:
        table.add_row(*(Text(text) for text in row.values()))
    if Measurement.get(out, out.options.update_width(_ENDLESS), table).minimum <= out.width:
        out.print(table)
        return
    leading = [name for name in columns if name in _LEADING] or columns[:1]
    for row in cells:
        out.print(Text(" ".join(row[name] for name in leading)), soft_wrap=True)
        rest = (f"{titles[name]} {row[name]}".strip() for name in columns if name not in leading and row[name])
        out.print(Padding(Text(", ".join(rest)), (0, 0, 0, 2), expand=False))
