"""The snapshot of a training set: its exact data, by name and for good.

Belongs here: what goes into it, and what it is called. Does not belong here: what a snapshot is (`lake.snapshots`),
rebuilding what it names (`reproduction`).

It names the training set and all that this was made from, back to raw, so that every stage can be read as it was then.
The lake keeps what it names. That costs nothing as long as days are only added: each day's training set is current, and
what is current keeps all that it was made from. Where days are built again, the former versions stay for the models
that learned from them.
"""

from datetime import UTC, date, datetime

import polars as pl

from html_classification.lake import Lake, Metadata, paths
from html_classification.lake.dataset import find_dataset
from html_classification.lake.listing import sort_in
from html_classification.lake.paths import VersionId
from html_classification.lake.snapshots import Snapshot, create_snapshot
from html_classification.lake.store import Store
from html_classification.reproduction.provenance import TRAINING_SET_NAME, make_plan, sources_of
from html_classification.schemas.training import TRAINING_SET
from html_classification.training.errors import TrainingError


def training_set_of(metadata: Metadata) -> VersionId:
    """The training set that a version is, or was made from.

    Args:
        metadata: Of a training set, a model or whatever else reads one.

    Raises:
        TrainingError: It was made from none.
    """
    if metadata.stage == TRAINING_SET.name:
        return VersionId(metadata.stage, metadata.date, metadata.version)
    for source in sorted(sources_of(metadata)):
        if source.stage == TRAINING_SET.name:
            return source
    raise TrainingError(f"{metadata.stage} {metadata.date} names no training set among its sources.")


def snapshot_name(metadata: Metadata) -> str:
    """What the snapshot of a version's training set is called: `training-set-<date>-<version>`.

    Args:
        metadata: Of a training set, a model or whatever else reads one.

    Raises:
        TrainingError: It was made from none.
    """
    training_set = training_set_of(metadata)
    return f"{training_set.stage}-{training_set.day}-{training_set.version}"


def publish_snapshot(lake: Lake, metadata: Metadata) -> str:
    """Name a training set and all that it was made from; where it has been done, that is one request.

    A snapshot names one version of each stage and day. Where several are among the ancestors, because a day was built
    again in between, it is the one that the training set itself was made from, if there is such a one. The others
    follow from the metadata of what is named, and are kept likewise. An ancestor that the lake does not have any more
    is not named: that is no reason not to train.

    Args:
        lake: The lake.
        metadata: The training set's.

    Returns:
        The snapshot's name.

    Raises:
        LakeError: Something was removed in this very moment, or the lake cannot be read or written.
    """
    name, target = snapshot_name(metadata), training_set_of(metadata)
    if lake.store.find(paths.snapshot_path(name)) is not None:
        return name
    nearest_first = [target, *sorted(sources_of(metadata)), *reversed(make_plan(lake.store, [target]).order)]
    folders: dict[str, set[str]] = {}
    for version in nearest_first:
        folders.setdefault(version.stage, set()).add(version.day.isoformat())
    inventory = sort_in(lake.store.list_folders({stage: sorted(days) for stage, days in folders.items()}))
    versions: dict[str, dict[date, str]] = {}
    for version in nearest_first:
        if version == target or inventory.is_complete(version):
            versions.setdefault(version.stage, {}).setdefault(version.day, version.version)
    snapshot = Snapshot(
        name=name,
        reason=f"the data of {target}",
        created_at=datetime.now(UTC),
        versions={stage: dict(sorted(days.items())) for stage, days in sorted(versions.items())},
    )
    create_snapshot(lake.store, snapshot, inventory)
    return name


def require_snapshot(board: pl.DataFrame, metadata: Metadata) -> None:
    """Make sure that a leaderboard is of a training set, so that no model is judged by rows that it has learned from.

    Args:
        board: Rows of `Leaderboard`.
        metadata: The training set's.

    Raises:
        TrainingError: A model of it is of another one.
    """
    others = sorted(set(board["snapshot"]) - {snapshot_name(metadata)})
    if others:
        message = (
            f"the leaderboard has models of {', '.join(others)}, and the training set is {snapshot_name(metadata)}: "
            f"materialize the models and the leaderboard of {metadata.date} again"
        )
        raise TrainingError(message)


def require_same_training_set(predictions: Metadata, metadata: Metadata) -> None:
    """Make sure that predictions are of a training set: of another one, some rows may have been on the other side.

    Args:
        predictions: The metadata of the predictions.
        metadata: The training set's.

    Raises:
        TrainingError: They are of another one.
    """
    versions = {source.version for source in predictions.sources if source.stage == TRAINING_SET.name}
    if versions != {metadata.version}:
        named = ", ".join(sorted(str(version) for version in versions)) or "an unknown one"
        message = (
            f"the predictions of {metadata.date} are of training-set {named}, and the training set is "
            f"{metadata.version} by now: materialize predictions of {metadata.date} again"
        )
        raise TrainingError(message)


def urls_trained_on(store: Store, snapshot: str) -> frozenset[str] | None:
    """What models of a snapshot have learned from.

    Args:
        store: The lake's store.
        snapshot: A name that `snapshot_name` gave.

    Returns:
        The urls of the train rows; None where the lake does not have that training set any more.
    """
    named = TRAINING_SET_NAME.fullmatch(snapshot)
    if named is None:
        return None
    dataset = find_dataset(store, TRAINING_SET.name, paths.parse_day(named["day"]), named["version"])
    return None if dataset is None else frozenset(dataset.read().filter(split="train")["url"])
