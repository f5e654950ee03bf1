"""Gold: labels, and the pages that they make training data of."""

from datetime import date
from functools import cache, partial
from typing import Any

import polars as pl

from html_classification.assets.silver import TEXT_STAGES
from html_classification.assets.stage_asset import stage_asset
from html_classification.labeling import annotation, queue
from html_classification.labeling import annotators as annotators_of
from html_classification.labeling.annotation import annotate
from html_classification.labeling.annotators import judge_annotators
from html_classification.labeling.day_labels import ALL_BOUGHT, ALL_BOUGHT_DESCRIPTION, labels_of_day
from html_classification.labeling.label_checks import ANNOTATED_CHECKS, ANNOTATORS_CHECKS, LabelThresholds
from html_classification.lake import Build, Step, TheDay, Upstream
from html_classification.resources import LabelSource
from html_classification.schemas.annotated import ANNOTATED
from html_classification.schemas.annotators import ANNOTATORS
from html_classification.schemas.html_parsing import HTML_PARSING
from html_classification.schemas.labeling_queue import LABELING_QUEUE
from html_classification.schemas.labels import LABELS
from html_classification.schemas.outcome import Outcome
from html_classification.settings import load_settings
from html_classification.transforms.text.versions import DEFAULT_TEXT_VERSION

#: The days, ending with the day itself, whose labels annotators are judged by and a day is compared with.
WINDOW_DAYS = load_settings().training_window_days


@stage_asset(
    LABELS,
    reads={"html_parsing": HTML_PARSING},
    resources=("label_source",),
    checks={ALL_BOUGHT: ALL_BOUGHT_DESCRIPTION},
    pool="labelling_api",
)
def labels(html_parsing: Upstream, label_source: LabelSource) -> Build:
    """The labels known for the day's pages."""
    desk = cache(lambda: label_source.desk(html_parsing.store))  # once a step, and inside the first day
    categories = label_source.categories

    def inputs(day: date) -> dict[str, Any]:
        pages = html_parsing.day(day, ["url", "content_sha1"])
        return {"pages": pages, **desk().inputs(day, lambda columns: html_parsing.day(day, columns).read())}

    return Build(
        inputs=inputs,
        compute=partial(labels_of_day, categories=categories),
        parameters={"categories": list(categories)},
        process=[
            Step(step="buy the answers that are missing, within the budget"),
            Step(step="join answers to pages by the SHA-1 of their text"),
            Step(step="join the label file to pages by normalized URL"),
        ],
    )


@stage_asset(ANNOTATORS, reads={"labels": LABELS}, kinds=("cleanlab", "parquet"), checks=ANNOTATORS_CHECKS)
def annotators(labels: Upstream) -> Build:
    """Who labelled the texts of the window, and how well."""
    thresholds = LabelThresholds()
    return Build(
        inputs=lambda day: {
            "labels": labels.window(day, WINDOW_DAYS, annotators_of.LABEL_COLUMNS),
            "day": TheDay(day),
        },
        compute=lambda labels, day: judge_annotators(labels, day, thresholds),
        parameters={"window_days": WINDOW_DAYS} | thresholds.model_dump(),
        process=[
            Step(step="take the window of days", parameters={"days": WINDOW_DAYS}),
            Step(step="keep each annotator's latest answer about a text"),
            Step(step="judge annotators by each other with cleanlab"),
        ],
    )


@stage_asset(
    ANNOTATED,
    reads={"texts": TEXT_STAGES[DEFAULT_TEXT_VERSION], "labels": LABELS, "annotators": ANNOTATORS},
    checks=ANNOTATED_CHECKS,
)
def annotated(texts: Upstream, labels: Upstream, annotators: Upstream) -> Build:
    """The labelled pages of the day."""
    thresholds, categories = LabelThresholds(), load_settings().known_categories
    return Build(
        inputs=lambda day: {
            "texts": texts.day(day),
            "labels": labels.window(day, WINDOW_DAYS, annotation.LABEL_COLUMNS),
            "annotators": annotators.day(day),
            "day": TheDay(day),
        },
        compute=lambda texts, labels, annotators, day: annotate(
            texts, labels, annotators, day=day, categories=categories, thresholds=thresholds
        ),
        parameters={"window_days": WINDOW_DAYS, "categories": list(categories)} | thresholds.model_dump(),
        process=[
            Step(step="settle on one label for each page, by the quality of its annotators"),
            Step(step="join title and content to one text"),
            Step(step="compare the day's categories with those of the window", parameters={"days": WINDOW_DAYS}),
        ],
    )


@stage_asset(
    LABELING_QUEUE,
    reads={"html_parsing": HTML_PARSING, "annotated": ANNOTATED}
    | {f"texts_{name}": stage for name, stage in TEXT_STAGES.items()},
    kinds=("scikitlearn", "parquet"),
)
def labeling_queue(html_parsing: Upstream, annotated: Upstream, **texts: Upstream) -> Build:
    """The pages of the window to label next."""
    rules = queue.QueueRules(size=load_settings().labeling_queue_size)
    names = sorted(texts)  # as Dagster gives them: their order is part of the recipe, whoever calls

    def compute(pages: pl.DataFrame, labelled: pl.DataFrame, **of_versions: pl.DataFrame) -> Outcome:
        return queue.choose(pages, labelled, {name.removeprefix("texts_"): of_versions[name] for name in names}, rules)

    return Build(
        inputs=lambda day: {
            "pages": html_parsing.window(day, WINDOW_DAYS, queue.PAGE_COLUMNS),
            "labelled": annotated.window(day, WINDOW_DAYS, queue.LABEL_COLUMNS),
            **{name: texts[name].window(day, WINDOW_DAYS, queue.TEXT_COLUMNS) for name in names},
        },
        compute=compute,
        parameters={"window_days": WINDOW_DAYS} | rules.model_dump(),
        process=[
            Step(step="take the window of days", parameters={"days": WINDOW_DAYS}),
            Step(step="leave out what is labelled, and near duplicates"),
            Step(step="have a committee of models judge the others"),
            Step(step="choose the most useful ones, unlike each other", parameters={"size": rules.size}),
        ],
    )
