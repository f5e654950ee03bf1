"""Where things lie in the lake.

Belongs here: building and taking apart object paths, and refusing names that would lead out of the lake.
Does not belong here: reading or writing (`store`, `lake`).

    <stage>/<date>/published/<time>-<version>.json
    <stage>/<date>/<version>/html-documents.parquet
    <stage>/<date>/<version>/metadata.json
    <stage>/<date>/<version>/rows-1000-rejected-3.count
    snapshots/<name>.json
    label-store/…                                    (`labeling`: what was asked of annotators, and what they answered)
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache

from html_classification.lake.errors import LakeError

DATA_FILE = "html-documents.parquet"
METADATA_FILE = "metadata.json"
SAMPLE_FILE = "sample.jsonl"
REJECTED_FILE = "rejected.jsonl"
#: What garbage collection leaves of a version: when and why it went, and its metadata.
REMOVED_FILE = "removed.json"
PUBLISHED = "published"
SNAPSHOTS = "snapshots"
#: What was paid for: nothing in it is ever deleted.
LABEL_STORE = "label-store"
#: Folders directly below the root that are no stages.
RESERVED = (SNAPSHOTS, LABEL_STORE)

_TIME = "%Y%m%dT%H%M%S.%fZ"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SEGMENT = re.compile(r"[a-z0-9][a-z0-9-]*")
_VERSION = re.compile(r"[0-9a-f]{12}")
_COUNT = re.compile(r"rows-(\d+)-rejected-(\d+)\.count")
_SNAPSHOT = re.compile(r"[a-z0-9][a-z0-9._-]{0,199}")
_IN_VERSION = re.compile(r"(?P<stage>.+)/(?P<day>\d{4}-\d{2}-\d{2})/(?P<version>[0-9a-f]{12})/(?P<name>[^/]+)")
_PUBLICATION = re.compile(
    r"(?P<stage>.+)/(?P<day>\d{4}-\d{2}-\d{2})/published/(?P<time>\d{8}T\d{6}\.\d{6}Z)-(?P<version>[0-9a-f]{12})\.json"
)


@dataclass(frozen=True, order=True)
class VersionId:
    """The exact name of a version."""

    stage: str
    day: date
    version: str

    @property
    def path(self) -> str:
        """Its folder in the lake."""
        return version_path(self.stage, self.day, self.version)

    def __str__(self) -> str:
        return f"{self.stage} {self.day} {self.version}"


@dataclass(frozen=True, order=True)
class Publication:
    """The entry that a version became the current one of its stage and day, at a time in UTC."""

    stage: str
    day: date
    time: datetime
    version: str

    @property
    def id(self) -> VersionId:
        """The version that it names."""
        return VersionId(self.stage, self.day, self.version)

    @property
    def path(self) -> str:
        """Its path in the lake. Names sort by time.

        >>> Publication("raw", date(2026, 3, 1), datetime(2026, 3, 1, 10, 15, tzinfo=UTC), "8b8ae027744d").path
        'raw/2026-03-01/published/20260301T101500.000000Z-8b8ae027744d.json'
        """
        return f"{day_path(self.stage, self.day)}/{PUBLISHED}/{self.time.strftime(_TIME)}-{self.version}.json"


def parse_publication(path: str) -> Publication | None:
    """What a path says, where it is that of a publication."""
    found = _PUBLICATION.fullmatch(path)
    if not found or not _is_stage(found["stage"]):
        return None
    try:
        day = date.fromisoformat(found["day"])
        time = datetime.fromisoformat(found["time"])  # ten times as fast as strptime, and there are many
    except ValueError:  # the 31st of February
        return None
    return Publication(found["stage"], day, time, found["version"])


def parse_version_file(path: str) -> tuple[VersionId, str] | None:
    """The version that a path belongs to and the file's name in it, where it is that of a version's file."""
    found = _IN_VERSION.fullmatch(path)
    if not found or not _is_stage(found["stage"]):
        return None
    try:
        day = date.fromisoformat(found["day"])
    except ValueError:
        return None
    return VersionId(found["stage"], day, found["version"]), found["name"]


def count_file(rows: int, rejected: int) -> str:
    """The name of the empty file that tells a listing how many rows there are: no file need be opened for it.

    >>> count_file(1000, 3)
    'rows-1000-rejected-3.count'
    """
    return f"rows-{rows}-rejected-{rejected}.count"


def parse_count_file(name: str) -> tuple[int, int] | None:
    """Rows and rejected rows, where a name is that of a count file."""
    found = _COUNT.fullmatch(name)
    return (int(found[1]), int(found[2])) if found else None


def is_day(name: str) -> bool:
    """Whether a folder's name is that of a day."""
    return _DAY.fullmatch(name) is not None


def snapshot_path(name: str) -> str:
    """Where a snapshot lies.

    Raises:
        LakeError: The name could lead elsewhere.
    """
    if not _SNAPSHOT.fullmatch(name):
        message = f"{name!r} is no name for a snapshot: use lower-case letters, digits, '-', '_' and '.', at most 200"
        raise LakeError(message)
    return f"{SNAPSHOTS}/{name}.json"


def parse_snapshot(path: str) -> str | None:
    """The name of a snapshot, where a path is that of one."""
    name = path.removeprefix(f"{SNAPSHOTS}/").removesuffix(".json")
    return name if _SNAPSHOT.fullmatch(name) and snapshot_path(name) == path else None


def is_in_label_store(path: str) -> bool:
    """Whether a path belongs to the label store, whose files `labeling` understands."""
    return path.startswith(f"{LABEL_STORE}/")


@lru_cache(maxsize=1024)
def _is_stage(name: str) -> bool:
    segments = name.split("/")
    return segments[0] not in RESERVED and all(_SEGMENT.fullmatch(segment) for segment in segments)


def stage_path(stage: str) -> str:
    """The folder of a stage.

    Raises:
        LakeError: The name is not made of lower-case words joined by `-` and `/`.
    """
    if not _is_stage(stage):
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
    """A date from its ISO form, and from no other.

    >>> parse_day("2026-03-01")
    datetime.date(2026, 3, 1)

    Raises:
        LakeError: It is none.
    """
    if isinstance(text, datetime):
        return text.date()
    if isinstance(text, date):
        return text
    try:
        if is_day(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    message = f"{text!r} is no date: dates are written like 2026-03-01"
    raise LakeError(message)


def parse_time(moment: str | date) -> datetime:
    """A moment in UTC; a day is its first moment, and what has no offset is taken as UTC.

    >>> parse_time("2026-03-01T10:15:00+02:00").isoformat()
    '2026-03-01T08:15:00+00:00'

    Raises:
        LakeError: It is none.
    """
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError:
            message = f"{moment!r} is no time: times are written like 2026-03-01T10:15:00Z"
            raise LakeError(message) from None
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        message = f"{moment} is no time in UTC: take one between the years 1 and 9999"
        raise LakeError(message) from None
