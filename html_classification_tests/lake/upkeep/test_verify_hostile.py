"""Verification of files that are made to break it: each is a finding, none is its end.

Belongs here: impossible names and deep nesting. Does not belong here: ordinary damage (`test_verify`).
"""

import json

import pytest

from html_classification.lake import Lake, LakeError
from html_classification.lake.paths import METADATA_FILE, REMOVED_FILE
from html_classification.lake.upkeep.gc import plan
from html_classification.lake.upkeep.verify import verify
from html_classification_tests.lake.builds import DAY
from html_classification_tests.lake.upkeep.chain import TEXTS, change_json, in_days, interrupt, overwrite, put_chain

DEEP = b"[" * 100_000


@pytest.mark.parametrize(
    "versions",
    [{"../../etc": {"2026-03-01": "0123456789ab"}}, {"raw": {"2026-03-01": "zzz"}}, {"a\nb": {"2026-03-01": "z"}}],
    ids=["stage", "version", "line"],
)
def test_a_snapshot_that_names_what_can_be_no_version(lake: Lake, versions: dict[str, object]) -> None:
    put_chain(lake, "one")
    lake.create_snapshot("named")
    change_json(lake, "snapshots/named.json", versions=versions)
    (finding,) = verify(lake).problems
    assert (finding.kind, finding.uri) == ("snapshot", lake.store.uri("snapshots/named.json"))
    assert "which can be no version" in finding.problem
    assert "\n" not in str(finding)
    with pytest.raises(LakeError, match="nothing is removed"):
        plan(lake, now=in_days(31))


def test_deep_nesting_is_a_finding(lake: Lake) -> None:
    version = put_chain(lake, "one")[TEXTS]
    lake.create_snapshot("named")
    metadata = f"{version.path}/{METADATA_FILE}"
    for path, kind in (
        (lake.history(TEXTS, DAY)[0].path, "publication"),
        ("snapshots/named.json", "snapshot"),
        (metadata, "metadata"),
    ):
        whole = lake.store.get(path)
        overwrite(lake, path, DEEP)
        assert [finding.kind for finding in verify(lake).problems] == [kind]
        overwrite(lake, path, whole)
    nested: object = 1
    for _ in range(900):
        nested = [nested]
    recipe = json.loads(lake.store.get(metadata))["recipe"]
    change_json(lake, metadata, recipe=recipe | {"parameters": {"deep": nested}})
    assert "recipe" in [finding.kind for finding in verify(lake).problems]
    interrupt(lake, version)
    overwrite(lake, f"{version.path}/{REMOVED_FILE}", DEEP)
    assert "removed" in [finding.kind for finding in verify(lake).problems]
