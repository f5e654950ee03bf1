"""Rebuilding with another release than the one that built it: what is other is said, and where to get the former.

Belongs here: other code, columns, parameters, sources, stages and packages, and code that fails. Does not belong here:
a lake that is other than it was (`test_damage`).
"""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from html_classification.assets import gold, silver, training
from html_classification.assets.stage_asset import STAGE_FUNCTIONS
from html_classification.lake import Lake
from html_classification.lake.recipe import Recipe
from html_classification.reproduction.differences import other_recipe
from html_classification.schemas.annotated import ANNOTATED
from html_classification.schemas.columns import Stage
from html_classification.schemas.duplicates import DUPLICATES
from html_classification.schemas.labeling_queue import LABELING_QUEUE
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.raw import RAW
from html_classification_tests.pages import FIRST_DAY, Project
from html_classification_tests.reproduction.rebuilds import (
    HTML_PARSING,
    change,
    current,
    reproduce,
    spoil,
    statuses,
)


def test_another_code_version_is_said_with_the_commit_to_check_out(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(monkeypatch, HTML_PARSING, code_version="x")
    version = current(lake, HTML_PARSING, FIRST_DAY)
    metadata = lake.metadata(HTML_PARSING, FIRST_DAY)
    commit = "0123456789012345678901234567890123456789"
    context = metadata.context.model_copy(update={"git_commit": commit})
    spoil(lake, version, "metadata.json", metadata.model_copy(update={"context": context}).to_json())
    verdicts = reproduce(lake, [current(lake, "training-set", FIRST_DAY)], tmp_path / "scratch")
    assert verdicts[version].status == "differs"
    assert verdicts[version].reason == (
        f"this release computes it otherwise: code_version x, was {metadata.recipe['code_version']}; check out {commit}"
    )
    assert statuses(verdicts) == {
        "same": {"raw", "preprocess/url-normalization"},
        "differs": {HTML_PARSING},
        "not tried": {"preprocess/text-normalization/v2", "labels", "annotators", "annotated", "training-set"},
    }


def test_other_columns_parameters_and_sources_are_said(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(monkeypatch, "annotated", model=STAGE_FUNCTIONS["labels"].stage.model)
    monkeypatch.setattr(silver, "ENGINE", "reference")
    monkeypatch.setattr(training, "WINDOW_DAYS", 1)
    day = date(2026, 3, 2)
    annotated, parsed = current(lake, "annotated", day), current(lake, HTML_PARSING, day)
    of_parsing = reproduce(lake, [parsed], tmp_path / "1")[parsed]
    assert 'parameter engine "reference", was "lexbor"; check out ' in of_parsing.reason
    monkeypatch.undo()
    monkeypatch.setenv("HTML_CLASSIFICATION_LABELS", str(tmp_path / "none.jsonl"))
    monkeypatch.setattr(training, "WINDOW_DAYS", 1)
    training_set = current(lake, "training-set", day)
    reason = reproduce(lake, [training_set], tmp_path / "2")[training_set].reason
    assert "parameter window_days 1, was 30" in reason
    assert f"annotated {FIRST_DAY} html-documents.parquet" in reason
    assert reason.endswith("not read; set HTML_CLASSIFICATION_TRAINING_WINDOW_DAYS=30")
    monkeypatch.undo()
    monkeypatch.setenv("HTML_CLASSIFICATION_LABELS", str(tmp_path / "none.jsonl"))
    change(monkeypatch, "annotated", model=STAGE_FUNCTIONS["labels"].stage.model)
    reason = reproduce(lake, [annotated], tmp_path / "3")[annotated].reason
    assert "column content_sha1 is new" in reason
    assert "column title is gone" in reason


@pytest.mark.parametrize(
    ("stage", "name", "then", "now", "advice"),
    [
        (ANNOTATED, "window_days", 30, 7, "set HTML_CLASSIFICATION_TRAINING_WINDOW_DAYS=30"),
        (DUPLICATES, "window_days", 30, 7, "set HTML_CLASSIFICATION_DUPLICATE_WINDOW_DAYS=30"),
        (ANNOTATED, "categories", ["cooking", "sports"], [], "set HTML_CLASSIFICATION_CATEGORIES=cooking,sports"),
        (ANNOTATED, "categories", [], ["cooking"], "set HTML_CLASSIFICATION_CATEGORIES="),
        (LABELING_QUEUE, "size", 100, 7, "set HTML_CLASSIFICATION_LABELING_QUEUE_SIZE=100"),
        (ANNOTATED, "size", 100, 7, "check out "),
        (LABELING_QUEUE, "seed", 0, 7, "check out "),
    ],
)
def test_a_setting_that_was_another_is_named(
    three_days: Project, stage: Stage, name: str, then: Any, now: Any, advice: str
) -> None:
    metadata = three_days.lake.metadata("annotated", FIRST_DAY)
    recipe = metadata.recipe | {"parameters": {name: then}}
    today = Recipe.model_validate(recipe | {"parameters": {name: now}})
    told = other_recipe(metadata.model_copy(update={"recipe": recipe}), stage, today)
    assert f"parameter {name} {json.dumps(now)}, was {json.dumps(then)}; {advice}" in told


def test_categories_of_now_are_none_of_then(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTML_CLASSIFICATION_CATEGORIES", "gardening")
    version = current(lake, "annotated", FIRST_DAY)
    verdicts = reproduce(lake, [version], tmp_path / "scratch")
    assert verdicts[current(lake, "labels", FIRST_DAY)].status == "same"
    assert verdicts[version].status == "differs"
    assert verdicts[version].reason.endswith('categories ["gardening"], was []; set HTML_CLASSIFICATION_CATEGORIES=')


def test_a_stage_that_this_release_does_not_have_gets_a_clear_line(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(STAGE_FUNCTIONS, "preprocess/text-normalization/v2")
    version = current(lake, "preprocess/text-normalization/v2", FIRST_DAY)
    annotated = current(lake, "annotated", FIRST_DAY)
    verdicts = reproduce(lake, [annotated], tmp_path / "scratch")
    assert verdicts[version].status == "cannot"
    assert verdicts[version].reason.startswith("this release has no stage preprocess/text-normalization/v2; check out ")
    assert (verdicts[annotated].status, verdicts[annotated].reason) == ("not tried", f"depends on {version}")


def test_a_stage_that_reads_others_now_is_said(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = STAGE_FUNCTIONS["annotated"]
    reads = {name: stage for name, stage in known.reads.items() if name != "texts"} | {"raw": RAW}
    monkeypatch.setitem(STAGE_FUNCTIONS, "annotated", replace(known, reads=reads))
    version = current(lake, "annotated", FIRST_DAY)
    verdict = reproduce(lake, [version], tmp_path / "scratch")[version]
    assert verdict.status == "differs"
    assert "raw is read too, preprocess/text-normalization/v2 is read no more; check out " in verdict.reason


def test_a_computation_that_gives_other_bytes_for_the_same_recipe_differs(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def otherwise(*given: pl.DataFrame, **options: Any) -> Outcome:
        outcome = annotate(*given, **options)
        return replace(outcome, frame=outcome.frame.with_columns(text="!" + pl.col("text")))

    annotate = gold.annotate
    monkeypatch.setattr(gold, "annotate", otherwise)
    version = current(lake, "annotated", FIRST_DAY)
    metadata = lake.metadata("annotated", FIRST_DAY)
    packages = metadata.context.packages | {"polars": "1.99"}
    context = metadata.context.model_copy(update={"packages": packages})
    spoil(lake, version, "metadata.json", metadata.model_copy(update={"context": context}).to_json())
    verdict = reproduce(lake, [version], tmp_path / "scratch")[version]
    assert verdict.status == "differs"
    assert {file.path for file in verdict.files} == {"html-documents.parquet", "sample.jsonl"}
    assert all(file.in_lake == file.recorded != file.rebuilt for file in verdict.files)
    assert f"other packages: polars {pl.__version__}, was 1.99" in verdict.reason


def test_a_computation_that_fails_fails_alone(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: pl.DataFrame, **__: Any) -> Outcome:
        raise ZeroDivisionError("nothing\nto divide")

    monkeypatch.setattr(gold, "annotate", broken)
    day = date(2026, 3, 2)
    version, training_set = current(lake, "annotated", day), current(lake, "training-set", day)
    verdicts = reproduce(lake, [training_set], tmp_path / "scratch")
    assert (verdicts[version].status, verdicts[version].reason) == ("cannot", "ZeroDivisionError: nothing")
    assert verdicts[training_set].status == "not tried"
    assert verdicts[current(lake, "labels", day)].is_good
