"""A text version on a day in pieces gives what it gives on the day in memory."""

from datetime import UTC, datetime

import polars as pl
import pytest

from html_classification.schemas.html_parsing import HTML_PARSING
from html_classification.streams import texts
from html_classification.transforms.text.normalization import normalize_texts
from html_classification.transforms.text.versions import TEXT_VERSIONS
from html_classification_tests.streams.conftest import Day


@pytest.mark.parametrize("name", sorted(TEXT_VERSIONS))
def test_pieces_make_no_difference(name: str, day_of: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "_BATCH", 7)
    rows = [
        {
            "url": f"https://a.example/{number:03}",
            "title": "Pages \u2603 2" if number % 9 else "\u2603",
            "content": f"She baked {number} loaves (50 \u20ac)." if number % 9 else "",
            "language": ["en", "de", "und"][number % 3],
            "timestamp": datetime(2026, 3, 1, tzinfo=UTC),
        }
        for number in range(60)
    ]
    pages = pl.DataFrame(rows, schema={key: HTML_PARSING.dtypes[key] for key in rows[0]})
    expected = normalize_texts(pages, TEXT_VERSIONS[name])
    stream = texts.normalize_day(day_of(pages), TEXT_VERSIONS[name])
    assert pl.concat(list(stream.batches)).equals(expected.frame)
    assert list(stream.rejected()) == expected.rejected
    assert dict(stream.figures) == expected.figures
