"""Page types of real pages: what each text version, algorithm and field of a page is worth.

Belongs here: models of the page types of the corpus, measured on its last four days and by cross-validation within the
first ten. Does not belong here: how fast training is.

Models learn from 812 pages and are tested on 324, of seven page types; 60 % are articles. Three baselines: the plain
one of this project's issue reached accuracy 0.827 and macro-F1 0.699; a classifier of hand-made features by the author
of the corpus 0.873 and 0.824, on another split. Small differences mean little: over seeds of the folds accuracy varies
by 0.01 and macro-F1 by 0.015, and the last four days have 15 to 27 pages of each rare type.
"""

from collections.abc import Iterator
from datetime import date
from functools import cache

import orjson
import polars as pl

from benchmarks.measure import Figure, Result
from benchmarks.pages import CORPUS, NO_CORPUS, available, corpus
from html_classification.training.algorithms import ALGORITHMS, Algorithm, Parameters
from html_classification.training.evaluation import evaluate
from html_classification.training.features import address_field
from html_classification.training.fitting import fit, predict
from html_classification.training.out_of_sample import cross_validate
from html_classification.transforms.duplicates import cluster, signatures
from html_classification.transforms.html.page import PageRejected, content_sha1, parse_page
from html_classification.transforms.language import detect_languages
from html_classification.transforms.text.document import title_and_content
from html_classification.transforms.text.normalization import normalize_texts
from html_classification.transforms.text.versions import DEFAULT_TEXT_VERSION, TEXT_VERSIONS
from html_classification.transforms.urls import normalize_url

#: From this day on pages are for testing.
TEST_FROM = date(2026, 3, 11)
SEEDS = range(3)

#: What models may read of a page, by name: column of the text, and settings of logistic regression.
FIELDS: dict[str, tuple[str | None, dict[str, int]]] = {
    "words of the content": ("content", {}),
    "words of all visible text": ("text", {}),
    "markup alone": (None, {"markup_terms": 5_000}),
    "address alone": (None, {"address_characters": 4}),
    "content and markup": ("content", {"markup_terms": 5_000}),
    "content and address": ("content", {"address_characters": 4}),
    "content, markup and address": ("content", {"markup_terms": 5_000, "address_characters": 4}),
    "all visible text, markup and address": ("text", {"markup_terms": 5_000, "address_characters": 4}),
}


def run() -> Iterator[Result]:
    """Accuracy and macro-F1: each text version with each algorithm, then what each field is worth."""
    if not available():
        yield NO_CORPUS
        return
    for version in TEXT_VERSIONS:
        for algorithm in ALGORITHMS.values():
            yield from _measured(f"{version} {algorithm.name}", rows_of(version, "content"), algorithm)
    for version in TEXT_VERSIONS:
        for column in ("content", "text"):
            what = f"{version} of {column}, logistic-regression"
            yield from _measured(what, rows_of(version, column), ALGORITHMS["logistic-regression"])
    structure = ALGORITHMS["page-structure"]
    for what, (column, settings) in FIELDS.items():
        read = {"markup_terms": 0, "address_characters": 0} | settings
        rows = rows_of(DEFAULT_TEXT_VERSION, column or "content")
        rows = rows if column else rows.with_columns(text=pl.lit(""))
        yield from _measured(f"fields: {what}", rows, structure, structure.parameters(**read))


def _measured(
    what: str, rows: pl.DataFrame, algorithm: Algorithm, parameters: Parameters | None = None
) -> Iterator[Result]:
    """Test rows by a model of all others, and those others cross-validated, for several seeds of the folds."""
    known, unknown = rows.filter(pl.col("day") < TEST_FROM), rows.filter(pl.col("day") >= TEST_FROM)
    tested = evaluate(predict(fit(known, algorithm, parameters), unknown))
    crossed = [evaluate(cross_validate(known, algorithm, parameters, seed=seed).frame) for seed in SEEDS]
    yield Figure(f"{what}: accuracy, last four days", [100 * tested.accuracy], "%")
    yield Figure(f"{what}: macro-F1, last four days", [100 * tested.macro_f1], "%")
    yield Figure(f"{what}: accuracy, cross-validated", [100 * each.accuracy for each in crossed], "%")
    yield Figure(f"{what}: macro-F1, cross-validated", [100 * each.macro_f1 for each in crossed], "%")


@cache
def rows_of(version: str, column: str) -> pl.DataFrame:
    """The corpus as rows to train on, its text made of the content or of all visible text."""
    pages = _pages().with_columns(content=pl.col(column))
    texts = normalize_texts(pages, TEXT_VERSIONS[version]).frame.select("url", text=title_and_content())
    return pages.drop("text", "content", "title").join(texts, on="url").sort("url")


@cache
def _pages() -> pl.DataFrame:
    """The corpus as the stages give it, with page types."""
    labels = map(orjson.loads, (CORPUS.parent / "labels.jsonl").read_bytes().splitlines())
    categories = {label["url"]: label["category"] for label in labels}
    rows = []
    for document in corpus():
        try:
            parsed = parse_page(document.html, document.url)
        except PageRejected:
            continue
        page = parsed.page
        sha1 = content_sha1(page.title, parsed.content)
        rows.append(
            (
                normalize_url(document.url),  # as in the pipeline, without what trackers add
                categories[document.url],
                document.timestamp,
                sha1,
                page.title,
                parsed.content,
                page.text,
                page.markup,
            )
        )
    schema = ["url", "category", "timestamp", "content_sha1", "title", "content", "text", "markup"]
    frame = pl.DataFrame(rows, schema=schema, orient="row").unique("url", keep="first", maintain_order=True)
    frame = frame.with_columns(
        address_field(),
        pl.col("timestamp").str.to_datetime(time_unit="us", time_zone="UTC"),
        signatures(frame["content"]).alias("minhash"),
        *detect_languages(frame.select(judged=title_and_content())["judged"]),
    )
    clusters = cluster(frame.select("url", "content_sha1", "minhash", "timestamp"))
    return frame.join(clusters, on="url").with_columns(day=pl.col("timestamp").dt.date())
