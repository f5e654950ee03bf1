"""Asset checks: the audits of the lake as Dagster shows them.

Belongs here: names, descriptions and results of checks in Dagster's terms. Does not belong here: what is checked
(`schemas`), and what a failed audit means for a version (`lake.building`).

Each stage has one blocking check, whose figures are those of all that its audit looks at: an evaluation costs Dagster
a write for each day and check, which is most of what a range of reused days takes. A stage may have others, which warn.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as Materialized,
)

from html_classification.partitions import daily_partitions
from html_classification.schemas.columns import Stage
from html_classification.schemas.described import Check

AUDIT = "audit"
AUDIT_DESCRIPTION = (
    "Every column is there with its type, every value keeps the rules of the stage's pandera model, and the day has "
    "rows where it must. A version that fails is not published: the previous one stays current."
)


def specs(stage: Stage, others: Mapping[str, str]) -> list[dg.AssetCheckSpec]:
    """The checks of a stage's asset: its audit, which blocks, and others, which only warn.

    Args:
        stage: The stage.
        others: Description of each other check, by name.
    """

    def spec(name: str, description: str) -> dg.AssetCheckSpec:
        return dg.AssetCheckSpec(
            name,
            asset=stage.asset_key,
            blocking=name == AUDIT,
            description=description,
            partitions_def=daily_partitions(),
        )

    return [spec(name, description) for name, description in {AUDIT: AUDIT_DESCRIPTION, **others}.items()]


def day_evaluations(
    key: dg.AssetKey, day: date, checks: Sequence[Check], target: Materialized | None
) -> Iterator[dg.AssetCheckEvaluation]:
    """The checks of one day of a range.

    Args:
        key: The asset.
        day: The day.
        checks: Their results.
        target: The materialization that was checked; Dagster counts a result only while that is the latest.
            None where the audit failed and nothing was materialized.

    Yields:
        What Dagster records: one evaluation for the audit, one for each other check.
    """
    for name, found in _by_name(checks).items():
        yield dg.AssetCheckEvaluation(
            asset_key=key,
            check_name=name,
            passed=all(check.passed for check in found),
            metadata=_figures(found),
            severity=_severity(name),
            partition=day.isoformat(),
            blocking=name == AUDIT,
            target_materialization_data=target,
        )


def step_results(names: Sequence[str], days: Sequence[Sequence[Check]]) -> Iterator[dg.AssetCheckResult]:
    """The checks of a step whose days have all passed their audits: a day's figures, or how many days there were.

    Args:
        names: The asset's checks.
        days: The results of each day.
    """
    found = [_by_name(checks) for checks in days]
    for name in names:
        results = [of_day.get(name, []) for of_day in found]
        yield dg.AssetCheckResult(
            check_name=name,
            passed=all(check.passed for of_day in results for check in of_day),
            severity=_severity(name),
            metadata=_figures(results[0]) if len(days) == 1 else {"days": len(days)},
        )


def _by_name(checks: Sequence[Check]) -> dict[str, list[Check]]:
    """The checks that block are one to Dagster, the audit; each other is one of its own."""
    named: dict[str, list[Check]] = {}
    for check in checks:
        named.setdefault(AUDIT if check.blocking else check.name, []).append(check)
    return named


def _severity(name: str) -> dg.AssetCheckSeverity:
    return dg.AssetCheckSeverity.ERROR if name == AUDIT else dg.AssetCheckSeverity.WARN


def _figures(checks: Sequence[Check]) -> dict[str, int | float | str]:
    failed = {"failed": ", ".join(check.name for check in checks if not check.passed)}
    merged = {name: value for check in checks for name, value in check.figures.items()}
    return (failed if failed["failed"] else {}) | merged
