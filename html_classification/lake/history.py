"""The history of a day: what was published when and why, and going back.

Belongs here: finding the version that a person means, reading publications, rolling back. Does not belong
here: choosing the versions of many days (`lake`), or comparing two (`diff`).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from html_classification.lake import paths
from html_classification.lake.dataset import Dataset, open_dataset
from html_classification.lake.errors import LakeError
from html_classification.lake.lake import Lake
from html_classification.lake.listing import sort_in
from html_classification.lake.paths import Publication, VersionId
from html_classification.lake.store import StoredObject, in_parallel

CURRENT, PREVIOUS = "current", "previous"
_PREFIX = re.compile(r"[0-9a-f]{4,12}")
_WHOLE = 12


@dataclass(frozen=True)
class Entry:
    """A publication with what it says.

    Attributes:
        time: When, in UTC.
        version: What became current.
        run: The Dagster run that did it; None where a person did.
        reason: Why, in a few words; where the file is damaged, that it is.
    """

    time: datetime
    version: str
    run: str | None
    reason: str


@dataclass(frozen=True)
class Rollback:
    """What a rollback does, or did.

    Attributes:
        before: The version that was current.
        after: The version that is current then.
        publication: The entry that says so; None where nothing was written.
    """

    before: str
    after: str
    publication: Publication | None


def entries(lake: Lake, stage: str, day: date | str) -> list[Entry]:
    """The publications of a stage and day, oldest first, with who made them and why.

    Raises:
        LakeError: The stage or the day is none, or the store fails.
    """
    return in_parallel(lambda item: _entry(lake, item), lake.history(stage, day))


def _entry(lake: Lake, item: Publication) -> Entry:
    try:
        data = json.loads(lake.store.get(item.path))
        return Entry(item.time, item.version, data["run"] and str(data["run"]), str(data["reason"]))
    except (ValueError, KeyError, TypeError, RecursionError):  # its name counts, so the history goes on
        return Entry(item.time, item.version, None, "(the file is damaged: see 'html-classification lake verify')")


def resolve(lake: Lake, stage: str, day: date | str, name: str) -> str:
    """The version that a person means.

    Args:
        lake: The lake.
        stage: The stage.
        day: The day.
        name: A version, its first digits (at least 4, and of one version only), `current`, or `previous`: what was
            current before.

    Returns:
        The version, all of its digits. Whether all 12 digits name one shows when it is opened.

    Raises:
        LakeError: There is none, or more than one.
    """
    day = paths.parse_day(day)
    what = f"{paths.stage_path(stage)} {day}"
    if name in (CURRENT, PREVIOUS):
        current = lake.versions(stage, day)[day]
        if name == CURRENT:
            return current
        others = [item.version for item in lake.history(stage, day) if item.version != current]
        if not others:
            message = f"{what} has had no other version than {current}: there is no previous one in {lake.uri}"
            raise LakeError(message)
        return others[-1]
    if not _PREFIX.fullmatch(name):
        message = (
            f"{name!r} is no version: give its 12 hexadecimal digits, at least the first 4 of them, '{CURRENT}' or "
            f"'{PREVIOUS}'"
        )
        raise LakeError(message)
    if len(name) == _WHOLE:
        return name
    found = sorted(id.version for id in _files(lake, stage, day) if id.version.startswith(name))
    if len(found) != 1:
        which = f"several versions {name}…: {', '.join(found)}; give more digits" if found else f"no version {name}…"
        message = f"{what} has {which}; see 'html-classification lake history'"
        raise LakeError(message)
    return found[0]


def open_version(lake: Lake, stage: str, day: date | str, name: str) -> Dataset:
    """The version that a person means, opened.

    Args:
        lake: The lake.
        stage: The stage.
        day: The day.
        name: As for `resolve`.

    Raises:
        LakeError: There is none, it was never completed, or it was removed.
    """
    day = paths.parse_day(day)
    version = resolve(lake, stage, day, name)
    dataset = lake.find(stage, day, version)
    if dataset is not None:
        return dataset
    files = _files(lake, stage, day).get(VersionId(stage, day, version), {})
    if files and paths.REMOVED_FILE not in files:
        what = f"{stage} {day} {version}"
        message = f"{what} was never completed: its writer was killed or is still at work; run that day again"
        raise LakeError(message)
    return open_dataset(lake.store, stage, day, version)


def rollback(
    lake: Lake,
    stage: str,
    day: date | str,
    version: str = PREVIOUS,
    *,
    reason: str = "",
    dry_run: bool = False,
) -> Rollback:
    """Publish a version again that was current once. Nothing is deleted: the history has one entry more.

    Running the day again afterwards publishes what its recipe says. Without a version, a second rollback goes back to
    where the first one came from.

    Args:
        lake: The lake.
        stage: The stage.
        day: The day.
        version: As for `resolve`.
        reason: Why, in a few words.
        dry_run: Say what would be done, and write nothing.

    Returns:
        What was current, and what is now; where both are the same, nothing was written.

    Raises:
        LakeError: There is no such version; it is incomplete, removed, damaged, failed its audit, or was never
            published.
    """
    day = paths.parse_day(day)
    before = resolve(lake, stage, day, CURRENT)
    dataset = open_version(lake, stage, day, version)
    after = dataset.metadata.version
    what = f"{stage} {day} {after}"
    if not dataset.metadata.passed:
        message = f"{what} failed its audit and cannot be published; see 'html-classification lake show'"
        raise LakeError(message)
    if all(item.version != after for item in lake.history(stage, day)):
        message = f"{what} was never published, so nothing can go back to it: run that day again"
        raise LakeError(message)
    files = _files(lake, stage, day)[VersionId(stage, day, after)]
    for file in dataset.metadata.files:
        if file.path not in files or files[file.path].bytes != file.bytes:
            message = (
                f"{what} is damaged, {dataset.uri}/{file.path} is missing or cut: not published; "
                "'html-classification lake verify' finds what else is"
            )
            raise LakeError(message)
    publication = None
    if not dry_run:
        publication = lake.publish(dataset, run=None, reason=f"rollback: {reason or f'from {before}'}")
    return Rollback(before, after, publication)


def _files(lake: Lake, stage: str, day: date) -> Mapping[VersionId, Mapping[str, StoredObject]]:
    return sort_in(lake.store.list(paths.day_path(stage, day))).versions
