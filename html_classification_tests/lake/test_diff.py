"""What differs between two versions: property by property against plain Python, and in a real lake."""

import json
import math
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import obstore
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from html_classification.lake import BuildError, Lake, LakeError
from html_classification.lake.diff import Diff, RowsDiff, compare_rows, diff
from html_classification.schemas.columns import StageModel, column
from html_classification.schemas.labels import LABELS
from html_classification.schemas.training import LEADERBOARD
from html_classification.schemas.url_normalization import URL_NORMALIZATION
from html_classification_tests.lake.builds import DAY, PAGES, TIME, pages, put, put_raw


@pytest.fixture(params=["folder", "s3"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake") if request.param == "folder" else request.getfixturevalue("bucket") + "/lake")


NUMBERS = st.sampled_from([None, math.nan, 0.0, 1.0, -1.5])
SCHEMA: dict[str, Any] = {
    "url": pl.String,
    "number": pl.Float64,
    "numbers": pl.List(pl.Float64),
    "fact": pl.Struct({"name": pl.String, "numbers": pl.List(pl.Float64)}),
    "facts": pl.List(pl.Struct({"name": pl.String, "number": pl.Float64})),
}
LISTS = st.none() | st.lists(NUMBERS, max_size=2)
TEXTS = st.sampled_from([None, "", "x"])
ROW = st.fixed_dictionaries(
    {
        "url": st.sampled_from([None, "a", "b", "c"]),
        "number": NUMBERS,
        "numbers": LISTS,
        "fact": st.none() | st.fixed_dictionaries({"name": TEXTS, "numbers": LISTS}),
        "facts": st.none() | st.lists(st.fixed_dictionaries({"name": TEXTS, "number": NUMBERS}), max_size=2),
    }
)
ROWS = st.lists(ROW, max_size=8)


def compared(a: list[dict[str, Any]], b: list[dict[str, Any]], *, without: str = "") -> RowsDiff:
    schema = {name: kind for name, kind in SCHEMA.items() if name != without}
    frames = [pl.DataFrame(rows, schema=SCHEMA).select(list(schema)).lazy() for rows in (a, b)]
    return compare_rows(*frames)


def by_key(rows: list[dict[str, Any]]) -> dict[tuple[str | None, int], dict[str, Any]]:
    """Each row by its url and which of the url's rows it is."""
    seen: Counter[str | None] = Counter()
    keyed = {}
    for row in rows:
        seen[row["url"]] += 1
        keyed[row["url"], seen[row["url"]]] = row
    return keyed


def text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)  # of NaN too, which does not equal itself


def keys(frame: pl.DataFrame) -> set[tuple[str | None, int]]:
    return set(frame.select("url", "nth").rows())


@settings(deadline=None)
@given(ROWS, ROWS)
def test_what_is_told_leads_from_the_first_to_the_second(a: list[dict[str, Any]], b: list[dict[str, Any]]) -> None:
    told, first, second = compared(a, b), by_key(a), by_key(b)
    changed = {(row["url"], row["nth"]): row["columns"] for row in told.changed.iter_rows(named=True)}
    made = {key: row for key, row in first.items() if key not in keys(told.removed)}
    for key, columns in changed.items():
        made[key] = made[key] | {name: second[key][name] for name in columns}
    made |= {key: second[key] for key in keys(told.added)}
    assert {key: text(row) for key, row in made.items()} == {key: text(row) for key, row in second.items()}
    # And nothing is told that need not be.
    assert not keys(told.removed) & set(second)
    assert not keys(told.added) & set(first)
    for key, columns in changed.items():
        assert columns == [name for name in SCHEMA if text(first[key][name]) != text(second[key][name])] != []
    assert told.unchanged == len(set(first) & set(second)) - len(changed)
    counts = Counter(name for columns in changed.values() for name in columns)
    assert {item.name: item.rows for item in told.by_column} == counts


@settings(deadline=None)
@given(ROWS)
def test_nothing_differs_from_itself(rows: list[dict[str, Any]]) -> None:
    for without in ("", "url"):
        told = compared(rows, rows, without=without)
        assert (told.added.height, told.removed.height, told.changed.height, told.by_column) == (0, 0, 0, [])
        assert told.unchanged == len(rows)


@settings(deadline=None)
@given(ROWS, ROWS)
def test_the_other_way_round_it_is_the_other_way_round(a: list[dict[str, Any]], b: list[dict[str, Any]]) -> None:
    there, back = compared(a, b), compared(b, a)
    assert keys(there.added) == keys(back.removed)
    assert keys(there.removed) == keys(back.added)
    assert {text(row) for row in there.changed.rows()} == {text(row) for row in back.changed.rows()}
    assert {item.name: item.rows for item in there.by_column} == {item.name: item.rows for item in back.by_column}


@settings(deadline=None)
@given(ROWS, ROWS)
def test_without_a_url_whole_rows_are_counted(a: list[dict[str, Any]], b: list[dict[str, Any]]) -> None:
    told = compared(a, b, without="url")
    first, second = (Counter(text({**row, "url": None}) for row in rows) for rows in (a, b))
    added, removed = (Counter(text({"url": None, **row}) for row in f.to_dicts()) for f in (told.added, told.removed))
    assert added == second - first
    assert removed == first - second
    assert told.changed.height == 0


def test_columns_that_came_went_or_changed_their_type(lake: Lake) -> None:
    class Older(StageModel):
        url: str = column("u", "u")
        html: str = column("h", "h")
        rank: pl.Int32 = column("r", "r")
        size: str = column("s", "s")

    class Newer(StageModel):
        url: str = column("u", "u")
        rank: pl.Int64 = column("r", "r")
        size: int = column("s", "s")
        score: float = column("c", "c", nullable=True)

    older, newer = (replace(URL_NORMALIZATION, model=model) for model in (Older, Newer))
    rows = {"url": ["a", "b"], "rank": [1, 2], "size": ["1", "2"], "html": ["", ""]}
    a = put(lake, pl.DataFrame(rows, schema_overrides=dict(older.dtypes)).select(list(older.dtypes)), stage=older)
    rows |= {"rank": [1, 3], "size": [1, 2], "score": [None, 0.5]}
    b = put(lake, pl.DataFrame(rows, schema_overrides=dict(newer.dtypes)).select(list(newer.dtypes)), stage=newer)
    told = diff(lake, PAGES, DAY)
    assert (told.a.version, told.b.version) == (a.metadata.version, b.metadata.version)
    assert told.columns_added == {"score": "Float64"}
    assert told.columns_removed == {"html": "String"}
    assert [(item.name, item.a, item.b) for item in told.columns_retyped] == [
        ("rank", "Int32", "Int64"),
        ("size", "String", "Int64"),
    ]
    # Integers are compared by value; a text is no number.
    assert told.rows.changed.rows() == [("a", 1, ["size"]), ("b", 1, ["rank", "size"])]
    assert not told.is_empty
    assert [item.name for item in told.recipe] == ["columns"]


def test_it_says_why_the_versions_differ(lake: Lake) -> None:
    put(lake, pages(a="1", b="2"), source=b"one", rules=["lowercase"], limits={"longest": 5, "most": 1})
    stage = replace(URL_NORMALIZATION, code_version="other")
    put(lake, pages(a="1", c="22"), stage=stage, source=b"two", rules=["lemmas"], limits={"longest": 6, "most": 1})
    told = diff(lake, PAGES, DAY)
    assert {item.name: (item.a, item.b) for item in told.recipe} == {
        "code_version": (URL_NORMALIZATION.code_version, "other"),
        "parameters.rules": (["lowercase"], ["lemmas"]),
        "parameters.limits.longest": (5, 6),
    }
    (source,) = told.sources
    assert (source.name, source.path, source.stage) == ("drop", "a.txt", None)
    assert source.a != source.b
    assert told.environment == []
    assert {"html.max_length": (1, 2)}.items() <= {item.name: (item.a, item.b) for item in told.statistics}.items()
    assert keys(told.rows.added) == {("https://a.example/c", 1)}
    assert keys(told.rows.removed) == {("https://a.example/b", 1)}
    assert told.rows.unchanged == 1


def test_the_same_bytes_from_another_recipe_differ_in_the_recipe_only(lake: Lake) -> None:
    put(lake, pages(a="1", b="2"), source=b"one")
    put(lake, pages(a="1", b="2"), source=b"two")
    told = diff(lake, PAGES, DAY)
    assert told.is_empty
    assert (told.rows.unchanged, told.statistics, len(told.sources)) == (2, [], 1)
    assert told.to_dict()["rows"] == {"added": 0, "removed": 0, "changed": 0, "unchanged": 2}


def test_a_version_does_not_differ_from_itself(lake: Lake) -> None:
    put(lake, pages(a="1"))
    put_raw(lake, raw_line("a", "1") * 2)
    for stage in (PAGES, "raw"):
        told = diff(lake, stage, DAY, "current", "current")
        assert told.is_empty
        assert [*told.statistics, *told.recipe, *told.sources, *told.environment] == []


def raw_line(url: str, html: str) -> bytes:
    return json.dumps({"url": url, "html": html, "timestamp": TIME.isoformat()}).encode() + b"\n"


def test_raw_documents_are_compared_url_by_url_in_order(lake: Lake) -> None:
    put_raw(lake, raw_line("a", "first") + raw_line("b", "only") + raw_line("a", "second"))
    put_raw(lake, raw_line("a", "first") + raw_line("a", "other") + raw_line("a", "third"))
    told = diff(lake, "raw", DAY)
    assert told.rows.changed.rows() == [("a", 2, ["html"])]
    assert told.rows.added.rows() == [("a", 3)]
    assert told.rows.removed.rows() == [("b", 1)]


def label(url: str, category: str, annotator: str, confidence: float | None = None) -> dict[str, Any]:
    told = {"url": f"http://{url}", "content_sha1": "0" * 40, "category": category, "confidence": confidence}
    return told | {"annotator": annotator, "labelled_at": None, "cost": 0.0}


def labels(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=dict(LABELS.dtypes))


def test_examples_are_given_but_not_of_personal_columns(lake: Lake) -> None:
    put(lake, labels(label("a", "sports", "jane"), label("a", "finance", "joe"), label("b", "x", "jo")), stage=LABELS)
    put(
        lake,
        labels(label("a", "sports", "jill"), label("a", "cooking", "joe", 0.5), label("b", "x", "jo")),
        stage=LABELS,
    )
    told = diff(lake, "labels", DAY)
    assert told.rows.changed.rows() == [("http://a", 1, ["annotator"]), ("http://a", 2, ["category", "confidence"])]
    by_column = {item.name: item.examples for item in told.rows.by_column}
    assert by_column == {
        "annotator": [],
        "category": [{"url": "http://a", "nth": 2, "a": "finance", "b": "cooking"}],
        "confidence": [{"url": "http://a", "nth": 2, "a": None, "b": 0.5}],
    }
    as_json = json.dumps(told.to_dict(), allow_nan=False)
    assert not [name for name in ("jane", "jill", "joe") if name in as_json]


def test_a_column_that_became_personal_is_not_told_from_older_statistics(lake: Lake) -> None:
    class Open(StageModel):
        url: str = column("u", "u")
        author: str = column("a", "a")

    class Guarded(StageModel):
        url: str = column("u", "u")
        author: str = column("a", "a", tags=("pii",))

    for model, author in ((Open, "jane"), (Guarded, "jill")):
        rows = pl.DataFrame({"url": ["a"], "author": [author]})
        put(lake, rows, stage=replace(URL_NORMALIZATION, model=model))
    told = diff(lake, PAGES, DAY)
    assert told.rows.changed.rows() == [("a", 1, ["author"])]
    assert "jane" not in json.dumps(told.to_dict())


def leader(model: str, accuracy: float, rank: int) -> dict[str, Any]:
    names = {"model": model, "version": "0123456789ab", "labels": "given", "text_version": "v1", "algorithm": "nb"}
    figures = dict.fromkeys(("log_loss", "calibration_error", "behind", "behind_low", "behind_high", "p_value"), 0.5)
    figures |= {"train_rows": 1, "test_rows": 1, "accuracy": accuracy, "macro_f1": accuracy, "rank": rank}
    row = names | figures | {"snapshot": "training-set", "against_best": "best", "roc_auc": None}
    row |= {"trusted_rows": 1, "trusted_accuracy": accuracy, "trusted_macro_f1": accuracy}
    row |= dict.fromkeys(("gain_macro_f1", "gain_low", "gain_high"))
    row |= {"refinement": "nothing to compare", "may_be_promoted": True}
    return {name: row[name] for name in LEADERBOARD.dtypes}


def test_a_stage_without_urls_is_compared_by_whole_rows(lake: Lake) -> None:
    first, second = [leader("a", 0.5, 1), leader("b", 0.4, 2)], [leader("a", 0.5, 1), leader("b", 0.45, 2)]
    for rows in (first, second):
        put(lake, pl.DataFrame(rows, schema=dict(LEADERBOARD.dtypes)), stage=LEADERBOARD)
    told = diff(lake, "leaderboard", DAY)
    assert told.rows.added.to_dicts() == [leader("b", 0.45, 2)]
    assert told.rows.removed.to_dicts() == [leader("b", 0.4, 2)]
    assert told.to_dict()["added"] == [leader("b", 0.45, 2)]
    assert told.rows.unchanged == 1


def three(lake: Lake) -> list[str]:
    return [put(lake, pages(a=text)).metadata.version for text in ("one", "two", "three")]


def sides(told: Diff) -> tuple[str, str]:
    return told.a.version, told.b.version


def test_versions_are_found_by_what_a_person_types(lake: Lake) -> None:
    one, two, last = three(lake)
    assert sides(diff(lake, PAGES, DAY)) == (two, last)
    assert sides(diff(lake, PAGES, "2026-03-01", "current", "previous")) == (last, two)
    assert sides(diff(lake, PAGES, DAY, one[:6], last)) == (one, last)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("abc", "'abc' is no version: give its 12 hexadecimal digits, at least the first 4"),
        ("../x", "is no version"),
        ("CURRENT", "is no version"),
        ("0123", "has no version 0123…"),
        ("0123456789ab", "has no version 0123456789ab"),
        ("0123456789abc", "is no version"),
    ],
)
def test_what_is_no_version_is_said(tmp_path: Path, name: str, said: str) -> None:
    lake = Lake(str(tmp_path))
    three(lake)
    with pytest.raises(LakeError, match=said) as caught:
        diff(lake, PAGES, DAY, name)
    assert "\n" not in str(caught.value)


def test_digits_of_several_versions_are_not_guessed_from(lake: Lake) -> None:
    for version in ("abcd00000000", "abcd11111111"):
        lake.store.put_new(f"{PAGES}/2026-03-01/{version}/metadata.json", b"{}")
    with pytest.raises(LakeError, match="several versions abcd…: abcd00000000, abcd11111111; give more digits"):
        diff(lake, PAGES, DAY, "abcd", "abcd0")


def test_there_may_be_no_previous_version(lake: Lake) -> None:
    with pytest.raises(LakeError, match="has no version in"):
        diff(lake, PAGES, DAY)
    put(lake, pages(a="1"))
    with pytest.raises(LakeError, match="there is no previous one"):
        diff(lake, PAGES, DAY)


def test_a_version_that_failed_its_audit_can_be_compared(lake: Lake) -> None:
    put(lake, pages(a="1"))
    twice = pl.concat([pages(a="1"), pages(a="2")])
    with pytest.raises(BuildError) as caught:
        put(lake, twice)
    bad = re.search(r"version ([0-9a-f]{12}) stays", str(caught.value))
    assert bad
    told = diff(lake, PAGES, DAY, "current", bad[1])
    assert told.rows.added.rows() == [("https://a.example/a", 2)]
    assert told.to_dict()["b"]["passed"] is False


def test_what_is_incomplete_removed_or_damaged_is_said_in_one_line(lake: Lake) -> None:
    put(lake, pages(a="1"))
    folder = f"{PAGES}/2026-03-01"
    lake.store.put_new(f"{folder}/aaaaaaaaaaaa/html-documents.parquet", b"")
    lake.store.put_new(f"{folder}/bbbbbbbbbbbb/removed.json", b'{"removed_at": "2026-04-01T00:00:00Z"}')
    with pytest.raises(LakeError, match="aaaaaaaaaaaa was never completed"):
        diff(lake, PAGES, DAY, "aaaa")
    with pytest.raises(LakeError, match="bbbbbbbbbbbb was removed by garbage collection on 2026-04-01"):
        diff(lake, PAGES, DAY, "bbbb")
    other = put(lake, pages(a="2"))
    obstore.put(lake.store._objects, f"{other.path}/html-documents.parquet", b"PAR1 no more")
    with pytest.raises(LakeError, match="is damaged") as caught:
        diff(lake, PAGES, DAY)
    assert "\n" not in str(caught.value)


def test_long_urls_and_many_columns_are_told_whole() -> None:
    url = "https://a.example/" + "x" * 500
    names = [f"column_{number}" for number in range(30)]
    a, b = (pl.DataFrame({"url": [url]} | {name: [value] for name in names}).lazy() for value in (1, 2))
    assert compare_rows(a, b).changed.rows() == [(url, 1, names)]


def test_frames_without_a_column_in_common_have_no_row_in_common() -> None:
    a, b = pl.DataFrame({"x": [1, 2]}), pl.DataFrame({"x": ["1"], "y": [1]})
    told = compare_rows(a.lazy(), b.lazy())
    assert told.added.equals(b)
    assert told.removed.equals(a)
    assert (told.changed.height, told.unchanged) == (0, 0)


def test_values_that_json_does_not_know_are_told_as_text() -> None:
    schema = {"url": pl.String, "number": pl.Float64, "time": pl.Datetime("us", "UTC"), "bytes": pl.Binary}
    a = pl.DataFrame({"url": ["u"], "number": [math.nan], "time": [TIME], "bytes": [b"x"]}, schema=schema)
    b = pl.DataFrame({"url": ["u"], "number": [None], "time": [None], "bytes": [None]}, schema=schema)
    told = {item.name: item.examples[0] for item in compare_rows(a.lazy(), b.lazy()).by_column}
    assert {name: example["a"] for name, example in told.items()} == {
        **{"number": "nan", "time": "2026-03-01T10:15:00+00:00", "bytes": "b'x'"}
    }
    assert {example["b"] for example in told.values()} == {None}
