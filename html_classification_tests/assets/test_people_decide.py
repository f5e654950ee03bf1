"""A label in doubt goes to a person and back through the real graph: the person decides, and is asked once."""

import json
from typing import Any

import dagster as dg
import polars as pl
import pytest

from html_classification_tests.assets.running import UP_TO_GOLD, run
from html_classification_tests.cli.command import in_process
from html_classification_tests.labeling.people import Said, export_json
from html_classification_tests.pages import Project

REFINED = [*UP_TO_GOLD, "training_set", "predictions", "post_train"]
PERSON = {"id": 1, "email": "ann@example.com"}


def plant_wrong_labels(project: Project, *indexes: int) -> set[str]:
    """Give some of the labels the next category; returns their addresses."""
    labels = [json.loads(line) for line in project.labels.read_text().splitlines()]
    names = sorted({label["category"] for label in labels})
    for index in indexes:
        given = names.index(labels[index]["category"])
        labels[index]["category"] = names[(given + 1) % len(names)]
    project.labels.write_text("".join(json.dumps(label) + "\n" for label in labels))
    return {labels[index]["url"] for index in indexes}


def test_what_a_person_has_decided_is_gold_and_is_never_asked_again(
    project: Project,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    labels = in_process("labels", monkeypatch, capsys)
    days = project.write_days(2, each=10)
    wrong = plant_wrong_labels(project, 0, 7, 14, 21, 33, 47)
    assert run(project, instance, days, REFINED).failed == []

    queue = json.loads(labels("review", "--json").out)
    assert {row["url"] for row in queue} & wrong
    assert labels("export", "--review", "-o", "tasks.json").code == 0
    tasks = json.loads((project.root / "tasks.json").read_text())
    assert [task["data"]["url"] for task in tasks] == [row["url"] for row in queue]
    # Of each a person has an opinion: every other label is right as it was given, whatever the machine says.
    said = {row["url"]: row["suggested_category"] if n % 2 else row["given_category"] for n, row in enumerate(queue)}
    said = {url: category or "sports" for url, category in said.items()}
    answers = [Said(number, (said[task["data"]["url"]],), PERSON) for number, task in enumerate(tasks)]
    (project.root / "export.json").write_bytes(export_json(tasks, *answers))
    assert labels("import", "export.json").code == 0

    def asked() -> set[str]:
        exported = labels("export", "--review")
        shown = {row["url"] for row in json.loads(labels("review", "--json").out)}
        tasks: list[dict[str, Any]] = json.loads(exported.out) if exported.code == 0 else []
        assert {task["data"]["url"] for task in tasks} == shown
        return shown

    assert asked() == set()  # before the days are run again
    assert run(project, instance, days, REFINED).failed == []
    assert not asked() & set(said)
    rows = project.lake.read("post-train", days[-1]).filter(pl.col("url").is_in(list(said)))
    assert dict(rows.select("url", "category").iter_rows()) == said
    assert set(rows["action"]) == {"kept"}
    assert set(rows["label_source"]) == {"person:ann@example.com"}
    assert rows["review_rank"].null_count() == rows.height == len(said)
