"""From labels to gold on the real graph: what changes with them, whose answer counts, and what each day warns of."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from html_classification.labeling.answers import Answer
from html_classification.labeling.imports import import_answers
from html_classification.lake import Lake
from html_classification_tests.assets.running import UP_TO_GOLD, run, statuses
from html_classification_tests.pages import WORDS, Project

GOLD = ["labels", "annotators", "annotated"]
PERSON = "person:ann@example.com"
CHECKS = [("labels", "all_bought"), ("annotators", "agreement")]
CHECKS += [("annotated", name) for name in ("share_labelled", "categories_known", "category_drift")]


def rows_sha1(lake: Lake, stage: str, days: list[date]) -> list[str]:
    """SHA-1 of the rows of each day."""
    return [lake.metadata(stage, day).data_files[0].sha1 for day in days]


def relabel(project: Project, changes: Mapping[int, Mapping[str, Any]]) -> None:
    """Change lines of the label file, by their index."""
    lines = project.labels.read_text().splitlines()
    for index, change in changes.items():
        lines[index] = json.dumps(json.loads(lines[index]) | change)
    project.labels.write_text("\n".join(lines) + "\n")


def answered(content_sha1: str, category: str) -> Answer:
    """What a person says of a text."""
    time = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)
    return Answer(content_sha1=content_sha1, annotator=PERSON, category=category, labelled_at=time, answer="{}")


def evaluations(instance: dg.DagsterInstance, asset: str, name: str) -> dict[str, dg.AssetCheckEvaluation]:
    """The latest of a check, by day."""
    key = dg.AssetCheckKey(dg.AssetKey(asset), name)
    history = instance.event_log_storage.get_asset_check_execution_history(key, limit=100)
    latest: dict[str, dg.AssetCheckEvaluation] = {}
    for record in history:
        if record.evaluation and record.evaluation.partition:  # none: what the step says of the range as a whole
            latest.setdefault(record.evaluation.partition, record.evaluation)
    return latest


def test_a_label_that_changes_gives_only_the_days_it_concerns_other_rows(
    project: Project, instance: dg.DagsterInstance
) -> None:
    days = project.write_days(3)
    names = [*UP_TO_GOLD, "training_set"]
    run(project, instance, days, names)
    before = {stage: rows_sha1(project.lake, stage, days) for stage in ("labels", "annotated")}
    relabel(project, {12: {"category": "sports"}})  # the first page of the second day
    result = run(project, instance, days, names)
    assert result.failed == []
    for stage, sha1s in before.items():
        changed = [old != new for old, new in zip(sha1s, rows_sha1(project.lake, stage, days), strict=True)]
        assert changed == [False, True, False], stage
    built = {(report.asset, report.day) for report in result.reports if report.status == "built"}
    assert {day for asset, day in built if asset == "labels"} == set(days)  # the file is a source of all of them
    # The days after it have the label in their window; those before it are not computed again.
    assert {day for asset, day in built if asset in ("annotators", "annotated", "training_set")} == set(days[1:])
    upstream = set(UP_TO_GOLD) - set(GOLD)
    assert not {asset for asset, _ in built} & upstream


def test_what_a_person_says_of_a_text_overrides_the_label_file_wherever_the_text_is(
    project: Project, instance: dg.DagsterInstance
) -> None:
    days = project.write_days(3)
    again = (project.crawl / str(days[0]) / "html-documents.jsonl.gz").read_bytes()
    project.write_drop(days[1], again, "html-documents-2.jsonl.gz")  # the pages of the first day, on the second too
    run(project, instance, days, UP_TO_GOLD)
    pages = project.lake.read("preprocess/html-parsing", days[0])
    url, content_sha1 = pages.select("url", "content_sha1").row(0)
    before = {day: project.lake.read("annotated", day) for day in days}
    (given,) = before[days[0]].filter(url=url)["category"]
    said = next(category for category in WORDS if category != given)
    import_answers(project.lake.store, [answered(content_sha1, said)], [])

    result = run(project, instance, days, GOLD)
    assert result.failed == []
    labels = project.lake.read("labels", days[0]).filter(url=url).sort("annotator")
    assert labels.select("annotator", "category", "content_sha1").rows() == [
        ("file:labels.jsonl", given, content_sha1),
        (PERSON, said, content_sha1),
    ]
    for day in days:
        now = project.lake.read("annotated", day)
        where = now["url"] == url
        assert where.sum() == (0 if day == days[2] else 1)
        assert now.filter(~where).equals(before[day].filter(before[day]["url"] != url))
        for row in now.filter(where).iter_rows(named=True):
            assert (row["category"], row["label_source"], row["annotators"]) == (said, PERSON, 1)
    sources = [source.description for source in project.lake.metadata("labels", days[1]).sources if not source.stage]
    assert sources == ["label store: 0 bought answers, 1 of people", "label file"]
    people = project.lake.read("annotators", days[2]).filter(annotator=PERSON)
    assert people["labels"].to_list() == [1]  # a text counts once, on however many days it was crawled
    assert set(statuses(run(project, instance, days, UP_TO_GOLD))) == {"reused"}


def test_the_checks_of_labels_are_recorded_for_each_day_of_a_range(
    project: Project, instance: dg.DagsterInstance
) -> None:
    days = project.write_days(3, each=10)
    # Of the second day most pages have no label; on the third one category has taken nearly everything.
    relabel(project, {index: {"url": f"https://elsewhere.example/{index}"} for index in range(30, 55)})
    relabel(project, {index: {"category": "sports"} for index in range(60, 89)})
    result = run(project, instance, days, UP_TO_GOLD)
    assert result.failed == []
    found = {name: evaluations(instance, asset, name) for asset, name in CHECKS}
    passed = {name: [by_day[str(day)].passed for day in days] for name, by_day in found.items()}
    assert passed == {
        "all_bought": [True, True, True],
        "agreement": [True, True, True],
        "share_labelled": [True, False, True],
        "categories_known": [True, True, True],
        "category_drift": [True, True, False],
    }
    for asset, name in CHECKS:
        by_day = found[name]
        assert set(by_day) == {str(day) for day in days}
        for day in days:
            evaluation, metadata = by_day[str(day)], project.lake.metadata(asset, day)
            assert (evaluation.severity, evaluation.blocking) == (dg.AssetCheckSeverity.WARN, False)
            (recorded,) = [check for check in metadata.checks if check.name == name]
            assert recorded.passed == evaluation.passed
            figures = {key: value.value for key, value in evaluation.metadata.items() if key != "failed"}
            assert figures == recorded.figures
    share = found["share_labelled"][str(days[1])].metadata
    assert (share["pages"].value, share["labelled"].value) == (30, 5)
    exploded = found["category_drift"][str(days[2])].metadata["exploded"].value
    assert str(exploded).startswith("sports (")
