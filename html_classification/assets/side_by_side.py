"""From several stages to the assets of one step, which builds them side by side.

Belongs here: what such assets have in common, beside what all assets have (`stage_asset`). Does not belong here: any
particular asset.

Dagster runs the steps of a run one after the other in one process. Stages that are the same but for their parameters,
such as the models of a day, are one step therefore, with an asset, checks and a lineage for each, of which any may be
selected; within it as many are built at once as there are cores.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
from pydantic import BaseModel

from html_classification.assets.launching import chosen
from html_classification.assets.stage_asset import IO_MANAGER, StageFunction, catalog_entry
from html_classification.checks import specs, step_results
from html_classification.day_by_day import days_of, record_audits, side_by_side
from html_classification.io_manager import LakeIOManager, StageBuild
from html_classification.lake import RunInfo, Upstream
from html_classification.partitions import BACKFILL_POLICY, daily_partitions


@dataclass(frozen=True)
class Member:
    """One of the stages.

    Attributes:
        function: What makes it; `function.parameters` is set.
        config: Which field of the step's config its parameters are.
    """

    function: StageFunction
    config: str

    @property
    def key(self) -> dg.AssetKey:
        """Its asset."""
        return dg.AssetKey(self.function.stage.asset_key)


def assets_side_by_side(
    name: str,
    members: Sequence[Member],
    config_type: type[dg.Config],
    *,
    at_once: Callable[[Any], int],
    kinds: tuple[str, ...],
) -> dg.AssetsDefinition:
    """Make the assets of some stages, all of one step.

    Args:
        name: Name of the step.
        members: The stages, all with the same resources.
        config_type: What `as_config` made of their parameters.
        at_once: Says by the step's resources how many are built at once.
        kinds: Labels that Dagster shows on the assets.

    Returns:
        The assets.
    """
    resources = members[0].function.resources
    checks = {member.key: specs(member.function.stage, {}) for member in members}

    def body(context: dg.AssetExecutionContext, config: Any) -> Iterator[Any]:
        step, days = context.get_step_execution_context(), days_of(context.partition_keys)
        selected = {member.key: member for member in members if member.key in context.selected_asset_keys}
        lake: LakeIOManager = context.resources.lake
        reads = {stage.name for member in selected.values() for stage in member.function.reads.values()}
        upstream = {stage: lake.upstream(stage, days) for stage in sorted(reads)}
        given = {resource: getattr(context.resources, resource) for resource in resources}

        def building(member: Member) -> Callable[[Any], Any]:
            function, key = member.function, member.key.to_user_string()
            parameters = chosen(config, member.config, function.parameters or BaseModel)
            build = function.function(**_by_name(function, upstream), **given, parameters=parameters)
            return lake.building(StageBuild(function.stage, build), RunInfo(key, step.job_name, step.run_id))

        making = {key: building(member) for key, member in selected.items()}
        results = side_by_side(step, making, days, lambda key, day: making[key](day), at_once(context.resources))
        for key, of_days in results.items():
            yield dg.MaterializeResult(asset_key=key)
            record_audits(step, key, of_days)
            names = [spec.name for spec in checks[key]]
            for result in step_results(names, [result.checks for result in of_days.values()]):
                yield result._replace(asset_key=key)

    body.__name__ = name
    body.__annotations__["config"] = config_type
    return dg.multi_asset(
        name=name,
        specs=[_spec(member, kinds) for member in members],
        check_specs=[spec for of_member in checks.values() for spec in of_member],
        can_subset=True,
        partitions_def=daily_partitions(),
        backfill_policy=BACKFILL_POLICY,
        required_resource_keys={IO_MANAGER, *resources},
    )(body)


def _spec(member: Member, kinds: tuple[str, ...]) -> dg.AssetSpec:
    stage = member.function.stage
    return dg.AssetSpec(
        stage.asset_key,
        deps=[read.asset_key for read in member.function.reads.values()],
        **catalog_entry(stage, kinds),
    ).with_io_manager_key(IO_MANAGER)


def _by_name(function: StageFunction, upstream: Mapping[str, Upstream]) -> dict[str, Upstream]:
    return {name: upstream[stage.name] for name, stage in function.reads.items()}
