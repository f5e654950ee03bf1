"""`labels export` and `labels import`: tasks for people out, their answers in.

Belongs here: arguments, files on this machine, tables. Does not belong here: which pages are asked about, the formats
of annotation tools, and where answers are kept (`labeling`).
"""

import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from html_classification.cli.apps import labels_app
from html_classification.cli.output import AsJson, console, fail, open_lake, out, print_json, print_table
from html_classification.printable import printable

if TYPE_CHECKING:
    from html_classification.labeling.exports import Candidates, Chosen
    from html_classification.lake import Lake

_DAY = ["%Y-%m-%d"]
#: How far the clock of who answered may be ahead of ours.
_AHEAD = timedelta(days=1)


@labels_app.command("export")
def labels_export(  # noqa: PLR0913, PLR0917 - each is an option
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where the tasks go, JSON. Default: the standard output."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the labelling configuration goes too: XML to paste into a project."),
    ] = None,
    day: Annotated[
        datetime | None,
        typer.Option("--date", formats=_DAY, metavar="DATE", help="The day of the queue. Default: the latest."),
    ] = None,
    review: Annotated[
        bool, typer.Option("--review", help="In place of the queue: the labels of that day's post-train in doubt.")
    ] = False,
    repaired: Annotated[
        bool,
        typer.Option("--repaired", help="In place of the queue: what that day's post-train relabelled or dropped."),
    ] = False,
    unlabelled: Annotated[
        bool, typer.Option("--unlabelled", help="In place of the queue: all pages of --from to --to without a label.")
    ] = False,
    start: Annotated[
        datetime | None, typer.Option("--from", formats=_DAY, metavar="DATE", help="The first day of --unlabelled.")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--to", formats=_DAY, metavar="DATE", help="The last day of --unlabelled.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="The most tasks. Default: all.")] = None,
    second_opinion: Annotated[
        bool, typer.Option("--second-opinion", help="Also what a person has answered already.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
) -> None:
    """Write tasks for people, as Label Studio imports them.

    By default what the labelling queue says; with the reasons, and with the model's prediction. What a person has
    answered already is left out. docs/labelling.md shows the whole way.
    """
    from html_classification.labeling import exports, label_studio
    from html_classification.labeling.imports import read_people

    first, last, at = (time.date() if time else None for time in (start, end, day))
    sources = {"--review": review, "--repaired": repaired, "--unlabelled": unlabelled}
    asked = [name for name, wanted in sources.items() if wanted]
    if len(asked) > 1:
        fail(f"{' and '.join(asked)} exclude each other: give one", 2)
    if (first or last) and not unlabelled:
        fail("--from and --to are for --unlabelled; the day of the queue, of --review and of --repaired is --date", 2)
    if unlabelled and at:
        fail("--unlabelled takes days as --from and --to, not as --date", 2)
    lake = open_lake()
    candidates: Candidates
    if unlabelled:
        candidates = exports.from_unlabelled(lake, *_ordered(first, last))
    elif repaired:
        candidates = exports.from_review(lake, at, ("relabelled", "dropped"))
    else:
        candidates = (exports.from_review if review else exports.from_queue)(lake, at)
    answered = set[str]() if second_opinion else {answer.content_sha1 for answer in read_people(lake.store)}
    chosen = exports.choose(lake, candidates, answered, limit)
    if not chosen.questions:
        fail(f"no task to export: {_told(chosen)}")
    categories = _categories(lake) if config else []
    tasks = label_studio.make_tasks(chosen.questions, categories)
    files = {config: label_studio.labelling_config(categories)} if config else {}
    # Escaped where it may be shown on a terminal.
    text = json.dumps(tasks, indent=1, ensure_ascii=output is None) + "\n"
    write_files(files | ({output: text} if output else {}), force)
    if output is None:
        sys.stdout.write(text)
    console(sys.stderr).print(Text(printable(_told(chosen))), soft_wrap=True)


def _ordered(first: date | None, last: date | None) -> tuple[date | None, date | None]:
    if first and last and first > last:
        fail(f"--from {first} --to {last}: the first day is after the last; exchange them", 2)
    return first, last


def _categories(lake: "Lake") -> list[str]:
    """Those of the settings, else those that there are."""
    from html_classification.labeling.exports import known_categories
    from html_classification.settings import load_settings

    return list(load_settings().known_categories) or known_categories(lake)


def _told(chosen: "Chosen") -> str:
    why = ", ".join(chosen.left_out)
    tasks = f"{len(chosen.questions):,} task{'' if len(chosen.questions) == 1 else 's'}"
    pages = f"{chosen.candidates:,} page{'' if chosen.candidates == 1 else 's'}"
    return f"{tasks} of {pages} in {chosen.source}" + (f"; left out: {why}" if why else "")


def write_files(files: dict[Path, str], force: bool) -> None:
    """Write files; the same text again is fine, another one only with force."""
    try:
        for path, text in files.items():
            if not force and path.exists() and path.read_bytes() != text.encode():
                fail(f"{path} is there already, with something else in it: give another name, or --force")
        for path, text in files.items():
            path.write_bytes(text.encode())
    except OSError as error:
        fail(f"cannot write {error.filename}: {error.strerror}")


@dataclass
class _Taken:
    """What became of a file."""

    file: str
    new: int = 0
    known: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    uri: str | None = None

    @property
    def row(self) -> dict[str, Any]:
        return {"file": self.file, "new": self.new, "known": self.known, "rejected": self.rejected}


@labels_app.command("import")
def labels_import(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", show_default=False, help="Exports of Label Studio, JSON or JSON-MIN."),
    ],
    as_json: AsJson = False,
) -> None:
    """Take people's answers from exports of Label Studio into the label store.

    Safe to repeat: what is known already is not added again. What is no answer is kept with its reason, beside the
    answers, in label-store/imports of the lake.
    """
    from html_classification.lake.errors import LakeError

    lake, taken, failed, texts = open_lake(), list[_Taken](), list[str](), set[str]()
    for path in files:
        try:
            taken.append(_import(lake, path, texts))
        except LakeError as error:  # one that fails does not take the others along
            failed.append(f"{path}: {error}")
    if as_json:
        print_json([one.row | {"reasons": dict(one.reasons.most_common()), "uri": one.uri} for one in taken])
    elif taken:
        _print_taken(taken)
    if texts and not as_json:
        out.print(Text(_next(lake, texts)), soft_wrap=True)
    for message in failed[:-1]:
        console(sys.stderr).print(Text(printable(f"html-classification: {message}"), style="red"), soft_wrap=True)
    if failed:
        fail(failed[-1])
    if not any(one.new or one.known for one in taken):
        reasons = sum((one.reasons for one in taken), Counter[str]())
        why = f", most often since: {reasons.most_common(1)[0][0]}" if reasons else ": no task in it has an annotation"
        fail(f"nothing could be taken{why}")


def _import(lake: "Lake", path: Path, texts: set[str]) -> _Taken:
    """Take one file; the texts that it has new answers about are added to a set."""
    from html_classification.labeling.imports import import_answers
    from html_classification.labeling.label_studio import LARGEST_EXPORT, read_answers
    from html_classification.lake.errors import LakeError
    from html_classification.settings import load_settings

    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_EXPORT + 1)
    except OSError as error:
        message = f"cannot read it: {error.strerror}"
        raise LakeError(message) from None
    until = datetime.now(UTC) + _AHEAD
    answers, rejected = read_answers(data, categories=load_settings().known_categories, until=until)
    if answers or rejected:
        lake.mark()
    done = import_answers(lake.store, answers, rejected)
    texts.update(done.texts)
    reasons = Counter(str(row["reason"]) for row in rejected)
    return _Taken(str(path), done.new, done.known, done.rejected, reasons, done.uri)


def _print_taken(taken: list[_Taken]) -> None:
    print_table(["file", "new", "known", "rejected"], [one.row for one in taken])
    reasons = sum((one.reasons for one in taken), Counter[str]())
    if reasons:
        print_table(["rejected", "reason"], [{"rejected": n, "reason": why} for why, n in reasons.most_common()])


def _next(lake: "Lake", texts: set[str]) -> str:
    """What to run so that new answers count."""
    from html_classification.labeling.exports import days_of
    from html_classification.lake.errors import LakeError

    try:
        days = days_of(lake, texts)
    except LakeError as error:  # the answers are kept all the same
        return printable(f"next: run labels for the days of these pages; which they are cannot be told: {error}")
    if not days:
        return "no page in the lake has these texts; the answers count as soon as one does"
    return f"next: html-classification run --from {days[0]} --to {days[-1]} --select gold"
