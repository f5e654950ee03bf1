"""What changed in the data between two models: every change counted, at exact versions, labels as they were learned."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from html_classification.lake import Lake
from html_classification.lake.paths import VersionId
from html_classification.schemas.html_parsing import HTML_PARSING
from html_classification.training.data_difference import (
    CHANGES,
    CategoryChange,
    Example,
    Relabelling,
    compare_rows,
    data_difference,
    rows_of_model,
)
from html_classification.training.errors import TrainingError
from html_classification_tests.training.models_in_lake import REFINED, Row, frame_of, id_of, put_model, rows

DAY, NEXT = date(2026, 3, 1), date(2026, 3, 2)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def test_every_change_is_counted_and_shown() -> None:
    before = [Row("same", "sports"), Row("gone", "sports"), Row("label", "sports"), Row("to-test", "cooking")]
    before += [Row("to-train", "cooking", "test"), Row("text", "cooking", text="old")]
    after = [Row("same", "sports"), Row("new", "cooking", "test"), Row("label", "cooking"), Row("text", "cooking")]
    after += [Row("to-test", "cooking", "test"), Row("to-train", "cooking")]
    found = compare_rows(frame_of(before), frame_of(after))
    assert found.figures() == dict.fromkeys(CHANGES, 1)
    assert (found.before, found.after) == ({"train": 5, "test": 1}, {"train": 4, "test": 2})
    assert found.relabellings == [Relabelling(before="sports", after="cooking", rows=1)]
    cooking, sports = found.categories
    assert (cooking.before, cooking.after, cooking.added, cooking.relabelled_to) == (3, 5, 1, 1)
    assert (sports.before, sports.after, sports.removed, sports.relabelled_from) == (3, 1, 1, 1)
    url = "https://a.example/"
    assert found.examples == [
        Example(change="added", url=f"{url}new", before=None, after="cooking (test)"),
        Example(change="removed", url=f"{url}gone", before="sports (train)", after=None),
        Example(change="relabelled", url=f"{url}label", before="sports (train)", after="cooking (train)"),
        Example(change="moved_to_train", url=f"{url}to-train", before="cooking (test)", after="cooking (train)"),
        Example(change="moved_to_test", url=f"{url}to-test", before="cooking (train)", after="cooking (test)"),
        Example(change="text_changed", url=f"{url}text", before="cooking (train)", after="cooking (train)"),
    ]
    assert not found.is_same
    assert compare_rows(frame_of(before), frame_of(before)).is_same


SETS = st.dictionaries(
    st.integers(0, 20), st.tuples(st.sampled_from("abc"), st.sampled_from(["train", "test"]), st.sampled_from("xy"))
)


def some_rows(pages: dict[int, tuple[str, str, str]]) -> pl.DataFrame:
    return frame_of([Row(str(page), *said) for page, said in pages.items()])


@settings(max_examples=60, deadline=None)
@given(before=SETS, after=SETS)
def test_the_numbers_add_up_in_either_direction(
    before: dict[int, tuple[str, str, str]], after: dict[int, tuple[str, str, str]]
) -> None:
    there, back = compare_rows(some_rows(before), some_rows(after)), compare_rows(some_rows(after), some_rows(before))
    assert len(before) + there.added - there.removed == len(after)
    mirrored = {"added": "removed", "removed": "added", "moved_to_train": "moved_to_test"}
    mirrored |= {"moved_to_test": "moved_to_train"}
    assert there.figures() == {name: back.figures()[mirrored.get(name, name)] for name in CHANGES}
    for one in there.categories:
        assert one.before + one.added - one.removed + one.relabelled_to - one.relabelled_from == one.after
    assert sum(one.before for one in there.categories) == len(before)
    assert sum(item.rows for item in there.relabellings) == there.relabelled
    shuffled = some_rows(before).sample(fraction=1, shuffle=True, seed=3), some_rows(after).reverse()
    assert compare_rows(*shuffled) == there


def test_the_data_is_that_of_then_whatever_is_current_now(lake: Lake) -> None:
    old = id_of(put_model(lake, DAY, rows({"a": "sports", "b": "cooking"}, {"c": "sports"})))
    new = id_of(put_model(lake, DAY, rows({"a": "cooking", "b": "cooking"}, {"c": "sports", "d": "sports"})))
    found = data_difference(lake, old, new)
    assert found.figures() == dict.fromkeys(CHANGES, 0) | {"added": 1, "relabelled": 1}
    assert data_difference(lake, old, old).is_same


def test_refined_labels_are_those_that_the_model_learned(lake: Lake) -> None:
    pages = rows({"a": "sports", "b": "cooking", "c": "sports"}, {"d": "sports", "e": "cooking"})
    given_labels = id_of(put_model(lake, DAY, pages))
    said = {"a": ("cooking", "relabelled"), "b": ("cooking", "kept"), "c": ("sports", "dropped")}
    said |= {"d": ("cooking", "relabelled"), "e": ("cooking", "dropped")}
    refined = id_of(put_model(lake, DAY, pages, stage=REFINED, refined=said))
    found = data_difference(lake, given_labels, refined)
    assert found.figures() == dict.fromkeys(CHANGES, 0) | {"removed": 1, "relabelled": 1}
    assert [example.url for example in found.examples] == ["https://a.example/c", "https://a.example/a"]
    assert found.categories == [
        CategoryChange(category="cooking", before=2, after=3, added=0, removed=0, relabelled_to=1, relabelled_from=0),
        CategoryChange(category="sports", before=3, after=1, added=0, removed=1, relabelled_to=0, relabelled_from=1),
    ]


def test_where_the_texts_are_gone_the_rest_is_compared_and_it_is_said(lake: Lake) -> None:
    old = id_of(put_model(lake, DAY, [Row("a", "sports"), Row("b", "sports", "test", text="old")]))
    new = id_of(put_model(lake, NEXT, [Row("a", "cooking"), Row("b", "sports", "test", text="new")]))
    assert data_difference(lake, old, new).text_changed == 1
    lake.store.delete(
        item.path for item in lake.store.list(f"{HTML_PARSING.name}/{DAY}") if "published" not in item.path
    )
    found = data_difference(lake, old, new)
    assert (found.relabelled, found.text_changed) == (1, None)
    assert str(found.text_unknown).startswith(f"{HTML_PARSING.name} {DAY} has no version")


def test_what_is_no_model_is_refused_in_one_line(lake: Lake) -> None:
    put_model(lake, DAY, rows({"a": "sports"}, {"b": "sports"}))
    pages = VersionId(HTML_PARSING.name, DAY, lake.current(HTML_PARSING.name)[DAY])
    with pytest.raises(TrainingError, match="it is no model"):
        rows_of_model(lake, pages)
