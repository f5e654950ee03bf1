"""A version in words: everything that its metadata say is told, and personal values are not."""

import gzip

import dagster as dg
import pytest

from html_classification.automation.ranges import run_range
from html_classification.lake.dataset import Dataset
from html_classification.lake.show import describe
from html_classification_tests.pages import FIRST_DAY, Project, day_pages, lines


@pytest.fixture
def dataset(project: Project, instance: dg.DagsterInstance) -> Dataset:
    (day,) = project.write_days(1)
    # The address of a page may be personal data.
    secret = day_pages(day)[0] | {"url": "https://a.example/by/jane@doe.example"}
    project.write_drop(
        day, gzip.compress(lines([secret, *day_pages(day)], day) + b"garbage\n"), "html-documents.jsonl.gz"
    )
    keys = {dg.AssetKey("raw"), dg.AssetKey(["preprocess", "url_normalization"])}
    assert run_range(project.defs(), instance, keys, [day]).failed == []
    return project.lake.dataset("preprocess/url-normalization", day)


def test_everything_is_told(dataset: Dataset, project: Project) -> None:
    told = list(describe(dataset))
    metadata = dataset.metadata
    assert told[0].endswith(f"preprocess/url-normalization {FIRST_DAY}, version {metadata.version} (silver)")
    assert told[1] == metadata.description
    text = "\n".join(told)
    assert f"  at        {dataset.uri}" in told
    assert f"  rows      {metadata.statistics.rows}, rejected 0" in told
    raw = project.lake.dataset("raw", FIRST_DAY)
    assert f"  source    raw {FIRST_DAY} {raw.metadata.version} {raw.uri}/html-documents.jsonl.gz" in told
    assert len([line for line in told if line.startswith("  check     passed")]) == len(metadata.checks)
    assert [line for line in told if line.startswith("  step ")] == [
        f"  step      {step.step}" for step in metadata.process
    ]
    for column in metadata.schema_:
        assert column.business_meaning in text
    for file in metadata.files:
        assert f"  file      {file.path} {file.bytes} bytes, sha1 {file.sha1}" in told
    assert all("\n" not in line for line in told)


def test_what_came_from_outside_and_what_was_refused_is_told(dataset: Dataset, project: Project) -> None:
    told = list(describe(project.lake.dataset("raw", FIRST_DAY)))
    assert "  rows      13, rejected 1" in told
    drop = project.crawl / str(FIRST_DAY) / "html-documents.jsonl.gz"
    assert f"  source    crawl drop {drop}" in told


def test_personal_values_are_masked(dataset: Dataset) -> None:
    assert "jane" in dataset.read()["url"][0]
    samples = [line for line in describe(dataset) if line.startswith("  sample ")]
    assert len(samples) == 2
    assert "jane" not in "\n".join(describe(dataset))
