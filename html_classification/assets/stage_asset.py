"""From a stage to a Dagster asset.

Belongs here: what all assets have in common: partitions, checks, catalog entries, and a register of them by
stage. Does not belong here: any particular asset.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
import polars as pl
from pydantic import BaseModel

from html_classification.assets.launching import whole_config
from html_classification.checks import specs, step_results
from html_classification.day_by_day import record_audits
from html_classification.io_manager import StageBuild, column_schema
from html_classification.lake import Build
from html_classification.partitions import BACKFILL_POLICY, daily_partitions
from html_classification.schemas.columns import Layer, Stage

# Both are pinned and covered by tests, so that their being preview and beta is no news to a user of this project.
warnings.filterwarnings("ignore", message="Specifying a partitions_def on an AssetCheckSpec is currently in preview")
warnings.filterwarnings("ignore", message="Parameter `backfill_policy` of function `asset` is currently in beta")

OWNERS = ["team:data"]
IO_MANAGER = "lake"
_GROUPS: Mapping[Layer, str] = {
    "bronze": "bronze",
    "silver": "silver",
    "gold": "gold",
    "training": "training",
    "post-train": "post_train",
}


@dataclass(frozen=True)
class StageFunction:
    """What a stage's asset calls: enough to compute the stage without Dagster.

    Attributes:
        stage: The stage.
        reads: The stages that it is computed from, by the name of the argument.
        function: Gets an `Upstream` for each of them and the resources, by name, and returns a `Build`.
        resources: The names of the resources that the function takes.
        parameters: The type of the `parameters` that it takes too, where people may choose them when they launch it;
            a version's recipe has those that it was made with.
    """

    stage: Stage
    reads: Mapping[str, Stage]
    function: Callable[..., Build]
    resources: tuple[str, ...] = ()
    parameters: type[BaseModel] | None = None


#: Every stage that has an asset, by its name; complete once `definitions` is imported.
STAGE_FUNCTIONS: dict[str, StageFunction] = {}


def catalog_entry(stage: Stage, kinds: tuple[str, ...]) -> dict[str, Any]:
    """What Dagster's catalog says of a stage's asset: the same for an asset of its own step and one of several."""
    return {
        "group_name": _GROUPS[stage.layer],
        "description": stage.description,
        "owners": OWNERS,
        "kinds": set(kinds),
        "tags": {"layer": stage.layer},
        "code_version": stage.code_version,
        "metadata": {"stage": stage.name, "dagster/column_schema": column_schema(stage)},
    }


def stage_asset(  # noqa: PLR0913 - each is an option
    stage: Stage,
    *,
    reads: Mapping[str, Stage],
    resources: tuple[str, ...] = (),
    kinds: tuple[str, ...] = ("polars", "parquet"),
    checks: Mapping[str, str] | None = None,
    pool: str | None = None,
    shows: Callable[[pl.DataFrame], Mapping[str, Any]] | None = None,
    parameters: type[BaseModel] | None = None,
) -> Callable[[Callable[..., Build]], dg.AssetsDefinition]:
    """Make an asset of a function that says what its stage is computed from.

    The function gets, by name, an `Upstream` for each stage that it reads and each resource that it asks
    for, and returns a `Build`. Key, group, description, columns, checks and partitions come from the stage.

    Args:
        stage: The stage.
        reads: The stages that it is computed from, by the name of the argument.
        resources: The names of the resources that the function takes.
        kinds: Labels that Dagster shows on the asset.
        checks: Checks besides the audit, which only warn: their descriptions, by name.
        pool: The Dagster pool that its runs take a place in, where only so many may go on at once.
        shows: What Dagster shows of a day's rows, besides what it shows of every stage.
        parameters: The type of the `parameters` that the function takes too, where people may choose them when they
            launch it: a typed model of typed models.

    Returns:
        A decorator.
    """

    def decorate(function: Callable[..., Build]) -> dg.AssetsDefinition:
        check_specs = specs(stage, checks or {})
        STAGE_FUNCTIONS[stage.name] = StageFunction(stage, reads, function, resources, parameters)

        def build(context: dg.AssetExecutionContext, upstream: dict[str, Any]) -> Iterator[Any]:
            given = {name: getattr(context.resources, name) for name in resources}
            output = StageBuild(stage, function(**upstream, **given), shows)
            yield dg.Output(output)
            # The IO manager has done the days by now: a day that fails its audit fails the step before this.
            record_audits(context.get_step_execution_context(), dg.AssetKey(stage.asset_key), output.results)
            days = [result.checks for result in output.results.values()]
            yield from step_results([spec.name for spec in check_specs], days)

        body = _configured(build, parameters) if parameters else _plain(build)
        body.__name__ = function.__name__
        made: dg.AssetsDefinition = dg.asset(
            key=stage.asset_key,
            ins={name: dg.AssetIn(key=read.asset_key) for name, read in reads.items()},
            **catalog_entry(stage, kinds),
            partitions_def=daily_partitions(),
            backfill_policy=BACKFILL_POLICY,
            io_manager_key=IO_MANAGER,
            required_resource_keys=set(resources),
            check_specs=check_specs,
            pool=pool,
        )(body)
        return made

    return decorate


_Building = Callable[[dg.AssetExecutionContext, dict[str, Any]], Iterator[Any]]


def _plain(build: _Building) -> Callable[..., Iterator[Any]]:
    """The body of an asset as Dagster reads its arguments."""

    def body(context: dg.AssetExecutionContext, **upstream: Any) -> Iterator[Any]:
        yield from build(context, upstream)

    return body


def _configured(build: _Building, parameters: type[BaseModel]) -> Callable[..., Iterator[Any]]:
    """The same of an asset that takes parameters from the launchpad."""

    def body(context: dg.AssetExecutionContext, config: Any, **upstream: Any) -> Iterator[Any]:
        yield from build(context, upstream | {"parameters": parameters.model_validate(config.model_dump())})

    body.__annotations__["config"] = whole_config(parameters)
    return body
