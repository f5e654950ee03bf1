"""The environment, typed: the one place where settings are read.

Belongs here: every environment variable the project knows, with its default and meaning. Does not belong
here: credentials. `AWS_*` and other secrets are read from the environment by the libraries that need them
and are never held, logged or stored by this project.
"""

import os
from datetime import date
from decimal import Decimal
from pathlib import Path

from dotenv import load_dotenv
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

#: What the command line sets for Dagster and MLflow, where it is not set.
ENVIRONMENT = {
    "DAGSTER_EVENT_BATCH_SIZE": "50",  # much of a range of days is Dagster committing events one by one
    "MLFLOW_DISABLE_TELEMETRY": "true",  # read at MLflow's first import, whoever imports it
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",  # MLflow's own seven keep a person waiting for minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}


#: MLflow's kinds of stores that have a model registry.
_MLFLOW = ("http://", "https://", "sqlite:///", "postgresql", "mysql", "mssql", "databricks")


class SettingsError(ValueError):
    """A setting is wrong; the message is one line that says which, and what to do."""


class Settings(BaseSettings):
    """Settings of the project, from environment variables or a `.env` file in the current folder."""

    model_config = SettingsConfigDict(env_prefix="HTML_CLASSIFICATION_", frozen=True, extra="ignore")

    lake: str = Field("data/lake", description="Root of all datasets: a folder or an s3:// URI.")
    crawl: str = Field("data/crawl", description="Where the crawl drops are: a folder or an s3:// URI.")
    crawl_profile: str | None = Field(
        None, description="The AWS profile for the crawl drops, where their bucket is another account's or server's."
    )
    labels: str = Field(
        "data/labels.jsonl",
        description="Where labels come from: a JSONL file of url and category, or the https:// address of the "
        "labelling API. Its key stands in HTML_CLASSIFICATION_LABELS_KEY and is read where it is used.",
    )
    labels_price: Decimal | None = Field(
        None, gt=0, description="The most that the labelling API takes for one document, in the account's currency."
    )
    labels_budget_per_day: Decimal | None = Field(
        None, ge=0, description="The most to spend on labels in a day (UTC), in the account's currency."
    )
    labels_budget_per_month: Decimal | None = Field(
        None, ge=0, description="The most to spend on labels in a calendar month (UTC)."
    )
    labels_batch_size: int = Field(16, ge=1, le=1000, description="Documents in a request to the labelling API.")
    labels_concurrency: int = Field(16, ge=1, le=256, description="Requests to the labelling API at once.")
    labels_timeout: float = Field(
        30, gt=0, le=3600, description="Seconds to wait for an answer of the labelling API before asking again."
    )
    labels_requests_per_second: float | None = Field(
        None,
        gt=0,
        le=10_000,
        description="The labelling API's limit, where it is known; what it refuses is tried again.",
    )
    categories: str = Field(
        "", description="The categories that there are, separated by commas; labels of others are rejected. Empty: any."
    )
    start_date: date = Field(date(2026, 3, 1), description="The first day of data: the first partition.")
    training_window_days: int = Field(
        30, ge=1, le=90, description="How many days of data, ending with the day itself, a model is trained on."
    )
    test_share: float = Field(
        0.3, ge=0.05, le=0.95, description="The share of a training set's rows, the newest, that models are tested on."
    )
    split_sites: bool = Field(
        False,
        description="Whether every site stays on one side of a training set's split, as near duplicates always do: "
        "then models are tested on sites that they have not seen.",
    )
    training_seed: int = Field(
        0, ge=0, le=2**32 - 1, description="What chance there is in training comes of it: another seed, another split."
    )
    algorithms: str = Field(
        "", description="The algorithms that models are trained by, separated by commas. Empty: all that there are."
    )
    labeling_queue_size: int = Field(
        100, ge=1, le=100_000, description="How many pages a day's queue of what to label next has at most."
    )
    duplicate_window_days: int = Field(
        30,
        ge=1,
        le=365,
        description="In how many days, ending with its own, copies of a page are looked for.",
    )
    workers: int | None = Field(
        None, ge=1, le=256, description="How many processes parse documents; default: one for each core."
    )
    mlflow_tracking_uri: str = Field(
        "sqlite:///data/mlflow/mlflow.db",
        validation_alias="MLFLOW_TRACKING_URI",
        description="The MLflow server or database.",
    )

    @property
    def chosen_algorithms(self) -> tuple[str, ...]:
        """The algorithms that models are trained by, sorted; none where all are."""
        return tuple(sorted({name.strip() for name in self.algorithms.split(",")} - {""}))

    @property
    def known_categories(self) -> tuple[str, ...]:
        """The categories that there are, sorted; none where any will do."""
        return tuple(sorted({name.strip() for name in self.categories.split(",")} - {""}))

    @field_validator("mlflow_tracking_uri")
    @classmethod
    def _server_or_database(cls, uri: str) -> str:
        if not uri.startswith(_MLFLOW):
            message = (
                "give a server, such as http://mlflow:5000, or a database, such as sqlite:///data/mlflow/mlflow.db"
            )
            raise ValueError(message)
        return uri


def load_settings() -> Settings:
    """Read the settings, from `.env` in the current folder first and then from the environment.

    Returns:
        The settings. Variables that are already set win over `.env`.

    Raises:
        SettingsError: A variable holds something it cannot hold; the message names it without its value.
    """
    load_dotenv(Path(".env"))
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0])
        variable = name if name.isupper() else f"HTML_CLASSIFICATION_{name.upper()}"
        message = f"{variable} in the environment or .env: {first['msg']}; correct it or unset it"
        raise SettingsError(message) from None


def dagster_home() -> Path:
    """The folder whose dagster.yaml is used: `DAGSTER_HOME` where it is set, else the current folder or the project's.

    Raises:
        SettingsError: It has no dagster.yaml.
    """
    given = os.environ.get("DAGSTER_HOME")
    for place in [Path(given)] if given else [Path(), Path(__file__).parent.parent]:
        if (place / "dagster.yaml").is_file():
            return place.resolve()
    where = f"in DAGSTER_HOME, {given}" if given else "in this folder"
    message = f"no dagster.yaml {where}: run from the project's folder, or set DAGSTER_HOME to a folder that has one"
    raise SettingsError(message)
