"""The registered models: MLflow's model registry, seen as the project's listings show it.

Belongs here: registering a version, listing them. Does not belong here: who becomes champion (`champions`), runs
(`tracking`) and figures (`evaluation`).

All that a listing shows is kept in the tags of the model version, so that it takes one request, whatever the
number of models. MLflow has no way to register something only once, so that `register` looks before it adds.
"""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from html_classification.training.errors import TrainingError
from html_classification.training.local_database import local_database, turn
from html_classification.training.tracking import VERSION_TAG, client, tracked_model

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

MODEL_NAME = "html-classification"
CHAMPION: Literal["champion"] = "champion"
CHALLENGER: Literal["challenger"] = "challenger"
#: Tags of a model version start with it: `html_classification.date`, `.text_version`, `.algorithm`, `.snapshot`,
#: `.train_rows`, `.test_rows`, `.version`, and `.metrics`, which `register` adds; once it is judged `.promoted`,
#: `.not_worse`, `.refused`, `.decision` (why), `.judged_against` (a version, 0 for none), `.rules` (as JSON),
#: `.figures`, and `.settled` once all that is done; `.rolled_back` (why) once it was left.
PREFIX = "html_classification."
#: The metrics that listings show; a category's own figures stay in the run, as tags have a limited length.
FIGURES = ("accuracy", "macro_f1", "macro_precision", "macro_recall", "roc_auc", "log_loss", "calibration_error")
_ABOUT = (
    "Categories of HTML documents. `champion` is the version to use, `challenger` the last one that was judged and not "
    "promoted. Each version says in its tags what data it is of, how good it is, and why it became champion or not."
)


def register(tracking_uri: str, run_id: str, name: str = MODEL_NAME, tags: Mapping[str, str] | None = None) -> int:
    """Register the model of a run; one version of the lake is registered once.

    Args:
        tracking_uri: An MLflow server or database.
        run_id: A finished run that stored a model.
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
    model = tracked_model(tracking_uri, run_id)
    with turn(tracking_uri):
        _ensure_registered(mlflow_client, name)
        existing = list(_versions(mlflow_client, f"name = '{name}' and tags.`{VERSION_TAG}` = '{own[VERSION_TAG]}'"))
        if existing:
            return min(int(version.version) for version in existing)
        created = mlflow_client.create_model_version(
            name,
            model.uri,
            run_id=run_id,
            tags=own,
            description=_description(own),
            model_id=model.model_id,
            await_creation_for=0,
        )
    return int(created.version)


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
        `mlflow_run_id`, `rows` (`train`, `test`), `metrics` (`accuracy`, `macro_f1`, …), `promoted`, `not_worse`,
        `refused`, `decision` (why), `judged_against`, `rules` (that it was judged by), `settled` (whether the decision
        was carried out to the end) and `rolled_back` (why it is champion no more); null where a tag is missing.
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
        **{key: json.loads(tags.get(f"{PREFIX}{key}", "null")) for key in ("promoted", "not_worse", "refused")},
        "decision": tags.get(f"{PREFIX}decision"),
        "judged_against": int(tags.get(f"{PREFIX}judged_against", 0)) or None,
        **{key: json.loads(tags.get(f"{PREFIX}{key}", "null")) for key in ("rules", "settled")},
        "rolled_back": tags.get(f"{PREFIX}rolled_back"),
    }


def _description(tags: Mapping[str, str]) -> str:
    """What MLflow's page of the version says."""
    own = {key.removeprefix(PREFIX): value for key, value in tags.items()}
    kind = " ".join(own[key] for key in ("algorithm", "labels", "text_version") if key in own)
    figures = ", ".join(f"{name} {value:.3f}" for name, value in json.loads(own["metrics"]).items())
    return (
        f"{kind} of {own.get('date', 'no day')}, trained on {own.get('train_rows', '?')} rows of snapshot "
        f"`{own.get('snapshot', 'none')}`. On its {own.get('test_rows', '?')} test rows: {figures or 'not measured'}."
    )


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
        mlflow_client.create_registered_model(name, description=_ABOUT)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
