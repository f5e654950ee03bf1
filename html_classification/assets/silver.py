"""Silver: one document a page, parsed, and its text in several versions."""

import dagster as dg

from html_classification.assets.stage_asset import stage_asset
from html_classification.lake import Build, Step, Upstream
from html_classification.schemas.html_parsing import HTML_PARSING
from html_classification.schemas.raw import RAW
from html_classification.schemas.text_normalization import text_normalization_stage
from html_classification.schemas.url_normalization import URL_NORMALIZATION
from html_classification.transforms.html import parse_documents
from html_classification.transforms.text.normalization import normalize_texts
from html_classification.transforms.text.versions import TEXT_VERSIONS, TextVersion
from html_classification.transforms.urls import normalize_documents

#: The stage of each text version.
TEXT_STAGES = {name: text_normalization_stage(name, version.describe()) for name, version in TEXT_VERSIONS.items()}

#: The parser that pages are parsed with.
ENGINE = "lexbor"


@stage_asset(URL_NORMALIZATION, reads={"raw": RAW})
def url_normalization(raw: Upstream) -> Build:
    """One document a page: the freshest copy of each normalized URL."""
    return Build(
        inputs=lambda day: {"raw": raw.day(day)},
        compute=normalize_documents,
        process=[
            Step(step="normalize URLs by the WHATWG rules"),
            Step(step="remove tracking parameters and fragments, sort the query"),
            Step(step="keep the freshest copy of each URL"),
        ],
    )


@stage_asset(HTML_PARSING, reads={"url_normalization": URL_NORMALIZATION})
def html_parsing(url_normalization: Upstream) -> Build:
    """What each page says, without its markup."""
    return Build(
        inputs=lambda day: {"documents": url_normalization.day(day)},
        compute=lambda documents: parse_documents(documents, engine=ENGINE),
        parameters={"engine": ENGINE},
        process=[
            Step(step="parse HTML", parameters={"engine": ENGINE}),
            Step(step="extract the main content"),
            Step(step="detect the language"),
            Step(step="mark exact and near duplicates"),
        ],
    )


def text_normalization(version: TextVersion) -> dg.AssetsDefinition:
    """The asset of one text version."""

    @stage_asset(TEXT_STAGES[version.name], reads={"html_parsing": HTML_PARSING})
    def asset(html_parsing: Upstream) -> Build:
        return Build(
            inputs=lambda day: {"pages": html_parsing.day(day, ["url", "title", "content", "language", "timestamp"])},
            compute=lambda pages: normalize_texts(pages, version),
            parameters={"rules": version.steps},
            process=[Step(step=step["step"], parameters=step["parameters"]) for step in version.steps],
        )

    return asset


text_normalizations = [text_normalization(version) for version in TEXT_VERSIONS.values()]
