"""Models on the same rows: stored answers where they were tested on the same, and else what the models say now."""

from collections.abc import Collection
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from html_classification.lake import Lake
from html_classification.schemas.training import TRAINING_SET
from html_classification.training.errors import TrainingError
from html_classification.training.same_rows import SameRows, on_same_rows
from html_classification.training.side_by_side import board_of, side_by_side
from html_classification_tests.training.models_in_lake import Row, id_of, put_model
from html_classification_tests.training.models_in_lake_and_mlflow import COOKING, SPORTS, V1, Models, pages

DAY, NEXT = date(2026, 3, 1), date(2026, 3, 2)
#: What the models of the first day have learned from.
LEARNED = pages("a", "train", 6)
#: What those of the next day are tested on.
TESTED = pages("n", "test", 20)


@pytest.fixture
def models(tmp_path: Path) -> Models:
    return Models.below(tmp_path)


def compared(models: Models, *numbers: int) -> SameRows:
    return on_same_rows(models.lake, models.uri, models.find(*numbers))


def urls(found: SameRows) -> list[list[str]]:
    return [frame["url"].to_list() for frame in found.answers]


def test_models_of_one_training_set_are_not_run(models: Models) -> None:
    some = [*LEARNED, *pages("n", "test", 3)]
    old = models.put(DAY, some, wrong=["n-sports-0"], stored=False)
    new = models.put(DAY, some, stored=False, refined={"a-sports-0": ("sports", "kept")})
    found = compared(models, old, new)
    assert (found.which, found.note, found.enough) == ("the same", "tested on the same 6 rows", True)
    assert [int((frame["category"] == frame["predicted"]).sum()) for frame in found.answers] == [5, 6]


def test_models_of_two_days_answer_the_test_rows_of_the_newer_whatever_the_order(models: Models) -> None:
    misleading = [replace(row, text=COOKING) if row.page in ("n-sports-0", "n-sports-1") else row for row in TESTED]
    old = models.put(DAY, [*LEARNED, *pages("o", "test", 4)])
    new = models.put(NEXT, [*pages("b", "train", 6), *misleading], wrong=["n-cooking-0"])
    found = compared(models, old, new)
    assert found.which == "answered anew"
    assert found.note == f"tested on different rows: here all answer the 40 test rows of version {new}"
    assert urls(found) == [sorted(row.url for row in TESTED)] * 2
    wrong = [frame.filter(pl.col("category") != pl.col("predicted"))["url"].to_list() for frame in found.answers]
    assert wrong == [[f"https://a.example/n-sports-{n}" for n in (0, 1)], ["https://a.example/n-cooking-0"]]
    other_way = compared(models, new, old)
    assert [frame.equals(other) for frame, other in zip(found.answers, reversed(other_way.answers), strict=True)]
    assert other_way.note == found.note
    figures = side_by_side(found)
    assert (figures.compared_rows, figures.metrics[0].before, figures.metrics[0].after) == (40, 0.95, 0.975)
    assert figures.comparison is not None
    assert (figures.comparison.won, figures.comparison.lost) == (2, 1)


def test_without_rows_that_one_has_learned_from_and_their_copies(models: Models) -> None:
    learned = Row("n-sports-0", "sports", text=SPORTS)
    old = models.put(DAY, [*LEARNED, learned, *pages("o", "test", 4)])
    copies = [replace(row, copy_of="n-sports-0") if row.page == "n-sports-1" else row for row in TESTED]
    new = models.put(NEXT, [*pages("b", "train", 6), *copies])
    found = compared(models, old, new)
    assert found.note.endswith(f"of version {new}, without the 2 that one of them has learned from: 38")
    assert not {"https://a.example/n-sports-0", "https://a.example/n-sports-1"} & set(urls(found)[0])


def test_near_duplicates_count_as_one(models: Models) -> None:
    old = models.put(DAY, [*LEARNED, *pages("o", "test", 4)])
    copies = [replace(row, copy_of="n-sports-0", text=COOKING) if row.category == "sports" else row for row in TESTED]
    figures = side_by_side(compared(models, old, models.put(NEXT, [*pages("b", "train", 6), *copies])))
    assert figures.comparison is not None
    assert (figures.comparison.rows, figures.comparison.clusters, figures.comparison.won) == (40, 21, 1)


def test_the_texts_are_those_that_the_newer_has_read(models: Models) -> None:
    old = models.put(DAY, [*LEARNED, *pages("o", "test", 4)])
    new = models.put(NEXT, [*pages("b", "train", 6), *TESTED])
    before = compared(models, old, new)
    put_model(models.lake, NEXT, [replace(row, text=COOKING) for row in TESTED])  # the day is built again
    after = compared(models, old, new)
    assert [frame.equals(other) for frame, other in zip(before.answers, after.answers, strict=True)] == [True, True]


def test_another_text_version_is_read_as_it_is_now(models: Models) -> None:
    old = models.put(DAY, [*LEARNED, *pages("o", "test", 4)], stage=V1)
    new = models.put(NEXT, [*pages("b", "train", 6), *TESTED])
    missing = compared(models, old, new)
    assert missing.which == "in common"
    assert "the lake has no preprocess/text-normalization/v1 of the days of" in missing.note
    put_model(models.lake, NEXT, [*pages("b", "train", 6), *TESTED], stage=V1)
    assert compared(models, old, new).which == "answered anew"


@pytest.mark.parametrize("in_common", [10, 16])
def test_a_model_that_cannot_be_loaded_is_compared_on_rows_in_common(models: Models, in_common: int) -> None:
    old = models.put(DAY, [*LEARNED, *pages("n", "test", in_common)], wrong=["n-sports-0"], stored=False)
    found = compared(models, old, models.put(NEXT, [*pages("b", "train", 6), *TESTED]))
    assert (found.which, found.enough) == ("in common", in_common == 16)
    start = "tested on different rows: these figures are of the 32" if found.enough else "only 20 rows"
    assert found.note.startswith(f"{start} in common")
    assert f"others cannot be answered: version {old} cannot be loaded from MLflow (" in found.note
    assert "pipeline.skops" in found.note
    figures = side_by_side(found)
    assert (figures.compared_rows, figures.metrics[0].after) == (2 * in_common, 1.0)
    assert figures.metrics[0].before == pytest.approx(1 - 1 / (2 * in_common))


def test_rules_that_a_model_has_not_learned_by_are_no_comparison(models: Models) -> None:
    old = models.put(DAY, [*LEARNED, *pages("o", "test", 4)])
    found = compared(models, old, models.put(NEXT, [*pages("b", "train", 6), *TESTED], rules=[{"step": "other"}]))
    assert f"version {old} learned from texts v2 by other rules than theirs" in found.note


def test_too_few_rows_are_no_comparison(models: Models) -> None:
    some = pages("n", "test", 5)
    old, new = models.put(DAY, [*LEARNED, *pages("o", "test", 4)]), models.put(NEXT, [*pages("b", "train", 6), *some])
    found = compared(models, old, new)
    note = f"only 10 rows in common: too few to compare (the 10 test rows of version {new})"
    assert (found.which, found.enough, found.note) == ("answered anew", False, note)
    with pytest.raises(TrainingError, match="only 10 rows in common"):
        board_of(models.find(old, new), found)
    assert side_by_side(found).comparison is not None


def test_where_one_has_learned_from_all_there_is_nothing(models: Models) -> None:
    old = models.put(DAY, [*[replace(row, split="train") for row in TESTED], *pages("o", "test", 4)])
    found = compared(models, old, models.put(NEXT, [*pages("b", "train", 6), *TESTED]))
    assert "one of them has learned from each test row of version 2" in found.note
    figures = side_by_side(found)
    assert (figures.compared_rows, figures.metrics, figures.comparison) == (0, [], None)


def test_many_are_ranked_on_the_test_rows_of_the_newest(models: Models) -> None:
    first = models.put(DAY, [*LEARNED, *pages("o", "test", 4)])
    second = models.put(NEXT, [*pages("b", "train", 6), *pages("p", "test", 4)])
    misleading = [replace(row, text=COOKING) if row.page == "n-sports-0" else row for row in TESTED]
    third = models.put(date(2026, 3, 3), [*pages("c", "train", 6), *misleading])
    asked = models.find(third, first, second)
    found = on_same_rows(models.lake, models.uri, asked)
    board = board_of(asked, found).frame
    assert board["test_rows"].to_list() == [40] * 3
    assert board["version"][0] == asked[0].version.version
    assert board["accuracy"].to_list() == [1.0, 0.975, 0.975]


def test_without_the_newest_training_set_it_is_said(models: Models) -> None:
    old = models.put(DAY, [*LEARNED, *pages("o", "test", 4)])
    new = models.put(NEXT, [*pages("b", "train", 6), *TESTED])
    forget(models.lake, DAY)
    assert "does not have what models of training-set-2026-03-01-" in compared(models, old, new).note


def forget(lake: Lake, day: date, stages: Collection[str] = (TRAINING_SET.name,)) -> None:
    """Lose stages of a day."""
    for stage in stages:
        lake.store.delete([item.path for item in lake.store.list(f"{stage}/{day}")])


def test_what_is_no_model_is_refused(models: Models) -> None:
    made = put_model(models.lake, DAY, [*LEARNED, *pages("o", "test", 4)])
    first = models.register(id_of(made))
    (model,) = models.find(first)
    texts = id_of(models.lake.dataset("preprocess/text-normalization/v2", DAY))
    with pytest.raises(TrainingError, match="names no training set among its sources"):
        on_same_rows(models.lake, models.uri, [model, replace(model, version=texts)])
