"""`labels review`: the labels in doubt as a page to read.

Belongs here: the command, its file, its line. Does not belong here: which rows are in doubt (`refinement.repair`), what
stands on the page (`refinement.review_page`), tasks for people (`labels`).
"""

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from html_classification.cli.apps import labels_app
from html_classification.cli.labels import write_files
from html_classification.cli.output import fail, open_lake, out, print_json
from html_classification.printable import printable

if TYPE_CHECKING:
    from html_classification.labeling.doubts import Doubts

#: What is told of a row in JSON: all but texts, which are long, and what is the same for each.
_TOLD = (
    "review_rank",
    "url",
    "day",
    "split",
    "given_category",
    "label_source",
    "suggested_category",
    "suggested_probability",
    "label_quality",
    "outlier_score",
    "issues",
    "reasons",
)
_SHOWN = 200


@labels_app.command("review")
def labels_review(
    day: Annotated[
        datetime | None,
        typer.Option(
            "--date", formats=["%Y-%m-%d"], metavar="DATE", help="The day of post-train. Default: the latest."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where the page goes. Default: review-DATE.html."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help=f"The most rows. Default: {_SHOWN}; all with --json.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the queue as a JSON array in place of the page.")
    ] = False,
) -> None:
    """Write the labels in doubt as a page to read: text, given and suggested label, and why.

    The most useful to look at first; below them what was relabelled and dropped. The page needs no network. What a
    person has answered is left out. To answer, take the tasks of `labels export --review`.
    """
    from html_classification.labeling.doubts import read_doubts
    from html_classification.labeling.imports import read_people

    if as_json and (output or force):
        fail("--json prints, and writes no file: leave out --output and --force", 2)
    lake = open_lake()
    answered = {answer.content_sha1 for answer in read_people(lake.store)}
    doubts = read_doubts(lake, day.date() if day else None, answered)
    if as_json:
        queue = doubts.queue.select(_TOLD).head(limit or doubts.queue.height)
        print_json([_json(row) for row in queue.iter_rows(named=True)])
        return
    from html_classification.refinement.review_page import review_page

    page = review_page(doubts.frame, doubts.day, limit=limit or _SHOWN, left_out=doubts.left_out)
    path = output or Path(f"review-{doubts.day}.html")
    write_files({path: page}, force)
    out.print(Text(printable(_line(doubts, path, limit or _SHOWN))), soft_wrap=True)


def _json(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()}


def _line(doubts: "Doubts", path: Path, limit: int) -> str:
    counts = dict(doubts.frame["action"].value_counts().iter_rows())
    queue = counts.get("review", 0)
    first = f" (the first {limit:,} are shown)" if queue > limit else ""
    told = (
        f"{queue:,} to look at{first}, {counts.get('relabelled', 0):,} relabelled, {counts.get('dropped', 0):,} dropped"
    )
    left = f"; left out: {', '.join(doubts.left_out)}" if doubts.left_out else ""
    return f"{path}: {told} in post-train {doubts.day}{left}"
