"""The whole pipeline and the production instance on a real S3 server."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml

from html_classification.automation.ranges import run_range
from html_classification.definitions import build_defs
from html_classification.io_manager import LakeIOManager
from html_classification.lake import Lake
from html_classification.lake.store import Store
from html_classification.resources import CrawlDrops, LabelSource, Tracking
from html_classification_tests.pages import REPOSITORY, Project
from html_classification_tests.s3_users import profile


def files(lake: Lake) -> dict[tuple[str, str, str], str]:
    return {
        (row.stage, row.date, file.path): file.sha1
        for row in lake.ls()
        for file in lake.metadata(row.stage, row.date).files
    }


@pytest.fixture
def profile_only(
    bucket: str, tmp_path: Path, s3_server: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The bucket, with no keys and no endpoint in the environment: all of it stands in a profile of the AWS files."""
    endpoint = f"endpoint_url = {s3_server['AWS_ENDPOINT_URL_S3']}"
    (tmp_path / "config").write_text(f"[profile team]\nregion = us-east-1\n{endpoint}\n")
    (tmp_path / "credentials").write_text(profile("team", s3_server))
    with monkeypatch.context() as patch:
        for name in s3_server:
            patch.delenv(name)
        patch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
        patch.setenv("AWS_PROFILE", "team")
        yield bucket


def test_the_pipeline_gives_the_same_files_on_s3_as_in_a_folder(
    project: Project, profile_only: str, instance: dg.DagsterInstance
) -> None:
    bucket = profile_only
    days = project.write_days(2)
    crawl = Store(f"{bucket}/crawl")
    for path in project.crawl.rglob("*.gz"):
        crawl.put_new(str(path.relative_to(project.crawl)), path.read_bytes())
    Store(f"{bucket}/team").put_new("labels.jsonl", project.labels.read_bytes())
    on_s3 = build_defs(
        {
            "lake": LakeIOManager(lake=f"{bucket}/html-classification"),
            "crawl": CrawlDrops(uri=f"{bucket}/crawl"),
            "label_source": LabelSource(uri=f"{bucket}/team/labels.jsonl"),
            "tracking": Tracking(uri=f"sqlite:///{project.root / 'of-s3' / 'mlflow.db'}"),
        }
    )
    for defs in (on_s3, project.defs()):
        keys = set(defs.resolve_asset_graph().materializable_asset_keys)
        assert run_range(defs, instance, keys, days).failed == []
    lake = Lake(f"{bucket}/html-classification")
    assert files(lake) == files(project.lake)
    assert {"raw", "labels", "annotated", "post-train", "leaderboard"} <= {stage for stage, _, _ in files(lake)}
    assert lake.read("labels", days[0]).equals(project.lake.read("labels", days[0]))


@pytest.fixture
def production(
    tmp_path: Path, bucket: str, s3_server: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """The instance of deploy/dagster.yaml, with SQLite in place of Postgres."""
    monkeypatch.setenv("HTML_CLASSIFICATION_LOGS_BUCKET", bucket.removeprefix("s3://"))
    monkeypatch.setenv("HTML_CLASSIFICATION_LOGS_ENDPOINT", s3_server["AWS_ENDPOINT_URL_S3"])
    config = yaml.safe_load((REPOSITORY / "deploy" / "dagster.yaml").read_text())
    assert config["storage"] == {"postgres": {"postgres_url": {"env": "DAGSTER_POSTGRES_URL"}}}
    config["storage"] = {"sqlite": {"base_dir": str(tmp_path / "sqlite")}}
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text(yaml.safe_dump(config))
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance


def test_the_output_of_steps_goes_to_s3_in_production(
    project: Project, production: dg.DagsterInstance, bucket: str
) -> None:
    (day,) = project.write_days(1)
    job = project.defs().resolve_implicit_global_asset_job_def()
    done = job.execute_in_process(
        instance=production, partition_key=str(day), asset_selection=[dg.AssetKey("raw")], raise_on_error=False
    )
    assert done.success
    logs = [item.path for item in Store(bucket).list("dagster-logs")]
    assert any(done.run_id in path for path in logs)
