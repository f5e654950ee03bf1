"""Whether everything that names a version names one that there is.

Belongs here: the sources of versions, publications, snapshots. Does not belong here: whether a version is what
it says it is (`contents`).
"""

from collections.abc import Callable, Iterator, Mapping

import orjson

from html_classification.lake import paths
from html_classification.lake.errors import LakeError, StoreError
from html_classification.lake.paths import Publication, VersionId
from html_classification.lake.snapshots import parse_snapshot
from html_classification.lake.store import Store, StoredObject
from html_classification.lake.upkeep.contents import unreadable
from html_classification.lake.upkeep.findings import Finding, problem_of, run_again
from html_classification.lake.upkeep.places import is_whole
from html_classification.lake.upkeep.records import Record, Records

_COPY = "put it back from a copy, or delete it and create it again"


def check_sources(store: Store, record: Record, known: Records) -> Iterator[Finding]:
    """Whether what a version was made from is in the lake, or was removed by garbage collection.

    Args:
        store: The lake's store.
        record: The version.
        known: What is known of its sources. One that is there and not understood has a finding of its own.
    """
    uri = store.uri(record.version.path)
    for version in sorted({one.version for one in record.inputs}):
        source = known.get(version)
        if source is None:
            yield Finding(uri, "source", f"its source {version} is not in the lake", _give_back(version))
        if not isinstance(source, Record):
            continue
        there = {file.sha1 for file in source.files}
        for lost in sorted({one.sha1 for one in record.inputs if one.version == version and one.sha1} - there):
            problem = f"it was made from a file with SHA-1 {lost}, which its source {version} does not list"
            yield Finding(uri, "source", problem, _give_back(version))


def check_publication(
    store: Store, publication: Publication, known: Records, files: Mapping[str, StoredObject] | None
) -> Iterator[Finding]:
    """Whether a publication can be read and says what its name says, and whether its version is there.

    Args:
        store: The lake's store.
        publication: The publication.
        known: What is known of the version that it names. One that is not understood has a finding of its own.
        files: What lies in that version's folder, where it is the current one; None where it was current once.
    """
    uri = store.uri(publication.path)
    try:
        data = store.find(publication.path)
    except StoreError as error:
        yield unreadable(uri, error)
        return
    entry = _json(data or b"")
    if entry.get("version") != publication.version:
        problem = "it is damaged, or names another version than its own name does"
        yield Finding(uri, "publication", problem, "put it back from a copy; until then its name counts")
    record = known.get(publication.id)
    rollback = f"'html-classification lake rollback {publication.stage} {publication.day}'"
    if record is None:
        problem = f"its version {publication.version} is not in the lake"
        yield Finding(uri, "publication", problem, f"{_give_back(publication.id)}, or {rollback}")
    elif isinstance(record, LakeError):
        return
    elif not record.passed:
        problem = f"its version {publication.version} failed its audit"
        yield Finding(uri, "publication", problem, f"run {rollback}")
    elif record.removed_at is not None and files is not None:
        problem = f"its version {publication.version} is current, and was removed on {record.removed_at.date()}"
        back = "'html-classification lake gc --delete' puts it back"
        advice = back if is_whole(record, files) else f"run {run_again(publication.id)}, or {rollback}"
        yield Finding(uri, "publication", problem, advice)
    elif _is_another(record, entry, publication):
        problem = "is not the metadata.json that was published: its SHA-1 is another"
        advice = f"put it back from a copy; {uri} has the SHA-1"
        yield Finding(store.uri(f"{publication.id.path}/metadata.json"), "metadata", problem, advice)


def _is_another(record: Record, entry: Mapping[str, object], publication: Publication) -> bool:
    """Whether metadata.json was changed since.

    A version that was removed and built again has a new one: what was published before that was the former.
    """
    recorded = entry.get("metadata_sha1")
    if recorded is None or record.metadata_sha1 is None or record.created_at > publication.time:
        return False
    return recorded != record.metadata_sha1


def check_snapshot(
    store: Store, name: str, item: StoredObject, wanted: Callable[[VersionId], bool], known: Records
) -> Iterator[Finding]:
    """Whether a snapshot can be read, has the name of its file, and names versions that are there.

    Args:
        store: The lake's store.
        name: The name of its file.
        item: The file.
        wanted: Which of its versions to look at.
        known: What is known of them.
    """
    uri = store.uri(item.path)
    try:
        snapshot = parse_snapshot(store.get(item.path), uri)
        if snapshot.name != name:
            yield Finding(uri, "snapshot", f"says that it is {snapshot.name}", _COPY)
        versions = snapshot.ids
    except StoreError as error:
        yield unreadable(uri, error)
        return
    except LakeError as error:
        yield Finding(uri, "snapshot", *problem_of(error, uri))
        return
    for version in versions:
        if wrong := _no_name(version):
            yield Finding(uri, "snapshot", f"it names {version}, which can be no version ({wrong})", _COPY)
    for version in filter(wanted, versions):
        record = known.get(version)
        if record is None:
            yield Finding(uri, "snapshot", f"it names {version}, which is not in the lake", _give_back(version))
        elif isinstance(record, Record) and record.removed_at is not None:
            problem = f"it names {version}, which garbage collection removed on {record.removed_at.date()}"
            yield Finding(uri, "snapshot", problem, _give_back(version))


def _give_back(version: VersionId) -> str:
    again = run_again(version)
    return f"put {version.path} back from a copy, or, with the code and inputs of then, run {again}"


def _no_name(version: VersionId) -> str | None:
    """Why a version can be none."""
    try:
        paths.version_path(version.stage, version.day, version.version)
    except LakeError as error:
        return str(error)
    return None


def _json(data: bytes) -> Mapping[str, object]:
    try:
        entry = orjson.loads(data)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}
