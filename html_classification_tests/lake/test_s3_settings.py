"""The standard AWS settings lead to S3, for what obstore does and for what polars reads."""

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import polars as pl
import pytest

from html_classification.lake import s3
from html_classification.lake.errors import StoreError
from html_classification.lake.store import Store
from html_classification_tests.s3_users import client, new_user, profile

NOWHERE = "http://127.0.0.1:9"
FRAME = pl.DataFrame({"n": [1, 2, 3]})

Settings = Callable[..., None]


@pytest.fixture
def settings(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Have just these variables, and files with this content as ~/.aws/config and ~/.aws/credentials."""

    def have(config: str = "", credentials: str = "", **variables: str) -> None:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("HOME", str(tmp_path))
        folder = tmp_path / ".aws"
        folder.mkdir(exist_ok=True)
        for name, content in (("config", config), ("credentials", credentials)):
            (folder / name).write_text(content)
            if not content:
                (folder / name).unlink()
        for name, value in variables.items():
            patch.setenv(name, value)

    with monkeypatch.context() as patch:
        yield have


def assert_reached(bucket: str) -> None:
    """It is written, listed and read by obstore, and read by polars; other programs get there by the same settings."""
    store = Store(f"{bucket}/lake")
    buffer = io.BytesIO()
    FRAME.write_parquet(buffer)
    assert store.put_new("x/a.parquet", buffer.getvalue())
    assert [item.path for item in store.list()] == ["x/a.parquet"]
    assert store.get("x/a.parquet") == buffer.getvalue()
    scanned = pl.scan_parquet(store.uri("x/a.parquet"), glob=False, **store.for_polars)
    assert scanned.collect().equals(FRAME)


def keys(server: Mapping[str, str]) -> dict[str, str]:
    return {name: server[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}


def test_keys_and_endpoint_in_the_environment(bucket: str, s3_server: dict[str, str], settings: Settings) -> None:
    settings(**keys(s3_server), AWS_ENDPOINT_URL=s3_server["AWS_ENDPOINT_URL_S3"], AWS_DEFAULT_REGION="us-east-1")
    assert_reached(bucket)


def test_the_endpoint_of_s3_counts_before_that_of_all_services(
    bucket: str, s3_server: dict[str, str], settings: Settings
) -> None:
    settings(**keys(s3_server), AWS_ENDPOINT_URL=NOWHERE, AWS_ENDPOINT_URL_S3=s3_server["AWS_ENDPOINT_URL_S3"])
    assert_reached(bucket)


@pytest.mark.parametrize("where", ["profile", "services", "environment"])
def test_a_profile_with_its_files(bucket: str, s3_server: dict[str, str], settings: Settings, where: str) -> None:
    endpoint = s3_server["AWS_ENDPOINT_URL_S3"]
    config = {
        "profile": f"[profile team]\nregion = us-east-1\nendpoint_url = {endpoint}\n",
        "services": f"[profile team]\nservices = ours\n[services ours]\ns3 =\n  endpoint_url = {endpoint}\n",
        "environment": "[profile team]\nregion = us-east-1\n",
    }[where]
    variables = {"AWS_ENDPOINT_URL_S3": endpoint} if where == "environment" else {}
    settings(config, profile("team", s3_server), AWS_PROFILE="team", **variables)
    assert_reached(bucket)


def test_files_in_other_places(bucket: str, s3_server: dict[str, str], settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(f"[profile team]\nendpoint_url = {s3_server['AWS_ENDPOINT_URL_S3']}\n")
    (tmp_path / "credentials").write_text(profile("team", s3_server))
    settings(
        AWS_PROFILE="team",
        AWS_CONFIG_FILE=str(tmp_path / "config"),
        AWS_SHARED_CREDENTIALS_FILE=str(tmp_path / "credentials"),
    )
    assert_reached(bucket)


def test_the_default_profile(bucket: str, s3_server: dict[str, str], settings: Settings) -> None:
    endpoint = s3_server["AWS_ENDPOINT_URL_S3"]
    settings(f"[default]\nregion = us-east-1\nendpoint_url = {endpoint}\n", profile("default", s3_server))
    assert_reached(bucket)


def test_keys_in_the_environment_with_the_default_profiles_endpoint(
    bucket: str, s3_server: dict[str, str], settings: Settings
) -> None:
    settings(f"[default]\nendpoint_url = {s3_server['AWS_ENDPOINT_URL_S3']}\n", **keys(s3_server))
    assert_reached(bucket)


def session_keys(server: Mapping[str, str], user: str) -> dict[str, str]:
    """Keys that expire, with their token."""
    keys = new_user(server, user, ["s3:*", "sts:GetFederationToken"], ["*"])
    given = client(server, "sts", keys).get_federation_token(Name="tests", DurationSeconds=3600)["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
        "AWS_SESSION_TOKEN": given["SessionToken"],
    }


@pytest.mark.parametrize("where", ["environment", "profile"])
def test_session_tokens(bucket: str, s3_server: dict[str, str], settings: Settings, where: str) -> None:
    given, endpoint = session_keys(s3_server, f"session-{where}"), s3_server["AWS_ENDPOINT_URL_S3"]
    if where == "environment":
        settings(**given, AWS_ENDPOINT_URL_S3=endpoint)
    else:
        settings("", profile("team", given), AWS_PROFILE="team", AWS_ENDPOINT_URL_S3=endpoint)
    assert_reached(bucket)
    # It is really the token that opens: without it the same keys are refused.
    broken = {name: value for name, value in given.items() if name != "AWS_SESSION_TOKEN"}
    settings(**broken, AWS_ENDPOINT_URL_S3=endpoint)
    with pytest.raises(StoreError, match=r"refused|denied"):
        Store(f"{bucket}/lake").list()


def test_the_region_is_the_environments_before_the_profiles(settings: Settings, s3_server: dict[str, str]) -> None:
    config = "[profile team]\nregion = eu-west-1\n"
    settings(config, profile("team", s3_server), AWS_PROFILE="team")
    assert s3.polars_arguments()["storage_options"]["aws_region"] == "eu-west-1"
    settings(config, profile("team", s3_server), AWS_PROFILE="team", AWS_REGION="eu-north-1")
    assert s3.polars_arguments()["storage_options"]["aws_region"] == "eu-north-1"
    settings(**keys(s3_server))
    assert s3.polars_arguments()["storage_options"]["aws_region"] == "us-east-1"


def test_a_profile_that_is_not_there_is_one_line(settings: Settings) -> None:
    settings(AWS_PROFILE="nobody")
    with pytest.raises(
        StoreError, match=r"the AWS settings do not fit together .*nobody.*: correct the name of the profile"
    ) as caught:
        Store("s3://bucket/lake").list()
    assert "\n" not in str(caught.value)


def test_boto3_is_imported_only_where_it_is_needed(bucket: str, settings: Settings, s3_server: dict[str, str]) -> None:
    settings(**keys(s3_server), AWS_ENDPOINT_URL_S3=s3_server["AWS_ENDPOINT_URL_S3"], BUCKET=bucket)
    code = """
import io, os, sys
import polars as pl
from html_classification.lake.store import Store
store, frame, data = Store(os.environ["BUCKET"]), pl.DataFrame({"n": [1]}), io.BytesIO()
frame.write_parquet(data)
assert store.put_new("x/a.parquet", data.getvalue())
assert pl.scan_parquet(store.uri("x/a.parquet"), glob=False, **store.for_polars).collect().equals(frame)
print("boto3" in sys.modules, "botocore" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["False", "False"], done.stderr
