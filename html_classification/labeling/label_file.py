"""Labels from a JSONL file.

Belongs here: reading the file, checking each line, and picking the labels of a day's pages. Does not belong
here: which of several labels of a page counts (`annotation`).

A line is a JSON object with `url` and `category`, and optionally `confidence` (0 to 1), `annotator`,
`labelled_at` (ISO 8601 with offset) and `cost`. Addresses are normalized as those of the pages are, so any
spelling of them will do.
"""

from codecs import BOM_UTF8
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import polars as pl
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, ValidationError

from html_classification.lake.errors import LakeError
from html_classification.lake.external import ExternalFile
from html_classification.lake.store import Store
from html_classification.schemas.labels import LABELS
from html_classification.schemas.outcome import Outcome
from html_classification.transforms.urls import UrlRejected, normalize_url

_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)


class LabelLine(BaseModel):
    """A line of a label file."""

    url: str = Field(min_length=1, description="Address of the page, in any spelling.")
    category: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(
        min_length=1, description="The category."
    )
    confidence: float | None = Field(None, ge=0, le=1, description="How sure the annotator is.")
    annotator: str | None = Field(None, min_length=1, description="Who says so; by default `file:` and its name.")
    labelled_at: AwareDatetime | None = Field(None, ge=_EARLIEST, description="When it was said, not before 1990.")
    cost: float = Field(0.0, ge=0, allow_inf_nan=False, description="What it cost.")


def read_label_file(uri: str) -> ExternalFile:
    """The label file's bytes.

    Args:
        uri: A path or an s3:// URI of a .jsonl file.

    Raises:
        LakeError: There is none, or it is not a JSONL file.
    """
    if uri.startswith(("http://", "https://")) or not uri.endswith(".jsonl"):
        # An address may hold a key: it is not repeated.
        message = "HTML_CLASSIFICATION_LABELS is not a label file: give the path or s3:// URI of a .jsonl file"
        raise LakeError(message)
    folder, _, name = uri.rpartition("/") if uri.startswith("s3://") else (str(Path(uri).parent), "", Path(uri).name)
    data = Store(folder).find(name)
    if data is None:
        message = f"no label file at {uri}: write one (a line a page: url, category) or set HTML_CLASSIFICATION_LABELS"
        raise LakeError(message)
    return ExternalFile(name, uri, data)


def labels_of_pages(pages: pl.DataFrame, file: ExternalFile) -> Outcome:
    """The labels that a file has for some pages.

    Args:
        pages: `url` (normalized) and `content_sha1` of each page.
        file: The label file.

    Returns:
        The stage `labels`: a row for each page and annotator, the last line of each counting, sorted by url
        and annotator. Lines that are no label are rejected with `reason`, `file`, `line`, `row`.
    """
    rejected: list[dict[str, Any]] = []
    rows = list(_rows(file, rejected))
    labels = pl.DataFrame(rows, schema={name: kind for name, kind in LABELS.dtypes.items() if name != "content_sha1"})
    known = labels.unique(["url", "annotator"], keep="last", maintain_order=True)
    frame = (
        pages.select("url", "content_sha1")
        .join(known, on="url", how="inner")
        .select(list(LABELS.dtypes))
        .sort("url", "annotator")
    )
    figures = {
        "pages": pages.height,
        "pages_labelled": frame["url"].n_unique(),
        "superseded_lines": labels.height - known.height,
    }
    return Outcome(frame, rejected, figures)


def _rows(file: ExternalFile, rejected: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(file.data.removeprefix(BOM_UTF8).split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            label = LabelLine.model_validate(orjson.loads(line))
            url = normalize_url(label.url)
        except (orjson.JSONDecodeError, ValidationError, UrlRejected) as error:
            row = line[:1000].decode("utf-8", errors="backslashreplace")
            rejected.append({"reason": _reason(error), "file": file.name, "line": number, "row": row})
            continue
        yield {
            "url": url,
            "category": label.category,
            "confidence": label.confidence,
            "annotator": label.annotator or f"file:{file.name}",
            "labelled_at": _utc(label.labelled_at),
            "cost": label.cost,
            "answer": line.decode().strip(),
        }


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'line'}: {first['msg']}"
    return f"not JSON: {error}" if isinstance(error, orjson.JSONDecodeError) else str(error)


def _utc(time: datetime | None) -> datetime | None:
    return time.astimezone(UTC) if time else None
