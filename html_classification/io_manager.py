"""The only place where Dagster meets the lake.

Belongs here: turning the steps of a Dagster run into versions of the lake, and versions into what Dagster
shows. Does not belong here: how a version is built (`lake.building`) or computed (`assets`).

An asset's body returns a `Build`, which says what to compute from what. The IO manager does it day by day:
reuses the version where the recipe is known, else computes, audits and publishes it. What an asset receives
from upstream is an `Upstream`: the versions that were current when the step began.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import dagster as dg
import polars as pl
from pydantic import Field

from html_classification.day_by_day import DayResult, days_of, each_day
from html_classification.lake import Build, Dataset, Lake, RunInfo, Upstream, materialize
from html_classification.lake.sample import to_markdown
from html_classification.schemas.columns import Stage
from html_classification.settings import load_settings


@dataclass(frozen=True)
class StageBuild:
    """What a stage asset hands to the IO manager, and what comes of it.

    Attributes:
        stage: The stage.
        build: What to compute from what.
        shows: What Dagster shows of a day's rows, besides what it shows of every stage.
        results: The result of each day, filled in by the IO manager.
    """

    stage: Stage
    build: Build
    shows: Callable[[pl.DataFrame], Mapping[str, Any]] | None = None
    results: dict[date, DayResult] = field(default_factory=dict)


class LakeIOManager(dg.ConfigurableIOManager):
    """Writes versions of the lake, day by day, and reads the current ones."""

    lake: str | None = Field(
        default=None, description="Root of all datasets: a folder or an s3:// URI. Default: HTML_CLASSIFICATION_LAKE."
    )
    force: bool = Field(
        default=False,
        description="Compute even where a version of the same recipe exists, and compare the bytes.",
    )

    def handle_output(self, context: dg.OutputContext, obj: StageBuild) -> None:
        """Materialize each day of the step."""
        key = context.asset_key
        run = RunInfo(key.to_user_string(), context.job_name, context.run_id)
        days = days_of(context.asset_partition_keys)
        obj.results.update(each_day(context.step_context, key, days, self.building(obj, run)))

    def building(self, built: StageBuild, run: RunInfo) -> Callable[[date], DayResult]:
        """What makes a day of a stage.

        Args:
            built: The stage, and what to compute from what.
            run: Who asks for it.

        Returns:
            A function that materializes a day and says what Dagster is told of it.
        """
        lake = self._lake()
        current = lake.current(built.stage.name)

        def do(day: date) -> DayResult:
            done = materialize(lake, built.stage, built.build, day, run, force=self.force, current=current)
            result = day_result(built.stage, done.dataset, reused=done.reused)
            shown = built.shows(done.dataset.read()) if built.shows else {}
            return replace(result, metadata={**result.metadata, **shown})

        return do

    def load_input(self, context: dg.InputContext) -> Upstream:
        """The versions of the upstream stage that are current now; no rows are read yet."""
        stage = context.upstream_output.definition_metadata["stage"]  # type: ignore[union-attr]
        return self.upstream(stage, days_of(context.asset_partition_keys))

    def upstream(self, stage: str, days: Sequence[date]) -> Upstream:
        """The versions of a stage that are current now.

        Args:
            stage: The stage.
            days: The days of the step, which are opened all at once.
        """
        upstream = self._lake().upstream(stage)
        upstream.open_days(list(days))
        return upstream

    def _lake(self) -> Lake:
        return Lake(self.lake or load_settings().lake)


def column_schema(stage: Stage) -> dg.TableSchema:
    """A stage's columns as Dagster shows them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=column.type,
                description=f"{column.description} {column.business_meaning}",
                constraints=dg.TableColumnConstraints(nullable=column.nullable),
                tags=dict.fromkeys(column.tags, ""),
            )
            for column in stage.columns
        ]
    )


def day_result(stage: Stage, dataset: Dataset, *, reused: bool) -> DayResult:
    """What Dagster is told of a version."""
    metadata = dataset.metadata
    statistics = metadata.statistics
    sources = sorted(
        {f"{item.stage} {item.date} {item.version}" if item.stage else item.uri for item in metadata.sources}
    )
    rejected = f", {statistics.rejected_rows} rejected" if statistics.rejected_rows else ""
    return DayResult(
        metadata={
            "dagster/uri": dataset.uri,
            "dagster/partition_row_count": statistics.rows,
            "dagster/column_schema": column_schema(stage),
            "version": metadata.version,
            "sha1": ", ".join(file.sha1 for file in metadata.data_files),
            "rejected_rows": statistics.rejected_rows,
            "bytes": sum(file.bytes for file in metadata.files),
            "seconds": metadata.workflow.seconds,
            "reused": reused,
            "sources": dg.MetadataValue.json(sources),
            # Each by itself: Dagster plots numbers over the days.
            **{f"figures/{name}": value for name, value in statistics.figures.items()},
            "preview": dg.MetadataValue.md(to_markdown(metadata.sample)),
        },
        checks=metadata.checks,
        reused=reused,
        detail=f"{statistics.rows} rows{rejected}",
    )
