"""`models compare`: two models with metrics and data beside each other, the leaderboards, what cannot be compared."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from html_classification.lake import Build, Lake, RunInfo, materialize
from html_classification.schemas.training import LEADERBOARD
from html_classification.training import champions
from html_classification.training.effect import EffectRules
from html_classification.training.leaderboard import HeldOutRows, rank_day
from html_classification_tests.cli.command import LakeCommand, in_process
from html_classification_tests.training.models_in_lake import REFINED, Row, put_model, rows
from html_classification_tests.training.models_in_lake_and_mlflow import COOKING, SPORTS, Models, pages

DAY, NEXT = date(2026, 3, 1), date(2026, 3, 2)
URL = "https://a.example/"
TESTED = pages("n", "test", 20)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Models:
    found = Models.below(tmp_path)
    monkeypatch.setenv("HTML_CLASSIFICATION_LAKE", found.lake.uri)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", found.uri)
    return found


@pytest.fixture
def lake(made: Models) -> Lake:
    return made.lake


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> LakeCommand:
    return in_process("models", monkeypatch, capsys)


@pytest.fixture
def two(made: Models) -> tuple[int, int]:
    """A champion, and a challenger of the next day: other test rows, a page more to learn from, one relabelled."""
    learned = pages("a", "train", 6)
    former = made.put(DAY, [*learned, Row("e", "sports", text=SPORTS), *pages("o", "test", 4)])
    later = made.put(
        NEXT,
        [*learned, Row("e", "cooking", text=SPORTS), Row("new", "sports", text=SPORTS), *TESTED],
        wrong=["n-sports-0", "n-sports-1"],
    )
    champions.promote(made.uri, former)
    champions.settle(made.uri, later, champions.Decision(promoted=False, reason="equal"), against=former)
    return former, later


def test_champion_and_challenger_with_metrics_and_data(two: tuple[int, int], models: LakeCommand) -> None:
    said = models("compare")
    assert (said.code, said.err) == (0, "")
    assert said.lines[0].startswith("version 1 (champion): models/given-v2-complement-nb 2026-03-01 ")
    assert said.lines[1].startswith("version 2 (challenger): models/given-v2-complement-nb 2026-03-02 ")
    assert "tested on different rows: here all answer the 40 test rows of version 2" in said.lines
    (accuracy,) = [line.split() for line in said.lines if line.startswith("accuracy")]
    assert accuracy == ["accuracy", "1.000", "0.950", "-0.050"]
    (sports,) = [line for line in said.lines if line.startswith("sports ") and line.count(">") > 1]
    assert "1.000 > 0.900 (-0.100)" in sports
    assert any(line.startswith("version 2 is not distinguishable from version 1: only it is") for line in said.lines)
    (rows_said,) = [line for line in said.lines if line.startswith("rows: ")]
    assert rows_said == "rows: 41 added, 8 removed, 1 relabelled, 0 moved to train, 0 moved to test, 0 text changed"
    assert any(line.split() == ["sports", ">", "cooking", "1"] for line in said.lines)
    assert any(line.split()[:1] == ["relabelled"] and line.split()[-1] == f"{URL}e" for line in said.lines)


def test_json_is_an_array_of_one(two: tuple[int, int], models: LakeCommand) -> None:
    (found,) = json.loads(models("compare", "2", "1", "--json", "--examples", "0").out)
    assert [found[side]["version"] for side in ("before", "after")] == [2, 1]
    assert found["before"]["aliases"] == ["challenger"]
    assert (found["metrics"]["rows"], found["metrics"]["compared_rows"]) == ("answered anew", 40)
    assert found["metrics"]["note"].endswith("the 40 test rows of version 2")
    assert (found["data"]["removed"], found["data"]["relabelled"], found["data"]["examples"]) == (41, 1, [])


def test_one_model_is_compared_with_the_champion(two: tuple[int, int], models: LakeCommand) -> None:
    assert models("compare", "2").lines == models("compare", "champion", "challenger").lines
    assert models("compare", "1").error == "champion and 1: these are the same version"


def test_without_a_challenger_the_champion_meets_the_one_before(
    two: tuple[int, int], made: Models, models: LakeCommand
) -> None:
    champions.promote(made.uri, two[1])
    assert models("compare").lines == models("compare", "1", "2").lines


def test_too_few_rows_are_said_in_one_line_and_the_data_follow(made: Models, models: LakeCommand) -> None:
    made.put(DAY, [*pages("a", "train", 6), *pages("o", "test", 4)])
    made.put(NEXT, [*pages("a", "train", 6), *pages("n", "test", 3)])
    said = models("compare", "1", "2")
    assert said.code == 0
    assert "only 6 rows in common: too few to compare (the 6 test rows of version 2)" in said.lines
    assert not any(line.startswith(("metric", "accuracy", "version 2 is")) for line in said.lines)
    assert any(line.startswith("rows: 6 added, 8 removed") for line in said.lines)
    (found,) = json.loads(models("compare", "1", "2", "--json").out)
    assert (found["metrics"]["enough"], found["metrics"]["metrics"][0]["metric"]) == (False, "accuracy")
    assert found["metrics"]["note"].startswith("only 6 rows in common")


def test_more_than_two_are_ranked(two: tuple[int, int], made: Models, models: LakeCommand) -> None:
    misleading = [replace(row, text=COOKING) if row.page == "x-sports-0" else row for row in pages("x", "test", 20)]
    third = made.put(date(2026, 3, 3), [*pages("c", "train", 6), *misleading])
    board = json.loads(models("compare", *map(str, two), str(third), "--json").out)
    assert [(row["rank"], row["snapshot"][:23], row["accuracy"]) for row in board] == [
        (1, "training-set-2026-03-03", 1.0),
        (2, "training-set-2026-03-01", 0.975),
        (3, "training-set-2026-03-02", 0.975),
    ]
    assert board[0]["note"] == "tested on different rows: here all answer the 40 test rows of version 3"
    assert models("compare", *map(str, two), str(third)).lines[0] == board[0]["note"]


def test_the_leaderboard_of_a_day(lake: Lake, models: LakeCommand) -> None:
    assert models("compare", "--all").error.startswith("no leaderboard in ")
    for day, wrong in ((DAY, ["s0"]), (NEXT, [])):
        some = rows({}, {f"s{n}": "sports" for n in range(8)})
        made = [put_model(lake, day, some, wrong=wrong), put_model(lake, day, some, stage=REFINED, wrong=["s1", "s2"])]
        held_out = [
            HeldOutRows(one.metadata.stage, one.metadata.version, "training-set", 9, one.read()) for one in made
        ]
        sources = lake.read("training-set", day).with_columns(label_source=pl.lit("person:ann"))
        board = rank_day(held_out, sources, EffectRules())
        build = Build(inputs=lambda day: {}, compute=lambda board=board: board, parameters={"day": str(day)})
        materialize(lake, LEADERBOARD, build, day, RunInfo("leaderboard"))
    newest = models("compare", "--all")
    assert newest.lines == models("compare", "--date", "2026-03-02").lines
    assert newest.lines[0].startswith("refined labels do not help: macro-F1 0.857 against 1.000 (-0.143, ")
    first, second = (line.split() for line in newest.lines[2:4])
    assert first[:2] == ["1", "models/given-v2-complement-nb"]
    assert "1.000" in first
    assert (first[-1], second[-3:]) == ("yes", ["0.857", "-0.143", "no"])
    row, other = json.loads(models("compare", "--date", "2026-03-01", "--json").out)
    assert (row["accuracy"], row["against_best"]) == (0.875, "best")
    assert (row["may_be_promoted"], row["gain_macro_f1"], other["may_be_promoted"]) == (True, None, False)
    assert "has no version" in models("compare", "--date", "2026-03-05").error


def test_what_cannot_be_compared_says_so_in_one_line(made: Models, models: LakeCommand) -> None:
    assert models("compare").error.startswith("no registered model is champion (0 versions")
    for day in (DAY, NEXT):
        made.put(day, [*pages("a", "train", 6), *pages(f"o{day.day}", "test", 3)])
    assert models("compare", "1", "99").error.startswith("no registered model is 99 (2 versions")
    assert "exclude each other" in models("compare", "1", "--all").error
    champions.promote(made.uri, 1)
    assert models("compare").error.startswith("there is no challenger, and no champion before version 1: name two")
    for item in list(made.lake.store.list("models")):
        made.lake.store.delete([item.path])
    assert "has no version" in models("compare", "1", "2").error
