"""Silver: one document a page, parsed, and its text in several versions."""

import dagster as dg

from html_classification.assets.stage_asset import stage_asset
from html_classification.lake import Build, Step, Upstream
from html_classification.lake.former import FormerVersions
from html_classification.resources import WorkerProcesses
from html_classification.schemas.duplicates import DUPLICATES
from html_classification.schemas.html_parsing import HTML_PARSING
from html_classification.schemas.raw import RAW
from html_classification.schemas.text_normalization import text_normalization_stage
from html_classification.schemas.url_normalization import URL_NORMALIZATION
from html_classification.settings import load_settings
from html_classification.streams import parsing, texts, urls
from html_classification.transforms.duplicates import window_duplicates
from html_classification.transforms.text.versions import TEXT_VERSIONS, TextVersion

#: The stage of each text version.
TEXT_STAGES = {name: text_normalization_stage(name, version.describe()) for name, version in TEXT_VERSIONS.items()}

DUPLICATE_DAYS = load_settings().duplicate_window_days
_SIGNED = ["url", "content_sha1", "minhash", "timestamp"]

#: The parser that pages are parsed with.
ENGINE = "lexbor"


@stage_asset(URL_NORMALIZATION, reads={"raw": RAW}, resources=("workers",))
def url_normalization(raw: Upstream, workers: WorkerProcesses) -> Build:
    """One document a page: the freshest copy of each normalized URL."""
    return Build(
        inputs=lambda day: {"raw": raw.day_files(day)},
        compute=lambda raw: urls.normalize_day(raw, workers.pool),
        process=[
            Step(step="normalize URLs by the WHATWG rules"),
            Step(step="remove tracking parameters and fragments, sort the query"),
            Step(step="keep the freshest copy of each URL"),
        ],
    )


@stage_asset(
    HTML_PARSING,
    reads={"url_normalization": URL_NORMALIZATION},
    resources=("workers",),
    checks={parsing.AGREEMENT: parsing.AGREEMENT_DESCRIPTION},
)
def html_parsing(url_normalization: Upstream, workers: WorkerProcesses) -> Build:
    """What each page says, without its markup."""
    parameters = {"engine": ENGINE}
    former = FormerVersions(url_normalization.store, HTML_PARSING, parameters)
    return Build(
        inputs=lambda day: {"documents": url_normalization.day_files(day)},
        compute=lambda documents, former=(): parsing.parse_day(documents, workers.pool, ENGINE, former=former),
        shortcuts=lambda day: {"former": former.before(day)},
        parameters=parameters,
        process=[
            Step(step="parse HTML", parameters={"engine": ENGINE}),
            Step(step="extract the main content"),
            Step(step="detect the language"),
            Step(step="mark exact and near duplicates"),
        ],
    )


@stage_asset(DUPLICATES, reads={"html_parsing": HTML_PARSING})
def duplicates(html_parsing: Upstream) -> Build:
    """Copies of the day's pages among the days before."""
    return Build(
        inputs=lambda day: {"pages": html_parsing.window(day, DUPLICATE_DAYS, _SIGNED)},
        compute=window_duplicates,
        parameters={"window_days": DUPLICATE_DAYS},
        process=[
            Step(step="take the window of days", parameters={"days": DUPLICATE_DAYS}),
            Step(step="keep the latest day of each URL"),
            Step(step="find exact and near duplicates across the window"),
        ],
    )


def text_normalization(version: TextVersion) -> dg.AssetsDefinition:
    """The asset of one text version."""

    @stage_asset(TEXT_STAGES[version.name], reads={"html_parsing": HTML_PARSING})
    def asset(html_parsing: Upstream) -> Build:
        return Build(
            inputs=lambda day: {"pages": html_parsing.day_files(day)},
            compute=lambda pages: texts.normalize_day(pages, version),
            parameters={"rules": version.steps},
            process=[Step(step=step["step"], parameters=step["parameters"]) for step in version.steps],
        )

    return asset


text_normalizations = [text_normalization(version) for version in TEXT_VERSIONS.values()]
