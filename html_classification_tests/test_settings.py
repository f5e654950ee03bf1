"""Settings: defaults, `.env`, wrong values, and the daily partitions that come of them."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from html_classification.partitions import daily_partitions
from html_classification.settings import Settings, SettingsError, dagster_home, load_settings
from html_classification_tests.pages import REPOSITORY


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        # `.env` sets variables of the process: set and unset first, so that they are taken back afterwards.
        for variable in (f"HTML_CLASSIFICATION_{name.upper()}", name.upper(), "DAGSTER_HOME"):
            monkeypatch.setenv(variable, "")
            monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)


def test_without_anything_set_all_is_below_data() -> None:
    settings = load_settings()
    assert settings.model_dump(exclude={"training_window_days"}) == {
        "lake": "data/lake",
        "crawl": "data/crawl",
        "crawl_profile": None,
        "labels": "data/labels.jsonl",
        "labels_price": None,
        "labels_budget_per_day": None,
        "labels_budget_per_month": None,
        "labels_batch_size": 16,
        "labels_concurrency": 16,
        "labels_timeout": 30,
        "labels_requests_per_second": None,
        "categories": "",
        "test_share": 0.3,
        "split_sites": False,
        "training_seed": 0,
        "algorithms": "",
        "labeling_queue_size": 100,
        "start_date": date(2026, 3, 1),
        "duplicate_window_days": 30,
        "workers": None,
        "mlflow_tracking_uri": "sqlite:///data/mlflow/mlflow.db",
    }


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text(
        "# the team's\nHTML_CLASSIFICATION_LAKE=s3://bucket/lake\nHTML_CLASSIFICATION_CRAWL='s3://bucket/crawl'\n"
        "MLFLOW_TRACKING_URI=http://mlflow:5000\nSOMETHING_ELSE=1\n"
    )
    monkeypatch.setenv("SOMETHING_ELSE", "2")
    monkeypatch.setenv("HTML_CLASSIFICATION_CRAWL", "here")
    settings = load_settings()
    assert (settings.lake, settings.crawl) == ("s3://bucket/lake", "here")
    assert settings.mlflow_tracking_uri == "http://mlflow:5000"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTML_CLASSIFICATION_START_DATE", "tomorrow"),
        ("HTML_CLASSIFICATION_START_DATE", "2026-02-30"),
        ("HTML_CLASSIFICATION_TRAINING_WINDOW_DAYS", "0"),
        ("HTML_CLASSIFICATION_TRAINING_WINDOW_DAYS", "9999"),
        ("HTML_CLASSIFICATION_TEST_SHARE", "30%"),
        ("HTML_CLASSIFICATION_TEST_SHARE", "1.0"),
        ("HTML_CLASSIFICATION_SPLIT_SITES", "sometimes"),
        ("HTML_CLASSIFICATION_TRAINING_SEED", "-1"),
        ("MLFLOW_TRACKING_URI", "data/mlruns"),
    ],
)
def test_a_wrong_value_is_named_but_not_shown(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    message = str(caught.value)
    assert message.startswith(f"{variable} ")
    assert message.endswith("correct it or unset it")
    assert "\n" not in message
    assert value not in message.replace(f"{variable} ", "", 1).split()


def test_days_go_from_the_first_until_yesterday_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    monkeypatch.setenv("HTML_CLASSIFICATION_START_DATE", str(yesterday - timedelta(days=2)))
    keys = daily_partitions().get_partition_keys()
    assert keys == [str(yesterday - timedelta(days=back)) for back in (2, 1, 0)]
    assert daily_partitions(yesterday).get_partition_keys() == [str(yesterday)]
    assert daily_partitions(yesterday + timedelta(days=9)).get_partition_keys() == []


def test_dagster_home_is_the_one_set_then_this_folder_then_the_project(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert dagster_home() == REPOSITORY
    (tmp_path / "dagster.yaml").touch()
    assert dagster_home() == tmp_path
    other = tmp_path / "other"
    other.mkdir()
    (other / "dagster.yaml").touch()
    monkeypatch.setenv("DAGSTER_HOME", str(other))
    assert dagster_home() == other
    (other / "dagster.yaml").unlink()
    with pytest.raises(SettingsError, match=r"no dagster\.yaml in DAGSTER_HOME"):
        dagster_home()


def test_categories_are_a_list_in_one_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().known_categories == ()
    monkeypatch.setenv("HTML_CLASSIFICATION_CATEGORIES", " sports, cooking & baking,,sports ")
    assert load_settings().known_categories == ("cooking & baking", "sports")
