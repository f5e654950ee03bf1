"""What `--select` means.

Belongs here: turning a stage, a group or an expression into asset keys. Does not belong here: running them.
"""

import warnings
from collections.abc import Iterable

import dagster as dg
from dagster import DagsterError
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph


class SelectionError(ValueError):
    """A selection matches nothing or is not understood; the message is one line."""


def select_assets(graph: AssetGraph, selections: Iterable[str]) -> set[dg.AssetKey]:
    """The assets that are selected.

    Args:
        graph: The asset graph.
        selections: Each a stage (`preprocess/html-parsing`), a group (`silver`), or an expression of Dagster's
            selection syntax (`key:"annotated"+`). None selects all.

    Returns:
        The keys of all that any of them selects.

    Raises:
        SelectionError: One of them is not understood or selects nothing.
    """
    everything = {key for key in graph.materializable_asset_keys}
    chosen = {text: _select(graph, text) & everything for text in selections}
    empty = [text for text, keys in chosen.items() if not keys]
    if empty:
        message = f"--select {empty[0]} matches no asset; give a stage, a group or an expression, such as silver"
        raise SelectionError(message)
    return set().union(*chosen.values()) if chosen else everything


def _select(graph: AssetGraph, text: str) -> set[dg.AssetKey]:
    by_stage = {str(node.metadata.get("stage")): node.key for node in graph.asset_nodes}
    if text in by_stage:
        return {by_stage[text]}
    groups = {node.group_name for node in graph.asset_nodes}
    if text in groups:
        return set(dg.AssetSelection.groups(text).resolve(graph))
    try:
        with warnings.catch_warnings():
            # Dagster's parser uses a beta parameter of Dagster's: no news to who writes a selection.
            warnings.filterwarnings("ignore", message="Parameter `include_sources` of function `AssetSelection")
            return set(dg.AssetSelection.from_string(text).resolve(graph))
    except (DagsterError, ValueError) as error:
        message = f"--select {text} is not understood: {str(error).splitlines()[0]}"
        raise SelectionError(message) from None
