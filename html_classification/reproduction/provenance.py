"""What a version was made from, back to raw, as the metadata name it.

Belongs here: the versions to rebuild, all their ancestors, and the order in which to do it. Does not belong here:
doing it (`rebuilding`).
"""

import json
import re
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from html_classification.lake import Lake, LakeError, paths
from html_classification.lake.dataset import find_dataset, open_dataset
from html_classification.lake.history import resolve
from html_classification.lake.metadata import Metadata, parse_metadata
from html_classification.lake.paths import VersionId
from html_classification.lake.store import Store, in_parallel

if TYPE_CHECKING:
    from html_classification.reproduction.archive import Archive

#: How models name their data in the registry (`training.data_snapshot`): one version of the training set.
TRAINING_SET_NAME = re.compile(r"training-set-(?P<day>\d{4}-\d{2}-\d{2})-(?P<version>[0-9a-f]{12})")


@dataclass(frozen=True)
class Recorded:
    """What is known of a version.

    Attributes:
        metadata: Its metadata.
        gone: Why the lake has no files to compare with, in words; empty where it has them.
    """

    metadata: Metadata
    gone: str = ""

    @cached_property
    def sources(self) -> set[VersionId]:
        """The versions that it was made from.

        Raises:
            LakeError: One of them is no name of a version.
        """
        return sources_of(self.metadata)

    def days(self, stage: str) -> dict[date, str]:
        """The versions of a stage that it was made from, by their days."""
        return {source.day: source.version for source in self.sources if source.stage == stage}


@dataclass(frozen=True)
class Plan:
    """What is to be rebuilt.

    Attributes:
        targets: The versions asked for.
        order: They and all their ancestors, each after what it was made from.
        unknown: Of those the ones that nobody has readable metadata of, each with the reason.
        archive: What is known of versions that the lake does not have any more.
    """

    targets: frozenset[VersionId]
    order: list[VersionId]
    unknown: dict[VersionId, str] = field(default_factory=dict)
    archive: "Archive | None" = None


def sources_of(metadata: Metadata) -> set[VersionId]:
    """The versions that a version was made from.

    Raises:
        LakeError: One of them is no name of a version.
    """
    named = (source for source in metadata.sources if source.stage is not None)
    found = {VersionId(item.stage or "", paths.parse_day(item.date or ""), item.version or "") for item in named}
    for source in found:
        paths.version_path(source.stage, source.day, source.version)
    return found


def open_recorded(store: Store, version: VersionId, archive: "Archive | None" = None) -> Recorded:
    """What the lake says of a version, also of one that garbage collection removed; what it lacks, an archive may know.

    Raises:
        LakeError: There is no such version, or what is said of it is not understood.
    """
    dataset = find_dataset(store, version.stage, version.day, version.version)
    if dataset is not None:
        return Recorded(dataset.metadata)
    path = f"{version.path}/{paths.REMOVED_FILE}"
    removed = store.find(path)
    if removed is not None:
        return Recorded(_of_removed(removed, store.uri(path)), gone="it was removed by garbage collection")
    archived = archive.find(version) if archive else None
    if archived is not None:
        return Recorded(archived, gone="it is not in the lake any more")
    return Recorded(open_dataset(store, version.stage, version.day, version.version).metadata)


def _of_removed(removed: bytes, uri: str) -> Metadata:
    try:
        metadata = json.dumps(json.loads(removed)["metadata"]).encode()
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        message = f"{uri} is not readable ({str(error).splitlines()[0]}): it is damaged"
        raise LakeError(message) from None
    return parse_metadata(metadata, uri)


def target_version(lake: Lake, stage: str, day: str, version: str) -> VersionId:
    """One version to rebuild.

    Args:
        lake: The lake.
        stage: The stage.
        day: The day.
        version: A version, its first digits, `current` or `previous`, as `history.resolve` takes it.

    Raises:
        LakeError: There is none of that name.
    """
    target = VersionId(stage, paths.parse_day(day), resolve(lake, stage, day, version))
    open_recorded(lake.store, target)
    return target


def targets_of_snapshot(lake: Lake, name: str) -> list[VersionId]:
    """The versions that a snapshot names; what models carry as `snapshot` in the registry is understood too.

    Args:
        lake: The lake.
        name: The name of a snapshot, or, where there is none of that name, `training-set-<date>-<version>`.

    Raises:
        LakeError: There is neither.
    """
    of_model = TRAINING_SET_NAME.fullmatch(name)
    if of_model and lake.store.find(paths.snapshot_path(name)) is None:
        return [target_version(lake, "training-set", of_model["day"], of_model["version"])]
    return lake.snapshot(name).ids


def make_plan(store: Store, targets: list[VersionId], archive: "Archive | None" = None) -> Plan:
    """Find all ancestors of some versions, and an order in which each comes after what it was made from.

    Of the metadata only the names of the sources are held, so that thousands of versions are no matter.

    Args:
        store: The lake's store.
        targets: The versions.
        archive: What is known of versions that the lake does not have any more.

    Raises:
        LakeError: A version is among its own ancestors.
    """
    graph: dict[VersionId, set[VersionId]] = {}
    unknown: dict[VersionId, str] = {}

    def sources_or_problem(version: VersionId) -> set[VersionId] | str:
        try:
            return open_recorded(store, version, archive).sources
        except LakeError as error:
            return str(error)

    wave = sorted(set(targets))
    while wave:
        for version, sources in zip(wave, in_parallel(sources_or_problem, wave), strict=True):
            if isinstance(sources, str):
                unknown[version] = sources
            graph[version] = set() if isinstance(sources, str) else sources
        wave = sorted({source for version in wave for source in graph[version]} - graph.keys())
    try:
        order = list(TopologicalSorter({version: sorted(graph[version]) for version in sorted(graph)}).static_order())
    except CycleError as error:
        message = f"{error.args[1][0]} is among its own ancestors: its metadata.json is damaged; run that day again"
        raise LakeError(message) from None
    return Plan(frozenset(targets), order, unknown, archive)
