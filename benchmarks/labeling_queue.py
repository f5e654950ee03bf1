"""Labels chosen by the labeling queue: what a model learns from half of them, against all and against random ones.

Ten days of real pages are the pool of 812 labels, the last four days the test rows. From a random 5 % on, the queue
chooses the next 5 % again and again, until half of the pool has labels; each time the default model (logistic
regression on text version v2) learns from them. Random choice needs all labels for the macro-F1 that all give: the bar
is that half of them, chosen, reach it. The rounds differ in the random labels to begin with.

Nothing was tuned on the last four days. What was tried, by eight splits of the ten days into 568 pages to choose from
and 244 to test on, is told by the macro-F1 with half of the labels less that with all (.667), with its standard error:

    random                                                  -.084 (.016)
    random among the pages predicted as the rarest          -.018 (.010)
    one model, logistic regression on v2: least confidence  +.007 (.010), margin +.019 (.013), entropy -.023 (.009)
    committee of four, mean: least confidence               -.001 (.005), margin +.011 (.009), entropy -.011 (.010)
    committee: vote entropy                                 +.005 (.008)
    committee: Jensen-Shannon divergence                    -.328 (.024), and margin in equal parts -.190 (.021)
    committee, margin: with a quota for each category       -.006 (.010), with rarity ** .5 +.009 (.008)
    committee, margin: with distance to chosen pages        +.005 (.006), to labelled ones too -.023 (.008)
    committee, margin: with density                         -.087 (.015)

Naive Bayes' probabilities are flat, so that divergence finds pages on which the two algorithms differ in style, not in
opinion: votes do not suffer from that. Density finds what is common, which is articles. The same with terms counted
once, over the texts without a label too, as the queue does:

    margin                                                  -.012 (.008), with rarity ** .5 +.005 (.007)
    margin and vote entropy, rarity ** 1, distance ** .25   +.014 (.008): what the queue does
    the same, with rarity ** .5                             +.008 (.008), ** 0 +.009 (.006)
    the same, with rarity ** .5 and distance ** .5          +.015 (.009), distance ** 0 +.002 (.007)
    the same, with rarity ** .5 and vote entropy alone      +.014 (.005)
    the same, with rarity and distance ** .5, single words  -.000 (.007)
    no models: rarity and distance ** .5 alone              -.028 (.007)

So uncertainty and preference for rare categories do the work; the rest is within the errors. For the first pages, where
no model can be asked, 57 pages that stand for most others gave macro-F1 .243, the centres of as many k-means clusters
.221, the pages farthest from each other .241 with three times the spread, random ones .186.
"""

import hashlib
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from statistics import mean

import orjson
import polars as pl

from benchmarks.measure import Figure, Result
from benchmarks.pages import CORPUS, NO_CORPUS, available, corpus
from html_classification.labeling.queue import QueueRules, choose
from html_classification.training.algorithms import ALGORITHMS
from html_classification.training.evaluation import evaluate
from html_classification.training.features import FIELDS
from html_classification.training.fitting import fit, predict
from html_classification.transforms.duplicates import signatures
from html_classification.transforms.html.page import PageRejected, parse_page
from html_classification.transforms.language import detect_languages
from html_classification.transforms.text.document import title_and_content
from html_classification.transforms.text.normalization import normalize_texts
from html_classification.transforms.text.versions import DEFAULT_TEXT_VERSION, TEXT_VERSIONS

#: From this day on pages are for testing.
TEST_FROM = date(2026, 3, 11)
ROUNDS = 5
#: What share of the pool has labels to begin with, what share is chosen each time, and what share at the end.
START, STEP, END = 0.05, 0.05, 0.5


@dataclass(frozen=True)
class Pages:
    """Parsed pages with their categories, and their texts by version."""

    frame: pl.DataFrame
    texts: Mapping[str, pl.DataFrame]

    def on(self, days: pl.Expr) -> "Pages":
        """Those of some days."""
        return Pages(self.frame.filter(days), {name: texts.filter(days) for name, texts in self.texts.items()})


def run() -> Iterator[Result]:
    """Macro-F1 on the test rows with all labels, with half of them chosen, and with half at random."""
    if not available():
        yield NO_CORPUS
        return
    pages = labelled_pages()
    pool, test = pages.on(pl.col("day") < TEST_FROM), pages.on(pl.col("day") >= TEST_FROM)
    urls = pool.frame["url"].sort().to_list()
    with_all = macro_f1(pool, urls, test)
    half = round(END * len(urls))
    at_random = [macro_f1(pool, _shuffled(urls, seed)[:half], test) for seed in range(ROUNDS)]
    curves = [curve(pool, test, seed) for seed in range(ROUNDS)]
    chosen = [found[half] for found in curves]
    enough = [
        min((count for count, value in found.items() if value >= with_all), default=len(urls)) for found in curves
    ]
    yield Figure(f"macro-F1 with all {len(urls)} labels", [with_all], "")
    yield Figure(f"macro-F1 with {half} labels at random", at_random, "")
    yield Figure(f"macro-F1 with {half} labels chosen", chosen, "")
    shares = [value / with_all for value in chosen]
    yield Figure(f"macro-F1 with {half} labels chosen, of that with all {len(urls)}", shares, "", at_least=1.0)
    what = "share of labels that reach the macro-F1 of all (1 where half of them do not)"
    yield Figure(what, [count / len(urls) for count in enough], "", at_most=END)
    yield f"Mean macro-F1: all {with_all:.3f}, half at random {mean(at_random):.3f}, half chosen {mean(chosen):.3f}."
    for count in list(curves[0])[::2]:
        yield Figure(f"macro-F1 with {count} labels chosen, on the way", [found[count] for found in curves], "")


def labelled_pages() -> Pages:
    """The corpus as the stages give it."""
    labels = map(orjson.loads, (CORPUS.parent / "labels.jsonl").read_bytes().splitlines())
    categories = {label["url"]: label["category"] for label in labels}
    rows = []
    for page in corpus():
        try:
            parsed = parse_page(page.html, page.url)
        except PageRejected:
            continue
        title, content = parsed.page.title, parsed.content
        sha1 = hashlib.sha1(f"{title} - {content}".encode(), usedforsecurity=False).hexdigest()
        time = datetime.fromisoformat(page.timestamp).astimezone(UTC)
        rows.append(
            (page.url, title, content, sha1, categories[page.url], date.fromisoformat(page.timestamp[:10]), time)
        )
    schema = ["url", "title", "content", "content_sha1", "category", "day", "timestamp"]
    frame = pl.DataFrame(rows, schema=schema, orient="row").sort("url")
    judged = frame.select(judged=title_and_content())["judged"]
    frame = frame.with_columns(signatures(frame["content"]).alias("minhash"), *detect_languages(judged))
    days = frame.select("url", "day")
    texts = {name: normalize_texts(frame, version).frame for name, version in TEXT_VERSIONS.items()}
    return Pages(frame.drop("content"), {name: text.join(days, on="url") for name, text in texts.items()})


def curve(pool: Pages, test: Pages, seed: int) -> dict[int, float]:
    """Macro-F1 by the number of labels, as the queue chooses more and more."""
    urls = pool.frame["url"].sort().to_list()
    labelled = _shuffled(urls, seed)[: round(START * len(urls))]
    found = {len(labelled): macro_f1(pool, labelled, test)}
    while len(labelled) < round(END * len(urls)):
        size = min(round(STEP * len(urls)), round(END * len(urls)) - len(labelled))
        known = pool.frame.filter(pl.col("url").is_in(labelled)).select("url", "category", "timestamp", "day")
        labelled += choose(pool.frame, known, pool.texts, QueueRules(size=size)).frame["url"].to_list()
        found[len(labelled)] = macro_f1(pool, labelled, test)
    return found


def macro_f1(pool: Pages, labelled: list[str], test: Pages) -> float:
    """What the default model makes of the test rows if it learns from some rows of the pool."""
    known, unknown = _rows(pool).filter(pl.col("url").is_in(labelled)), _rows(test)
    return evaluate(predict(fit(known, ALGORITHMS["logistic-regression"]), unknown)).macro_f1


def _rows(pages: Pages) -> pl.DataFrame:
    texts = pages.texts[DEFAULT_TEXT_VERSION].select("url", text=title_and_content())
    rows = pages.frame.select("url", "category", duplicate_cluster="url").join(texts, on="url").sort("url")
    return rows.with_columns(pl.lit("").alias(name) for name in FIELDS if name != "text")  # the model reads words only


def _shuffled(urls: list[str], seed: int) -> list[str]:
    return random.Random(seed).sample(urls, len(urls))  # noqa: S311 - seeded, not cryptography
