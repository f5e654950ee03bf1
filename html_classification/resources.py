"""What assets reach outside of the lake: crawl drops, labels, MLflow.

Belongs here: Dagster resources, each a typed model whose fields the launchpad explains. Does not belong
here: credentials (they stay in the environment) and logic (`lake`, `labeling`, `training`).

Where a field is left empty the environment is asked when it is needed, not when the definitions are loaded: what
stands there, such as the password in an MLflow address, never becomes part of what the Dagster UI shows.
"""

import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from threading import Lock
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)
from dagster_aws.s3 import S3Resource
from pydantic import Field, PrivateAttr, ValidationError

from html_classification.labeling.desk import LabelDesk
from html_classification.labeling.terms import Terms, api_address
from html_classification.lake.s3 import Access, make_access
from html_classification.lake.store import Store
from html_classification.settings import SettingsError, load_settings
from html_classification.streams.workers import Workers
from html_classification.training.candidates import EXPERIMENT
from html_classification.training.processes import TrainingPool

INTERRUPTED = DagsterExecutionInterruptedError.__name__


class CrawlDrops(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The root of all crawl drops.

    Its bucket is often someone else's: another account, another server. `s3` says how to get there, and nowhere else.
    """

    uri: str | None = Field(
        default=None,
        description="A folder or an s3:// URI with a folder for each day. Default: HTML_CLASSIFICATION_CRAWL.",
    )
    s3: S3Resource | None = Field(
        default=None,
        description="How the bucket is reached where it is not as the lake's is: a profile of the AWS files is best, "
        "since no key stands here then. Default: HTML_CLASSIFICATION_CRAWL_PROFILE, or the standard AWS settings.",
    )

    @property
    def store(self) -> Store:
        """The drops as a store.

        Raises:
            LakeError: The profile is not there.
        """
        uri = self.uri or load_settings().crawl
        return Store(uri, _access(self.s3) if uri.startswith("s3://") else None)


def _access(resource: S3Resource | None) -> Access | None:
    """What a resource says of S3; None where it says nothing, so that the standard settings count."""
    resource = resource or S3Resource()
    profile = resource.profile_name or load_settings().crawl_profile
    keys = (resource.aws_access_key_id, resource.aws_secret_access_key, resource.aws_session_token)
    if not any((profile, resource.region_name, resource.endpoint_url, resource.use_unsigned_session, *keys)):
        return None
    return make_access(
        profile, resource.region_name, resource.endpoint_url, keys, unsigned=resource.use_unsigned_session
    )


class WorkerProcesses(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The processes that parse documents. They start when they are needed, and live as long as the Dagster run."""

    count: int | None = Field(
        default=None, description="How many. Default: HTML_CLASSIFICATION_WORKERS, or one for each core."
    )
    memory_mib: int = Field(
        default=2048, description="How much memory each may take beyond what it begins with, in MiB."
    )

    _pool: Workers | None = PrivateAttr(default=None)

    @property
    def pool(self) -> Workers:
        """The processes."""
        if self._pool is None:
            self._pool = Workers(self.count or load_settings().workers, self.memory_mib)
        return self._pool

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["WorkerProcesses"]:
        """Serve one Dagster run."""
        try:
            yield self
        finally:
            self.close()

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.close()


class TrainingProcesses(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The processes that train models. They start with the first training, and live as long as the Dagster run."""

    count: int | None = Field(
        default=None, ge=0, description="How many models are trained at once. Default: one for each core."
    )

    _pool: TrainingPool | None = PrivateAttr(default=None)

    @property
    def pool(self) -> TrainingPool:
        """The processes."""
        if self._pool is None:
            self._pool = TrainingPool(self.count)
        return self._pool

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["TrainingProcesses"]:
        """Serve one Dagster run."""
        try:
            yield self
        finally:
            self.close()

    def close(self) -> None:
        """End the processes."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()


class LabelSource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Where labels come from, and what they may cost. The labelling API's key stands in the environment alone."""

    uri: str | None = Field(
        default=None,
        description="A JSONL file of url and category, or the https:// address of the labelling API. Default: "
        "HTML_CLASSIFICATION_LABELS.",
    )
    price: float | None = Field(
        default=None, description="The most that a document costs. Default: HTML_CLASSIFICATION_LABELS_PRICE."
    )
    budget_per_day: float | None = Field(
        default=None,
        description="The most to spend in a day (UTC). Default: HTML_CLASSIFICATION_LABELS_BUDGET_PER_DAY.",
    )
    budget_per_month: float | None = Field(
        default=None,
        description="The most to spend in a month (UTC). Default: HTML_CLASSIFICATION_LABELS_BUDGET_PER_MONTH.",
    )
    batch_size: int | None = Field(
        default=None, description="Documents in a request. Default: HTML_CLASSIFICATION_LABELS_BATCH_SIZE."
    )
    concurrency: int | None = Field(
        default=None, description="Requests at once. Default: HTML_CLASSIFICATION_LABELS_CONCURRENCY."
    )
    requests_per_second: float | None = Field(
        default=None, description="The API's limit. Default: HTML_CLASSIFICATION_LABELS_REQUESTS_PER_SECOND."
    )
    timeout: float | None = Field(
        default=None, description="Seconds to wait for an answer. Default: HTML_CLASSIFICATION_LABELS_TIMEOUT."
    )

    @property
    def address(self) -> str:
        """The path or URI of the file, or the web address of the API."""
        return self.uri or load_settings().labels

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories that there are; none: any."""
        return load_settings().known_categories

    def desk(self, store: Store) -> LabelDesk:
        """Where a step gets its labels.

        Args:
            store: The lake's, in which the label store is.

        Raises:
            SettingsError: Labels would be bought, and it is not said at which price or within which budget.
        """
        address = self.address
        url = api_address(address)
        return LabelDesk(store, terms=self._terms(url)) if url else LabelDesk(store, label_file=address)

    def _terms(self, url: str) -> Terms:
        settings = load_settings()
        given: dict[str, Any] = {"url": url, "categories": settings.known_categories}
        for name in ("price", "budget_per_day", "budget_per_month"):
            given[name] = self._decimal(name, getattr(settings, f"labels_{name}"))
        for name in ("batch_size", "concurrency", "requests_per_second", "timeout"):
            own = getattr(self, name)
            given[name] = getattr(settings, f"labels_{name}") if own is None else own
        try:
            return Terms.model_validate(given)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            message = f"label_source.{first['loc'][0]}: {first['msg']}; correct it"
            raise SettingsError(message) from None

    def _decimal(self, name: str, default: Decimal | None) -> Decimal:
        given = getattr(self, name)
        money = default if given is None else Decimal(str(given))
        if money is None:
            message = (
                f"HTML_CLASSIFICATION_LABELS is a labelling API, and HTML_CLASSIFICATION_LABELS_{name.upper()} is not "
                "set: say what a document costs at most, and what may be spent in a day and in a month"
            )
            raise SettingsError(message)
        return money


class Tracking(dg.ConfigurableResource):  # type: ignore[type-arg]
    """MLflow: where models are tracked, and the run that the models of one Dagster run are shown under.

    dagster-mlflow keeps one MLflow run for each Dagster run and finds it again from another process. It is opened
    with the first model that is really trained, so that a run that reuses everything leaves no empty one, and it is
    closed here: dagster-mlflow's own hook would close it after the first asset, and without a hook it would stay
    open and take in the next Dagster run's.
    """

    uri: str | None = Field(default=None, description="An MLflow server or database. Default: MLFLOW_TRACKING_URI.")

    @property
    def address(self) -> str:
        """The server or database."""
        return self.uri or load_settings().mlflow_tracking_uri

    _context: Any = PrivateAttr(default=None)
    _parent: Any = PrivateAttr(default=None)
    _run_id: str | None = PrivateAttr(default=None)
    _lock: Any = PrivateAttr(default_factory=Lock)
    # MLflow knows the open run of a thread: dagster-mlflow opens and closes its own in one that does nothing else.
    _thread: Any = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Tracking"]:
        """Serve one Dagster run; close its MLflow run: FAILED where a step failed, KILLED where it was stopped."""
        self._context = context
        with ThreadPoolExecutor(1, thread_name_prefix="dagster-mlflow") as self._thread:
            stopped = True
            try:
                yield self
                stopped = False
            finally:
                # Behind an opening that still goes on: its run is to be closed too.
                self._thread.submit(self._close, stopped).result()

    def parent_run_id(self) -> str:
        """The MLflow run of this Dagster run, opened where it is not open yet. For any thread."""
        with self._lock:
            if self._parent is None:
                self._run_id = self._thread.submit(self._open).result()
        return str(self._run_id)

    def _open(self) -> str:
        from html_classification.training.abandoned import PROCESS_TAG, close_abandoned_runs, process_name
        from html_classification.training.tracking import client, ensure_experiment

        experiment_id = ensure_experiment(self.address, EXPERIMENT)
        close_abandoned_runs(client(self.address), experiment_id)
        # Pinned and covered by tests, so that their being beta is no news to a user of this project.
        warnings.filterwarnings("ignore", message="Function `_create_mlflow_run_hook` is currently in beta")
        warnings.filterwarnings("ignore", message="Class `MlFlow` is currently in beta")
        # dagster-mlflow imports all of MLflow, which takes seconds.
        from dagster_mlflow.resources import MlFlow

        config = {
            "experiment_name": EXPERIMENT,
            "mlflow_tracking_uri": self.address,
            "extra_tags": {"html_classification.kind": "dagster-run", PROCESS_TAG: process_name()},
        }
        self._parent = MlFlow(self._context.replace_config(config))  # type: ignore[no-untyped-call]
        run_id = str(self._parent.active_run().info.run_id)
        # dagster-mlflow names it by the job, which is the same for all.
        client(self.address).update_run(run_id, name=_run_name(self._context.run))
        return run_id

    def _close(self, stopped: bool) -> None:
        parent, self._parent = self._parent, None
        if parent is None:
            return
        status = "KILLED" if stopped else "FAILED"
        try:
            failures = self._context.instance.all_logs(
                self._context.run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE
            )
            # Ctrl-C is the failure of a step to Dagster.
            if any(INTERRUPTED in str(entry.dagster_event.event_specific_data) for entry in failures):
                status = "KILLED"
            elif not stopped and not failures:
                status = "FINISHED"
        finally:
            parent.end_run(status=status)


def _run_name(run: dg.DagsterRun) -> str:
    """The days of a Dagster run, and how its id begins."""
    first, last = (run.tags.get(name) for name in (ASSET_PARTITION_RANGE_START_TAG, ASSET_PARTITION_RANGE_END_TAG))
    days = run.tags.get(PARTITION_NAME_TAG) or (first if first == last else f"{first} to {last}")
    return f"Dagster run {run.run_id[:8]}, {days}"
