"""A small lake for tests of upkeep: raw, pages made from it, texts made from those.

Belongs here: building it, damaging it as no command does, looking at it and collecting its garbage at another time.
Does not belong here: expectations.
"""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import obstore
import polars as pl

from html_classification.lake import Build, Dataset, Lake, RunInfo, materialize
from html_classification.lake.paths import METADATA_FILE, REMOVED_FILE, VersionId
from html_classification.lake.upkeep.gc import Collected, collect, plan
from html_classification.lake.upkeep.records import write_removed
from html_classification.lake.upkeep.verify import verify
from html_classification.schemas.outcome import Outcome
from html_classification.schemas.text_normalization import text_normalization_stage
from html_classification.schemas.url_normalization import URL_NORMALIZATION
from html_classification_tests.lake.builds import DAY, TIME, put_raw

PAGES = URL_NORMALIZATION.name
TEXT_STAGE = text_normalization_stage("v1", ["lowercase"])
TEXTS = TEXT_STAGE.name


def put_chain(lake: Lake, text: str, *, day: date = DAY) -> dict[str, VersionId]:
    """Materialize all three stages of a day from a page with this text; another text, other versions."""
    line = {"url": "https://a.example/", "html": f"<p>{text}", "timestamp": f"{day}T10:00:00+00:00"}
    raw = put_raw(lake, json.dumps(line).encode() + b"\n", day=day)
    return {"raw": id_of(raw), PAGES: id_of(put_pages(lake, day)), TEXTS: id_of(put_texts(lake, day))}


def put_pages(lake: Lake, day: date = DAY) -> Dataset:
    """Materialize the pages of a day from what is current of raw."""

    def compute(raw: pl.DataFrame) -> Outcome:
        return Outcome(raw.with_columns(original_url="url").select(list(URL_NORMALIZATION.dtypes)))

    build = Build(inputs=lambda day: {"raw": lake.upstream("raw").day(day)}, compute=compute)
    return materialize(lake, URL_NORMALIZATION, build, day, RunInfo("pages")).dataset


def put_texts(
    lake: Lake, day: date = DAY, code_version: str = "1", *, force: bool = False, text: str = "html"
) -> Dataset:
    """Materialize the texts of a day from what is current of pages; `text` is the column that they are taken from."""
    stage = replace(TEXT_STAGE, code_version=code_version)

    def compute(pages: pl.DataFrame) -> Outcome:
        rows = pages.select("url", title=pl.lit("t"), content=text, language=pl.lit("en"), timestamp=pl.lit(TIME))
        return Outcome(rows.cast({"timestamp": pl.Datetime("us", "UTC")}))

    build = Build(inputs=lambda day: {"pages": lake.upstream(PAGES).day(day)}, compute=compute)
    return materialize(lake, stage, build, day, RunInfo("texts"), force=force).dataset


def id_of(dataset: Dataset) -> VersionId:
    """The name of a version."""
    return VersionId(dataset.metadata.stage, dataset.metadata.date, dataset.metadata.version)


def overwrite(lake: Lake, path: str, data: bytes) -> None:
    """What no command of this project does: change a file."""
    obstore.put(lake.store._objects, path, data)


def change_json(lake: Lake, path: str, **changes: Any) -> None:
    """Change keys of a JSON file."""
    overwrite(lake, path, json.dumps(json.loads(lake.store.get(path)) | changes).encode())


def interrupt(lake: Lake, version: VersionId) -> bytes:
    """What a removal leaves that is killed before the first data file goes; its metadata.json as it was."""
    path = f"{version.path}/{METADATA_FILE}"
    data = lake.store.get(path)
    lake.store.put_new(f"{version.path}/{REMOVED_FILE}", write_removed(data, datetime.now(UTC), "superseded: test"))
    lake.store.delete([path])
    return data


def contents(lake: Lake) -> dict[str, bytes]:
    """Every file of the lake."""
    return {item.path: lake.store.get(item.path) for item in lake.store.list()}


def files(lake: Lake, version: VersionId) -> set[str]:
    """The names of a version's files."""
    return {item.name for item in lake.store.list(version.path)}


def in_days(days: float) -> datetime:
    """A time to come."""
    return datetime.now(UTC) + timedelta(days=days)


def why(lake: Lake, **options: Any) -> dict[VersionId, str]:
    """The kind of reason for each version in a month, those that go with a minus before it."""
    decided = plan(lake, **{"now": in_days(31)} | options).decisions
    return {one.version: f"-{one.why}" if one.goes else one.why for one in decided}


def run_gc(lake: Lake, **options: Any) -> Collected:
    """Collect garbage as it will be in a month."""
    return collect(lake, plan(lake, **{"now": in_days(31)} | options))


def is_clean(lake: Lake) -> bool:
    """Whether nothing is wrong, and no leftovers lie about, be they ever so young."""
    return verify(lake, leftover_age=timedelta(0)).findings == []
