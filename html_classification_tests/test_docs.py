"""What the documentation shows works: its code is run on a lake as it would be by a reader."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from html_classification_tests.pages import REPOSITORY

LAKE_PAGE = REPOSITORY / "docs" / "lake.md"


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
