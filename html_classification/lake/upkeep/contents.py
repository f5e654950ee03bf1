"""Whether versions are what they say they are.

Belongs here: metadata.json against the recipe, the place and the listing of its version. Does not belong here:
the bytes of the files (`verify`), and what other versions, publications and snapshots say (`references`).
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from html_classification.lake import paths
from html_classification.lake.dataset import Dataset, dataset_of
from html_classification.lake.errors import LakeError, StoreError
from html_classification.lake.paths import VersionId
from html_classification.lake.recipe import Recipe
from html_classification.lake.store import Store, StoredObject
from html_classification.lake.upkeep.findings import Finding, problem_of, run_again
from html_classification.lake.upkeep.places import is_whole, lasting_stages, other_files, own_files
from html_classification.lake.upkeep.records import Record, read_removed, record_of
from html_classification.lake.upkeep.removal import GRACE

GC = "'html-classification lake gc --delete'"


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
        problem, advice = problem_of(error, uri)
        return error, [Finding(uri, "metadata", problem, _mend(version) if "damaged" in problem else advice)]
    return record, [*_metadata(dataset, version, uri), *_counts(store, record), *_unlisted(store, record, files)]


def check_incomplete(
    store: Store,
    version: VersionId,
    files: Mapping[str, StoredObject],
    age: timedelta,
    *,
    is_current: bool,
    was_published: bool,
) -> list[Finding]:
    """Check a version that has no metadata.json: removed for good, or left by a writer or a removal that was killed.

    Args:
        store: The lake's store.
        version: The version.
        files: What lies in its folder.
        age: What is younger may be at work still.
        is_current: Whether it is the current one of its day.
        was_published: Whether it ever was.
    """
    findings, uri, record = [], store.uri(version.path), None
    if removed := files.get(paths.REMOVED_FILE):
        path = store.uri(removed.path)
        try:
            record = read_removed(store.get(removed.path), version, path)
        except StoreError as error:
            findings.append(unreadable(path, error))
        except LakeError as error:
            findings.append(Finding(path, "removed", *problem_of(error, path)))
    findings += _unlisted(store, record, files)
    own = own_files(files, record)
    if not own.keys() - {paths.REMOVED_FILE}:
        return findings
    old = datetime.now(UTC) - max(item.modified for item in own.values())
    what = f"{len(own)} files and no metadata.json, the last {_words(old)} old"
    if old < age:
        return [*findings, Finding(uri, "leftover", what, "a writer may be at work: verify again later", "note")]
    if removed:
        what = f"{what}: its removal was interrupted"
        back = f"{GC} puts it back" if is_current else f"{GC} removes it, or puts it back where something needs it"
        advice = back if is_whole(record, files) else f"{GC} removes it"
    elif was_published or version.stage in lasting_stages():
        advice = f"put metadata.json back from a copy, or run {run_again(version)}"
    else:
        what = f"{what}: left by a process that was killed"
        advice = f"{GC} removes it" + (f" when it is {GRACE.total_seconds() / 3600:g} hours old" if old < GRACE else "")
    return [*findings, Finding(uri, "leftover", what, advice)]


def check_temporary(store: Store, item: StoredObject) -> Finding:
    """What to say of a file that a killed writer left on a disk."""
    what = "left by a writer that was killed, or is at work"
    hours = f"{GRACE.total_seconds() / 3600:g} hours"
    return Finding(store.uri(item.path), "temporary", what, f"{GC} removes it when it is {hours} old", "note")


def unreadable(uri: str, error: StoreError) -> Finding:
    """What to say where the store does not give a file."""
    reason = str(error).removeprefix(f"cannot read {uri}: ")
    return Finding(uri, "unreadable", f"could not be read: {reason}", "verify again")


def _metadata(dataset: Dataset, version: VersionId, uri: str) -> Iterator[Finding]:
    metadata = dataset.metadata
    said = VersionId(metadata.stage, metadata.date, metadata.version)
    if said != version:
        yield Finding(uri, "metadata", f"says that it is {said}", _mend(version))
    try:
        computed = Recipe.model_validate(metadata.recipe).version
    except (ValueError, RecursionError) as error:
        yield Finding(uri, "recipe", f"holds no recipe ({str(error).splitlines()[0]})", _mend(version))
        return
    if computed != version.version:
        yield Finding(uri, "recipe", f"its recipe gives version {computed}", _mend(version))


def _counts(store: Store, record: Record) -> Iterator[Finding]:
    for file in record.files:
        counts = paths.parse_count_file(file.path)
        if counts is not None and counts != record.rows:
            said = f"metadata.json says {record.rows[0]} rows, {record.rows[1]} rejected"
            advice = f"put the folder back from a copy, or delete both and run {run_again(record.version)}"
            yield Finding(store.uri(f"{record.version.path}/{file.path}"), "count", said, advice)


def _unlisted(store: Store, record: Record | None, files: Mapping[str, StoredObject]) -> Iterator[Finding]:
    """What does not belong to the version; of one that is not whole, only what surely does not."""
    if record and record.removed_at is None:
        listed = {paths.METADATA_FILE, paths.REMOVED_FILE, *(file.path for file in record.files)}
        others = [files[name] for name in sorted(files.keys() - listed)]
    else:
        others = other_files(files, record)
    for item in others:
        problem = "metadata.json does not list it" if record else "it belongs to no version"
        yield Finding(store.uri(item.path), "file-unlisted", problem, "move it elsewhere or delete it")


def _mend(version: VersionId) -> str:
    """What to do about a metadata.json."""
    return f"put it back from a copy, or delete it and run {run_again(version)}"


def _words(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.0f} hours" if hours >= 2 else f"{hours * 60:.0f} min"
