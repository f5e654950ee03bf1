"""`python -m benchmarks [NAME…]`: runs all benchmarks, or some, and prints a table for each.

Belongs here: the list of benchmarks, and how results are shown. Does not belong here: what is measured.
"""

import statistics
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Figure, Ratio, Result

#: The modules beside this one, in the order in which they run.
NAMES = (
    "lake_writing",
    "lake_reading",
    "against_dvc",
    "encodings",
    "html_parsing",
    "content_quality",
    "text_normalization",
    "end_to_end",
    "against_datatrove",
    "near_duplicates",
    "memory",
    "label_buying",
    "labeling_queue",
    "page_types",
    "training_side_by_side",
    "label_repair",
    "refinement_scale",
)


def main(names: Sequence[str]) -> int:
    """Run benchmarks by name, all where none is named; the exit code is 0 whether bars are met or missed."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        sys.stderr.write(f"no benchmark {', '.join(unknown)}: there are {', '.join(NAMES)}\n")
        return 2
    console = Console(highlight=False, width=220)  # however narrow the terminal: a cut figure is of no use
    bars: dict[str, bool | None] = {}
    for name in names or NAMES:
        module = import_module(f"benchmarks.{name}")
        title = str(module.__doc__).partition("\n")[0]
        console.print(f"\n[bold]{name}[/bold]: {title}")
        results = list(module.run())
        for line in _shown(results):
            console.print(line)
        bars |= {f"{name}: {item.what}": item.met for item in results if not isinstance(item, str) and item.bar}
    missed = [what for what, met in bars.items() if not met]
    console.print(f"\n{len(bars) - len(missed)} of {len(bars)} bars met." + "".join(f"\nMissed: {it}" for it in missed))
    return 0


def _shown(results: list[Result]) -> Iterator[Table | str]:
    """Tables of the ratios and of the other figures, then the remarks."""
    ratios = [item for item in results if isinstance(item, Ratio)]
    if ratios:
        yield _table(
            ("", "ours", "peer", "", "ours / peer", "bar", ""),
            ((item.what, *_pair(item), _spread(item.values), *_bar(item)) for item in ratios),
        )
    figures = [item for item in results if isinstance(item, Figure)]
    if figures:
        rows = ((item.what, _spread(item.values, item.unit), *_bar(item)) for item in figures)
        yield _table(("", "besides", "bar", ""), rows)
    yield from (item for item in results if isinstance(item, str))


def _table(heads: Sequence[str], rows: Iterator[tuple[str, ...]]) -> Table:
    table = Table(box=None, pad_edge=False, title="median (min to max)", title_justify="left", title_style="dim")
    for head in heads:
        table.add_column(head, no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def _pair(item: Ratio) -> tuple[str, str, str]:
    return _spread(item.ours, item.unit), _spread(item.theirs, item.unit), item.peer


def _bar(item: Ratio | Figure) -> tuple[str, str]:
    if item.met is None:
        return "", ""
    return f"bar: {item.bar}", "met" if item.met else "[bold red]MISSED[/bold red]"


def _spread(values: Sequence[float], unit: str = "") -> str:
    """Median, least and most of some figures.

    >>> _spread([0.5, 1.25, 2.0], "s")
    '1.25 s (0.50 to 2.00)'
    """
    decimals = 3 if max(values) < 0.1 else 2 if max(values) < 100 else 0
    median, least, most = (f"{value:.{decimals}f}" for value in (statistics.median(values), min(values), max(values)))
    return f"{median}{' ' + unit if unit else ''} ({least} to {most})"


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
