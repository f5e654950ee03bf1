"""A version in words: everything that its metadata say is told, and personal values are not."""

import json
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from html_classification.lake import Build, Dataset, Lake, RunInfo, Step, materialize
from html_classification.lake.metadata import Source
from html_classification.lake.show import describe
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.url_normalization import URL_NORMALIZATION
from html_classification_tests.lake.builds import DAY, TIME, pages, put_raw

HOSTILE = "[red]:smile: \x1b[2J\x07\n\u202e"
SHOWN = r"[red]:smile: \x1b[2J\x07\n\u202e"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def dataset(lake: Lake) -> Dataset:
    """A version that was made from raw, with something personal in an address."""
    line = {"url": "http://a.example", "html": "<p>", "timestamp": TIME.isoformat()}
    put_raw(lake, json.dumps(line).encode() + b"\ngarbage\n")
    rows = pages(a="1", b="2").with_columns(url=pl.format("{}/by/jane@doe.example", "url"))
    build = Build(
        inputs=lambda day: {"raw": lake.upstream("raw").day(day)},
        compute=lambda raw: Outcome(rows, figures={"not public": 0}),
        process=[Step(step="normalize URLs", parameters={"tracking": ["utm_source"]}), Step(step="keep the freshest")],
    )
    return materialize(lake, URL_NORMALIZATION, build, DAY, RunInfo("preprocess/url_normalization")).dataset


def printed(dataset: Dataset, width: int = 300) -> str:
    console = Console(width=width, force_terminal=False)
    with console.capture() as captured:
        for part in describe(dataset):
            console.print(part)
    return captured.get()


def words(text: str) -> str:
    """Without the blanks of tables."""
    return " ".join(text.split())


def test_everything_is_told(dataset: Dataset, lake: Lake) -> None:
    metadata, text = dataset.metadata, words(printed(dataset))
    assert text.startswith(
        f"{metadata.dataset}: preprocess/url-normalization {DAY}, version {metadata.version} (silver) "
        f"{metadata.description} at {dataset.uri} built "
    )
    assert f"rows {metadata.statistics.rows}, rejected 0" in text
    assert "audit passed" in text
    raw = lake.dataset("raw", DAY)
    assert f"raw {DAY} {raw.metadata.version} {raw.uri}/html-documents.jsonl" in text
    for check in metadata.checks:
        assert f"passed {check.describe()}" in text
    for number, step in enumerate(metadata.process, 1):
        assert f"{number} {step.step}" in text
    assert '(tracking=["utm_source"])' in text
    assert "not public: 0" in text
    for column in metadata.schema_:
        assert f"{column.name} {column.type}" in text
        assert words(f"{column.description} {column.business_meaning}") in text
    for file in metadata.files:
        assert f"{file.path} {file.bytes:,} {file.sha1}" in text
    assert "Sample, row 2" in text


def test_what_came_from_outside_and_what_was_refused_is_told(dataset: Dataset, lake: Lake) -> None:
    text = words(printed(lake.dataset("raw", DAY)))
    assert "rows 1, rejected 1" in text
    assert "crawl drop /html-documents.jsonl" in text


def test_personal_values_are_masked(dataset: Dataset) -> None:
    assert "jane" in dataset.read()["url"][0]
    assert "jane" not in printed(dataset)


def test_a_failed_audit_stands_out(dataset: Dataset) -> None:
    bad = [check.model_copy(update={"passed": check.name != "schema"}) for check in dataset.metadata.checks]
    text = words(printed(changed(dataset, checks=bad)))
    assert "audit FAILED: schema; it cannot be published" in text
    assert "FAILED schema: rows" in text


def test_frequent_values_are_told_shortened(dataset: Dataset) -> None:
    figures = {"nulls": 1, "distinct": 4, "most_frequent": {"sports": 1200, "": 3, "x" * 100: 2, "last": 1}}
    by_column = dataset.metadata.statistics.by_column | {"url": figures}
    text = words(
        printed(changed(dataset, statistics=dataset.metadata.statistics.model_copy(update={"by_column": by_column})))
    )
    assert f"1 nulls, 4 distinct, sports 1,200, (empty) 3, {'x' * 20} 2, …" in text


def test_a_window_of_days_is_one_line(dataset: Dataset) -> None:
    days = [f"2026-03-{day:02d}" for day in range(1, 31)]
    sources = [Source(uri=f"x/{day}", stage="annotated", date=day, version="0123456789ab", sha1="0") for day in days]
    text = words(printed(changed(dataset, sources=sources)))
    assert "annotated 2026-03-01 to 2026-03-30 30 files: --json names each" in text


def test_what_pages_and_people_wrote_has_no_effect_on_a_terminal(dataset: Dataset) -> None:
    hostile = changed(
        dataset,
        dataset=HOSTILE,
        description=HOSTILE,
        process=[Step(step=HOSTILE, parameters={HOSTILE: HOSTILE})],
        sources=[Source(uri=HOSTILE, description=HOSTILE)],
        sample=[{HOSTILE: HOSTILE, "list": [HOSTILE]}],
    )
    text = printed(hostile)
    assert "".join(character for character in text if not character.isprintable()).strip("\n") == ""
    assert text.count(SHOWN) >= 8


@pytest.mark.parametrize("width", [40, 80])
def test_narrow_terminals_get_everything_too(dataset: Dataset, width: int) -> None:
    narrow = printed(dataset, width)
    assert all(len(line) <= width for line in narrow.splitlines())
    sha1 = dataset.metadata.files[0].sha1
    assert sha1 in narrow or sha1[:8] in narrow  # folded where there is no room


def changed(version: Dataset, /, **values: object) -> Dataset:
    return Dataset(version.store, version.metadata.model_copy(update=values), version.metadata_sha1)
