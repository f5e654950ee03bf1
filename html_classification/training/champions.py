"""Who is champion, who was before, and why.

Belongs here: the aliases `champion` and `challenger`, the history of champions, going back. Does not belong here:
registering and listing versions (`registry`), and who deserves it (`promoting`).

MLflow keeps an alias, not its history. So each change adds a tag of its own to the registered model, named by its time:
two processes at once lose nothing, as nothing is ever rewritten. What counts is the alias; where the history lacks an
entry, since someone moved the alias in MLflow itself, the champion of now is taken for the latest.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from html_classification.training import registry
from html_classification.training.errors import TrainingError
from html_classification.training.local_database import turn
from html_classification.training.registry import CHALLENGER, CHAMPION, MODEL_NAME, PREFIX
from html_classification.training.run_values import LONGEST_TAG, clipped
from html_classification.training.tracking import client

if TYPE_CHECKING:
    from mlflow import MlflowClient

#: Tags of the registered model that are the history start with it; a time follows.
HISTORY = f"{PREFIX}champion."
_TIME = "%Y%m%dT%H%M%S.%fZ"
#: Characters of a reason in the history, where it stands in JSON, which may double it.
_LONGEST_REASON = LONGEST_TAG // 2 - 100


@dataclass(frozen=True)
class Decision:
    """Whether a model becomes champion.

    Attributes:
        promoted: Whether it does.
        reason: Why, in words with figures.
        not_worse: Whether it is at least not distinguishably worse than what it was compared with, in nothing.
        refused: Whether it may be neither champion nor challenger, whatever its figures: they cannot be trusted.
        figures: What the decision rests on; goes to a tag as JSON.
        rules: What it was judged by; likewise.
    """

    promoted: bool
    reason: str
    not_worse: bool = True
    refused: bool = False
    figures: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Succession:
    """A model version became champion.

    Attributes:
        time: When, in UTC.
        version: Its number.
        before: The champion before it; None where there was none.
        reason: Why.
    """

    time: datetime
    version: int
    before: int | None
    reason: str


@dataclass(frozen=True)
class Rollback:
    """What going back did.

    Attributes:
        before: The champion before.
        after: The champion now; the same where nothing was to be done.
    """

    before: int
    after: int


def settle(tracking_uri: str, version: int, decision: Decision, *, against: int | None, name: str = MODEL_NAME) -> bool:
    """Do what was decided about a model version: it becomes champion, challenger, or, refused, neither.

    The decision is written down first, so that where MLflow takes it not, the champion stays. Who dies in between
    leaves a version that is not `settled`: it is judged again, or, if it is the champion by then, `finish` is called.

    Args:
        tracking_uri: An MLflow server or database.
        version: Number of the model version.
        decision: What was decided.
        against: The champion that it was compared with; None where there was none.
        name: Name of the registered model.

    Returns:
        False, with nothing done, where the champion is another by now: compare with that one. MLflow cannot set an
        alias only if nobody else did, so that of two promotions in the same instant the later one counts; both were
        found fit to replace the champion before them.
    """
    tags = {
        "settled": json.dumps(False),
        "promoted": json.dumps(decision.promoted),
        "not_worse": json.dumps(decision.not_worse),
        "refused": json.dumps(decision.refused),
        "judged_against": str(against or 0),
        "rules": json.dumps(dict(decision.rules), sort_keys=True),
        "figures": json.dumps(dict(decision.figures), sort_keys=True, ensure_ascii=False),
        "decision": clipped(decision.reason, LONGEST_TAG),
    }
    mlflow_client = client(tracking_uri)
    with turn(tracking_uri):
        if _holder(mlflow_client, name, CHAMPION) != against:
            return False
        _write(mlflow_client, version, tags, name)
        if decision.promoted:
            _crown(mlflow_client, version, against, decision.reason, name)
        elif not decision.refused:
            mlflow_client.set_registered_model_alias(name, CHALLENGER, str(version))
        _write(mlflow_client, version, {"settled": json.dumps(True)}, name)
    return True


def finish(tracking_uri: str, version: int, *, name: str = MODEL_NAME) -> None:
    """Do the rest of what a process that died left undone: the version became champion, and no more.

    Args:
        tracking_uri: An MLflow server or database.
        version: Number of the model version.
        name: Name of the registered model.
    """
    mlflow_client = client(tracking_uri)
    with turn(tracking_uri):
        known = _history(mlflow_client, name)
        if _holder(mlflow_client, name, CHAMPION) == version and not (known and known[-1].version == version):
            tags = mlflow_client.get_model_version(name, str(version)).tags
            before = int(tags.get(f"{PREFIX}judged_against", 0)) or None
            _crown(mlflow_client, version, before, tags.get(f"{PREFIX}decision", ""), name)
        _write(mlflow_client, version, {"settled": json.dumps(True)}, name)


def promote(tracking_uri: str, version: int, *, reason: str = "", name: str = MODEL_NAME) -> None:
    """Make a model version the champion, and no longer the challenger.

    Args:
        tracking_uri: An MLflow server or database.
        version: Number of the model version.
        reason: Why, for the history.
        name: Name of the registered model.
    """
    mlflow_client = client(tracking_uri)
    with turn(tracking_uri):
        _crown(mlflow_client, version, _holder(mlflow_client, name, CHAMPION), reason, name)


def _write(mlflow_client: "MlflowClient", version: int, tags: Mapping[str, str], name: str) -> None:
    for key, value in tags.items():
        mlflow_client.set_model_version_tag(name, str(version), f"{PREFIX}{key}", value)


def _crown(mlflow_client: "MlflowClient", version: int, before: int | None, reason: str, name: str) -> None:
    mlflow_client.set_registered_model_alias(name, CHAMPION, str(version))
    earlier = [item.time + timedelta(microseconds=1) for item in _history(mlflow_client, name)]
    time = max([datetime.now(UTC), *earlier])
    said = clipped(reason, _LONGEST_REASON)
    entry = json.dumps({"version": version, "before": before, "reason": said}, ensure_ascii=False)
    mlflow_client.set_registered_model_tag(name, f"{HISTORY}{time.strftime(_TIME)}-{version}", entry)
    if _holder(mlflow_client, name, CHALLENGER) == version:
        mlflow_client.delete_registered_model_alias(name, CHALLENGER)


def history(tracking_uri: str, name: str = MODEL_NAME) -> list[Succession]:
    """The champions, the first one first.

    Args:
        tracking_uri: An MLflow server or database.
        name: Name of a registered model that is there.

    Returns:
        An entry for each time that a version became champion.
    """
    return _history(client(tracking_uri), name)


def _history(mlflow_client: "MlflowClient", name: str) -> list[Succession]:
    tags = mlflow_client.get_registered_model(name).tags
    return [_succession(key, value) for key, value in sorted(tags.items()) if key.startswith(HISTORY)]


def rollback(tracking_uri: str, version: int | None = None, *, reason: str = "", name: str = MODEL_NAME) -> Rollback:
    """Go back to an earlier champion, or make any version champion that was not refused.

    The version left is marked with the reason, and running its day again does not promote it.

    Args:
        tracking_uri: An MLflow server or database.
        version: Number of the model version; without it the champion before the present one. Going back twice goes back
            two champions.
        reason: Why, in a few words.
        name: Name of the registered model.

    Returns:
        What was done.

    Raises:
        TrainingError: There is no champion, no such version or none before, it was refused, or another process made
            another version champion meanwhile.
    """
    models = {model["version"]: model for model in registry.list_models(tracking_uri, name)}
    present = next((number for number, model in models.items() if CHAMPION in model["aliases"]), None)
    if present is None:
        raise TrainingError("there is no champion: see 'html-classification models ls', and run the training group")
    target = version or _before(history(tracking_uri, name), present, set(models))
    if target not in models:
        raise TrainingError(f"there is no model version {target}: see 'html-classification models ls'")
    if models[target]["refused"]:
        raise TrainingError(
            f"version {target} was refused, so that it cannot be champion: {models[target]['decision']}"
        )
    if target == present:
        return Rollback(present, target)
    why = f": {reason}" if reason else ""
    left = f"went back to version {target} on {datetime.now(UTC):%Y-%m-%d}{why}"
    mlflow_client = client(tracking_uri)
    with turn(tracking_uri):
        if _holder(mlflow_client, name, CHAMPION) != present:
            raise TrainingError(f"version {present} is not the champion any more: look at 'models ls', and try again")
        _write(mlflow_client, present, {"rolled_back": clipped(left, LONGEST_TAG)}, name)
        _crown(mlflow_client, target, present, f"went back from version {present}{why}", name)
        if models[target]["rolled_back"]:
            mlflow_client.delete_model_version_tag(name, str(target), f"{PREFIX}rolled_back")
    return Rollback(present, target)


def _before(successions: list[Succession], present: int, there: set[int]) -> int:
    """The champion before the present one: whoever was left by going back does not count."""
    line: list[int] = []
    for number in [*(item.version for item in successions), present]:
        line = [*line[: line.index(number)], number] if number in line else [*line, number]
    earlier = [number for number in line[:-1] if number in there]
    if not earlier:
        raise TrainingError(
            f"no champion before version {present} is known: name one of 'html-classification models ls', such as "
            f"'models rollback {max(there - {present}, default=1)}'"
        )
    return earlier[-1]


def _succession(key: str, value: str) -> Succession:
    time, _, version = key.removeprefix(HISTORY).rpartition("-")
    try:
        entry = json.loads(value)
        return Succession(
            datetime.strptime(time, _TIME).replace(tzinfo=UTC), int(version), entry["before"], str(entry["reason"])
        )
    except (ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"MLflow's tag {key} of the registered model is no entry of ours: delete it") from error


def _holder(mlflow_client: "MlflowClient", name: str, alias: str) -> int | None:
    holder = mlflow_client.get_registered_model(name).aliases.get(alias)
    return None if holder is None else int(holder)
