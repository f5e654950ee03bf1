"""The real graph on small crawls: days by themselves and in ranges, rebuilt, reused, repaired."""

import gzip
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from html_classification_tests.assets.running import UP_TO_GOLD, keys, materialized, run, sha1s, statuses
from html_classification_tests.pages import FIRST_DAY, REPOSITORY, Project, day_pages, lines


def test_a_range_and_single_days_give_the_same_files(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    in_a_range, by_day = Project(tmp_path / "range"), Project(tmp_path / "by-day")
    days = in_a_range.write_days(3)
    by_day.write_days(3)
    assert run(in_a_range, instance, days).failed == []
    job = by_day.defs().resolve_implicit_global_asset_job_def()
    for day in days:
        assert job.execute_in_process(instance=instance, partition_key=day.isoformat()).success
    files = sha1s(in_a_range.lake)
    assert files == sha1s(by_day.lake)
    stages = {stage for stage, _, _ in files}
    assert {"raw", "labels", "annotated", "training-set", "predictions", "post-train", "leaderboard"} < stages
    assert {"models/given-v1-complement-nb", "models/refined-v2-logistic-regression"} < stages
    assert all({day for stage, day, _ in files if stage == name} == {str(day) for day in days} for name in stages)


def test_all_but_raw_can_be_deleted_and_rebuilt_to_the_same_bytes(
    project: Project, instance: dg.DagsterInstance
) -> None:
    days = project.write_days(2)
    run(project, instance, days)
    before = sha1s(project.lake)
    for path in sorted(Path(project.lake_uri).rglob("*"), reverse=True):
        if path.is_file() and path.relative_to(project.lake_uri).parts[0] != "raw":
            path.unlink()
    assert {stage for stage, _, _ in sha1s(project.lake)} == {"raw"}
    result = run(project, instance, days)
    assert result.failed == []
    assert sha1s(project.lake) == before


def test_what_is_up_to_date_is_reused(project: Project, instance: dg.DagsterInstance) -> None:
    days = project.write_days(2)
    assert set(statuses(run(project, instance, days))) == {"built"}
    listed = [(row.stage, row.date, row.version, row.published_at) for row in project.lake.ls()]
    again = statuses(run(project, instance, days))
    assert set(again) == {"reused", "built"}
    assert again["built"] == {"promotion"}  # it asks the registry, whose state is no part of any recipe
    assert [(row.stage, row.date, row.version, row.published_at) for row in project.lake.ls()] == listed


def test_force_computes_again_and_finds_the_same_bytes(project: Project, instance: dg.DagsterInstance) -> None:
    days = project.write_days(1)
    run(project, instance, days, UP_TO_GOLD)
    result = run(project, instance, days, UP_TO_GOLD, force=True)
    assert set(statuses(result)) == {"built"}


def test_only_what_follows_from_a_change_is_rebuilt(project: Project, instance: dg.DagsterInstance) -> None:
    days = project.write_days(3)
    run(project, instance, days, UP_TO_GOLD)
    before = sha1s(project.lake)
    pages = day_pages(days[1])
    pages[0]["html"] = pages[0]["html"].replace("</article>", "<p>one more paragraph</p></article>")
    project.write_drop(days[1], gzip.compress(lines(pages, days[1])), "html-documents.jsonl.gz")
    result = run(project, instance, days, UP_TO_GOLD)
    rebuilt = {(report.asset, report.day) for report in result.reports if report.status == "built"}
    # The day after it has the labels of its text in the window, and comes to the same rows.
    windowed = {"annotators", "annotated"}
    assert rebuilt == {(name, days[1]) for name in UP_TO_GOLD} | {(name, days[2]) for name in windowed}
    rows = ((file, sha1) for file, sha1 in sha1s(project.lake).items() if file[2] == "html-documents.parquet")
    changed = {file[:2] for file, sha1 in rows if file[0] in windowed and sha1 != before[file]}
    assert changed == {("annotated", str(days[1]))}
    assert len(project.lake.history("annotated", days[1])) == 2
    assert len(project.lake.history("annotated", days[0])) == 1


def test_a_lake_of_an_older_release_goes_on_with_the_next_day(project: Project, instance: dg.DagsterInstance) -> None:
    shutil.copytree(REPOSITORY / "html_classification_tests" / "golden" / "lake", project.lake_uri)
    before = sha1s(project.lake)
    *older, newest = project.write_days(3)
    assert run(project, instance, [newest], [*UP_TO_GOLD, "labeling_queue", "training_set"]).failed == []
    assert project.lake.metadata("training-set", newest).statistics.figures["days"] == 3
    assert project.lake.metadata("labeling-queue", newest).statistics.figures["labelled"] == 12 + 6
    assert project.lake.scan("annotated", *older).collect().height == 6
    assert sha1s(project.lake).items() >= before.items()


def test_a_bad_day_does_not_take_the_good_ones_along(project: Project, instance: dg.DagsterInstance) -> None:
    days = project.write_days(30, each=1)
    bad = days[4]
    (project.crawl / str(bad) / "html-documents.jsonl.gz").unlink()
    result = run(project, instance, days, UP_TO_GOLD)
    (failed,) = result.failed
    assert (failed.day, failed.asset) == (bad, "raw")
    assert f"no crawl drop for {bad}" in failed.detail
    assert set(result.blocked) == {bad}
    good = {str(day) for day in days} - {str(bad)}
    for name in UP_TO_GOLD:
        assert materialized(instance, name) == good
    assert {str(day) for day in project.lake.current("annotated")} == good


def test_the_bad_day_is_failed_and_missing_and_failed_runs_only_what_is_missing(
    project: Project, instance: dg.DagsterInstance
) -> None:
    from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value

    days = project.write_days(4, each=1)
    drop = project.crawl / str(days[1]) / "html-documents.jsonl.gz"
    kept = drop.read_bytes()
    drop.unlink()
    run(project, instance, days, UP_TO_GOLD)
    graph = project.defs().resolve_asset_graph()
    partitions = graph.get(dg.AssetKey("raw")).partitions_def
    status = get_and_update_asset_status_cache_value(instance, dg.AssetKey("raw"), partitions)
    assert status
    assert status.deserialize_failed_partition_subsets(partitions).get_partition_keys() == [str(days[1])]  # type: ignore[arg-type, union-attr]
    # What the UI launches for "missing and failed": the failed day of raw, the missing day of the rest.
    drop.write_bytes(kept)
    before = {name: materialized(instance, name) for name in UP_TO_GOLD}
    job = project.defs().resolve_implicit_global_asset_job_def()
    done = job.execute_in_process(
        instance=instance, partition_key=str(days[1]), asset_selection=list(keys(project, UP_TO_GOLD))
    )
    assert done.success
    for name in UP_TO_GOLD:
        assert materialized(instance, name) - before[name] == {str(days[1])}
    status = get_and_update_asset_status_cache_value(instance, dg.AssetKey("raw"), partitions)
    assert status
    assert not status.deserialize_failed_partition_subsets(partitions).get_partition_keys()  # type: ignore[arg-type, union-attr]


def test_a_failed_audit_keeps_the_day_back_and_says_so_in_dagster(
    project: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    from html_classification.streams import parsing

    real = parsing.mark_copies

    def broken(pages: pl.DataFrame, clusters: pl.DataFrame) -> pl.DataFrame:
        frame = real(pages, clusters)
        bad = frame["timestamp"].dt.date().max() == FIRST_DAY
        return frame.with_columns(pl.lit(7.0).alias("language_confidence")) if bad else frame

    days = project.write_days(3)
    monkeypatch.setattr(parsing, "mark_copies", broken)
    result = run(project, instance, days, UP_TO_GOLD)
    (failed,) = result.failed
    assert (failed.day, failed.asset) == (days[0], "preprocess/html_parsing")
    assert "language_confidence less_than_or_equal_to(1)" in failed.detail
    assert materialized(instance, "preprocess/html_parsing") == {str(days[1]), str(days[2])}
    key = dg.AssetCheckKey(dg.AssetKey(["preprocess", "html_parsing"]), "audit")
    history = instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
    by_day = {
        record.event.dagster_event.event_specific_data.partition: record.event.dagster_event.event_specific_data.passed
        for record in history
        if record.event
    }
    assert {day: by_day[day] for day in map(str, days)} == {str(days[0]): False, str(days[1]): True, str(days[2]): True}


def test_each_day_of_a_range_has_its_own_metadata_in_dagster(project: Project, instance: dg.DagsterInstance) -> None:
    days = project.write_days(3)
    run(project, instance, days, UP_TO_GOLD)
    records = instance.fetch_materializations(dg.AssetKey("annotated"), limit=10).records
    by_day = {record.partition_key: record.asset_materialization for record in records}
    assert set(by_day) == {str(day) for day in days}
    for day, materialization in by_day.items():
        assert materialization
        metadata = {name: entry.value for name, entry in materialization.metadata.items()}
        dataset = project.lake.dataset("annotated", str(day))
        assert metadata["dagster/uri"] == dataset.uri
        assert metadata["dagster/partition_row_count"] == dataset.metadata.statistics.rows == 12
        assert metadata["version"] == dataset.metadata.version
        assert metadata["sha1"] == dataset.metadata.data_files[0].sha1
        assert [column.name for column in metadata["dagster/column_schema"].columns][:2] == ["url", "title"]
        assert metadata["preview"].startswith("| url | title |")


def test_broken_input_is_counted_and_kept_and_the_rest_goes_on(project: Project, instance: dg.DagsterInstance) -> None:
    days = project.write_days(3)
    whole = lines(day_pages(days[0], each=30), days[0])
    packed = gzip.compress(whole, mtime=0)
    project.write_drop(days[0], packed[: len(packed) // 2], "html-documents.jsonl.gz")
    project.write_drop(days[0], b"one line of garbage\n", "html-documents-2.jsonl")
    (project.crawl / str(days[1]) / "html-documents.jsonl.gz").unlink()
    project.write_drop(days[2], b"", "html-documents-2.jsonl")
    result = run(project, instance, days, UP_TO_GOLD)
    assert [(report.day, report.asset) for report in result.failed] == [(days[1], "raw")]
    dataset = project.lake.dataset("raw", days[0])
    rejected = [json.loads(row) for row in project.lake.store.get(f"{dataset.path}/rejected.jsonl").splitlines()]
    assert [(row["file"], row["reason"][:23]) for row in rejected] == [
        ("html-documents-2.jsonl", "not JSON: unexpected ch"),
        ("html-documents.jsonl.gz", "the compressed file end"),
    ]
    statistics = dataset.metadata.statistics
    assert 10 < statistics.rows < 90
    assert statistics.rejected_rows == 2
    assert project.lake.store.get(f"{dataset.path}/html-documents.jsonl.gz") == packed[: len(packed) // 2]
    assert project.lake.read("preprocess/html-parsing", days[0]).height == statistics.rows
    assert project.lake.metadata("raw", days[2]).statistics.rejected_rows == 1


def test_a_day_that_comes_late_is_taken_into_the_windows_of_later_days(
    project: Project, instance: dg.DagsterInstance
) -> None:
    days = project.write_days(3)
    names = [*UP_TO_GOLD, "training_set"]
    run(project, instance, [days[0], days[2]], names)
    assert project.lake.metadata("training-set", days[2]).statistics.figures["days"] == 2
    run(project, instance, days, names)
    assert project.lake.metadata("training-set", days[2]).statistics.figures["days"] == 3
    assert len(project.lake.history("training-set", days[2])) == 2
    assert len(project.lake.history("training-set", days[0])) == 1


def test_sources_name_the_exact_versions_that_were_read(project: Project, instance: dg.DagsterInstance) -> None:
    days = project.write_days(2)
    run(project, instance, days)
    metadata = project.lake.metadata("training-set", days[1])
    read = {(source.stage, source.date, source.version, source.sha1) for source in metadata.sources}
    expected = {
        (stage, str(day), dataset.metadata.version, dataset.metadata.data_files[0].sha1)
        for stage in ("annotated", "preprocess/html-parsing")
        for day in days
        for dataset in [project.lake.dataset(stage, day)]
    }
    assert read == expected


def test_a_backfill_of_some_days_takes_those_days_of_every_asset(
    project: Project, instance: dg.DagsterInstance
) -> None:
    from dagster._core.execution.asset_backfill import AssetBackfillData

    graph = project.defs().resolve_asset_graph()
    days = ["2026-03-07", "2026-03-08", "2026-03-09", "2026-03-10"]
    backfill = AssetBackfillData.from_asset_partitions(
        asset_graph=graph,
        partition_names=days,
        asset_selection=sorted(graph.materializable_asset_keys),
        dynamic_partitions_store=instance,
        backfill_start_timestamp=datetime(2026, 11, 1, tzinfo=UTC).timestamp(),
        all_partitions=False,
    )
    for key in graph.materializable_asset_keys:
        assert set(backfill.target_subset.get_partitions_subset(key).get_partition_keys()) == set(days)


def test_the_audits_of_a_range_count_for_each_day(project: Project, instance: dg.DagsterInstance) -> None:
    days = project.write_days(3)
    (project.crawl / str(days[1]) / "html-documents.jsonl.gz").unlink()
    run(project, instance, days, UP_TO_GOLD)
    for name in UP_TO_GOLD:
        key = dg.AssetCheckKey(dg.AssetKey(name.split("/")), "audit")
        found = instance.event_log_storage.get_asset_check_partition_info([key])
        passed = {
            info.partition_key
            for info in found
            if info.is_current and info.latest_execution_status.value == "SUCCEEDED"
        }
        assert passed - {None} == {str(days[0]), str(days[2])}  # None is what the step says of the range as a whole
