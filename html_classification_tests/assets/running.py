"""Running the real graph in tests, and what it left in the lake.

Belongs here: starting a range of days and looking at its outcome. Does not belong here: what the outcome should be.
"""

from datetime import date
from typing import Any

import dagster as dg

from html_classification.automation.ranges import RangeResult, run_range
from html_classification.lake import Lake
from html_classification_tests.pages import Project

#: What training is made from.
UP_TO_GOLD = ["raw", "preprocess/url_normalization", "preprocess/html_parsing", "annotated"]
UP_TO_GOLD += ["labels", "annotators", "preprocess/text_normalization_v1", "preprocess/text_normalization_v2"]


def keys(project: Project, names: list[str] | None = None) -> set[dg.AssetKey]:
    """The assets of these names; all where none are given."""
    if names is None:
        return set(project.defs().resolve_asset_graph().materializable_asset_keys)
    return {dg.AssetKey(name.split("/")) for name in names}


def run(
    project: Project,
    instance: dg.DagsterInstance,
    days: list[date],
    names: list[str] | None = None,
    **options: Any,
) -> RangeResult:
    """Materialize assets, all where no names are given, for days."""
    return run_range(project.defs(), instance, keys(project, names), days, **options)


def sha1s(lake: Lake) -> dict[tuple[str, str, str], str]:
    """SHA-1 of every file of every current version."""
    return {
        (row.stage, row.date, file.path): file.sha1
        for row in lake.ls()
        for file in lake.metadata(row.stage, row.date).files
    }


def statuses(result: RangeResult) -> dict[str, set[str]]:
    """The assets that were built, reused and failed."""
    found: dict[str, set[str]] = {}
    for report in result.reports:
        found.setdefault(report.status, set()).add(report.asset)
    return found


def materialized(instance: dg.DagsterInstance, name: str) -> set[str]:
    """The days that Dagster has of an asset."""
    return instance.get_materialized_partitions(dg.AssetKey(name.split("/")))
