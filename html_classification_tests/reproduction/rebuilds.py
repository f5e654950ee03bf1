"""Lakes that are rebuilt: making, copying, looking into and spoiling them, and rebuilding versions of them.

Belongs here: steps that tests of more than one subject take. Does not belong here: the projects themselves
(`conftest`), expectations.
"""

import hashlib
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from html_classification.assets.stage_asset import STAGE_FUNCTIONS
from html_classification.automation.ranges import run_range
from html_classification.lake import Lake
from html_classification.lake.paths import VersionId
from html_classification.reproduction.provenance import make_plan
from html_classification.reproduction.rebuilding import Verdict, rebuild
from html_classification_tests.pages import Project

HTML_PARSING = "preprocess/html-parsing"


def run(project: Project, days: list[date], names: list[str] | None = None) -> None:
    """Materialize the assets of these names, or all, for some days."""
    defs = project.defs()
    keys = defs.resolve_asset_graph().materializable_asset_keys
    if names is not None:
        keys = {dg.AssetKey(name.split("/")) for name in names}
    with dg.DagsterInstance.ephemeral() as instance:
        assert run_range(defs, instance, set(keys), days).failed == []


def put(project: Project, lake_uri: str) -> Lake:
    """The lake of a project, copied to another place."""
    copy = Lake(lake_uri)
    for item in project.lake.store.list():
        copy.store.put_new(item.path, project.lake.store.get(item.path))
    return copy


def reproduce(lake: Lake, targets: list[VersionId], scratch: Path) -> dict[VersionId, Verdict]:
    """Rebuild some versions and their ancestors in a scratch folder; the verdict on each."""
    plan = make_plan(lake.store, targets)
    verdicts = {verdict.id: verdict for verdict in rebuild(lake, plan, str(scratch))}
    assert list(verdicts) == plan.order
    return verdicts


def statuses(verdicts: Mapping[VersionId, Verdict]) -> dict[str, set[str]]:
    """The stages that have a version of each status."""
    found: dict[str, set[str]] = {}
    for verdict in verdicts.values():
        found.setdefault(verdict.status, set()).add(verdict.id.stage)
    return found


def current(lake: Lake, stage: str, day: date) -> VersionId:
    """The version that is current."""
    return lake.history(stage, day)[-1].id


def contents(folder: Path) -> dict[str, str]:
    """SHA-1 of each file below a folder; of a database that of what is in it: its files change when it is read."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".db-wal", ".db-shm")]
    return {str(path): hashlib.sha1(_content(path)).hexdigest() for path in files}


def _content(path: Path) -> bytes:
    if path.suffix != ".db":
        return path.read_bytes()
    with closing(sqlite3.connect(path)) as database:
        return "\n".join(database.iterdump()).encode()


def data_of(lake: Lake, version: VersionId) -> dict[str, bytes]:
    """A version's files but metadata.json, whose times differ."""
    files = lake.store.list(version.path)
    return {item.name: lake.store.get(item.path) for item in files if item.name != "metadata.json"}


def spoil(lake: Lake, version: VersionId, name: str, data: bytes) -> str:
    """Put other bytes where a file is; their SHA-1."""
    lake.store.delete([f"{version.path}/{name}"])
    lake.store.put_new(f"{version.path}/{name}", data)
    return hashlib.sha1(data).hexdigest()


def forget(lake: Lake, *stages: str) -> None:
    """Delete whole stages, or layers of them, as `rm -rf` of their folders does, metadata and all."""
    for stage in stages:
        lake.store.delete([item.path for item in lake.store.list(stage)])


def change(monkeypatch: pytest.MonkeyPatch, stage: str, **changes: Any) -> None:
    """A release whose stage is another one."""
    known = STAGE_FUNCTIONS[stage]
    monkeypatch.setitem(STAGE_FUNCTIONS, stage, replace(known, stage=replace(known.stage, **changes)))
