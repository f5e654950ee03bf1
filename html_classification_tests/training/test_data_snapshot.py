"""The snapshot of a training set: exact, made once, kept by garbage collection, in the way of nothing."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from html_classification.lake import Build, Lake, LakeError, RunInfo, materialize
from html_classification.lake.metadata import Metadata
from html_classification.lake.paths import VersionId
from html_classification.reproduction.provenance import targets_of_snapshot
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.training import TRAINING_SET
from html_classification.training.data_snapshot import publish_snapshot, snapshot_name, training_set_of
from html_classification.training.errors import TrainingError
from html_classification_tests.lake.builds import DAY
from html_classification_tests.lake.upkeep.chain import PAGES, TEXTS, id_of, is_clean, put_chain, put_pages, run_gc, why

NEXT = DAY + timedelta(days=1)


@pytest.fixture(params=["folder", "s3"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake") if request.param == "folder" else request.getfixturevalue("bucket") + "/lake")


def put_training_set(lake: Lake, seed: int = 0) -> Metadata:
    """A training set of two days: the texts of both, and the pages of the second."""

    def compute(texts: pl.DataFrame, pages: pl.DataFrame) -> Outcome:
        rows = texts.select(
            "url",
            "day",
            category=pl.lit("sports"),
            label_source=pl.lit("file"),
            language=pl.lit("en"),
            split=pl.lit("train"),
            duplicate_cluster="url",
            timestamp="timestamp",
        )
        return Outcome(rows.unique("url", keep="first"))

    build = Build(
        inputs=lambda day: {
            "texts": lake.upstream(TEXTS).window(day, 2, ["url", "timestamp"]),
            "pages": lake.upstream(PAGES).day(day),
        },
        compute=compute,
        parameters={"seed": seed},
    )
    return materialize(lake, TRAINING_SET, build, NEXT, RunInfo("training_set")).dataset.metadata


def two_days(lake: Lake) -> tuple[Metadata, list[VersionId]]:
    """A training set, and all that it was made from."""
    ancestors = [*put_chain(lake, "one").values(), *put_chain(lake, "two", day=NEXT).values()]
    return put_training_set(lake), ancestors


def test_it_names_the_training_set_and_all_that_it_was_made_from(lake: Lake) -> None:
    metadata, ancestors = two_days(lake)
    name = publish_snapshot(lake, metadata)
    assert name == f"training-set-{NEXT}-{metadata.version}" == snapshot_name(metadata)
    assert lake.snapshot(name).ids == sorted([*ancestors, training_set_of(metadata)])
    put_chain(lake, "other", day=NEXT)
    assert lake.read(TEXTS, NEXT, snapshot=name)["content"].to_list() == ["<p>two"]
    assert targets_of_snapshot(lake, name) == lake.snapshot(name).ids
    assert is_clean(lake)


def test_it_is_made_once(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata, _ = two_days(lake)
    made = lake.snapshot(publish_snapshot(lake, metadata))
    monkeypatch.setattr(lake.store, "put_new", None)  # where it exists, one request tells so
    monkeypatch.setattr(lake.store, "list_folders", None)
    assert lake.snapshot(publish_snapshot(lake, metadata)) == made


def test_garbage_collection_keeps_it_where_the_days_are_built_again(lake: Lake) -> None:
    metadata, ancestors = two_days(lake)
    name = publish_snapshot(lake, metadata)
    put_chain(lake, "one more")
    put_chain(lake, "two more", day=NEXT)
    put_training_set(lake)
    assert {why(lake)[version] for version in [*ancestors, training_set_of(metadata)]} == {"snapshot"}
    assert run_gc(lake).removed == []
    assert lake.read(TRAINING_SET.name, NEXT, snapshot=name).height == 1


def test_days_that_are_only_added_cost_nothing_more(lake: Lake) -> None:
    metadata, _ = two_days(lake)
    without = {version for version, reason in why(lake).items() if not reason.startswith("-")}
    publish_snapshot(lake, metadata)
    put_chain(lake, "three", day=NEXT + timedelta(days=1))
    now = {version for version, reason in why(lake).items() if version.day <= NEXT and not reason.startswith("-")}
    assert now == without


def test_of_two_versions_of_a_day_it_names_the_one_that_was_read(lake: Lake) -> None:
    put_chain(lake, "one")
    texts = put_chain(lake, "two", day=NEXT)[TEXTS]
    newer = put_chain(lake, "newer", day=NEXT)
    lake.publish(lake.dataset(TEXTS, NEXT, texts.version), run=None, reason="back")
    name = publish_snapshot(lake, put_training_set(lake))  # of the former texts, made from the former pages
    named = lake.snapshot(name).versions
    assert named[TEXTS][NEXT] == texts.version
    assert named[PAGES][NEXT] == newer[PAGES].version


def test_what_was_removed_is_not_named_and_no_reason_not_to_train(lake: Lake) -> None:
    metadata, ancestors = two_days(lake)
    pages = id_of(put_pages(lake))
    lake.store.delete(item.path for item in lake.store.list(pages.path))
    name = publish_snapshot(lake, metadata)
    assert set(lake.snapshot(name).ids) == {*ancestors, training_set_of(metadata)} - {pages, *raw_of(ancestors)}


def raw_of(versions: list[VersionId]) -> set[VersionId]:
    """The crawl of the first day: nothing that is there says any more that the texts come from it."""
    return {version for version in versions if version.stage == "raw" and version.day == DAY}


def test_without_its_training_set_there_is_none(lake: Lake) -> None:
    metadata, _ = two_days(lake)
    training_set = training_set_of(metadata)
    lake.store.delete(item.path for item in lake.store.list(training_set.path))
    with pytest.raises(LakeError, match="removed since"):
        publish_snapshot(lake, metadata)
    with pytest.raises(TrainingError, match="names no training set"):
        snapshot_name(lake.metadata(TEXTS, NEXT))
