"""The version of the layout, on a folder and on a real S3 server."""

import json

import pytest

from html_classification.lake import Lake, LakeError
from html_classification.lake.layout import mark_layout
from html_classification_tests.lake.test_building import DAY, Counted, frame, lake

__all__ = ["lake"]
STAGE = "preprocess/url-normalization"


def test_the_first_version_leaves_the_layouts_version(lake: Lake) -> None:
    assert lake.store.list() == []
    Counted(frame("a")).materialize(lake)
    assert json.loads(lake.store.get("lake.json"))["layout_version"] == 1
    mark_layout(lake.store)
    assert json.loads(lake.store.get("lake.json"))["layout_version"] == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"layout_version": 2}', "layout_version 2, this release reads 1: .* upgrade"),
        (b"{", "lake.json is not readable .* it is damaged; write"),
    ],
)
def test_a_lake_of_a_newer_release_is_neither_read_nor_written(lake: Lake, content: bytes, reason: str) -> None:
    lake.store.put_new("lake.json", content)
    before = lake.store.list()
    other = Lake(lake.uri)
    for use in (
        lambda: other.scan(STAGE),
        lambda: other.read(STAGE, DAY),
        other.ls,
        lambda: Counted(frame("a")).materialize(other),
        lambda: other.create_snapshot("now"),
    ):
        with pytest.raises(LakeError, match=reason):
            use()
    assert lake.store.list() == before
