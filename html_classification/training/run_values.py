"""What MLflow takes: names and values within its limits, and datasets as it describes them.

Belongs here: turning ours into its. Does not belong here: sending it (`tracking`), and which values a run has
(`tracked`).
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from html_classification.lake.metadata import Metadata, Source

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

#: MLflow's own limits are 1,000 metrics, 100 parameters and 100 tags of a request, and a megabyte.
METRICS_AT_ONCE, VALUES_AT_ONCE = 800, 50
LONGEST_NAME, LONGEST_PARAMETER, LONGEST_TAG = 250, 6000, 5000
_UNSAFE = re.compile(r"[^\w\-. :]")
_DIGEST = 8

Item = TypeVar("Item")


def mlflow_name(name: str) -> str:
    """A name of a metric or parameter that MLflow takes, whatever a category is called.

    Letters of all scripts, digits, `_`, `-`, `.`, `:`, spaces, and `/` between parts stay. A name that has anything
    else is given a digest, so that different names stay different.

    Args:
        name: Such as `f1/<category>`.

    Returns:
        The name itself where MLflow takes it, and else one that it takes, always the same.

    >>> mlflow_name("f1/sports news"), mlflow_name("f1/R&D"), mlflow_name("f1/..")
    ('f1/sports news', 'f1/R_D:01599d68', 'f1/__:b329a06b')
    """
    parts = (_UNSAFE.sub("_", part) for part in name.split("/"))
    safe = "/".join("_" * len(part) if not part.strip(".") else part for part in parts)
    safe = safe if not any(part == "" for part in safe.split("/")) else safe.replace("/", "_") or "_"
    if safe == name and len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]
    return f"{safe[: LONGEST_NAME - _DIGEST - 1]}:{digest}"


def clipped(value: object, longest: int) -> str:
    """A value as text, cut where MLflow would refuse it.

    >>> clipped(3.0, 6000), clipped("a" * 9, 5)
    ('3.0', 'aaaa…')
    """
    text = str(value)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def batches(
    parameters: Mapping[str, Any], metrics: Mapping[str, float], tags: Mapping[str, Any], milliseconds: int
) -> Iterator[dict[str, Any]]:
    """The arguments of `MlflowClient.log_batch`, as often as it takes.

    Args:
        parameters: By name; long values are cut.
        metrics: By name.
        tags: By name; long values are cut.
        milliseconds: The time of the metrics, since 1970.

    Raises:
        ValueError: A metric is no number.
    """
    from mlflow.entities import Metric, Param, RunTag

    numbers = [Metric(mlflow_name(name), float(value), milliseconds, 0) for name, value in metrics.items()]
    settings = [Param(mlflow_name(name), clipped(value, LONGEST_PARAMETER)) for name, value in parameters.items()]
    marks = [RunTag(mlflow_name(name), clipped(value, LONGEST_TAG)) for name, value in tags.items()]
    for some_metrics, some_parameters, some_tags in zip_longest(
        _parts(numbers, METRICS_AT_ONCE), _parts(settings, VALUES_AT_ONCE), _parts(marks, VALUES_AT_ONCE), fillvalue=()
    ):
        yield {"metrics": some_metrics, "params": some_parameters, "tags": some_tags}


def _parts(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))


@dataclass(frozen=True)
class TrackedDataset:
    """A dataset that a run has read, as MLflow shows it.

    Attributes:
        name: Such as `training-set`.
        digest: What tells its content apart: the version in the lake, at most 36 characters.
        uri: Where it is: a folder, or an `s3://` URI.
        rows: Its rows, where known.
        context: What it is for, such as `training`.
        schema: The type of each column, where known.
    """

    name: str
    digest: str
    uri: str
    rows: int | None = None
    context: str = "training"
    schema: Mapping[str, str] | None = None

    @classmethod
    def of(cls, metadata: Metadata, uri: str, context: str = "training") -> "TrackedDataset":
        """A version in the lake.

        Args:
            metadata: What the version says about itself.
            uri: Where it is.
            context: What it is for.
        """
        schema = {column.name: column.type for column in metadata.schema_}
        name = f"{metadata.stage} {metadata.date}"
        return cls(name, metadata.version, uri, metadata.statistics.rows, context, schema)

    def as_input(self) -> "DatasetInput":
        """As MLflow takes it; its source is of a type that MLflow can download again."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        scheme = urlsplit(self.uri).scheme
        columns = [{"type": kind, "name": name, "required": True} for name, kind in (self.schema or {}).items()]
        dataset = Dataset(
            name=self.name,
            digest=self.digest,
            source_type="local" if scheme in ("", "file") else scheme,
            source=json.dumps({"uri": self.uri}),
            schema=json.dumps({"mlflow_colspec": columns}) if columns else None,
            profile=None if self.rows is None else json.dumps({"num_rows": self.rows}),
        )
        return DatasetInput(dataset, [InputTag("mlflow.data.context", self.context)])


def datasets_of(sources: Sequence[Source], context: str = "training") -> list[TrackedDataset]:
    """What a version was made from: a dataset for each stage, of a window of days one for all its days.

    Args:
        sources: The version's sources in the lake; of others nothing is taken.
        context: What they are for.

    Returns:
        In the order of the stages in `sources`. The digest of a single version is its id; that of several is a hash of
        all ids, and their address that of the first: each one is in the provenance that the run keeps.
    """
    stages: dict[str, list[Source]] = {}
    for source in sources:
        if source.stage and source.date and source.version:
            stages.setdefault(source.stage, []).append(source)
    found = []
    for stage, versions in stages.items():
        versions.sort(key=lambda source: (str(source.date), str(source.version)))
        first, last = versions[0], versions[-1]
        if len(versions) == 1:
            name, digest = f"{stage} {first.date}", str(first.version)
        else:
            ids = " ".join(f"{source.date}/{source.version}" for source in versions)
            name = f"{stage} {first.date} to {last.date}"
            digest = hashlib.sha256(ids.encode()).hexdigest()[:12]
        found.append(TrackedDataset(name, digest, first.uri, context=context))
    return found


def environment(metadata: Metadata) -> dict[str, Any]:
    """Where a version was computed: the code's version and git commit, Python, host, and each package's version.

    Args:
        metadata: What the version says about itself.
    """
    return metadata.context.model_dump(mode="json")
