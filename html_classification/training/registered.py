"""Registered models as they are asked for: by number, by alias, or the two that one wants to see by default.

Belongs here: finding them, with their version in the lake. Does not belong here: the registry itself (`registry`),
what the models say (`same_rows`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from html_classification.lake import paths
from html_classification.lake.paths import VersionId
from html_classification.training import champions
from html_classification.training.candidates import Kind
from html_classification.training.errors import TrainingError
from html_classification.training.registry import CHALLENGER, CHAMPION, PREFIX, list_models
from html_classification.training.tracking import VERSION_TAG, client


@dataclass(frozen=True)
class Registered:
    """A registered model, and where the lake has its answers.

    Attributes:
        number: Its version in the registry.
        aliases: Such as `champion`.
        version: The version of its stage in the lake.
        snapshot: The snapshot of its training set.
        train_rows: Rows that it learned from.
        run_id: The MLflow run that stored it.
    """

    number: int
    aliases: tuple[str, ...]
    version: VersionId
    snapshot: str
    train_rows: int
    run_id: str

    @property
    def name(self) -> str:
        """Number and aliases, such as `12 (champion)`."""
        return f"{self.number} ({', '.join(self.aliases)})" if self.aliases else str(self.number)

    @property
    def text_version(self) -> str:
        """The text version that it reads."""
        return Kind.of_stage(self.version.stage).text_version


def find_models(tracking_uri: str, which: Sequence[str]) -> list[Registered]:
    """Registered models by their numbers or aliases.

    Args:
        tracking_uri: An MLflow server or database; a local database that is not there is not created.
        which: Numbers or aliases, such as `12` or `champion`.

    Returns:
        The models, in the order asked for.

    Raises:
        TrainingError: One is not there, does not say what it is, or is asked for twice.
    """
    entries = list_models(tracking_uri)
    by_name = {name: entry for entry in entries for name in (str(entry["version"]), *entry["aliases"])}
    missing = [name for name in which if name not in by_name]
    if missing:
        known = ", ".join(sorted({alias for entry in entries for alias in entry["aliases"]})) or "no alias"
        message = f"no registered model is {missing[0]} ({len(entries)} versions, {known}); see 'models ls'"
        raise TrainingError(message)
    names: dict[int, str] = {}
    for name in which:
        number = by_name[name]["version"]
        if number in names:
            raise TrainingError(f"{names[number]} and {name}: these are the same version")
        names[number] = name
    return [_registered(tracking_uri, by_name[name]) for name in which]


def usual_pair(tracking_uri: str) -> tuple[str, str]:
    """What to compare where nothing is asked for.

    Args:
        tracking_uri: An MLflow server or database; a local database that is not there is not created.

    Returns:
        Champion and challenger; without a challenger, the champion before the present one, and the champion.

    Raises:
        TrainingError: There is neither a challenger nor a champion before.
    """
    holders = {alias: entry["version"] for entry in list_models(tracking_uri) for alias in entry["aliases"]}
    if CHALLENGER in holders or CHAMPION not in holders:
        return CHAMPION, CHALLENGER
    present = holders[CHAMPION]
    before = next((item.before for item in champions.history(tracking_uri) if item.version == present), None)
    if before is None:
        message = f"there is no challenger, and no champion before version {present}: name two versions of 'models ls'"
        raise TrainingError(message)
    return str(before), CHAMPION


def _registered(tracking_uri: str, entry: dict[str, Any]) -> Registered:
    tags = client(tracking_uri).get_model_version(entry["name"], str(entry["version"])).tags
    named = [tags.get(key) for key in (f"{PREFIX}stage", f"{PREFIX}date", VERSION_TAG)]
    if not all(named):
        message = (
            f"version {entry['version']} does not say which version of the lake it is: register it by this project"
        )
        raise TrainingError(message)
    stage, day, version = map(str, named)
    paths.version_path(stage, paths.parse_day(day), version)
    return Registered(
        number=entry["version"],
        aliases=tuple(entry["aliases"]),
        version=VersionId(stage, paths.parse_day(day), version),
        snapshot=entry["snapshot"] or "",
        train_rows=entry["rows"]["train"] or 0,
        run_id=entry["mlflow_run_id"] or "",
    )
