"""The refinement on the real graph: its rules in the launchpad, its figures over the days, its queue in Dagster."""

from datetime import date
from typing import Any

import dagster as dg
import pytest

from html_classification.refinement.refining import RefinementRules
from html_classification_tests.assets.running import UP_TO_GOLD, run
from html_classification_tests.assets.test_people_decide import plant_wrong_labels
from html_classification_tests.pages import Project

KEY = dg.AssetKey("post_train")
UP_TO_PREDICTIONS = [*UP_TO_GOLD, "training_set", "predictions"]


@pytest.fixture
def days(project: Project, instance: dg.DagsterInstance) -> list[date]:
    """Two days of pages with some wrong labels, up to predictions."""
    written = project.write_days(2, each=10)
    plant_wrong_labels(project, 0, 7, 14, 21, 33, 47)
    assert run(project, instance, written, UP_TO_PREDICTIONS).failed == []
    return written


def launch(
    project: Project, instance: dg.DagsterInstance, day: date, rules: dict[str, Any]
) -> dg.ExecuteInProcessResult:
    job = project.defs().resolve_implicit_global_asset_job_def()
    config = {"ops": {"post_train": {"config": rules}}}
    return job.execute_in_process(
        instance=instance, asset_selection=[KEY], partition_key=str(day), run_config=config, raise_on_error=False
    )


def test_numbers_are_metadata_of_their_own_and_the_queue_is_shown(
    project: Project, instance: dg.DagsterInstance, days: list[date]
) -> None:
    assert run(project, instance, days, ["post_train"]).failed == []
    event = instance.get_latest_materialization_event(KEY)
    assert event is not None
    assert event.asset_materialization is not None
    shown = event.asset_materialization.metadata
    for name in ("label_quality", "issue_share", "day_issue_share", "label_errors_of_file", "review", "relabelled"):
        assert isinstance(shown[f"figures/{name}"], (dg.FloatMetadataValue, dg.IntMetadataValue))
    queue = shown["review_queue"]
    assert isinstance(queue, dg.MarkdownMetadataValue)
    waiting = project.lake.read("post-train", days[-1]).filter(action="review").height
    assert str(queue.value).startswith(f"**{waiting:,} to look at**")


def test_what_is_chosen_in_the_launchpad_is_what_happens_and_part_of_the_recipe(
    project: Project, instance: dg.DagsterInstance, days: list[date]
) -> None:
    assert run(project, instance, days[-1:], ["post_train"]).failed == []
    usual = project.lake.current("post-train")[days[-1]]
    rules = {"repair": {"label_error": "review", "empty_text": "kept"}, "label_errors": {"doubt_below": 0.4}}
    assert launch(project, instance, days[-1], rules).success
    assert project.lake.current("post-train")[days[-1]] != usual
    recipe = project.lake.metadata("post-train", days[-1]).recipe
    assert recipe["parameters"] == RefinementRules.model_validate(rules).model_dump()
    assert "relabelled" not in project.lake.read("post-train", days[-1])["action"].unique()


def test_rules_that_cannot_be_are_refused_before_anything_runs(
    project: Project, instance: dg.DagsterInstance, days: list[date]
) -> None:
    with pytest.raises(dg.DagsterInvalidConfigError, match="no_such_rule"):
        launch(project, instance, days[-1], {"repair": {"no_such_rule": 1}})
    assert not launch(project, instance, days[-1], {"repair": {"most_changed": 7.0}}).success
    assert project.lake.current("post-train") == {}


def test_the_launchpad_explains_each_rule(project: Project) -> None:
    fields = project.defs().resolve_assets_def(KEY).node_def.config_schema.config_type.fields  # type: ignore[attr-defined]
    assert set(fields) == set(RefinementRules.model_fields)
    for name, field in fields.items():
        assert field.description == RefinementRules.model_fields[name].description
        assert all(rule.description for rule in field.config_type.fields.values())
