"""What is to be rebuilt: the versions that a name stands for, their ancestors, and an order.

Belongs here: names and plans. Does not belong here: rebuilding (`test_rebuilding`).
"""

import pytest

from html_classification.lake import Lake, LakeError, paths
from html_classification.lake.paths import VersionId
from html_classification.reproduction.provenance import make_plan, targets_of_snapshot
from html_classification_tests.pages import FIRST_DAY
from html_classification_tests.reproduction.rebuilds import current, spoil


def test_the_name_that_models_carry_leads_to_their_data(lake: Lake) -> None:
    version = current(lake, "training-set", FIRST_DAY)
    name = f"training-set-{FIRST_DAY}-{version.version}"
    targets = targets_of_snapshot(lake, name)
    assert targets == lake.snapshot(name).ids
    assert {version, current(lake, "raw", FIRST_DAY)} < set(targets)


def test_without_a_snapshot_of_that_name_it_is_the_training_set(lake: Lake) -> None:
    version = current(lake, "training-set", FIRST_DAY)
    name = f"training-set-{FIRST_DAY}-{version.version}"
    lake.store.delete([paths.snapshot_path(name)])
    assert targets_of_snapshot(lake, name) == [version]
    with pytest.raises(LakeError, match="training-set 2026-03-01 has no version 0123456789ab"):
        targets_of_snapshot(lake, f"training-set-{FIRST_DAY}-0123456789ab")


def test_a_version_among_its_own_ancestors_is_damage(lake: Lake) -> None:
    version = current(lake, "raw", FIRST_DAY)
    metadata = lake.metadata("raw", FIRST_DAY)
    itself = lake.dataset("raw", FIRST_DAY).sources()
    spoil(lake, version, "metadata.json", metadata.model_copy(update={"sources": itself}).to_json())
    with pytest.raises(LakeError, match="is among its own ancestors: its metadata"):
        make_plan(lake.store, [version])


def test_a_long_line_of_ancestors_is_put_in_order(lake: Lake) -> None:
    metadata = lake.metadata("training-set", FIRST_DAY)
    source = metadata.sources[0]
    names = [f"{number:012x}" for number in range(1200)]
    for before, name in zip([None, *names], names, strict=False):
        sources = [source.model_copy(update={"stage": "chain", "date": str(FIRST_DAY), "version": before})]
        made = metadata.model_copy(update={"stage": "chain", "version": name, "sources": sources if before else []})
        lake.store.put_new(f"chain/{FIRST_DAY}/{name}/metadata.json", made.to_json())
    plan = make_plan(lake.store, [VersionId("chain", FIRST_DAY, names[-1])])
    assert [version.version for version in plan.order] == names
