"""The registered models: versions, the champion and the challenger, and who may become champion.

Belongs here: MLflow's model registry, seen as the project's listings show it. Does not belong here: runs
(`tracking`) and figures (`evaluation`).

All that a listing shows is kept in the tags of the model version, so that it takes one request, whatever the
number of models. MLflow has no way to register something only once, so that `register` looks before it adds.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from html_classification.training.errors import TrainingError
from html_classification.training.evaluation import Metrics
from html_classification.training.tracking import VERSION_TAG, client, local_database, tracked_model

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

MODEL_NAME = "html-classification"
CHAMPION: Literal["champion"] = "champion"
CHALLENGER: Literal["challenger"] = "challenger"
#: Tags of a model version start with it: `html_classification.date`, `.text_version`, `.algorithm`,
#: `.snapshot`, `.train_rows`, `.test_rows`, `.version`, and `.metrics`, which `register` adds.
PREFIX = "html_classification."
#: The metrics that listings show; a category's own figures stay in the run, as tags have a limited length.
FIGURES = ("accuracy", "macro_f1", "macro_precision", "macro_recall", "log_loss")


@dataclass(frozen=True)
class Decision:
    """Whether a model becomes champion.

    Attributes:
        promoted: Whether it does.
        reason: Why, in words with figures.
    """

    promoted: bool
    reason: str


def decide(candidate: Metrics, champion: Metrics | None) -> Decision:
    """Compare a candidate with the champion on the same rows: a worse one never wins, of equals the newer.

    Args:
        candidate: Figures of the new model.
        champion: Figures of the champion on the very same rows; None where there is no champion.

    Returns:
        The decision, by macro-F1.

    Raises:
        TrainingError: If the figures are not of the same number of rows.
    """
    if champion is None:
        return Decision(True, f"there is no champion yet; macro-F1 {candidate.macro_f1:.4f}")
    if candidate.rows != champion.rows:
        raise TrainingError(
            f"The candidate was measured on {candidate.rows} rows and the champion on {champion.rows}: "
            "measure both on the candidate's test rows."
        )
    figures = f"macro-F1 {candidate.macro_f1:.4f} against the champion's {champion.macro_f1:.4f}"
    if candidate.macro_f1 > champion.macro_f1:
        return Decision(True, f"{figures}: better")
    if candidate.macro_f1 == champion.macro_f1:
        return Decision(True, f"{figures}: equal, and newer")
    return Decision(False, f"{figures}: worse")


def register(tracking_uri: str, run_id: str, name: str = MODEL_NAME, tags: Mapping[str, str] | None = None) -> int:
    """Register the model of a run; one version of the lake is registered once.

    Args:
        tracking_uri: An MLflow server or database.
        run_id: A run that `log_model_run` returned.
        name: Name of the registered model.
        tags: Further tags of the model version, beside what is taken from the run: its tags that start with
            `html_classification.`, its parameters `text_version` and `algorithm`, its metrics `train_rows`,
            `test_rows`, and its overall figures.

    Returns:
        The number of the model version: the existing one where the lake's version is registered already.

    Raises:
        TrainingError: If the run stored no model, or no tag names the version of the lake.
    """
    mlflow_client = client(tracking_uri)
    run = mlflow_client.get_run(run_id)
    own = {**_tags_of(run), **{key: str(value) for key, value in (tags or {}).items()}}
    if VERSION_TAG not in own:
        raise TrainingError(f"MLflow run {run_id} has no tag {VERSION_TAG}: give it in tags.")
    _ensure_registered(mlflow_client, name)
    existing = list(_versions(mlflow_client, f"name = '{name}' and tags.`{VERSION_TAG}` = '{own[VERSION_TAG]}'"))
    if existing:
        return min(int(version.version) for version in existing)
    model = tracked_model(tracking_uri, run_id)
    created = mlflow_client.create_model_version(
        name, model.uri, run_id=run_id, tags=own, model_id=model.model_id, await_creation_for=0
    )
    return int(created.version)


def promote(
    tracking_uri: str,
    version: int,
    *,
    alias: Literal["champion", "challenger"] = CHAMPION,
    name: str = MODEL_NAME,
) -> None:
    """Give a model version an alias, which another version loses. A champion is no longer the challenger.

    Args:
        tracking_uri: An MLflow server or database.
        version: Number of the model version.
        alias: `champion` or `challenger`.
        name: Name of the registered model.
    """
    mlflow_client = client(tracking_uri)
    mlflow_client.set_registered_model_alias(name, alias, str(version))
    aliases = mlflow_client.get_registered_model(name).aliases
    if alias == CHAMPION and int(aliases.get(CHALLENGER, -1)) == version:
        mlflow_client.delete_registered_model_alias(name, CHALLENGER)


def propose(
    tracking_uri: str,
    version: int,
    candidate: Metrics,
    champion_metrics: Metrics | None,
    name: str = MODEL_NAME,
) -> Decision:
    """Decide about a model version, and make it the champion, or else the challenger.

    Args:
        tracking_uri: An MLflow server or database.
        version: Number of the model version.
        candidate: Its figures.
        champion_metrics: The champion's figures on the very same rows; None where there is no champion.
        name: Name of the registered model.

    Returns:
        What was decided, after it was done.
    """
    current = champion(tracking_uri, name)
    if current is not None and current["version"] == version:
        return Decision(True, "it is the champion already")
    if current is not None and champion_metrics is None:
        raise TrainingError(
            f"{name} version {current['version']} is champion: measure it on the candidate's test rows first."
        )
    decision = decide(candidate, champion_metrics)
    promote(tracking_uri, version, alias=CHAMPION if decision.promoted else CHALLENGER, name=name)
    judged = {"judged_against": str(current["version"] if current else 0), "decision": decision.reason}
    for key, value in judged.items():
        client(tracking_uri).set_model_version_tag(name, str(version), f"{PREFIX}{key}", value)
    return decision


def earlier_decision(tracking_uri: str, version: int, name: str = MODEL_NAME) -> str | None:
    """What was decided about a model version before: a model is judged once.

    Args:
        tracking_uri: An MLflow server or database.
        version: Number of the model version.
        name: Name of the registered model.

    Returns:
        The reason that `propose` gave, or None where it was never judged.
    """
    return client(tracking_uri).get_model_version(name, str(version)).tags.get(f"{PREFIX}decision")


def champion(tracking_uri: str, name: str = MODEL_NAME) -> dict[str, Any] | None:
    """The champion, as `list_models` shows it.

    Args:
        tracking_uri: An MLflow server or database.
        name: Name of the registered model.

    Returns:
        Its entry, or None where there is no champion.
    """
    return next((model for model in list_models(tracking_uri, name) if CHAMPION in model["aliases"]), None)


def list_models(tracking_uri: str, name: str = MODEL_NAME) -> list[dict[str, Any]]:
    """The registered models, the newest first.

    Args:
        tracking_uri: An MLflow server or database; a local database that is not there is not created.
        name: Name of the registered model.

    Returns:
        For each version `name`, `version`, `aliases`, `date`, `text_version`, `algorithm`, `snapshot`,
        `mlflow_run_id`, `rows` (`train`, `test`) and `metrics` (`accuracy`, `macro_f1`, …); null where a tag
        is missing.
    """
    database = local_database(tracking_uri)
    if database is not None and not database.exists():
        return []
    mlflow_client = client(tracking_uri)
    if not mlflow_client.search_registered_models(f"name = '{name}'", max_results=1):
        return []
    aliases = mlflow_client.get_registered_model(name).aliases
    entries = [_entry(version, aliases) for version in _versions(mlflow_client, f"name = '{name}'")]
    return sorted(entries, key=lambda entry: entry["version"], reverse=True)


def _tags_of(run: "Run") -> dict[str, str]:
    """What a listing shows of a run: overall figures, its own tags, parameters and numbers of rows."""
    parameters = {key: run.data.params[key] for key in ("text_version", "algorithm") if key in run.data.params}
    numbers = {key: run.data.metrics[key] for key in ("train_rows", "test_rows") if key in run.data.metrics}
    overall = {key: run.data.metrics[key] for key in FIGURES if key in run.data.metrics}
    return {
        **{f"{PREFIX}{key}": value for key, value in parameters.items()},
        **{f"{PREFIX}{key}": str(int(value)) for key, value in numbers.items()},
        f"{PREFIX}metrics": json.dumps(overall),
        **{key: value for key, value in run.data.tags.items() if key.startswith(PREFIX)},
    }


def _entry(version: "ModelVersion", aliases: Mapping[str, str]) -> dict[str, Any]:
    tags = version.tags
    rows = {side: tags.get(f"{PREFIX}{side}_rows") for side in ("train", "test")}
    return {
        "name": version.name,
        "version": int(version.version),
        "aliases": sorted(alias for alias, number in aliases.items() if int(number) == int(version.version)),
        **{key: tags.get(f"{PREFIX}{key}") for key in ("date", "text_version", "algorithm", "snapshot")},
        "mlflow_run_id": version.run_id,
        "rows": {side: None if number is None else int(number) for side, number in rows.items()},
        "metrics": json.loads(tags.get(f"{PREFIX}metrics", "{}")),
    }


def _versions(mlflow_client: "MlflowClient", filter_string: str) -> Iterator["ModelVersion"]:
    token = None
    while True:
        page = mlflow_client.search_model_versions(filter_string, max_results=1000, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _ensure_registered(mlflow_client: "MlflowClient", name: str) -> None:
    """Create the registered model where there is none, also when another process does so right now."""
    from mlflow.exceptions import MlflowException

    if mlflow_client.search_registered_models(f"name = '{name}'", max_results=1):
        return
    try:
        mlflow_client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
