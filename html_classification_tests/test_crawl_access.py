"""Crawl drops in a bucket of someone else: other keys, another server, for them alone."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster_aws.s3 import S3Resource

from html_classification.automation.ranges import run_range
from html_classification.definitions import build_defs
from html_classification.lake import Lake, LakeError
from html_classification.lake.store import Store
from html_classification.resources import CrawlDrops
from html_classification_tests.pages import FIRST_DAY, Project
from html_classification_tests.s3_server import delete_bucket, make_bucket, s3_server
from html_classification_tests.s3_users import new_user, profile

RAW = dg.AssetKey("raw")
Files = Callable[..., None]


@pytest.fixture
def aws_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """Write the AWS files: the config, the credentials."""

    def write(config: str, credentials: str) -> None:
        (tmp_path / "config").write_text(config)
        (tmp_path / "credentials").write_text(credentials)
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))

    return write


@pytest.fixture
def lake(bucket: str, project: Project, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """The lake, in a bucket that the environment leads to."""
    monkeypatch.setenv("HTML_CLASSIFICATION_LAKE", f"{bucket}/lake")
    return Lake(f"{bucket}/lake")


def upload(project: Project, uri: str) -> None:
    store = Store(uri)
    for path in project.crawl.rglob("*.gz"):
        store.put_new(str(path.relative_to(project.crawl)), path.read_bytes())


@pytest.fixture
def keys(
    lake: Lake, project: Project, s3_server: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, str]]:
    """Of one who may only read the crawl bucket; the environment's may only reach the lake's."""
    ours, theirs = lake.uri.split("/")[2], f"crawl-of-{os.getpid()}-{abs(hash(lake.uri)) % 10**9}"
    make_bucket(s3_server, theirs)
    project.write_days(1)
    upload(project, f"s3://{theirs}/crawl")
    monkeypatch.setenv("HTML_CLASSIFICATION_CRAWL", f"s3://{theirs}/crawl")
    own = new_user(s3_server, f"lake-{theirs}", ["s3:*"], [f"arn:aws:s3:::{ours}", f"arn:aws:s3:::{ours}/*"])
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    reading = ["s3:GetObject", "s3:ListBucket"]
    yield new_user(s3_server, theirs, reading, [f"arn:aws:s3:::{theirs}", f"arn:aws:s3:::{theirs}/*"])
    delete_bucket(s3_server, theirs)


def assert_taken(defs: dg.Definitions, instance: dg.DagsterInstance, project: Project, lake: Lake) -> None:
    result = run_range(defs, instance, {RAW}, [FIRST_DAY])
    assert result.failed == []
    assert lake.read("raw", FIRST_DAY).height > 0


def test_without_the_right_it_is_one_line(keys: dict[str, str], project: Project, instance: dg.DagsterInstance) -> None:
    (failed,) = run_range(build_defs(), instance, {RAW}, [FIRST_DAY]).failed
    assert "access denied (403 AccessDenied)" in failed.detail
    assert keys["AWS_SECRET_ACCESS_KEY"] not in failed.detail


def test_a_profile_of_the_settings(
    keys: dict[str, str],
    project: Project,
    lake: Lake,
    instance: dg.DagsterInstance,
    aws_files: Files,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aws_files("", profile("crawler", keys))
    monkeypatch.setenv("HTML_CLASSIFICATION_CRAWL_PROFILE", "crawler")
    assert_taken(build_defs(), instance, project, lake)


def test_keys_of_the_resource_come_from_variables_and_are_shown_nowhere(
    keys: dict[str, str], project: Project, lake: Lake, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in keys.items():
        monkeypatch.setenv(f"CRAWL_{name}", value)
    resource = S3Resource(
        aws_access_key_id=dg.EnvVar("CRAWL_AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=dg.EnvVar("CRAWL_AWS_SECRET_ACCESS_KEY"),
    )
    defs = build_defs({"s3": resource})
    assert_taken(defs, instance, project, lake)
    secret = keys["AWS_SECRET_ACCESS_KEY"]
    (run,) = instance.get_runs()
    assert secret not in json.dumps(run.run_config)
    assert all(secret not in str(entry) for entry in instance.all_logs(run.run_id))
    snapshots = [defs.get_repository_def().get_top_level_resources()[name].config_schema for name in ("crawl", "s3")]
    assert all(secret not in str(snapshot.as_field().default_value_as_json_str) for snapshot in snapshots)


@pytest.fixture
def other_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with s3_server(tmp_path_factory.mktemp("other")) as variables:
        yield variables


def test_another_server(
    project: Project,
    lake: Lake,
    other_server: dict[str, str],
    instance: dg.DagsterInstance,
    aws_files: Files,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The profile's server is meant, though the environment names the lake's."""
    uri = make_bucket(other_server, "drops") + "/crawl"
    project.write_days(1)
    with monkeypatch.context() as there:
        there.setenv("AWS_ENDPOINT_URL_S3", other_server["AWS_ENDPOINT_URL_S3"])
        upload(project, uri)
    monkeypatch.setenv("HTML_CLASSIFICATION_CRAWL", uri)
    endpoint = other_server["AWS_ENDPOINT_URL_S3"]
    aws_files(f"[profile crawler]\nendpoint_url = {endpoint}\n", profile("crawler", other_server))
    assert_taken(build_defs({"s3": S3Resource(profile_name="crawler")}), instance, project, lake)
    assert lake.store.list("raw")
    # The same, with the server named by the resource.
    aws_files("", profile("crawler", other_server))
    named = CrawlDrops(s3=S3Resource(profile_name="crawler", endpoint_url=endpoint))
    assert [item.path for item in named.store.list()] == [item.path for item in Store(str(project.crawl)).list()]


def test_a_profile_that_is_not_there(monkeypatch: pytest.MonkeyPatch, aws_files: Files) -> None:
    aws_files("", "")
    monkeypatch.setenv("HTML_CLASSIFICATION_CRAWL_PROFILE", "nobody")
    with pytest.raises(LakeError, match=r"do not fit together .*nobody.*: correct the name of the profile"):
        CrawlDrops(uri="s3://bucket/crawl").store.list()
    assert CrawlDrops(uri="data/crawl").store.is_s3 is False


def test_nothing_is_said_so_the_standard_settings_count(bucket: str) -> None:
    Store(f"{bucket}/crawl").put_new("2026-03-01/a.jsonl", b"")
    for drops in (CrawlDrops(uri=f"{bucket}/crawl"), CrawlDrops(uri=f"{bucket}/crawl", s3=S3Resource())):
        assert len(drops.store.list()) == 1
