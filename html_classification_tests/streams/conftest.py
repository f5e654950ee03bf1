"""What the tests of streams share: worker processes, and days as files."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from html_classification.lake.local import LocalFile, LocalFiles
from html_classification.streams.workers import Workers
from html_classification_tests.pages import FIRST_DAY


@pytest.fixture(scope="package")
def workers() -> Iterator[Workers]:
    with Workers(2) as pool:
        yield pool


Day = Callable[..., LocalFiles]


def _sha1(path: Path) -> str:
    return hashlib.sha1(path.read_bytes()).hexdigest()


@pytest.fixture
def day_of(tmp_path: Path) -> Day:
    """Makes the files of a day: of a frame, or of bytes by name."""

    def make(content: pl.DataFrame | dict[str, bytes], name: str = "day") -> LocalFiles:
        folder, scratch = tmp_path / name, tmp_path / f"{name}-scratch"
        folder.mkdir()
        scratch.mkdir()
        if isinstance(content, pl.DataFrame):
            content.write_parquet(folder / "html-documents.parquet", row_group_size=128)
        else:
            for file, data in content.items():
                (folder / file).write_bytes(data)
        files = [LocalFile(path.name, path, _sha1(path)) for path in sorted(folder.iterdir())]
        return LocalFiles(files, FIRST_DAY, scratch)

    return make
