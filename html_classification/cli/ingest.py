"""`ingest`: what others crawled into crawl drops.

Belongs here: arguments, progress and the summary. Does not belong here: reading sources and writing drops (`ingest`).
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from html_classification.cli.apps import app
from html_classification.cli.output import AsJson, console, fail, out, print_json, print_table
from html_classification.printable import printable

if TYPE_CHECKING:
    from html_classification.ingest import Ingested
    from html_classification.ingest import Progress as Position
    from html_classification.lake.store import Store

_MARGIN = 30  # characters of a source's name beside the bar


@app.command()
def ingest(  # noqa: PLR0913, PLR0917 - each is an option
    patterns: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            show_default=False,
            help="WARC (.warc, .warc.gz, .warc.zst), JSON lines (.jsonl, .jsonl.gz, .jsonl.zst), a folder of HTML "
            "files, or a pattern in quotes, such as 'crawl/*.warc.gz'.",
        ),
    ],
    day: Annotated[
        datetime | None,
        typer.Option(
            "--date",
            formats=["%Y-%m-%d"],
            metavar="DATE",
            help="The day's drop that all goes into. Default: each document into that of its own day (UTC).",
        ),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="HTML files: what their path in the folder is put behind; 'https://' for a mirror with a folder for "
            "each host. Default: the address that the page itself says (saved from, canonical, og:url).",
        ),
    ] = None,
    timestamp: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="The time of HTML files (default: when they were modified), and of what has none, such as "
            "2026-03-01T10:15:00Z.",
        ),
    ] = None,
    url_field: Annotated[
        str, typer.Option(metavar="NAME", help="JSON lines: the field of the address; dots lead into objects.")
    ] = "url",
    html_field: Annotated[str, typer.Option(metavar="NAME", help="JSON lines: the field of the page.")] = "html",
    timestamp_field: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="JSON lines: the field of the time: ISO 8601, or seconds or milliseconds since 1970."
        ),
    ] = "timestamp",
    assume_utc: Annotated[
        bool, typer.Option("--assume-utc", help="Take times without an offset as UTC. They are refused otherwise.")
    ] = False,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What the file in the drop is called, in place of the source's own name."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put what others crawled into crawl drops.

    Of each source there is one file in a day's drop, html-documents-NAME.jsonl.gz below HTML_CLASSIFICATION_CRAWL.
    Pages are taken: of WARC the responses with status 200 and HTML. What is refused is listed with its reason in
    rejected/, beside the drop. The same source again gives the same bytes; nothing is ever replaced. While it works,
    files are put together in the folder for temporary files (TMPDIR).
    """
    from html_classification.ingest import Options, find_sources
    from html_classification.ingest import ingest as ingest_source
    from html_classification.lake.errors import LakeError
    from html_classification.lake.paths import parse_time

    options = Options(
        base_url=base_url,
        timestamp=parse_time(timestamp) if timestamp else None,
        assume_utc=assume_utc,
        url_field=url_field,
        html_field=html_field,
        timestamp_field=timestamp_field,
    )
    if base_url is not None and not base_url.lower().startswith(("http://", "https://")):
        fail(f"--base-url {base_url}: give what an address begins with, such as https://example.com/ or https://", 2)
    sources, crawl = find_sources(patterns, name), _open_crawl()
    done, failed = list["Ingested"](), list[str]()
    try:
        with _progress(len(sources)) as show:
            for source in sources:
                try:
                    done.append(ingest_source(source, crawl, day.date() if day else None, options, show))
                except LakeError as error:  # one that fails does not take the others along
                    failed.append(str(error))
    except KeyboardInterrupt:
        fail("stopped; there are only whole files, and the same command again adds the rest", 130)
    _print_summary(done, as_json)
    for message in failed[:-1]:
        console(sys.stderr).print(Text(printable(f"html-classification: {message}"), style="red"), soft_wrap=True)
    if failed:
        fail(failed[-1])
    if not any(ingested.documents for ingested in done):
        fail(f"nothing could be taken{_most_frequent(done)}")


def _open_crawl() -> "Store":
    """The drops of the settings."""
    from html_classification.lake.s3 import make_access
    from html_classification.lake.store import Store
    from html_classification.settings import load_settings

    settings = load_settings()
    own = settings.crawl_profile if settings.crawl.startswith("s3://") else None
    return Store(settings.crawl, make_access(own) if own else None)


@contextmanager
def _progress(count: int) -> "Iterator[Callable[[Position], None]]":
    """A bar on a terminal, by what was read of each source."""
    terminal = console(sys.stderr)
    columns = (BarColumn(), TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as bar:
        task, seen = bar.add_task("starting", total=None), dict[str, int]()

        def show(position: "Position") -> None:
            number = seen.setdefault(position.source.name, len(seen) + 1)
            which = f"{number}/{count} {position.source.name[:_MARGIN]}"
            told = f"{which}: {position.documents:,} documents, {position.refused:,} refused"
            bar.update(task, total=position.total, completed=position.done, description=told)

        yield show


def _print_summary(done: "list[Ingested]", as_json: bool) -> None:
    if as_json:
        print_json([_row(ingested) for ingested in done])
        return
    files = [
        {"source": ingested.source.path, "date": file.date, "documents": file.documents, "bytes": file.bytes}
        | {"file": file.uri, "": "" if file.new else "was there"}
        for ingested in done
        for file in ingested.files
    ]
    if files:
        print_table(list(files[0]), files)
    reasons = sum((Counter(ingested.reasons) for ingested in done), Counter[str]())
    if reasons:
        print_table(["refused", "reason"], [{"refused": n, "reason": reason} for reason, n in reasons.most_common()])
        for ingested in done:
            if ingested.refused_file:
                line = f"what was refused of {ingested.source.path}: {ingested.refused_file}"
                out.print(Text(printable(line)), soft_wrap=True)


def _row(ingested: "Ingested") -> dict[str, Any]:
    return {
        "source": str(ingested.source.path),
        "documents": ingested.documents,
        "files": [
            {"uri": file.uri, "date": str(file.date), "documents": file.documents, "bytes": file.bytes, "new": file.new}
            for file in ingested.files
        ],
        "refused": ingested.refused,
        "reasons": ingested.reasons,
        "refused_file": ingested.refused_file,
    }


def _most_frequent(done: "list[Ingested]") -> str:
    reasons = sum((Counter(ingested.reasons) for ingested in done), Counter[str]())
    if not reasons:
        return ": there are no documents in it (of WARC only responses are taken); see --help"
    return f", most often since: {reasons.most_common(1)[0][0]}; see what was refused, and --help"
