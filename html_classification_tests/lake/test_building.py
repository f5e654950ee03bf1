"""Write, audit, publish: on a folder and on a real S3 server."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from html_classification.lake import Build, BuildError, Lake, LakeError, RunInfo, Step, materialize
from html_classification.lake.external import ExternalFile, ExternalFiles
from html_classification.lake.metadata import Metadata
from html_classification.lake.paths import Publication, VersionId
from html_classification.schemas.columns import StageModel
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.text_normalization import text_normalization_stage
from html_classification.schemas.url_normalization import URL_NORMALIZATION

DAY = date(2026, 3, 1)
RUN = RunInfo("preprocess/url_normalization", "job", "run-1")
TIME = datetime(2026, 3, 1, 10, 15, tzinfo=UTC)


@pytest.fixture(params=["folder", "s3"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake") if request.param == "folder" else request.getfixturevalue("bucket") + "/lake")


def frame(*names: str) -> pl.DataFrame:
    rows = [
        {"url": f"https://a.example/{name}", "original_url": name, "html": f"<p>{name}", "timestamp": TIME}
        for name in names
    ]
    return pl.DataFrame(rows, schema=dict(URL_NORMALIZATION.dtypes))


class Counted:
    """A build of given rows that counts how often it is computed."""

    def __init__(self, rows: pl.DataFrame, source: bytes = b"source", **changes: Any) -> None:
        self.rows, self.computed = rows, 0
        self.build = Build(
            inputs=lambda day: {"drop": ExternalFiles([ExternalFile("a.txt", "/a.txt", source)], "a file", day)},
            compute=self._compute,
            process=[Step(step="write down", parameters={"given": 1})],
            parameters={"given": 1},
        )
        self.build = replace(self.build, **changes)

    def _compute(self, drop: ExternalFiles) -> Outcome:
        self.computed += 1
        return Outcome(self.rows, [{"reason": "bad", "line": 3, "row": "x"}], {"figure": 7})

    def materialize(self, lake: Lake, **options: Any) -> Any:
        return materialize(lake, URL_NORMALIZATION, self.build, DAY, RUN, **options)


def files_of(lake: Lake) -> Mapping[str, bytes]:
    return {item.path: lake.store.get(item.path) for item in lake.store.list()}


def test_a_version_lies_where_the_contract_says(lake: Lake) -> None:
    done = Counted(frame("b", "a")).materialize(lake)
    version = done.dataset.metadata.version
    folder = f"preprocess/url-normalization/2026-03-01/{version}"
    publication = lake.history("preprocess/url-normalization", DAY)[0]
    assert set(files_of(lake)) == {
        f"{folder}/html-documents.parquet",
        f"{folder}/metadata.json",
        f"{folder}/sample.jsonl",
        f"{folder}/rejected.jsonl",
        f"{folder}/rows-2-rejected-1.count",
        publication.path,
        "lake.json",
    }
    entry = json.loads(lake.store.get(publication.path))
    metadata_sha1 = hashlib.sha1(lake.store.get(f"{folder}/metadata.json")).hexdigest()
    assert entry == {"version": version, "run": "run-1", "reason": "built", "metadata_sha1": metadata_sha1}
    assert lake.read("preprocess/url-normalization", "2026-03-01").equals(frame("b", "a"))


def test_metadata_has_the_contracts_keys_in_order(lake: Lake) -> None:
    version = Counted(frame("a")).materialize(lake).dataset.metadata.version
    data = json.loads(lake.store.get(f"preprocess/url-normalization/2026-03-01/{version}/metadata.json"))
    assert list(data) == [
        *("metadata_version", "dataset", "description", "layer", "stage", "date", "version", "sources", "process"),
        *("recipe", "files", "schema", "statistics", "sample", "checks", "workflow", "context", "created_at"),
        "expires_on",
    ]
    assert data["sources"] == [
        {"uri": "/a.txt", "sha1": "828d338a9b04221c9cbe286f50cd389f68de4ecf", "description": "a file"}
    ]
    assert data["statistics"]["rows"] == 1
    assert data["statistics"]["rejected_rows"] == 1
    assert data["statistics"]["figures"] == {"figure": 7}
    assert [column["name"] for column in data["schema"]] == ["url", "original_url", "html", "timestamp", "encoding"]
    assert all(column["description"] and column["business_meaning"] for column in data["schema"])
    assert data["schema"][0]["tags"] == ["pii"]
    assert [check["passed"] for check in data["checks"]] == [True, True]
    assert data["workflow"]["run_id"] == "run-1"
    names = {"html-documents.parquet", "sample.jsonl", "rejected.jsonl", "rows-1-rejected-1.count"}
    assert {file["path"] for file in data["files"]} == names


def test_the_same_recipe_is_reused_without_computing(lake: Lake) -> None:
    build = Counted(frame("a"))
    first, before = build.materialize(lake), files_of(lake)
    second = build.materialize(lake)
    assert (first.reused, second.reused, build.computed) == (False, True, 1)
    assert files_of(lake) == before


def test_another_input_parameter_or_code_version_is_another_version(lake: Lake) -> None:
    build = Counted(frame("a"))
    versions = {
        build.materialize(lake).dataset.metadata.version,
        Counted(frame("a"), source=b"other").materialize(lake).dataset.metadata.version,
        Counted(frame("a"), parameters={"given": 2}).materialize(lake).dataset.metadata.version,
        materialize(lake, replace(URL_NORMALIZATION, code_version="x"), build.build, DAY, RUN).dataset.metadata.version,
    }
    assert len(versions) == 4
    assert len(lake.history("preprocess/url-normalization", DAY)) == 4


def test_going_back_to_an_earlier_input_publishes_the_earlier_version_again(lake: Lake) -> None:
    one, two = Counted(frame("a")), Counted(frame("b"), source=b"other")
    first = one.materialize(lake).dataset.metadata.version
    second = two.materialize(lake).dataset.metadata.version
    assert one.materialize(lake).reused
    history = [item.version for item in lake.history("preprocess/url-normalization", DAY)]
    assert history == [first, second, first]
    assert one.computed == 1


def test_a_failed_audit_leaves_the_previous_version_current(lake: Lake) -> None:
    good = Counted(frame("a")).materialize(lake).dataset.metadata.version
    bad = Counted(frame("a", "a"), source=b"other")
    with pytest.raises(BuildError, match=r"failed its audit .*url field_uniqueness 2") as caught:
        bad.materialize(lake)
    assert [check.passed for check in caught.value.checks] == [False, True]
    assert lake.current("preprocess/url-normalization") == {DAY: good}
    # It can be looked at, is not computed again, and cannot be published by hand either.
    with pytest.raises(BuildError, match="stays unpublished"):
        bad.materialize(lake)
    assert bad.computed == 1
    unpublished = next(
        item.path.split("/")[3]
        for item in lake.store.list("preprocess")
        if "metadata" in item.path and good not in item.path
    )
    dataset = lake.dataset("preprocess/url-normalization", DAY, unpublished)
    assert dataset.read().height == 2
    with pytest.raises(LakeError, match="cannot be published"):
        lake.publish(dataset, run=None, reason="by hand")


def test_an_empty_day_is_not_published(lake: Lake) -> None:
    with pytest.raises(BuildError, match="not_empty: rows 0"):
        Counted(frame()).materialize(lake)


def test_force_computes_again_and_compares_the_bytes(lake: Lake) -> None:
    build = Counted(frame("a"))
    build.materialize(lake)
    before = files_of(lake)
    build.materialize(lake, force=True)
    assert build.computed == 2
    assert files_of(lake) == before
    build.rows = frame("b")
    with pytest.raises(BuildError, match="other bytes than this computation gave for the same recipe"):
        build.materialize(lake, force=True)
    assert files_of(lake) == before


def damage(lake: Lake, path: str, data: bytes) -> None:
    """What no command of this project does: change a file."""
    import obstore

    obstore.put(lake.store._objects, path, data)


def test_damage_is_said_with_what_to_do(lake: Lake) -> None:
    build = Counted(frame("a"))
    dataset = build.materialize(lake).dataset
    parquet, metadata = f"{dataset.path}/html-documents.parquet", f"{dataset.path}/metadata.json"
    whole = lake.store.get(parquet)
    damage(lake, parquet, whole[:-10])
    upstream = lake.upstream("preprocess/url-normalization")
    with pytest.raises(LakeError, match="its SHA-1 is not the recorded one; delete its folder and run that day again"):
        upstream.day(DAY).read()
    with pytest.raises(LakeError, match="is damaged; delete its folder and run that day again"):
        upstream.day(DAY, ["url"]).read()
    with pytest.raises(BuildError, match="is damaged, its SHA-1 is not the recorded one"):
        build.materialize(lake, force=True)
    damage(lake, metadata, b"{")
    with pytest.raises(LakeError, match="it is damaged; put it back from a copy, or delete it and run that day again"):
        build.materialize(lake)


def test_other_leftovers_than_what_is_computed_are_not_taken_over(lake: Lake) -> None:
    version = Counted(frame("a")).materialize(lake).dataset.metadata.version
    other = Lake(lake.uri + "-other")
    other.store.put_new(f"preprocess/url-normalization/2026-03-01/{version}/sample.jsonl", b"other")
    with pytest.raises(
        BuildError, match="left by a build that never ended, with other bytes: delete the folder and run"
    ):
        Counted(frame("a")).materialize(other)


def test_leftovers_of_a_killed_writer_are_taken_over(lake: Lake) -> None:
    whole = Counted(frame("a"))
    whole.materialize(lake)
    data = files_of(lake)
    publication = lake.history("preprocess/url-normalization", DAY)[0].path
    order = sorted(data, key=lambda path: (path == publication, path.endswith("metadata.json")))
    for killed_after in range(len(order)):
        other = Lake(f"{lake.uri}-{killed_after}")
        for path in order[:killed_after]:
            other.store.put_new(path, data[path])
        assert other.current("preprocess/url-normalization") == {}
        Counted(frame("a")).materialize(other)
        kept = {path: content for path, content in files_of(other).items() if path.endswith(("parquet", "jsonl"))}
        assert kept == {path: content for path, content in data.items() if path.endswith(("parquet", "jsonl"))}
        assert len(other.history("preprocess/url-normalization", DAY)) == 1


def test_what_is_left_outside_is_made_again_where_it_is_gone(lake: Lake) -> None:
    left: list[str] = []
    told: list[str] = []

    @contextmanager
    def session(version: VersionId) -> Iterator[Callable[[Metadata, Any], None]]:
        yield lambda metadata, byproduct: left.append(metadata.version)
        # Only what is published was a success.
        assert lake.current(version.stage)[version.day] == version.version

    build = Counted(
        frame("a"),
        session=session,
        still_there=lambda version: version in left,
        published=lambda lake, metadata: told.append(metadata.version),
    )
    build.materialize(lake)
    build.materialize(lake)
    assert (build.computed, len(left), len(told)) == (1, 1, 2)
    left.clear()
    build.materialize(lake)
    assert (build.computed, len(left), len(told)) == (2, 1, 3)


def test_a_session_learns_that_its_version_failed(lake: Lake) -> None:
    ended: list[str] = []

    @contextmanager
    def session(version: VersionId) -> Iterator[Callable[[Metadata, Any], None]]:
        try:
            yield lambda metadata, byproduct: ended.append("recorded")
        except BuildError:
            ended.append("failed")
            raise

    with pytest.raises(BuildError):
        Counted(frame("a", "a"), session=session).materialize(lake)
    assert ended == ["failed"]


def test_a_publication_is_never_before_the_last_one(lake: Lake) -> None:
    build = Counted(frame("a"))
    dataset = build.materialize(lake).dataset
    future = datetime.now(UTC) + timedelta(hours=1)
    other = Publication("preprocess/url-normalization", DAY, future, "0123456789ab")
    lake.store.put_new(other.path, b"{}")
    published = lake.publish(dataset, run=None, reason="rollback")
    assert published
    assert published.time == future + timedelta(microseconds=1)
    assert lake.current("preprocess/url-normalization")[DAY] == dataset.metadata.version


def test_a_scan_goes_over_many_days(lake: Lake) -> None:
    stage = text_normalization_stage("v1", ["lowercase"])
    for day in range(1, 4):
        rows = pl.DataFrame(
            [{"url": f"https://a.example/{day}", "title": "t", "content": "c", "language": "en", "timestamp": TIME}],
            schema=dict(stage.dtypes),
        )
        build = Build(inputs=lambda day: {}, compute=lambda rows=rows: Outcome(rows))
        materialize(lake, stage, build, date(2026, 3, day), RUN)
    scanned = lake.scan(stage.name, "2026-03-02", "2026-03-31").select("url", "day").collect()
    assert scanned.rows() == [("https://a.example/2", date(2026, 3, 2)), ("https://a.example/3", date(2026, 3, 3))]
    with pytest.raises(LakeError, match="v1 2027-01-01 has no version in"):
        lake.scan(stage.name, "2027-01-01")
    with pytest.raises(LakeError, match="no version between 2027-01-01 and 2027-02-01"):
        lake.scan(stage.name, "2027-01-01", "2027-02-01")


def test_days_from_before_a_column_was_added_have_nulls_there(lake: Lake) -> None:
    Counted(frame("a")).materialize(lake)
    older = frame("b").drop("original_url")
    stage = replace(URL_NORMALIZATION, model=type("Older", (StageModel,), {"__annotations__": {"url": str}}))
    day = date(2026, 3, 2)
    build = Build(inputs=lambda day: {}, compute=lambda: Outcome(older.select("url")))
    materialize(lake, stage, build, day, RUN)
    both = lake.scan(stage.name).collect()
    assert both.select("url", "original_url").rows() == [
        ("https://a.example/a", "a"),
        ("https://a.example/b", None),
    ]


def test_ls_tells_the_current_version_of_every_stage_and_day(lake: Lake) -> None:
    assert lake.ls() == []
    version = Counted(frame("a", "b")).materialize(lake).dataset.metadata.version
    (listed,) = lake.ls()
    assert (listed.stage, listed.date, listed.version) == ("preprocess/url-normalization", "2026-03-01", version)
    assert (listed.rows, listed.rejected_rows) == (2, 1)
    assert listed.bytes > 0
    assert listed.uri == f"{lake.uri}/preprocess/url-normalization/2026-03-01/{version}"
    assert lake.ls("preprocess/url-normalization") == [listed]
    assert lake.ls("raw") == []


@pytest.mark.parametrize("stage", ["../raw", "/raw", "raw/../../etc", "Raw", "raw//x", "ra\nw", "raw/", "."])
def test_a_stage_cannot_lead_out_of_the_lake(tmp_path: Path, stage: str) -> None:
    with pytest.raises(LakeError, match="is no stage"):
        Lake(str(tmp_path)).history(stage, DAY)


@pytest.mark.parametrize("version", ["../../../x", "8b8ae027744", "8B8AE027744D", ""])
def test_a_version_cannot_lead_out_of_the_lake(tmp_path: Path, version: str) -> None:
    with pytest.raises(LakeError, match="is no version"):
        Lake(str(tmp_path)).dataset("raw", DAY, version)


def test_metadata_of_a_newer_release_is_not_misread(lake: Lake) -> None:
    version = Counted(frame("a")).materialize(lake).dataset.metadata.version
    path = f"preprocess/url-normalization/2026-03-01/{version}/metadata.json"
    data = json.loads(lake.store.get(path)) | {"metadata_version": 2}
    other = Lake(lake.uri + "-newer")
    other.store.put_new(path, json.dumps(data).encode())
    with pytest.raises(LakeError, match="newer release"):
        other.dataset("preprocess/url-normalization", DAY, version)
