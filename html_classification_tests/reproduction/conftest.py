"""What versions are rebuilt of: projects that are run once for all tests, and copies of their lakes.

Belongs here: fixtures. Does not belong here: what tests do with them (`rebuilds`).

Running the real graph is by far the slowest part of these tests: a test that changes something copies the lake.
"""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from html_classification.lake import Lake
from html_classification_tests.pages import FIRST_DAY, Project
from html_classification_tests.reproduction.rebuilds import put, run

UP_TO_TRAINING_SET = ["raw", "preprocess/url_normalization", "preprocess/html_parsing"]
UP_TO_TRAINING_SET += ["preprocess/text_normalization_v2", "labels", "annotators", "annotated", "training_set"]


@pytest.fixture(scope="session")
def three_days(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Three days up to the training set, of which the second came last, and a snapshot of it all. Not to be changed."""
    made = Project(tmp_path_factory.mktemp("three"))
    first, second, third = made.write_days(3)
    run(made, [first, third], UP_TO_TRAINING_SET)
    run(made, [first, second, third], UP_TO_TRAINING_SET)
    made.lake.create_snapshot("release-1")
    return made


@pytest.fixture(scope="session")
def whole(three_days: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The three days, two of them through every stage, models too, and a snapshot of it all. Not to be changed."""
    root = tmp_path_factory.mktemp("whole")
    shutil.copytree(three_days.root, root, dirs_exist_ok=True)
    made = Project(root)
    run(made, [FIRST_DAY, FIRST_DAY + timedelta(days=1)])
    made.lake.create_snapshot("every-stage")
    return made


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a lake may be put: a folder, and a bucket on a real S3 server."""
    return str(tmp_path / "lake") if request.param == "folder" else request.getfixturevalue("bucket") + "/lake"


@pytest.fixture
def lake(three_days: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A copy of the lake of three days that a test may spoil."""
    monkeypatch.setenv("HTML_CLASSIFICATION_LABELS", str(tmp_path / "none.jsonl"))
    return put(three_days, str(tmp_path / "lake"))
