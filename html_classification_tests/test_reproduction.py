"""Rebuilding versions from raw: the real graph, on a folder and on a real S3 server."""

import gzip
import hashlib
import io
import json
import re
import shutil
import signal
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from typer.testing import CliRunner

from html_classification.assets.stage_asset import STAGE_FUNCTIONS
from html_classification.automation.ranges import run_range
from html_classification.cli import app, output
from html_classification.lake import Lake, LakeError
from html_classification.lake.paths import VersionId
from html_classification.lake.store import Store
from html_classification.reproduction.provenance import make_plan, targets_of_snapshot
from html_classification.reproduction.rebuilding import Verdict, check_scratch, rebuild
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.raw import RAW
from html_classification_tests.pages import FIRST_DAY, Project, day_pages, lines

UP_TO_TRAINING_SET = ["raw", "preprocess/url_normalization", "preprocess/html_parsing"]
UP_TO_TRAINING_SET += ["preprocess/text_normalization_v2", "labels", "annotated", "training_set"]
HTML_PARSING = "preprocess/html-parsing"


def run(project: Project, days: list[date], names: list[str] | None = None) -> None:
    defs = project.defs()
    keys = defs.resolve_asset_graph().materializable_asset_keys
    if names is not None:
        keys = {dg.AssetKey(name.split("/")) for name in names}
    folder = project.root / "dagster"
    folder.mkdir(exist_ok=True)
    with dg.DagsterInstance.local_temp(str(folder), {"telemetry": {"enabled": False}}) as instance:
        assert run_range(defs, instance, set(keys), days).failed == []


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two days through every stage, models too, and a snapshot of it all. Not to be changed."""
    made = Project(tmp_path_factory.mktemp("whole"))
    run(made, made.write_days(2))
    made.lake.create_snapshot("release-1")
    return made


@pytest.fixture(scope="module")
def three_days(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Three days up to the training set, and a snapshot of it all. Not to be changed."""
    made = Project(tmp_path_factory.mktemp("three"))
    run(made, made.write_days(3), UP_TO_TRAINING_SET)
    made.lake.create_snapshot("release-1")
    return made


@pytest.fixture(scope="module")
def late_day(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Three days up to the training set, of which the second came last. Not to be changed."""
    made = Project(tmp_path_factory.mktemp("late"))
    days = made.write_days(3)
    run(made, [days[0], days[2]], UP_TO_TRAINING_SET)
    run(made, days, UP_TO_TRAINING_SET)
    return made


def put(project: Project, lake_uri: str) -> Lake:
    """The lake of a project, copied to another place."""
    copy = Lake(lake_uri)
    for item in project.lake.store.list():
        copy.store.put_new(item.path, project.lake.store.get(item.path))
    return copy


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "lake") if request.param == "folder" else request.getfixturevalue("bucket") + "/lake"


@pytest.fixture
def lake(three_days: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A copy of the lake of three days that a test may spoil."""
    monkeypatch.setenv("HTML_CLASSIFICATION_LABELS", str(tmp_path / "none.jsonl"))
    return put(three_days, str(tmp_path / "lake"))


def reproduce(lake: Lake, targets: list[VersionId], scratch: Path) -> dict[VersionId, Verdict]:
    plan = make_plan(lake.store, targets)
    verdicts = {verdict.id: verdict for verdict in rebuild(lake, plan, str(scratch))}
    assert list(verdicts) == plan.order
    return verdicts


def statuses(verdicts: Mapping[VersionId, Verdict]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for verdict in verdicts.values():
        found.setdefault(verdict.status, set()).add(verdict.id.stage)
    return found


def current(lake: Lake, stage: str, day: date) -> VersionId:
    return lake.history(stage, day)[-1].id


def contents(folder: Path) -> dict[str, str]:
    return {str(path): hashlib.sha1(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def data_of(lake: Lake, version: VersionId) -> dict[str, bytes]:
    """A version's files but metadata.json, whose times differ."""
    files = lake.store.list(version.path)
    return {item.name: lake.store.get(item.path) for item in files if item.name != "metadata.json"}


def spoil(lake: Lake, version: VersionId, name: str, data: bytes) -> str:
    """Put other bytes where a file is; their SHA-1."""
    lake.store.delete([f"{version.path}/{name}"])
    lake.store.put_new(f"{version.path}/{name}", data)
    return hashlib.sha1(data).hexdigest()


def change(monkeypatch: pytest.MonkeyPatch, stage: str, **changes: Any) -> None:
    """A release whose stage is another one."""
    known = STAGE_FUNCTIONS[stage]
    monkeypatch.setitem(STAGE_FUNCTIONS, stage, replace(known, stage=replace(known.stage, **changes)))


def test_a_snapshot_of_every_stage_is_rebuilt_to_the_same_bytes(
    whole: Project, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = put(whole, place)
    before, listed = contents(whole.root), [item.path for item in lake.store.list()]
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    targets = targets_of_snapshot(lake, "release-1")
    verdicts = reproduce(lake, targets, tmp_path / "scratch")
    assert {verdict.status for verdict in verdicts.values()} == {"same"}
    assert set(verdicts) == set(targets)
    stages = {target.stage for target in targets}
    assert {"raw", "labels", "leaderboard", "post-train", "models/refined-v1-complement-nb"} < stages
    scratch = Lake(str(tmp_path / "scratch" / "lake"))
    for target in targets:
        assert data_of(scratch, target) == data_of(lake, target)
    # neither the lake nor MLflow nor the current folder were written to
    assert [item.path for item in lake.store.list()] == listed
    assert contents(whole.root) == before
    assert contents(tmp_path / "here") == {}


def test_one_version_takes_just_its_ancestors(whole: Project, tmp_path: Path) -> None:
    target = current(whole.lake, "training-set", FIRST_DAY)
    verdicts = reproduce(whole.lake, [target], tmp_path)
    assert {verdict.status for verdict in verdicts.values()} == {"same"}
    assert {version.day for version in verdicts} == {FIRST_DAY}
    assert {version.stage for version in verdicts} == {
        "raw",
        "preprocess/url-normalization",
        HTML_PARSING,
        "preprocess/text-normalization/v2",
        "labels",
        "annotated",
        "training-set",
    }


def test_the_name_that_models_carry_leads_to_their_data(whole: Project) -> None:
    version = current(whole.lake, "training-set", FIRST_DAY)
    name = f"training-set-{FIRST_DAY}-{version.version}"
    assert targets_of_snapshot(whole.lake, name) == [version]
    with pytest.raises(LakeError, match="training-set 2026-03-01 has no version 0123456789ab"):
        targets_of_snapshot(whole.lake, f"training-set-{FIRST_DAY}-0123456789ab")


def test_a_snapshot_comes_before_the_name_that_models_carry(lake: Lake) -> None:
    name = f"training-set-{FIRST_DAY}-{current(lake, 'training-set', FIRST_DAY).version}"
    lake.create_snapshot(name, stages=["raw"])
    assert {target.stage for target in targets_of_snapshot(lake, name)} == {"raw"}


def test_a_window_sees_only_the_days_that_were_there_then(late_day: Project, place: str, tmp_path: Path) -> None:
    lake = put(late_day, place)
    first, then, now = (item.id for day in (FIRST_DAY, date(2026, 3, 3)) for item in lake.history("training-set", day))
    verdicts = reproduce(lake, [first, then, now], tmp_path / "scratch")
    assert {verdict.status for verdict in verdicts.values()} == {"same"}
    assert {version.day.day for version in verdicts} == {1, 2, 3}
    of_then = reproduce(lake, [then], tmp_path / "scratch-2")
    assert of_then[then].status == "same"
    assert {version.day.day for version in of_then} == {1, 3}


def test_a_file_that_was_tampered_with_is_named(three_days: Project, place: str, tmp_path: Path) -> None:
    lake = put(three_days, place)
    version = current(lake, "annotated", FIRST_DAY)
    recorded = {file.path: file.sha1 for file in lake.metadata("annotated", FIRST_DAY).files}
    sha1 = spoil(lake, version, "sample.jsonl", b"{}\n")
    lake.store.delete([f"{version.path}/html-documents.parquet"])
    verdicts = reproduce(lake, targets_of_snapshot(lake, "release-1"), tmp_path / "scratch")
    verdict = verdicts.pop(version)
    assert verdict.status == "differs"
    assert {(file.path, file.recorded, file.rebuilt, file.in_lake) for file in verdict.files} == {
        ("sample.jsonl", recorded["sample.jsonl"], recorded["sample.jsonl"], sha1),
        ("html-documents.parquet", recorded["html-documents.parquet"], recorded["html-documents.parquet"], None),
    }
    assert sha1 in verdict.reason
    # what was made from it is rebuilt from what it should be
    assert {verdict.status for verdict in verdicts.values()} == {"same"}


def test_data_and_metadata_that_were_changed_together_are_found(lake: Lake, tmp_path: Path) -> None:
    version = current(lake, "annotated", FIRST_DAY)
    metadata = lake.metadata("annotated", FIRST_DAY)
    sha1 = spoil(lake, version, "html-documents.parquet", b"other rows")
    files = [
        file.model_copy(update={"sha1": sha1}) if file.path == "html-documents.parquet" else file
        for file in metadata.files
    ]
    spoil(lake, version, "metadata.json", metadata.model_copy(update={"files": files}).to_json())
    verdict = reproduce(lake, [version], tmp_path / "scratch")[version]
    (file,) = verdict.files
    assert (verdict.status, file.path, file.recorded, file.in_lake) == ("differs", "html-documents.parquet", sha1, sha1)
    assert file.rebuilt == metadata.data_files[0].sha1


def test_damaged_raw_files_spoil_what_was_made_from_them(lake: Lake, tmp_path: Path) -> None:
    version = current(lake, "raw", FIRST_DAY)
    sha1 = spoil(lake, version, "html-documents.jsonl.gz", gzip.compress(b"{}\n"))
    verdicts = reproduce(lake, targets_of_snapshot(lake, "release-1"), tmp_path / "scratch")
    assert verdicts[version].status == "differs"
    assert [(file.path, file.in_lake) for file in verdicts[version].files] == [("html-documents.jsonl.gz", sha1)]
    training_set = verdicts[current(lake, "training-set", date(2026, 3, 3))]
    assert (training_set.status, training_set.reason) == ("not tried", f"depends on {version}")
    same = {version.day for version, verdict in verdicts.items() if verdict.status == "same"}
    assert same == {date(2026, 3, 2), date(2026, 3, 3)}


def test_an_ancestor_that_is_not_there_is_said_and_the_rest_goes_on(lake: Lake, tmp_path: Path) -> None:
    version = current(lake, HTML_PARSING, FIRST_DAY)
    lake.store.delete([f"{version.path}/metadata.json"])
    verdicts = reproduce(lake, targets_of_snapshot(lake, "release-1"), tmp_path / "scratch")
    assert (verdicts[version].status, verdicts[version].files) == ("cannot", ())
    assert f"{HTML_PARSING} {FIRST_DAY} has no version {version.version}" in verdicts[version].reason
    assert verdicts[current(lake, "annotated", FIRST_DAY)].reason == f"depends on {version}"
    assert verdicts[current(lake, "annotated", date(2026, 3, 2))].status == "same"


def test_another_code_version_is_said_with_the_commit_to_check_out(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(monkeypatch, HTML_PARSING, code_version="2")
    version = current(lake, HTML_PARSING, FIRST_DAY)
    metadata = lake.metadata(HTML_PARSING, FIRST_DAY)
    commit = "0123456789012345678901234567890123456789"
    context = metadata.context.model_copy(update={"git_commit": commit})
    spoil(lake, version, "metadata.json", metadata.model_copy(update={"context": context}).to_json())
    verdicts = reproduce(lake, [current(lake, "training-set", FIRST_DAY)], tmp_path / "scratch")
    assert verdicts[version].status == "differs"
    assert verdicts[version].reason == (
        f"this release computes it otherwise: code_version 2, was 1; check out {commit}"
    )
    assert statuses(verdicts) == {
        "same": {"raw", "preprocess/url-normalization"},
        "differs": {HTML_PARSING},
        "not tried": {"preprocess/text-normalization/v2", "labels", "annotated", "training-set"},
    }


def test_other_columns_parameters_and_sources_are_said(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from html_classification.assets import silver, training

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
    monkeypatch.setitem(
        STAGE_FUNCTIONS, "annotated", replace(known, reads={"labels": known.reads["labels"], "raw": RAW})
    )
    version = current(lake, "annotated", FIRST_DAY)
    verdict = reproduce(lake, [version], tmp_path / "scratch")[version]
    assert verdict.status == "differs"
    assert "raw is read too, preprocess/text-normalization/v2 is read no more; check out " in verdict.reason


def test_a_computation_that_gives_other_bytes_for_the_same_recipe_differs(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from html_classification.assets import gold

    def otherwise(texts: pl.DataFrame, labels: pl.DataFrame) -> Outcome:
        outcome = annotate(texts, labels)
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
    from html_classification.assets import gold

    def broken(texts: pl.DataFrame, labels: pl.DataFrame) -> Outcome:
        raise ZeroDivisionError("nothing\nto divide")

    monkeypatch.setattr(gold, "annotate", broken)
    day = date(2026, 3, 2)
    version, training_set = current(lake, "annotated", day), current(lake, "training-set", day)
    verdicts = reproduce(lake, [training_set], tmp_path / "scratch")
    assert (verdicts[version].status, verdicts[version].reason) == ("cannot", "ZeroDivisionError: nothing")
    assert verdicts[training_set].status == "not tried"
    assert verdicts[current(lake, "labels", day)].is_good


def test_labels_that_cannot_be_had_again_are_taken_as_they_are(three_days: Project, place: str, tmp_path: Path) -> None:
    lake = put(three_days, place)
    targets = targets_of_snapshot(lake, "release-1")
    labels = three_days.labels.read_bytes()
    try:
        three_days.labels.write_bytes(labels + b'{"url": "https://a.example/", "category": "sports"}\n')
        verdicts = reproduce(lake, targets, tmp_path / "scratch")
    finally:
        three_days.labels.write_bytes(labels)
    assert statuses(verdicts)["taken as it is"] == {"labels"}
    assert {verdict.status for version, verdict in verdicts.items() if version.stage != "labels"} == {"same"}
    reason = verdicts[current(lake, "labels", FIRST_DAY)].reason
    assert reason.startswith("bought outside the lake: no label file with the SHA-1 ")
    assert f"({three_days.labels} has the SHA-1 " in reason
    scratch = Lake(str(tmp_path / "scratch" / "lake"))
    for day in (FIRST_DAY, date(2026, 3, 2)):
        assert scratch.metadata("labels", day, current(lake, "labels", day).version) == lake.metadata("labels", day)


def test_damaged_labels_are_not_taken(lake: Lake, three_days: Project, tmp_path: Path) -> None:
    version = current(lake, "labels", FIRST_DAY)
    sha1 = spoil(lake, version, "html-documents.parquet", b"damaged")
    hidden = three_days.labels.rename(three_days.root / "hidden.jsonl")
    try:
        verdicts = reproduce(lake, [current(lake, "annotated", FIRST_DAY)], tmp_path / "scratch")
    finally:
        hidden.rename(three_days.labels)
    assert verdicts[version].status == "differs"
    assert [file.in_lake for file in verdicts[version].files] == [sha1]
    assert verdicts[current(lake, "annotated", FIRST_DAY)].reason == f"depends on {version}"


def test_the_label_file_of_the_settings_is_taken_where_it_is_that_of_then(
    lake: Lake, three_days: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = three_days.labels.rename(tmp_path / "elsewhere.jsonl")
    monkeypatch.setenv("HTML_CLASSIFICATION_LABELS", str(moved))
    version = current(lake, "labels", FIRST_DAY)
    try:
        assert reproduce(lake, [version], tmp_path / "scratch")[version].status == "same"
    finally:
        moved.rename(three_days.labels)


def test_what_garbage_collection_removed_is_rebuilt_from_what_it_left(lake: Lake, tmp_path: Path) -> None:
    version = current(lake, HTML_PARSING, FIRST_DAY)
    annotated = current(lake, "annotated", FIRST_DAY)
    before = data_of(lake, version)
    metadata = json.loads(lake.store.get(f"{version.path}/metadata.json"))
    removed = {"removed_at": "2026-05-01T00:00:00Z", "reason": "old", "metadata": metadata}
    lake.store.put_new(f"{version.path}/removed.json", json.dumps(removed).encode())
    lake.store.delete([f"{version.path}/{name}" for name in ("metadata.json", *before)])
    verdicts = reproduce(lake, [version, annotated], tmp_path / "scratch")
    assert verdicts[version].status == verdicts[annotated].status == "same"
    assert data_of(Lake(str(tmp_path / "scratch" / "lake")), version) == before
    lake.store.delete([f"{version.path}/removed.json"])
    lake.store.put_new(f"{version.path}/removed.json", b'{"removed_at": "2026')
    assert "removed.json is not readable" in reproduce(lake, [annotated], tmp_path / "again")[version].reason


def test_a_version_that_failed_its_audit_is_rebuilt_and_compared(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from html_classification.automation.ranges import run_range as run_days

    days = project.write_days(1)
    project.write_drop(days[0], b"garbage\n", "html-documents.jsonl.gz")
    defs = project.defs()
    with dg.DagsterInstance.ephemeral() as instance:
        assert run_days(defs, instance, {dg.AssetKey("raw")}, days).failed
    (folder,) = Store(project.lake_uri).folders(f"raw/{days[0]}")
    version = VersionId("raw", days[0], folder)
    assert not project.lake.metadata("raw", days[0], folder).passed
    assert reproduce(project.lake, [version], tmp_path / "scratch")[version].status == "same"


def test_a_drop_of_several_files_is_rebuilt_in_its_order(project: Project, tmp_path: Path) -> None:
    (day,) = project.write_days(1)
    project.write_drop(day, lines(day_pages(day)[:3], day), "z.jsonl")
    project.write_drop(day, lines(day_pages(day)[3:5], day) + b"garbage\n", "a.jsonl")
    project.write_drop(day, lines(day_pages(day)[5:7], day), "html-documents-b.jsonl")
    project.write_drop(day, lines(day_pages(day)[7:9], day), "part 2%20é.jsonl")
    project.write_drop(day, lines(day_pages(day)[9:], day), "index.jsonl")
    run(project, [day], ["raw"])
    shutil.rmtree(project.crawl)
    version = current(project.lake, "raw", day)
    verdict = reproduce(project.lake, [version], tmp_path / "scratch")[version]
    assert (verdict.status, verdict.reason) == ("same", "")
    assert len(project.lake.metadata("raw", day).data_files) == 6


def test_a_scratch_folder_in_use_or_in_the_lake_is_refused(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").write_text("mine")
    with pytest.raises(LakeError, match="used is not empty: give an empty or a new folder"):
        check_scratch(lake, str(tmp_path / "used"))
    with pytest.raises(LakeError, match="lies in the lake: give another folder"):
        check_scratch(lake, f"{lake.uri}/scratch")
    check_scratch(lake, str(tmp_path / "new"))


def test_a_version_among_its_own_ancestors_is_damage(lake: Lake) -> None:
    version = current(lake, "raw", FIRST_DAY)
    metadata = lake.metadata("raw", FIRST_DAY)
    itself = lake.dataset("raw", FIRST_DAY).sources()
    spoil(lake, version, "metadata.json", metadata.model_copy(update={"sources": itself}).to_json())
    with pytest.raises(LakeError, match="is among its own ancestors: its metadata"):
        make_plan(lake.store, [version])


def test_a_long_line_of_ancestors_is_put_in_order(lake: Lake) -> None:
    metadata = lake.metadata("training-set", FIRST_DAY)
    source = metadata.sources[0]
    names = [f"{number:012x}" for number in range(1200)]
    for before, name in zip([None, *names], names, strict=False):
        sources = [source.model_copy(update={"stage": "chain", "date": str(FIRST_DAY), "version": before})]
        made = metadata.model_copy(update={"stage": "chain", "version": name, "sources": sources if before else []})
        lake.store.put_new(f"chain/{FIRST_DAY}/{name}/metadata.json", made.to_json())
    plan = make_plan(lake.store, [VersionId("chain", FIRST_DAY, names[-1])])
    assert [version.version for version in plan.order] == names


class Command:
    """The command line in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.printed = io.StringIO()
        monkeypatch.setattr(output.out, "file", self.printed)

    def reproduce(self, *words: str) -> tuple[int, str]:
        """Exit status and what was printed."""
        self.printed.truncate(0)
        done = CliRunner().invoke(app, ["lake", "reproduce", *words])
        return done.exit_code, done.stdout + self.printed.getvalue()


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Command]:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    yield Command(monkeypatch)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_the_command_says_what_is_the_same(
    three_days: Project, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTML_CLASSIFICATION_LAKE", three_days.lake_uri)
    code, shown = command.reproduce("release-1")
    assert code == 0
    assert "release-1: 21 of 21 versions the same\n" in shown
    assert re.search("annotated +3 +0 +0 +0 +0\n", shown)
    version = current(three_days.lake, "annotated", FIRST_DAY)
    words = ["annotated", str(FIRST_DAY), version.version]
    rows = json.loads(command.reproduce(*words, "--json")[1])
    assert rows[-1] == {
        "stage": "annotated",
        "date": "2026-03-01",
        "version": version.version,
        "target": True,
        "status": "same",
        "reason": "",
        "files": [],
    }
    assert [row["target"] for row in rows].count(True) == 1
    assert (
        f"the rebuilt lake is in {tmp_path}/kept/lake" in command.reproduce(*words, "--scratch", f"{tmp_path}/kept")[1]
    )
    assert Lake(str(tmp_path / "kept" / "lake")).read("annotated", FIRST_DAY).height == 12


def test_the_command_fails_where_a_version_differs(
    lake: Lake, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTML_CLASSIFICATION_LAKE", lake.uri)
    change(monkeypatch, HTML_PARSING, code_version="2")
    code, shown = command.reproduce("release-1")
    assert code == 1
    (differs,) = [line for line in shown.splitlines() if line.startswith("differs: ")]
    assert "and 2 more: this release computes it otherwise: code_version 2, was 1; " in differs
    assert "not tried: " in shown
    # raw and url-normalization of three days; the label file is there, but its pages are not the same
    assert "release-1: 6 of 21 versions the same\n" in shown
    raw = current(lake, "raw", FIRST_DAY)
    assert command.reproduce("raw", str(FIRST_DAY), raw.version)[0] == 0


def test_stopping_it_leaves_nothing_behind(
    three_days: Project, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from html_classification.assets import gold

    def ended(**_: Any) -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setenv("HTML_CLASSIFICATION_LAKE", three_days.lake_uri)
    monkeypatch.setattr(gold, "annotate", ended)
    before, handler = contents(three_days.root), signal.getsignal(signal.SIGTERM)
    assert command.reproduce("release-1")[0] == 130
    assert contents(three_days.root) == before
    assert signal.getsignal(signal.SIGTERM) is handler


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["release-9"], "no snapshot release-9 in"),
        (["../../x"], "is no name for a snapshot"),
        (["a\x1b[2Jb"], "is no name for a snapshot"),
        (["raw", "2026-03-01"], "give the name of a snapshot, or stage, date and version, not 2 words"),
        (["raw", "2026-02-30", "0123456789ab"], "'2026-02-30' is no date"),
        (["../raw", "2026-03-01", "0123456789ab"], "is no stage"),
        (["raw", "2026-03-01", "../x"], "is no version"),
        (["raw", "2026-03-01", "0123456789ab"], "raw 2026-03-01 has no version 0123456789ab"),
        (["training-set-2026-02-30-0123456789ab"], "'2026-02-30' is no date"),
    ],
)
def test_odd_arguments_are_one_line(
    three_days: Project,
    words: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from html_classification.cli import main

    monkeypatch.setenv("HTML_CLASSIFICATION_LAKE", three_days.lake_uri)
    monkeypatch.setattr("sys.argv", ["html-classification", "lake", "reproduce", *words])
    before = contents(three_days.root)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert "\x1b[2J" not in line
    assert contents(three_days.root) == before
