"""How the golden lake was written, once.

Belongs here: the story of the lake beside this file, and what is expected of it, told without the reader's code.
Does not belong here: the test, which only reads (`test_golden`).

The lake is never written again: it stands for those that people have. A release that changes the layout or
metadata.json gets a golden lake of its own beside this one and goes on reading this one. This runs with the release
that wrote it, whose stages these were: `annotated` is made from more of them now.

    python -m html_classification_tests.golden.write FOLDER
"""

import gzip
import json
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg
import polars as pl

from html_classification.automation.ranges import run_range
from html_classification.lake.upkeep import gc
from html_classification_tests.pages import Project, day_pages, lines, page

STAGES = ["raw", "preprocess/url_normalization", "preprocess/html_parsing", "preprocess/text_normalization_v1"]
STAGES += ["preprocess/text_normalization_v2", "labels", "annotated"]
SNAPSHOT = "before-the-second-crawl"


def write(folder: Path) -> None:
    """Two days: crawled, crawled again twice, labelled anew, rolled back, cleaned up."""
    project = Project(folder)
    with dg.DagsterInstance.ephemeral() as instance, patch("platform.node", lambda: "golden"):
        first, second = project.write_days(2, each=1)
        run = _runner(project, instance)
        run([first, second])
        project.lake.create_snapshot(SNAPSHOT, reason="what the first crawl gave")
        _crawl_again(project, first, "cooking", b"this line is no JSON\n")
        run([first])
        _crawl_again(project, first, "sports", b"")
        run([first])
        labels = [json.loads(line) for line in project.labels.read_text().splitlines()]
        labels[-1]["category"] = "sports"
        project.labels.write_text("".join(json.dumps(label) + "\n" for label in labels))
        run([second])
        before = project.lake.history("annotated", second)[-2]
        dataset = project.lake.dataset("annotated", second, before.version)
        project.lake.publish(dataset, run=None, reason="rollback: the new label was wrong")
        gc.collect(project.lake, gc.plan(project.lake, keep_days=0, grace=timedelta(0)))
    (folder / "expected.json").write_text(json.dumps(_expected(folder / "lake"), indent=1, sort_keys=True) + "\n")


def _runner(project: Project, instance: dg.DagsterInstance) -> Callable[[list[date]], None]:
    def run(days: list[date]) -> None:
        result = run_range(project.defs(), instance, {dg.AssetKey(name.split("/")) for name in STAGES}, days)
        if result.failed:
            message = str(result.failed)
            raise RuntimeError(message)

    return run


def _crawl_again(project: Project, day: date, category: str, bad_line: bytes) -> None:
    pages = [*day_pages(day, each=1), page(category, 100)]
    data = lines(pages, day) + bad_line
    project.write_drop(day, gzip.compress(data, mtime=0), "html-documents.jsonl.gz")


def _expected(lake: Path) -> dict[str, Any]:
    """What is in the lake, found by the names of its files and nothing else."""
    published = sorted(lake.glob("**/published/*.json"), key=lambda path: path.name)
    as_of: dict[str, dict[str, dict[str, str]]] = {}
    current: dict[str, dict[str, str]] = {}
    for path in published:
        time, version = path.stem.split("-")
        stage = path.parents[2].relative_to(lake).as_posix()
        current.setdefault(stage, {})[path.parents[1].name] = version
        as_of[time] = json.loads(json.dumps(current))
    versions = {}
    for folder in sorted({path.parent for path in [*lake.glob("**/metadata.json"), *lake.glob("**/removed.json")]}):
        parquet = folder / "html-documents.parquet"
        rows = json.loads(pl.read_parquet(parquet).write_json()) if parquet.exists() else None
        versions[folder.relative_to(lake).as_posix()] = {
            "removed": not (folder / "metadata.json").exists(),
            "rows": rows,
            "files": {}
            if rows
            else {path.name: path.stat().st_size for path in sorted(folder.glob("html-documents*"))},
        }
    return {"versions": versions, "as_of": as_of}


if __name__ == "__main__":
    write(Path(sys.argv[1]))
