"""Asset checks: the audits of the lake as Dagster shows them.

Belongs here: names, descriptions and results of checks in Dagster's terms. Does not belong here: what is checked
(`schemas`), and what a failed audit means for a version (`lake.building`).

Each stage has one blocking check, whose figures are those of all that its audit looks at: an evaluation costs Dagster
a write for each day and check, which is most of what a range of reused days takes.
"""

from collections.abc import Sequence
from datetime import date

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as Materialized,
)

from html_classification.schemas.described import Check

AUDIT = "audit"
AUDIT_DESCRIPTION = (
    "Every column is there with its type, every value keeps the rules of the stage's pandera model, and the day has "
    "rows where it must. A version that fails is not published: the previous one stays current."
)


def day_evaluation(
    key: dg.AssetKey, day: date, checks: Sequence[Check], target: Materialized | None
) -> dg.AssetCheckEvaluation:
    """The audit of one day of a range.

    Args:
        key: The asset.
        day: The day.
        checks: The results of its audit.
        target: The materialization that was audited; Dagster counts the result only while that is the latest.
            None where the audit failed and nothing was materialized.

    Returns:
        What Dagster records.
    """
    return dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=AUDIT,
        passed=all(check.passed for check in checks),
        metadata=_figures(checks),
        severity=dg.AssetCheckSeverity.ERROR,
        partition=day.isoformat(),
        blocking=True,
        target_materialization_data=target,
    )


def audit_result(days: Sequence[Sequence[Check]]) -> dg.AssetCheckResult:
    """The audit of a step whose days have all passed: the day's figures, or how many days there were."""
    figures = _figures(days[0]) if len(days) == 1 else {"days": len(days)}
    return dg.AssetCheckResult(check_name=AUDIT, passed=True, metadata=figures)


def _figures(checks: Sequence[Check]) -> dict[str, int | str]:
    failed = {"failed": ", ".join(check.name for check in checks if not check.passed)}
    merged = {name: value for check in checks for name, value in check.figures.items()}
    return (failed if failed["failed"] else {}) | merged
