"""The pages that a model gets wrong, for people to look at: the most confident mistakes first.

Belongs here: choosing them, and writing them as JSON lines and as a page. Does not belong here: whether the label or
the model is wrong (`refinement` says that of labels).

What stands there comes from the web and is hostile: all of it is escaped, and the page forbids itself everything but
its own style, so that MLflow's UI, or whoever opens it, runs and fetches nothing.
"""

import html
from typing import Any

import orjson
import polars as pl

from html_classification.printable import printable
from html_classification.training.evaluation import probability_matrix

#: Characters of a page's text that are shown.
TEXT_LENGTH = 500
#: Mistakes on the page; the JSON lines have all.
SHOWN = 200

COLUMNS = ("url", "category", "predicted", "confidence", "probability_of_category")
ABOUT = ("language", "label_source", "day")

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; form-action 'none'">
<meta name="referrer" content="no-referrer">
<title>Misclassified pages</title>
<style>
body {{ font: 14px/1.4 sans-serif; margin: 1rem }}
table {{ border-collapse: collapse }}
th, td {{ border: 1px solid #ccc; padding: .3rem .5rem; text-align: left; vertical-align: top }}
td {{ overflow-wrap: anywhere }}
</style>
<h1>Misclassified pages</h1>
<p>{shown} of {all} mistakes, the most confident first; all of them are in misclassified.jsonl.</p>
<table>
<tr><th>Given</th><th>Predicted</th><th>Page</th><th>About it</th><th>Its text begins</th></tr>
{rows}
</table>
</html>
"""


def misclassified(rows: pl.DataFrame, predictions: pl.DataFrame) -> pl.DataFrame:
    """The mistakes.

    Args:
        rows: `url`, `language`, `label_source`, `day`, `text` of the test rows.
        predictions: Rows of `Predictions`.

    Returns:
        `url`, `category`, `predicted`, `confidence`, `probability_of_category` (what the model gives the given
        category), `language`, `label_source`, `day`, `text` (its first `TEXT_LENGTH` characters); the most confident
        first, then by url.
    """
    wrong = predictions.filter(pl.col("category") != pl.col("predicted"))
    names = sorted(wrong["category"].unique())
    matrix = probability_matrix(wrong, names)
    of_given = [float(row[names.index(name)]) for row, name in zip(matrix, wrong["category"], strict=True)]
    return (
        wrong.with_columns(probability_of_category=pl.Series(of_given, dtype=pl.Float64))
        .select(COLUMNS)
        .join(rows.select("url", *ABOUT, pl.col("text").str.slice(0, TEXT_LENGTH)), on="url", how="left")
        .sort(["confidence", "url"], descending=[True, False])
    )


def as_json_lines(mistakes: pl.DataFrame) -> bytes:
    """The mistakes, an object in each line.

    Args:
        mistakes: What `misclassified` returned.
    """
    return b"".join(orjson.dumps(row) + b"\n" for row in mistakes.iter_rows(named=True))


def as_page(mistakes: pl.DataFrame) -> str:
    """The first mistakes as an HTML page that executes and fetches nothing.

    Args:
        mistakes: What `misclassified` returned.
    """
    shown = mistakes.head(SHOWN)
    rows = "\n".join(_row(row) for row in shown.iter_rows(named=True))
    return _PAGE.format(shown=shown.height, all=mistakes.height, rows=rows)


def _row(row: dict[str, Any]) -> str:
    url = row["url"]
    page = _escaped(url)
    if url.startswith(("http://", "https://")):
        page = f'<a href="{page}" target="_blank" rel="noopener noreferrer nofollow">{page}</a>'
    cells = (
        f"{_escaped(row['category'])} {row['probability_of_category']:.3f}",
        f"{_escaped(row['predicted'])} {row['confidence']:.3f}",
        page,
        "<br>".join(_escaped(str(row[name])) for name in ABOUT if row[name] is not None),
        f"<bdi>{_escaped(row['text'] or '')}</bdi>",
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _escaped(text: str) -> str:
    """In one line, without characters that are not seen, and without markup."""
    return html.escape(printable(" ".join(text.split())))
