"""Building a version: write, audit, publish.

Belongs here: `Build`, which says what a stage is computed from and how, and `materialize`, which does it for
one day. Does not belong here: Dagster, and what the stages compute.

The order is what makes it safe. Data files are written into the version's folder, then metadata.json, whose
presence says that the version is complete, and last the publication, which makes it current. A process
killed in between leaves the previous version serving and files that the next build of the same recipe takes
over.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from html_classification.lake import paths
from html_classification.lake.context import context, peak_memory_bytes
from html_classification.lake.dataset import Dataset
from html_classification.lake.errors import BuildError, RemovedError
from html_classification.lake.lake import Lake
from html_classification.lake.local import scratch_folder
from html_classification.lake.metadata import Metadata, Source, Step, Workflow
from html_classification.lake.paths import VersionId
from html_classification.lake.recipe import Recipe, RecipeSource, columns_fingerprint
from html_classification.lake.writing import Kept, WrittenVersion, write_outcome, write_stream
from html_classification.schemas.outcome import Outcome, Stream

if TYPE_CHECKING:
    from html_classification.schemas.columns import Stage

#: How many days of history garbage collection keeps unless it is told otherwise. From it comes `expires_on`, the first
#: day on which a version may go: told for people, while garbage collection looks at what is needed then.
KEEP_DAYS = 30


class Input(Protocol):
    """Something a build reads: a `Slice` of the lake or its files, or files from outside."""

    def read(self, scratch: Path) -> Any:
        """What the computation gets; the scratch folder is there until all is written."""

    def sources(self) -> list[Source]:
        """For the metadata."""

    def recipe_sources(self, name: str) -> list[RecipeSource]:
        """For the recipe."""


@dataclass(frozen=True)
class TheDay:
    """The day itself as an input, for computations over a window: a day without rows is not seen there.

    It stands in every recipe by itself.
    """

    day: date

    def read(self, scratch: Path) -> date:
        """The day."""
        return self.day

    def sources(self) -> list[Source]:
        """None."""
        return []

    def recipe_sources(self, name: str) -> list[RecipeSource]:
        """None."""
        return []


@dataclass(frozen=True)
class Build:
    """What a stage is computed from, and how.

    Attributes:
        inputs: What is read for a day, by name.
        compute: The computation: gets what each input reads, by name, and returns the rows, or a stream of them.
        process: The processing steps in words, for people.
        shortcuts: What spares work without changing the result, such as former versions, by name; the computation is
            called without it where a version is computed to compare bytes. Part of no recipe.
        parameters: Everything else that steers the computation; part of the recipe.
        keeps_files: The input whose files are kept as they are in place of a parquet file (raw).
        session: Opened with the version before anything is computed, and closed when it is published or something went
            wrong (an MLflow run). What it gives is called with the metadata of a version that passed its audit, and the
            outcome's byproduct, before it is published.
        still_there: Whether what a session left outside the lake for a version still exists.
        published: Called with the lake and the metadata of a version that is current now, also of a reused one.
    """

    inputs: Callable[[date], Mapping[str, Input]]
    compute: Callable[..., Outcome | Stream]
    process: list[Step] = field(default_factory=list)
    shortcuts: Callable[[date], Mapping[str, Any]] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    keeps_files: str | None = None
    session: Callable[[VersionId], AbstractContextManager[Callable[[Metadata, Any], None]]] | None = None
    still_there: Callable[[str], bool] | None = None
    published: Callable[[Lake, Metadata], object] | None = None


@dataclass(frozen=True)
class RunInfo:
    """Who asks for a version: asset key, job and run of Dagster, or of a notebook."""

    asset_key: str
    job: str | None = None
    run_id: str | None = None


@dataclass(frozen=True)
class Materialization:
    """What became of a day: the version that is current now, and whether it was there already."""

    dataset: Dataset
    reused: bool


def materialize(
    lake: Lake,
    stage: "Stage",
    build: Build,
    day: date,
    run: RunInfo,
    *,
    force: bool = False,
    current: Mapping[date, str] | None = None,
) -> Materialization:
    """Bring one day of a stage to its current version: reuse it where the recipe is known, else compute it.

    Args:
        lake: The lake.
        stage: The stage.
        build: What to compute from what.
        day: The day of the data.
        run: Who asks for it.
        force: Compute even where the version exists, and compare the bytes.
        current: What `lake.current` said of the stage: a day that is up to date by it is not published again, which
            spares a listing for each of many days.

    Returns:
        The version, published.

    Raises:
        BuildError: The audit failed (the version stays unpublished, the previous one current), or a forced
            computation gave other bytes than before.
        LakeError: An input is missing, or the store fails.
    """
    inputs = build.inputs(day)
    recipe = make_recipe(stage, build, day, inputs)
    known = lake.find(stage.name, day, recipe.version)
    if known and not force and (build.still_there is None or build.still_there(recipe.version)):
        _require_passed(known)
        try:
            if current is None or current.get(day) != recipe.version:
                lake.publish(known, run=run.run_id, reason="reused: same recipe")
            if build.published:
                build.published(lake, known.metadata)
            return Materialization(known, reused=True)
        except RemovedError:
            pass  # garbage collection took it in this moment: it is built again
    version = VersionId(stage.name, day, recipe.version)
    with build.session(version) if build.session else nullcontext() as record:
        build_once = replace(build, shortcuts=None) if force else build
        written, byproduct = _write(lake, stage, build_once, recipe, inputs, run)
        _require_passed(written)
        if record:
            record(written.metadata, byproduct)
        lake.publish(written, run=run.run_id, reason="built")
    if build.published:
        build.published(lake, written.metadata)
    return Materialization(written, reused=False)


def make_recipe(stage: "Stage", build: Build, day: date, inputs: Mapping[str, Input]) -> Recipe:
    """The recipe of a day, from the content of its inputs."""
    return Recipe(
        stage=stage.name,
        date=day,
        code_version=stage.code_version,
        columns=columns_fingerprint(stage),
        parameters=dict(build.parameters),
        sources=[source for name, read in inputs.items() for source in read.recipe_sources(name)],
    )


def _require_passed(dataset: Dataset) -> None:
    metadata = dataset.metadata
    if not metadata.passed:
        failed = "; ".join(check.describe() for check in metadata.checks if check.blocking and not check.passed)
        message = (
            f"{metadata.stage} {metadata.date} failed its audit ({failed}); version {metadata.version} stays "
            f"unpublished, look at {dataset.uri}"
        )
        raise BuildError(message, metadata.checks)


def _write(
    lake: Lake, stage: "Stage", build: Build, recipe: Recipe, inputs: Mapping[str, Input], run: RunInfo
) -> tuple[Dataset, Any]:
    started, clock = datetime.now(UTC), time.perf_counter()
    version = VersionId(stage.name, recipe.date, recipe.version)
    with scratch_folder() as scratch:
        values = {name: item.read(scratch) for name, item in inputs.items()}
        kept: Sequence[Kept] | None = values[build.keeps_files].files if build.keeps_files else None

        def write(outcome: Outcome | Stream) -> WrittenVersion:
            if isinstance(outcome, Stream):
                return write_stream(lake.store, version, stage, outcome, kept, scratch)
            return write_outcome(lake.store, version, stage, outcome, kept)

        values |= build.shortcuts(recipe.date) if build.shortcuts else {}
        outcome = build.compute(**values)
        lake.mark()
        written = write(outcome)
        workflow = _workflow(run, started, time.perf_counter() - clock, written.profile.rows)
        metadata = _metadata(stage, build, recipe, inputs, outcome, written, workflow)
        data = metadata.to_json()
        mine = lake.store.put_new(f"{version.path}/{paths.METADATA_FILE}", data)
        # Garbage collection may have taken files for leftovers that this build found there and counted on.
        there = {item.name for item in lake.store.list(version.path)}
        if not there.issuperset(file.path for file in written.files):
            write(build.compute(**values) if isinstance(outcome, Stream) else outcome)
    byproduct = outcome.byproduct if isinstance(outcome, Outcome) else None
    if mine:
        return Dataset(lake.store, metadata, _sha1(data)), byproduct
    # Another writer of the same recipe was faster, or this was forced: theirs stands, with the same data files.
    theirs = lake.dataset(stage.name, recipe.date, recipe.version)
    recorded = {file.path: file.sha1 for file in theirs.metadata.files}
    # Where one differs, it was not there.
    if other := [file.path for file in written.files if recorded.get(file.path, file.sha1) != file.sha1]:
        raise BuildError(
            f"{theirs.uri}/{other[0]} was missing, and this computation gave other bytes than those recorded: delete "
            "the folder, and raise the code version for what changed the result (a package?)"
        )
    return theirs, byproduct


def _workflow(run: RunInfo, started: datetime, seconds: float, rows: int) -> Workflow:
    return Workflow(
        asset_key=run.asset_key,
        job=run.job,
        run_id=run.run_id,
        started=started,
        seconds=round(seconds, 3),
        rows_per_second=round(rows / seconds, 1),
        peak_memory_bytes=peak_memory_bytes(),
    )


def _metadata(
    stage: "Stage",
    build: Build,
    recipe: Recipe,
    inputs: Mapping[str, Input],
    outcome: Outcome | Stream,
    written: WrittenVersion,
    workflow: Workflow,
) -> Metadata:
    now = datetime.now(UTC)
    return Metadata(
        dataset=stage.title,
        description=stage.description,
        layer=stage.layer,
        stage=stage.name,
        date=recipe.date,
        version=recipe.version,
        sources=[source for item in inputs.values() for source in item.sources()],
        process=build.process,
        recipe=recipe.model_dump(mode="json"),
        files=written.files,
        schema_=stage.columns,
        statistics=written.profile.statistics(written.rejected, outcome.figures),
        sample=written.profile.sample[:2],
        checks=written.profile.checks() + outcome.checks,
        workflow=workflow,
        context=context(stage.code_version),
        created_at=now,
        expires_on=now.date() + timedelta(days=KEEP_DAYS) if stage.expendable else None,
    )


def _sha1(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()
