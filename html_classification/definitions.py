"""The wiring: assets, resources, executor. Nothing else belongs here."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_aws.s3 import S3Resource

from html_classification.assets import bronze, gold, post_train, silver, training
from html_classification.io_manager import LakeIOManager
from html_classification.resources import CrawlDrops, LabelSource, Tracking, TrainingProcesses, WorkerProcesses


def build_defs(overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """All definitions, with some resources replaced where asked (in tests, in notebooks).

    Args:
        overrides: Resources by name: `lake`, `crawl`, `s3` (how the crawl drops are reached, where they are not reached
            as the lake is), `workers`, `label_source`, `tracking`, `training_processes`.

    Returns:
        The definitions.
    """
    s3 = (overrides or {}).get("s3", S3Resource())
    return dg.Definitions(
        assets=[
            bronze.raw,
            silver.url_normalization,
            silver.html_parsing,
            silver.duplicates,
            *silver.text_normalizations,
            gold.labels,
            gold.annotators,
            gold.annotated,
            gold.labeling_queue,
            training.training_set,
            *training.models,
            training.predictions,
            post_train.post_train,
            training.leaderboard,
            training.promotion,
        ],
        resources={
            "lake": LakeIOManager(),
            "crawl": CrawlDrops(s3=s3),
            "s3": s3,
            "workers": WorkerProcesses(),
            "label_source": LabelSource(),
            "tracking": Tracking(),
            "training_processes": TrainingProcesses(),
        }
        | dict(overrides or {}),
        # A process a step would pay the start-up of the whole stack for each step.
        executor=dg.in_process_executor,
    )


defs = build_defs()
