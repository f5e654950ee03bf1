"""Whether versions are what they say they are.

Belongs here: metadata.json against the recipe, the place and the listing of its version. Does not belong here:
the bytes of the files (`verify`), and what other versions, publications and snapshots say (`references`).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from html_classification.lake import paths
from html_classification.lake.dataset import Dataset, dataset_of
from html_classification.lake.errors import LakeError, StoreError
from html_classification.lake.paths import VersionId
from html_classification.lake.recipe import Recipe
from html_classification.lake.store import Store, StoredObject
from html_classification.lake.upkeep.findings import Finding, problem_of
from html_classification.lake.upkeep.records import Record, read_removed, record_of

_COPY = "put it back from a copy, or delete it and run that day again"
GC = "'html-classification lake gc --delete' removes it"


def check_version(
    store: Store, version: VersionId, files: Mapping[str, StoredObject]
) -> tuple[Record | LakeError | None, list[Finding]]:
    """Check a version that is complete, by its metadata.json and the listing.

    Args:
        store: The lake's store.
        version: The version.
        files: What lies in its folder.

    Returns:
        What it says about itself (the error where that is not understood, None where it was removed since), and what is
        wrong.
    """
    path = f"{version.path}/{paths.METADATA_FILE}"
    uri = store.uri(path)
    try:
        data = store.find(path)
        if data is None:  # removed since it was listed
            return None, []
        dataset = dataset_of(store, data, uri)
        record = record_of(dataset, version)
    except StoreError as error:
        return error, [unreadable(uri, error)]
    except LakeError as error:
        return error, [Finding(uri, "metadata", *problem_of(error, uri))]
    return record, [*_metadata(dataset, version, uri), *_counts(store, record), *_unlisted(store, record, files)]


def check_incomplete(
    store: Store, version: VersionId, files: Mapping[str, StoredObject], now: datetime, leftover_age: timedelta
) -> list[Finding]:
    """Check a version that has no metadata.json: removed for good, or left by a writer or a removal that was killed.

    Args:
        store: The lake's store.
        version: The version.
        files: What lies in its folder.
        now: The moment.
        leftover_age: What is younger may be at work still.
    """
    findings, uri = [], store.uri(version.path)
    if removed := files.get(paths.REMOVED_FILE):
        path = store.uri(removed.path)
        try:
            read_removed(store.get(removed.path), version, path)
        except StoreError as error:
            findings.append(unreadable(path, error))
        except LakeError as error:
            findings.append(Finding(path, "removed", *problem_of(error, path)))
        if len(files) == 1:
            return findings
    age = now - max(item.modified for item in files.values())
    what = f"{len(files)} files and no metadata.json, the last {_words(age)} old"
    if age < leftover_age:
        return [*findings, Finding(uri, "leftover", what, "a writer may be at work: verify again later", "note")]
    return [*findings, Finding(uri, "leftover", f"{what}: left by a process that was killed", GC)]


def check_temporary(store: Store, item: StoredObject) -> Finding:
    """What to say of a file that a killed writer left on a disk."""
    return Finding(store.uri(item.path), "temporary", "left by a writer that was killed, or is at work", GC, "note")


def unreadable(uri: str, error: StoreError) -> Finding:
    """What to say where the store does not give a file."""
    reason = str(error).removeprefix(f"cannot read {uri}: ")
    return Finding(uri, "unreadable", f"could not be read: {reason}", "verify again")


def _metadata(dataset: Dataset, version: VersionId, uri: str) -> Iterator[Finding]:
    metadata = dataset.metadata
    said = VersionId(metadata.stage, metadata.date, metadata.version)
    if said != version:
        yield Finding(uri, "metadata", f"says that it is {said}", _COPY)
    try:
        computed = Recipe.model_validate(metadata.recipe).version
    except ValueError as error:
        yield Finding(uri, "recipe", f"holds no recipe ({str(error).splitlines()[0]})", _COPY)
        return
    if computed != version.version:
        yield Finding(uri, "recipe", f"its recipe gives version {computed}", _COPY)


def _counts(store: Store, record: Record) -> Iterator[Finding]:
    for file in record.files:
        counts = paths.parse_count_file(file.path)
        if counts is not None and counts != record.rows:
            said = f"metadata.json says {record.rows[0]} rows, {record.rows[1]} rejected"
            yield Finding(store.uri(f"{record.version.path}/{file.path}"), "count", said, _COPY)


def _unlisted(store: Store, record: Record, files: Mapping[str, StoredObject]) -> Iterator[Finding]:
    listed = {paths.METADATA_FILE, paths.REMOVED_FILE, *(file.path for file in record.files)}
    for name in sorted(set(files) - listed):
        uri = store.uri(files[name].path)
        yield Finding(uri, "file-unlisted", "metadata.json does not list it", "move it elsewhere or delete it")


def _words(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.0f} hours" if hours >= 2 else f"{hours * 60:.0f} min"
