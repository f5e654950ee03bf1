"""What `--select` means, on the real graph."""

from functools import cache

import pytest
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

from html_classification.automation.selection import SelectionError, select_assets
from html_classification.definitions import build_defs

ALL = 23
GOLD = {"labels", "annotators", "annotated", "labeling_queue"}

# Dagster's parser of expressions calls its own beta functions; that must not reach a user.
pytestmark = pytest.mark.filterwarnings("error")


@cache
def graph() -> AssetGraph:
    return build_defs().resolve_asset_graph()


def select(*selections: str) -> set[str]:
    return {key.to_user_string() for key in select_assets(graph(), selections)}


def test_nothing_selects_everything() -> None:
    assert len(select()) == ALL
    assert select() == select("*")


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("raw", {"raw"}),
        ("preprocess/html-parsing", {"preprocess/html_parsing"}),
        ("preprocess/text-normalization/v1", {"preprocess/text_normalization_v1"}),
        ("models/refined-v2-complement-nb", {"models/refined_v2_complement_nb"}),
        ("post-train", {"post_train"}),
        ("labeling-queue", {"labeling_queue"}),
        ("bronze", {"raw"}),
        ("gold", GOLD),
        ('key:"preprocess/html_parsing"', {"preprocess/html_parsing"}),
        ('1+key:"labels"', {"labels", "preprocess/html_parsing"}),
        ('+key:"preprocess/url_normalization"', {"preprocess/url_normalization", "raw"}),
        ('key:"leaderboard"+', {"leaderboard", "promotion"}),
        ("group:gold or key:raw", GOLD | {"raw"}),
        ("preprocess/html_parsing", {"preprocess/html_parsing"}),
    ],
)
def test_a_stage_a_group_or_an_expression(selection: str, expected: set[str]) -> None:
    assert select(selection) == expected


def test_selections_add_up() -> None:
    assert select("raw", "gold", 'key:"raw"+1') == GOLD | {"raw", "preprocess/url_normalization"}


def test_every_stage_and_group_selects_itself() -> None:
    for node in graph().asset_nodes:
        assert node.key.to_user_string() in select(str(node.group_name))
        if stage := node.metadata.get("stage"):
            assert select_assets(graph(), [str(stage)]) == {node.key}


@pytest.mark.parametrize(
    "selection", ["", "nothing", "key:nothing", "+++(", "group:platinum", "key:raw and key:labels"]
)
def test_what_selects_nothing_is_an_error_of_one_line(selection: str) -> None:
    with pytest.raises(SelectionError) as caught:
        select("raw", selection)
    assert str(caught.value).startswith(f"--select {selection}")
    assert "\n" not in str(caught.value)
