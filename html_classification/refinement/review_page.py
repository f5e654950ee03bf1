"""The review queue as one HTML page, to read anywhere.

Belongs here: what people see of the rows in doubt, and of those that were changed. Does not belong here: their order
(`review`), how people answer (`labeling`: tasks for Label Studio).

All that stands there comes from the web and from label sources, and is hostile. It is escaped, and characters that are
not seen, such as those that turn the direction of writing, are left out or written as escapes. The page forbids itself
everything but its own style: it has no script, fetches nothing, sends nothing, and looks up no names of the addresses
that it links to. The same rows give the same bytes.
"""

import datetime as dt
import html
from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from html_classification.printable import printable
from html_classification.refinement.review_style import STYLE
from html_classification.schemas.post_train import ACTIONS, ISSUES

#: Rows of the queue, and of each list of changes, that are shown where nothing else is said.
SHOWN = 200
#: Characters of a text that are shown at once, and those that can be unfolded.
TEXT_LENGTH = 2_000
MORE_TEXT = 20_000
_BEGINNING = 200  # characters of a text in the lists of changes
_LONGEST_ADDRESS = 300  # characters of an address that are shown; its link is whole

_ACTIONS = {
    "kept": "kept as they are",
    "relabelled": "relabelled",
    "dropped": "dropped: not trained on",
    "review": "to look at; kept until then",
}
_OBJECT = "To object, or to agree: <code>html-classification labels export --repaired</code> makes tasks of these."
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
form-action 'none'">
<meta http-equiv="x-dns-prefetch-control" content="off">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex, nofollow">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Labels in doubt, {day}</title>
<style>
{style}</style>
</head>
<body>
<header>
<h1>Labels in doubt, {day}</h1>
<p>{lead}</p>
<nav aria-label="Parts of this page">
<a href="#queue">To look at</a> <a href="#relabelled">Relabelled</a> <a href="#dropped">Dropped</a>
</nav>
</header>
<main>
<section id="summary" aria-labelledby="summary-title">
<h2 id="summary-title">Summary</h2>
<div class="tables">
{summary}
</div>
</section>
<section id="queue" aria-labelledby="queue-title">
<h2 id="queue-title">To look at</h2>
<p>{queue_lead}</p>
<p>This page is for reading. To answer, <code>html-classification labels export --review -o tasks.json</code> makes \
tasks for Label Studio of the same pages in the same order, and <code>html-classification labels import</code> takes \
the answers in. What a person has answered counts before any machine, and is not asked again.</p>
{queue}
</section>
{changes}
</main>
</body>
</html>
"""

#: Pairs of given and suggested category that the summary names, the most frequent ones.
_PAIRS = 10


def review_page(frame: pl.DataFrame, day: dt.date, *, limit: int | None = SHOWN, left_out: Sequence[str] = ()) -> str:
    """The rows in doubt, the most useful first, and below them what was relabelled and dropped.

    Args:
        frame: Rows of `PostTrain`. Where `text` is a more readable form of it, that is shown.
        day: The day of the data.
        limit: How many rows of the queue, and of each list of changes, are shown; all without it.
        left_out: What else is not shown, in words, such as `3 a person has answered`.

    Returns:
        The page. It needs no other file, and the encoding is UTF-8.
    """
    doubtful = frame.filter(action="review").sort("review_rank", "url")
    shown = doubtful.head(doubtful.height if limit is None else limit)
    lead = f"{_count(doubtful.height, 'page')} of {frame.height:,} should be looked at by a person."
    return _PAGE.format(
        style=STYLE,
        day=day,
        lead=" ".join([lead, *([f"Left out: {_escaped(', '.join(left_out))}."] if left_out else [])]),
        summary="\n".join(_summary(frame, doubtful)),
        queue_lead=_queue_lead(shown.height, doubtful.height),
        queue="\n".join(_row(row) for row in shown.iter_rows(named=True)),
        changes="\n".join(_changes(frame, action, limit) for action in ("relabelled", "dropped")),
    )


def _queue_lead(shown: int, all_: int) -> str:
    if not all_:
        return "Nothing is in doubt."
    more = f" The first {shown:,} are shown, {all_ - shown:,} are not." if shown < all_ else ""
    return f"{_count(all_, 'page')}, the most useful to look at first.{more}"


def _summary(frame: pl.DataFrame, doubtful: pl.DataFrame) -> Iterable[str]:
    actions = dict(frame["action"].value_counts().iter_rows())
    yield _table("What was done", ["Pages", ""], [(actions.get(name, 0), _ACTIONS[name]) for name in ACTIONS])
    issues = dict(frame["issues"].explode().drop_nulls().value_counts().iter_rows())
    found = [(issues[name], name.replace("_", " ")) for name in ISSUES if name in issues]
    yield _table("What may be wrong", ["Pages", ""], found)
    pairs = (
        doubtful.filter(pl.col("suggested_category") != pl.col("given_category"))
        .group_by("given_category", "suggested_category")
        .len()
        .sort(["len", "given_category", "suggested_category"], descending=[True, False, False])
    )
    rows = [(count, given, suggested) for given, suggested, count in pairs.head(_PAIRS).iter_rows()]
    if pairs.height > _PAIRS:
        rows.append((pairs["len"].tail(-_PAIRS).sum(), "others", "others"))
    yield _table("What may be what, of those to look at", ["Pages", "Given", "Suggested"], rows)


def _table(title: str, names: Sequence[str], rows: Sequence[Sequence[int | str]]) -> str:
    """A small table of counts."""
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{name}</th>' if name else "<td></td>" for name in names)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{cell if isinstance(cell, str) else f'{cell:,}'}</td>" for cell in _cells(row)) + "</tr>"
        for row in rows
    )
    return f'<table class="counts">\n<caption>{title}</caption>\n<tr>{head}</tr>\n{body}\n</table>'


def _cells(row: Sequence[int | str]) -> list[int | str]:
    return [_escaped(cell) if isinstance(cell, str) else cell for cell in row]


def _row(row: dict[str, Any]) -> str:
    """A page to look at."""
    rank, suggested = row["review_rank"], row["suggested_category"]
    facts = [
        ("Given label", f"<strong>{_escaped(row['given_category'])}</strong>"),
        ("Suggested", _suggested(suggested, row["suggested_probability"])),
        ("Label quality", f"{row['label_quality']:.2f}"),
        ("Issues", ", ".join(_escaped(name.replace("_", " ")) for name in row["issues"]) or "–"),
        ("About it", _escaped(f"{row['split']} row of {row['day']}, labelled by {row['label_source']}")),
    ]
    told = "\n".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)
    return (
        f'<article id="page-{rank}" aria-labelledby="title-{rank}">\n'
        f'<h3 id="title-{rank}"><span class="rank">{rank}</span> {_address(row["url"])}</h3>\n'
        f"<dl>\n{told}\n</dl>\n{_why(row['reasons'])}\n{_text(row['text'])}\n</article>"
    )


def _suggested(category: str | None, probability: float | None) -> str:
    if category is None:
        return "–"
    told = f"<strong>{_escaped(category)}</strong>"
    if probability is None:
        return told
    # In whole hundredths, as it is read.
    bar = f'<span class="bar" aria-hidden="true"><span style="width: {round(probability * 100)}%"></span></span>'
    return f"{told} {probability:.2f} {bar}"


def _why(reasons: Sequence[str]) -> str:
    items = "".join(f"<li>{_escaped(reason)}</li>" for reason in reasons) or "<li>–</li>"
    return f'<h4>Why</h4>\n<ul class="why">{items}</ul>'


def _text(text: str) -> str:
    """The beginning, and what can be unfolded."""
    first, rest = _readable(text[:TEXT_LENGTH]), text[TEXT_LENGTH:MORE_TEXT]
    shown = f'<div class="text" lang="" dir="auto">{first or "(no text)"}</div>'
    if rest:
        hidden = len(text) - MORE_TEXT
        note = f'<p class="note">{hidden:,} more characters are not shown.</p>' if hidden > 0 else ""
        more = f'<div class="text" lang="" dir="auto">{_readable(rest)}</div>'
        shown += f"\n<details>\n<summary>{len(rest):,} more characters</summary>\n{more}{note}\n</details>"
    return f"<h4>Text</h4>\n{shown}"


def _changes(frame: pl.DataFrame, action: str, limit: int | None) -> str:
    """A compact list of what was relabelled or dropped, so that a person can object."""
    rows = frame.filter(action=action).sort(-pl.col("label_quality"), -pl.col("outlier_score"), "url")
    shown = rows.head(rows.height if limit is None else limit)
    title = action.capitalize()
    more = (
        f" The first {shown.height:,} are shown, {rows.height - shown.height:,} are not."
        if len(shown) < len(rows)
        else ""
    )
    lead = f"{_count(rows.height, 'page')}, the least certain first. {_OBJECT}{more}" if rows.height else "None."
    names = ["Page", "Given", "Now", "Why", "Its text begins"]
    if action == "dropped":
        names.remove("Now")
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    body = "\n".join(_change(row, action) for row in shown.iter_rows(named=True))
    table = f'<div class="wide"><table>\n<tr>{head}</tr>\n{body}\n</table></div>\n' if body else ""
    return (
        f'<section id="{action}" aria-labelledby="{action}-title">\n<h2 id="{action}-title">{title}</h2>\n'
        f"<p>{lead}</p>\n{table}</section>"
    )


def _change(row: dict[str, Any], action: str) -> str:
    now = [f"<strong>{_escaped(row['category'])}</strong>"] if action == "relabelled" else []
    beginning = _in_one_line(row["text"][:_BEGINNING])
    cells = [
        _address(row["url"]),
        _escaped(row["given_category"]),
        *now,
        "<br>".join(_escaped(reason) for reason in row["reasons"]),
        f'<span lang="" dir="auto">{beginning}{"…" if len(row["text"]) > _BEGINNING else ""}</span>',
    ]
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _address(url: str) -> str:
    """An address as a link, where it is one of a page; it is only followed where somebody clicks."""
    shown = url if len(url) <= _LONGEST_ADDRESS else url[:_LONGEST_ADDRESS] + "…"
    if not url.lower().startswith(("http://", "https://")):
        return f"<bdi>{_escaped(shown)}</bdi>"
    link = f'href="{_escaped(url)}" target="_blank" rel="noopener noreferrer nofollow"'
    return f"<a {link}><bdi>{_escaped(shown)}</bdi></a>"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _escaped(text: str) -> str:
    """In one line, without markup; what is not seen is written as its escape."""
    return html.escape(printable(" ".join(text.split())))


def _readable(text: str) -> str:
    """A text line by line, without markup and without characters that are not seen."""
    return "\n".join(line for line in map(_in_one_line, text.splitlines()) if line)


def _in_one_line(text: str) -> str:
    return html.escape("".join(character for character in " ".join(text.split()) if character.isprintable()))
