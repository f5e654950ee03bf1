"""A version in words.

Belongs here: metadata as lines for a terminal. Does not belong here: the metadata themselves (`metadata`).
"""

from collections.abc import Iterator

from html_classification.lake.dataset import Dataset
from html_classification.lake.sample import to_jsonl


def describe(dataset: Dataset) -> Iterator[str]:
    """The lines of `lake show`: what it is, what it was made from and how, its figures, checks and sample."""
    metadata = dataset.metadata
    statistics = metadata.statistics
    yield f"{metadata.dataset}: {metadata.stage} {metadata.date}, version {metadata.version} ({metadata.layer})"
    yield metadata.description
    yield f"  at        {dataset.uri}"
    yield f"  built     {metadata.created_at:%Y-%m-%d %H:%M:%S} UTC in {metadata.workflow.seconds} s"
    yield f"  rows      {statistics.rows}, rejected {statistics.rejected_rows}"
    for name, value in statistics.figures.items():
        yield f"            {name.replace('_', ' ')}: {value}"
    for check in metadata.checks:
        yield f"  check     {'passed' if check.passed else 'FAILED'} {check.describe()}"
    for step in metadata.process:
        parameters = ", ".join(f"{name}={value}" for name, value in step.parameters.items())
        yield f"  step      {step.step}" + (f" ({parameters})" if parameters else "")
    for source in metadata.sources:
        place = f"{source.stage} {source.date} {source.version}" if source.stage else f"{source.description}"
        yield f"  source    {place} {source.uri}"
    for file in metadata.files:
        yield f"  file      {file.path} {file.bytes} bytes, sha1 {file.sha1}"
    for column in metadata.schema_:
        tags = f" [{', '.join(column.tags)}]" if column.tags else ""
        yield f"  column    {column.name} ({column.type}){tags}: {column.description} {column.business_meaning}"
    for row in metadata.sample:
        yield f"  sample    {to_jsonl([row]).decode().strip()}"
