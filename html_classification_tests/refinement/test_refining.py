"""The whole of the refinement, on rows as the graph has them."""

import datetime as dt

import polars as pl
import pytest

from html_classification.refinement.refining import RefinementRules, refine
from html_classification.refinement.repair import DECIDED
from html_classification.schemas.post_train import PostTrain
from html_classification.schemas.training import PREDICTIONS
from html_classification.training.algorithms import ALGORITHMS
from html_classification.training.out_of_sample import cross_validate, out_of_sample
from html_classification_tests.training.corpus import flip, invented_pages

pytestmark = pytest.mark.filterwarnings("error")
LAST_DAY = dt.date(2026, 3, 14)
LOGISTIC = ALGORITHMS["logistic-regression"]


def rows_of(pages: pl.DataFrame, split: pl.Expr | None = None) -> pl.DataFrame:
    return pages.with_columns(
        split=pl.lit("train") if split is None else split, label_source=pl.lit("api:x/1"), language=pl.lit("en")
    )


def refined(rows: pl.DataFrame, rules: RefinementRules | None = None) -> pl.DataFrame:
    outcome = refine(rows, cross_validate(rows, LOGISTIC).frame, LAST_DAY, rules)
    PostTrain.validate(outcome.frame)
    return outcome.frame


def test_planted_flips_are_repaired_or_queued() -> None:
    original = invented_pages(150)
    pages, flipped = flip(original, 0.1)
    frame = refined(rows_of(pages))
    assert frame.height == frame["url"].n_unique() == 150
    touched = set(frame.filter(pl.col("action").is_in(["relabelled", "review"]))["url"])
    assert len(touched & flipped) >= 13
    assert len(touched - flipped) <= 3
    relabelled = frame.filter(action="relabelled")
    truth = dict(original.select("url", "category").iter_rows())
    assert [truth[url] for url in relabelled["url"]] == relabelled["category"].to_list()
    assert frame["given_category"].to_list() == pages.sort("url")["category"].to_list()
    assert frame["review_rank"].drop_nulls().sort().to_list() == list(
        range(1, frame.filter(action="review").height + 1)
    )


def test_a_label_of_a_person_stays_and_is_not_asked_again() -> None:
    pages, flipped = flip(invented_pages(150), 0.1)
    by_person = pl.when(pl.col("url").is_in(sorted(flipped))).then(pl.lit("person:ann")).otherwise("label_source")
    frame = refined(rows_of(pages).with_columns(label_source=by_person))
    decided = frame.filter(pl.col("url").is_in(sorted(flipped)))
    assert set(decided["action"]) == {"kept"}
    assert decided["category"].to_list() == decided["given_category"].to_list()
    assert decided["review_rank"].null_count() == decided.height
    doubted = decided.filter(pl.col("issues").list.contains("label_error"))
    assert doubted.height >= 13
    assert set(doubted["reasons"].list.last()) == {DECIDED}


def test_labels_of_test_rows_have_no_part_in_what_becomes_of_train_rows() -> None:
    flipped, _ = flip(invented_pages(150), 0.2)
    sides = pl.when(pl.int_range(pl.len()) < 100).then(pl.lit("train")).otherwise(pl.lit("test"))
    pages = rows_of(flipped, sides)
    columns = ["url", "action", "category", "issues", "reasons", "label_quality", "outlier_score"]

    def train_rows(test_labels: pl.Expr) -> pl.DataFrame:
        rows = pages.with_columns(category=pl.when(pl.col("split") == "test").then(test_labels).otherwise("category"))
        found = out_of_sample(rows, LOGISTIC).frame
        return refine(rows, found, LAST_DAY).frame.filter(split="train").select(columns)

    given = train_rows(pl.col("category"))
    assert given["action"].n_unique() > 1
    assert train_rows(pl.col("category").shuffle(seed=1)).equals(given)
    assert train_rows(pl.lit("sports")).equals(given)
    assert train_rows(pl.lit("a category of test rows only")).equals(given)


def test_a_row_without_a_prediction_is_kept() -> None:
    rows = rows_of(invented_pages(60))
    outcome = refine(rows, cross_validate(rows, LOGISTIC).frame.head(59), LAST_DAY)
    last = outcome.frame.row(-1, named=True)
    assert (last["action"], last["label_quality"], last["suggested_category"]) == ("kept", 1.0, None)
    assert outcome.figures["not_judged"] == 1


def test_what_was_said_of_another_label_is_not_said_of_this_one() -> None:
    pages, flipped = flip(invented_pages(150), 0.1)
    found = cross_validate(rows_of(pages), LOGISTIC).frame
    frame = refine(rows_of(invented_pages(150)), found, LAST_DAY).frame
    corrected = frame.filter(pl.col("url").is_in(sorted(flipped)))
    assert set(corrected["action"]) == {"kept"}
    assert set(corrected["label_quality"]) == {1.0}


def test_useless_pages_are_dropped_with_the_reason() -> None:
    pages = invented_pages(120)
    strange = pages.head(2).with_columns(
        url=pl.Series(["https://z.example/1", "https://z.example/2"]),
        duplicate_cluster=pl.Series(["https://z.example/1", "https://z.example/2"]),
        text=pl.Series(["", "zzxx qqyy wwvv uutt ssrr ppoo nnmm llkk jjii hhgg ffee ddcc"]),
    )
    frame = refined(rows_of(pl.concat([pages, strange])))
    dropped = frame.filter(action="dropped")
    assert dropped["url"].to_list() == strange["url"].to_list()
    assert ["empty_text" in dropped["issues"][0], "off_topic" in dropped["issues"][1]] == [True, True]
    assert all(len(reasons) >= 1 for reasons in dropped["reasons"])


def test_figures_are_those_of_the_window_and_of_the_day() -> None:
    pages, _ = flip(invented_pages(150), 0.1)
    rows = rows_of(pages)
    outcome = refine(rows, cross_validate(rows, LOGISTIC).frame, LAST_DAY)
    figures = outcome.figures
    assert figures["day_rows"] == rows.filter(day=LAST_DAY).height > 0
    assert sum(int(figures[action]) for action in ("kept", "relabelled", "dropped", "review")) == rows.height
    assert 0 < float(figures["issue_share"]) < 0.2
    assert figures["label_errors_of_api"] == round(int(figures["label_error"]) / rows.height, 6)
    assert 0.5 < float(figures["day_label_quality"]) <= 1
    assert [check.name for check in outcome.checks] == ["no_drift", "few_changes"]
    assert all(check.passed and not check.blocking for check in outcome.checks)


def test_when_too_much_would_change_the_check_says_so() -> None:
    pages, _ = flip(invented_pages(150), 0.1)
    rows = rows_of(pages)
    rules = RefinementRules.model_validate({"repair": {"most_changed": 0.01}})
    outcome = refine(rows, cross_validate(rows, LOGISTIC).frame, LAST_DAY, rules)
    assert set(outcome.frame["action"]) == {"kept", "review"}
    few_changes = outcome.checks[-1]
    assert not few_changes.passed
    assert few_changes.figures["held_back"] > 5


def test_no_rows() -> None:
    empty = rows_of(invented_pages(3)).head(0)
    outcome = refine(empty, PREDICTIONS.empty(), LAST_DAY)
    PostTrain.validate(outcome.frame)
    assert outcome.figures["kept"] == 0


def test_the_same_rows_give_the_same_bytes_in_any_order() -> None:
    pages, _ = flip(invented_pages(150), 0.1)
    rows = rows_of(pages)
    found = cross_validate(rows, LOGISTIC).frame
    first, second = (refine(some, found, LAST_DAY).frame for some in (rows, rows.reverse()))
    assert first.equals(second)
