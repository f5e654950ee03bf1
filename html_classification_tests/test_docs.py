"""What the documentation shows works: its code is run on a lake as it would be by a reader."""

import re
import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
import yaml

from html_classification.schemas.post_train import ACTIONS, ISSUES
from html_classification.training.algorithms import ALGORITHMS
from html_classification.training.fitting import predict
from html_classification.training.onnx_export import export
from html_classification.training.packaging import package
from html_classification.training.report import write_report
from html_classification_tests.assets.running import UP_TO_GOLD, run
from html_classification_tests.inference.material import invented_documents, lake_rows, trained
from html_classification_tests.pages import REPOSITORY, Project

LAKE_PAGE = REPOSITORY / "docs" / "lake.md"
TRAINING_PAGE = REPOSITORY / "docs" / "training.md"
REFINEMENT_PAGE = REPOSITORY / "docs" / "refinement.md"


def blocks(page: Path, language: str) -> list[str]:
    """The pieces of code of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture
def golden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a lake at data/lake, as the pages speak of it."""
    shutil.copytree(REPOSITORY / "html_classification_tests" / "golden" / "lake", tmp_path / "data" / "lake")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_python_of_the_page_on_the_lake_runs(golden: Path) -> None:
    names: dict[str, Any] = {}
    for code in blocks(LAKE_PAGE, "python"):
        exec(compile(code, "docs/lake.md", "exec"), names)
    assert names["by_category"]["len"].sum() == names["frozen"].height == 6
    assert names["pages"]["len"].sum() == 6
    assert names["figures"]["pages"] == 4


def test_the_page_on_pages_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks(REPOSITORY / "docs" / "pages.md", "python")
    exec(compile(code, "docs/pages.md", "exec"), {})
    assert capsys.readouterr().out == "Soup True Home Boil\n"


def test_duckdb_reads_the_lake_as_the_page_says(golden: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    (sql,) = blocks(LAKE_PAGE, "sql")
    found = None
    for statement in sql.strip().split(";\n"):
        found = duckdb.sql(statement) or found
    assert found is not None
    rows = found.fetchall()
    assert [name for name, _ in rows] == ["cooking", "finance", "sports"]
    assert sum(count for _, count in rows) == 6


def test_a_model_is_used_as_the_page_on_training_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    classifier = trained(invented_documents(6), "v2", "page-structure")
    package(Path("model"), classifier, "v2")
    Path("onnx-model").mkdir()
    Path("onnx-model/model.onnx").write_bytes(export(classifier))
    names: dict[str, Any] = {}
    for code in blocks(TRAINING_PAGE, "python"):
        exec(compile(code, "docs/training.md", "exec"), names)
    answers = names["answers"]
    assert answers["category"].to_list() == ["cooking", None]
    assert (names["first"], names["category"].tolist()) == ("cooking", ["cooking"])
    assert answers["reason"].to_list() == [None, "no html"]
    said = answers["probabilities"][0]
    assert dict(zip(sorted(said), names["probabilities"][0], strict=True)) == pytest.approx(said, abs=1e-6)


def test_the_launchpad_takes_the_configurations_of_the_page_on_training(project: Project) -> None:
    job = project.defs().resolve_implicit_global_asset_job_def()
    configurations = [yaml.safe_load(code) for code in blocks(TRAINING_PAGE, "yaml")]
    assert [list(each["ops"]) for each in configurations] == [["models_on_given_labels"], ["promotion"]]
    for each in configurations:
        assert dg.validate_run_config(job, each)


def test_the_page_on_training_names_every_algorithm_and_every_file_of_a_report(tmp_path: Path) -> None:
    page = TRAINING_PAGE.read_text()
    classifier, rows = trained(invented_documents(6), "v2"), lake_rows(invented_documents(6), "v2")
    about = {"language": pl.lit("en"), "label_source": pl.lit("file")}
    write_report(tmp_path, classifier, rows.with_columns(**about), predict(classifier, rows))
    files = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert [name for name in [*ALGORITHMS, *sorted(files)] if f"`{name}`" not in page] == []


def test_the_python_of_the_page_on_refinement_runs(
    project: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = project.write_days(2, each=6)
    assert run(project, instance, days, [*UP_TO_GOLD, "training_set", "predictions", "post_train"]).failed == []
    (project.root / "data").mkdir(exist_ok=True)
    (project.root / "data" / "lake").symlink_to(project.lake_uri)
    monkeypatch.chdir(project.root)
    names: dict[str, Any] = {}
    for code in blocks(REFINEMENT_PAGE, "python"):
        exec(compile(code, "docs/refinement.md", "exec"), names)
    assert names["day"] == days[-1]
    assert names["first"].columns == names["rows"].columns


def test_the_launchpad_takes_the_rules_of_the_page_on_refinement(project: Project) -> None:
    job = project.defs().resolve_implicit_global_asset_job_def()
    (rules,) = (yaml.safe_load(code) for code in blocks(REFINEMENT_PAGE, "yaml"))
    assert dg.validate_run_config(job, rules)


def test_the_page_on_refinement_names_every_issue_and_every_action() -> None:
    page = REFINEMENT_PAGE.read_text()
    assert [name for name in (*ISSUES, *ACTIONS) if f"`{name}`" not in page] == []
