"""Computing versions again in a scratch lake, and comparing every file.

Belongs here: calling each stage's function as it was called then, and the verdict on each version. Does not belong
here: which versions, in which order (`provenance`), and what came from outside of the lake (`outside`).

A version is computed by the very function that its asset calls. It sees exactly the versions that its metadata name
as sources, as they were rebuilt before it: a day that came into the lake later is not in its window. What came from
outside of the lake is taken again where it still is what it was; where it is not, the version is taken as it is.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from html_classification.assets.stage_asset import STAGE_FUNCTIONS, StageFunction
from html_classification.labeling.day_labels import ANSWERS
from html_classification.lake import BuildError, Dataset, Lake, LakeError, RunInfo, Upstream, materialize, paths
from html_classification.lake.building import make_recipe
from html_classification.lake.metadata import Metadata
from html_classification.lake.paths import VersionId
from html_classification.lake.recipe import Recipe
from html_classification.lake.store import Store, in_parallel
from html_classification.reproduction.archive import Archive
from html_classification.reproduction.differences import check_out, other_packages, other_recipe, other_stages
from html_classification.reproduction.outside import GoneError, Outside
from html_classification.reproduction.provenance import Plan, Recorded, open_recorded
from html_classification.training.errors import TrainingError

log = logging.getLogger(__name__)

Status = Literal["same", "taken as it is", "differs", "cannot", "not tried"]


@dataclass(frozen=True)
class FileDifference:
    """A file that is not what it should be.

    Attributes:
        path: Its name in the version's folder.
        recorded: The SHA-1 in metadata.json; None where it is not listed there.
        rebuilt: The SHA-1 of the rebuilt one; None where it was not rebuilt.
        in_lake: The SHA-1 of what lies in the lake; None where nothing does.
    """

    path: str
    recorded: str | None
    rebuilt: str | None
    in_lake: str | None

    def __str__(self) -> str:
        found = {"recorded": self.recorded, "rebuilt": self.rebuilt, "in the lake": self.in_lake}
        return f"{self.path}: " + ", ".join(f"{name} {sha1 or 'none'}" for name, sha1 in found.items())


@dataclass(frozen=True)
class Verdict:
    """What came of rebuilding a version.

    Attributes:
        id: The version.
        status: `same`: every file has the recorded SHA-1, in the lake and rebuilt. `taken as it is`: it came from
            outside of the lake and cannot be had again; its files have the recorded SHA-1. `differs`: not so.
            `cannot`: this release cannot build it. `not tried`: something that it was made from is not the same.
        reason: Why, in words; empty for `same`.
        files: The files that differ.
    """

    id: VersionId
    status: Status
    reason: str = ""
    files: tuple[FileDifference, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether nothing speaks against the version."""
        return self.status in ("same", "taken as it is")

    @property
    def is_rebuilt(self) -> bool:
        """Whether the scratch lake has what was recorded, even where the lake's own files are damaged."""
        return self.is_good or (bool(self.files) and all(file.rebuilt == file.recorded for file in self.files))


def check_scratch(lake: Lake, folder: str) -> None:
    """Refuse a scratch folder in which something could be mixed up.

    Raises:
        LakeError: It is not empty, or in the lake.
    """
    scratch = Store(folder)
    if f"{scratch.root}/".startswith(f"{lake.uri}/"):
        message = f"{scratch.root} lies in the lake: give another folder for --scratch"
        raise LakeError(message)
    if scratch.list():
        message = f"{scratch.root} is not empty: give an empty or a new folder for --scratch"
        raise LakeError(message)


def scratch_lake(scratch: str) -> Lake:
    """The rebuilt lake in a scratch folder."""
    return Lake(f"{scratch.rstrip('/')}/lake")


def rebuild(lake: Lake, plan: Plan, scratch: str) -> Iterator[Verdict]:
    """Rebuild the versions of a plan, one after the other, and compare each.

    Nothing is written to the lake or to MLflow.

    Args:
        lake: The lake.
        plan: What to rebuild.
        scratch: An empty folder: the rebuilt lake comes into `lake` in it, and what came from outside beside that.

    Yields:
        The verdict on each version of the plan, in its order.

    Raises:
        LakeError: The scratch folder cannot be used.
    """
    import html_classification.definitions  # noqa: F401 - now every stage has its function

    check_scratch(lake, scratch)
    rebuilder = _Rebuilder(lake, plan.archive, Store(scratch), scratch_lake(scratch))
    try:
        for version in plan.order:
            yield rebuilder.verdict(version, plan.unknown.get(version))
    finally:
        rebuilder.outside.close()


class _Rebuilder:
    """The lake, what an archive says of what it lacks, the scratch lake, and what came from outside."""

    def __init__(self, lake: Lake, archive: Archive | None, copies: Store, scratch: Lake) -> None:
        self.lake = lake
        self.archive = archive
        self.scratch = scratch
        self.outside = Outside(lake, copies)
        self._missing: dict[VersionId, VersionId] = {}  # what could not be rebuilt, with the version where that began

    def verdict(self, version: VersionId, unknown: str | None) -> Verdict:
        """Rebuild a version and compare it."""
        verdict = Verdict(version, "cannot", unknown) if unknown else self._try(version)
        if not verdict.is_rebuilt:
            self._missing.setdefault(version, version)
        return verdict

    def _try(self, version: VersionId) -> Verdict:
        try:
            return self._rebuild(version)
        except (LakeError, TrainingError) as error:
            return Verdict(version, "cannot", str(error))
        except Exception as error:  # a version fails alone, whatever went wrong
            log.debug("rebuilding %s", version, exc_info=True)
            return Verdict(version, "cannot", f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}")

    def _rebuild(self, version: VersionId) -> Verdict:
        recorded = open_recorded(self.lake.store, version, self.archive)
        metadata = recorded.metadata
        known = STAGE_FUNCTIONS.get(version.stage)
        if known is None:
            return Verdict(version, "cannot", f"this release has no stage {version.stage}; {check_out(metadata)}")
        in_lake = {} if recorded.gone else self._sha1s(version, metadata)
        damaged = [file.path for file in metadata.data_files if not recorded.gone and in_lake[file.path] != file.sha1]
        try:
            resources = self.outside.resources(known, version, recorded, damaged)
        except GoneError as error:
            return self._take(version, recorded, in_lake, str(error))
        if missing := sorted(self._missing[source] for source in recorded.sources if source in self._missing):
            self._missing[version] = missing[0]
            return Verdict(version, "not tried", f"depends on {missing[0]}")
        if reason := other_stages(metadata, (stage.name for stage in known.reads.values())):
            return Verdict(version, "differs", reason)
        try:
            return self._build(version, recorded, known, resources, in_lake)
        except GoneError as error:
            return self._take(version, recorded, in_lake, str(error))

    def _build(
        self,
        version: VersionId,
        recorded: Recorded,
        known: StageFunction,
        resources: dict[str, Any],
        in_lake: dict[str, str | None],
    ) -> Verdict:
        upstream = {
            name: Upstream(self.scratch.store, stage.name, recorded.days(stage.name))
            for name, stage in known.reads.items()
        }
        build = known.function(**upstream, **resources, **_parameters(known, recorded.metadata))
        inputs = build.inputs(version.day)
        recipe = make_recipe(known.stage, build, version.day, inputs)
        if recipe.version != version.version:
            if _had_other_answers(version, recorded, recipe):
                message = "the label store has had other answers about its texts since"
                raise GoneError(message)
            return Verdict(version, "differs", other_recipe(recorded.metadata, known.stage, recipe))
        # Nothing but the lake is written to: what would follow, such as a run in MLflow, is left out.
        alone = replace(build, inputs=lambda _: inputs, shortcuts=None, session=None, still_there=None, published=None)
        run = RunInfo("/".join(known.stage.asset_key), "lake reproduce")
        try:
            rebuilt = materialize(self.scratch, known.stage, alone, version.day, run).dataset
        except BuildError as error:
            # A version that fails its audit is written all the same, so that it can be compared.
            found = self.scratch.find(version.stage, version.day, version.version)
            if found is None or not error.checks:
                raise
            rebuilt = found
        return _compare(version, recorded, rebuilt, in_lake)

    def _take(self, version: VersionId, recorded: Recorded, in_lake: dict[str, str | None], why: str) -> Verdict:
        """A version as it lies in the lake, after its files were checked."""
        if recorded.gone:
            return Verdict(version, "cannot", f"{recorded.gone}, and {why}")
        files = recorded.metadata.files
        if wrong := tuple(
            FileDifference(file.path, file.sha1, None, in_lake[file.path])
            for file in files
            if in_lake[file.path] != file.sha1
        ):
            return Verdict(version, "differs", f"damaged in the lake; {'; '.join(map(str, wrong))}", wrong)
        for name in [*(file.path for file in files), paths.METADATA_FILE]:  # metadata.json last: it makes it complete
            path = f"{version.path}/{name}"
            self.scratch.store.put_new(path, self.lake.store.get(path))
        return Verdict(version, "taken as it is", f"bought outside the lake: {why}")

    def _sha1s(self, version: VersionId, metadata: Metadata) -> dict[str, str | None]:
        """SHA-1 of each of a version's files as it lies in the lake; None where it is not there."""
        there = {item.name for item in self.lake.store.list(version.path)}

        def sha1(name: str) -> str | None:
            return self.lake.store.sha1(f"{version.path}/{name}") if name in there else None

        names = [file.path for file in metadata.files]
        return dict(zip(names, in_parallel(sha1, names), strict=True))


def _had_other_answers(version: VersionId, recorded: Recorded, recipe: Recipe) -> bool:
    """Whether a version was made of all that today's is made of, but for what the label store, which grows, said."""
    try:
        then = Recipe.model_validate(recorded.metadata.recipe)
    except ValidationError:
        return False
    # A recipe that does not give its version was changed, and says nothing of what there was then.
    return then.version == version.version and _without_answers(then) == _without_answers(recipe)


def _without_answers(recipe: Recipe) -> Recipe:
    sources = [source for source in recipe.sources if source.name != ANSWERS]
    return recipe.model_copy(update={"sources": sources})


def _parameters(known: StageFunction, metadata: Metadata) -> dict[str, BaseModel]:
    """The parameters that a person chose then, where a stage takes such."""
    if known.parameters is None:
        return {}
    then = metadata.recipe.get("parameters", {})
    try:
        return {
            "parameters": known.parameters.model_validate(
                {key: then[key] for key in known.parameters.model_fields if key in then}
            )
        }
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        message = f"this release does not take the parameter {name} of then ({first['msg']}); {check_out(metadata)}"
        raise TrainingError(message) from None


def _compare(version: VersionId, recorded: Recorded, rebuilt: Dataset, in_lake: dict[str, str | None]) -> Verdict:
    metadata = recorded.metadata
    then = {file.path: file.sha1 for file in metadata.files}
    now = {file.path: file.sha1 for file in rebuilt.metadata.files}
    # Versions of earlier releases have no count file.
    new = [name for name in now if name not in then and not paths.parse_count_file(name)]
    wrong = tuple(
        FileDifference(name, then.get(name), now.get(name), in_lake.get(name))
        for name in [*then, *new]
        if now.get(name) != then.get(name) or (not recorded.gone and in_lake.get(name) != then.get(name))
    )
    if not wrong and metadata.passed == rebuilt.metadata.passed:
        return Verdict(version, "same")
    said = list(map(str, wrong))
    if any(file.rebuilt != file.recorded for file in wrong) and (packages := other_packages(metadata)):
        said.append(f"other packages: {packages}")
    if metadata.passed != rebuilt.metadata.passed:
        said.append(
            "its audit passed then, and fails now" if metadata.passed else "its audit failed then, and passes now"
        )
    return Verdict(version, "differs", "; ".join(said), wrong)
