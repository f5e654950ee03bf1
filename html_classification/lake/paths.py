"""Where things lie in the lake.

Belongs here: building and taking apart object paths, and refusing names that would lead out of the lake.
Does not belong here: reading or writing (`store`, `lake`).

    <stage>/<date>/published/<time>-<version>.json
    <stage>/<date>/<version>/html-documents.parquet
    <stage>/<date>/<version>/metadata.json
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

from html_classification.lake.errors import LakeError

DATA_FILE = "html-documents.parquet"
METADATA_FILE = "metadata.json"
SAMPLE_FILE = "sample.jsonl"
REJECTED_FILE = "rejected.jsonl"

_TIME = "%Y%m%dT%H%M%S.%fZ"
_SEGMENT = re.compile(r"[a-z0-9][a-z0-9-]*")
_VERSION = re.compile(r"[0-9a-f]{12}")
_PUBLICATION = re.compile(
    r"(?P<stage>.+)/(?P<day>\d{4}-\d{2}-\d{2})/published/(?P<time>\d{8}T\d{6}\.\d{6}Z)-(?P<version>[0-9a-f]{12})\.json"
)


@dataclass(frozen=True, order=True)
class Publication:
    """The entry that a version became the current one of its stage and day, at a time in UTC."""

    stage: str
    day: date
    time: datetime
    version: str

    @property
    def path(self) -> str:
        """Its path in the lake. Names sort by time.

        >>> Publication("raw", date(2026, 3, 1), datetime(2026, 3, 1, 10, 15, tzinfo=UTC), "8b8ae027744d").path
        'raw/2026-03-01/published/20260301T101500.000000Z-8b8ae027744d.json'
        """
        return f"{day_path(self.stage, self.day)}/published/{self.time.strftime(_TIME)}-{self.version}.json"


def parse_publication(path: str) -> Publication | None:
    """What a path says, where it is that of a publication."""
    found = _PUBLICATION.fullmatch(path)
    if not found:
        return None
    time = datetime.strptime(found["time"], _TIME).replace(tzinfo=UTC)
    return Publication(found["stage"], date.fromisoformat(found["day"]), time, found["version"])


def stage_path(stage: str) -> str:
    """The folder of a stage.

    Raises:
        LakeError: The name is not made of lower-case words joined by `-` and `/`.
    """
    if not all(_SEGMENT.fullmatch(segment) for segment in stage.split("/")):
        message = f"{stage!r} is no stage: stages are lower-case words joined by '-' and '/', such as 'annotated'"
        raise LakeError(message)
    return stage


def day_path(stage: str, day: date) -> str:
    """The folder of a day of a stage."""
    return f"{stage_path(stage)}/{day.isoformat()}"


def version_path(stage: str, day: date, version: str) -> str:
    """The folder of a version.

    Raises:
        LakeError: The version is not 12 hexadecimal digits.
    """
    if not _VERSION.fullmatch(version):
        message = f"{version!r} is no version: versions are 12 hexadecimal digits, see 'lake ls'"
        raise LakeError(message)
    return f"{day_path(stage, day)}/{version}"


def parse_day(text: str | date) -> date:
    """A date from its ISO form.

    Raises:
        LakeError: It is none.
    """
    if isinstance(text, date):
        return text
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is no date: dates are written like 2026-03-01"
        raise LakeError(message) from None
