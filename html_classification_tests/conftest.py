"""What the tests share: crawl drops of a few pages, projects in a temporary folder, a real S3 server.

Belongs here: fixtures used by more than one folder of tests. Does not belong here: expectations.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from hypothesis import settings

# Before the definitions are made: half of the models, so that tests of the whole graph take half of the time. A test of
# the command line runs all.
os.environ["HTML_CLASSIFICATION_ALGORITHMS"] = "complement-nb, logistic-regression"

from html_classification_tests.pages import Project
from html_classification_tests.s3_server import NoServerError, delete_bucket, make_bucket, s3_server, weed

# How long an example takes says how busy the machine is: speed belongs in benchmarks.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


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


@pytest.fixture(scope="session", name="s3_server")
def running_s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A SeaweedFS server on loopback: the AWS_* variables that lead to it."""
    try:
        weed()
    except NoServerError as error:
        pytest.skip(str(error))
    with s3_server(tmp_path_factory.mktemp("weed")) as variables:
        yield variables


@pytest.fixture
def bucket(s3_server: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """The address of a new, empty bucket; the environment leads to its server."""
    for name, value in s3_server.items():
        monkeypatch.setenv(name, value)
    uri = make_bucket(s3_server, "bucket-" + tmp_path.name.replace("_", "-").lower()[-40:].strip("-"))
    yield uri
    delete_bucket(s3_server, uri)
