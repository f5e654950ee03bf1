"""The definitions: complete catalog entries, light to import, silent, and only where they belong."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from html_classification.assets.stage_asset import STAGE_FUNCTIONS
from html_classification.assets.training import KINDS, MODEL_STAGES, chosen_algorithms
from html_classification.definitions import build_defs
from html_classification.partitions import daily_partitions
from html_classification.resources import Tracking
from html_classification.settings import SettingsError
from html_classification.training.algorithms import ALGORITHMS
from html_classification.transforms.text.versions import TEXT_VERSIONS
from html_classification_tests.pages import REPOSITORY, Project

HEAVY = ["mlflow", "sklearn", "cleanlab", "simplemma", "dagster_mlflow"]
WITHOUT_DAGSTER = ["transforms", "lake", "labeling", "training", "refinement", "schemas"]


def all_specs() -> Iterator[dg.AssetSpec]:
    graph = build_defs().resolve_asset_graph()
    for key in sorted(graph.materializable_asset_keys):
        node = graph.get(key)
        yield node.to_asset_spec()  # type: ignore[attr-defined]


SPECS = {spec.key.to_user_string(): spec for spec in all_specs()}
STAGES = {name: spec for name, spec in SPECS.items() if name != "promotion"}


def python(code: str, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, *options, "-c", code]
    return subprocess.run(
        command, check=False, cwd=REPOSITORY, env=fresh(), capture_output=True, text=True, timeout=120
    )


def fresh() -> dict[str, str]:
    own = ("HTML_CLASSIFICATION_", "DAGSTER_", "MLFLOW_", "PYTHON", "COV_")
    return {name: value for name, value in os.environ.items() if not name.startswith(own)}


def test_the_graph_has_every_stage() -> None:
    assert len(KINDS) == 2 * len(TEXT_VERSIONS) * len(ALGORITHMS) == 16
    expected = {"raw", "preprocess/url_normalization", "preprocess/html_parsing", "preprocess/duplicates"}
    expected |= {"labels", "annotators", "annotated", "labeling_queue"}
    expected |= {"preprocess/text_normalization_v1", "preprocess/text_normalization_v2", "training_set", "predictions"}
    expected |= {"post_train", "leaderboard", "promotion"}
    assert {name for name in SPECS if not name.startswith("models/")} == expected
    assert len(SPECS) == len(expected) + len(MODEL_STAGES)
    assert {stage.name for stage in MODEL_STAGES.values()} < STAGE_FUNCTIONS.keys()


@pytest.mark.parametrize("name", sorted(SPECS))
def test_every_asset_explains_itself(name: str) -> None:
    spec = SPECS[name]
    assert spec.description
    assert len(spec.description) > 60
    assert name == "raw" or "Made from" in spec.description
    assert "sed by " in spec.description
    assert spec.owners == ["team:data"]
    assert spec.group_name in ("bronze", "silver", "gold", "training", "post_train")
    assert spec.kinds
    assert spec.code_version
    assert spec.tags["layer"]
    assert spec.partitions_def == daily_partitions()


@pytest.mark.parametrize("name", sorted(STAGES))
def test_every_column_is_described(name: str) -> None:
    metadata = STAGES[name].metadata
    assert str(metadata["stage"]).replace("-", "_").replace("normalization/v", "normalization_v") == name
    schema = metadata["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchema)
    assert schema.columns
    assert [column.name for column in schema.columns if not column.description or not column.type] == []


def test_every_stage_has_one_blocking_check_by_day() -> None:
    definitions = build_defs()
    assets = [asset for asset in definitions.assets or () if isinstance(asset, dg.AssetsDefinition)]
    checks = [check for asset in assets for check in asset.check_specs]
    assert sorted(check.asset_key.to_user_string() for check in checks if check.blocking) == sorted(STAGES)
    for check in checks:
        assert (check.name == "audit") == check.blocking
        assert check.description
        assert check.partitions_def == daily_partitions()
    assert sorted((check.asset_key.path[-1], check.name) for check in checks if not check.blocking) == [
        ("annotated", "categories_known"),
        ("annotated", "category_drift"),
        ("annotated", "share_labelled"),
        ("annotators", "agreement"),
        ("html_parsing", "engines_agree"),
        ("labels", "all_bought"),
        ("leaderboard", "refinement_helps"),
        ("post_train", "few_changes"),
        ("post_train", "no_drift"),
        ("promotion", "not_worse"),
        ("training_set", "balance"),
        ("training_set", "both_sides"),
        ("training_set", "sizes"),
    ]
    for asset in assets:
        assert asset.backfill_policy == dg.BackfillPolicy.multi_run(max_partitions_per_run=30)


def test_dagster_is_told_of_the_same_day_only() -> None:
    """Told of the windows it would widen every backfill by a month; they are read from the lake."""
    training_set = STAGES["training_set"]
    graph = build_defs().resolve_asset_graph()
    second = daily_partitions().get_partition_keys()[1]
    days = daily_partitions()
    for parent in training_set.deps:
        mapping = graph.get_partition_mapping(training_set.key, parent.asset_key)
        subset = days.subset_with_partition_keys([second])
        read = mapping.get_upstream_mapped_partitions_result_for_partitions(subset, days, days)
        assert set(read.partitions_subset.get_partition_keys()) == {second}


def test_resources_can_be_replaced(tmp_path: Path) -> None:
    mine = Tracking(uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    resources = build_defs({"tracking": mine}).resources or {}
    assert resources["tracking"] is mine
    assert set(resources) == {"lake", "crawl", "s3", "workers", "label_source", "tracking", "training_processes"}


def test_importing_the_definitions_is_silent_and_light() -> None:
    code = f"""
import sys
import html_classification.definitions
print([name for name in {HEAVY} if name in sys.modules])
"""
    done = python(code, "-W", "error")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == "[]"


def test_what_can_be_used_from_a_notebook_does_not_import_dagster() -> None:
    code = f"""
import importlib, pkgutil, sys
for package in {WITHOUT_DAGSTER}:
    found = importlib.import_module(f"html_classification.{{package}}")
    for module in pkgutil.walk_packages(found.__path__, f"{{found.__name__}}."):
        importlib.import_module(module.name)
        assert "dagster" not in sys.modules, module.name
    print(package)
"""
    done = python(code)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == WITHOUT_DAGSTER


def test_dagster_finds_the_definitions_valid(project: Project) -> None:
    home = project.root / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    program = Path(sys.executable).parent / "dagster"
    done = subprocess.run(
        [program, "definitions", "validate"],
        cwd=REPOSITORY,
        env=fresh() | project.environment | {"DAGSTER_HOME": str(home)},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "Validation successful for code location html_classification" in done.stderr + done.stdout


def test_an_algorithm_that_there_is_not_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTML_CLASSIFICATION_ALGORITHMS", "linear-svm, nonsense")
    with pytest.raises(SettingsError, match="there is no nonsense; there are logistic-regression, linear-svm"):
        chosen_algorithms()
    monkeypatch.setenv("HTML_CLASSIFICATION_ALGORITHMS", "page-structure,linear-svm")
    assert chosen_algorithms() == ["linear-svm", "page-structure"]
