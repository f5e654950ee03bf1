"""What a user relies on: paragraphs get their language, snippets get none."""

import polars as pl
import pytest

from html_classification.transforms.language import detect_languages

PARAGRAPHS = {
    "en": "The kitchen garden needs water in the evening, when the sun no longer burns the leaves.",
    "de": "Der Gemüsegarten braucht am Abend Wasser, wenn die Sonne die Blätter nicht mehr verbrennt.",
    "fr": "Le potager a besoin d'eau le soir, quand le soleil ne brûle plus les feuilles des plantes.",
    "es": "El huerto necesita agua por la tarde, cuando el sol ya no quema las hojas de las plantas.",
    "ru": "Огороду нужна вода вечером, когда солнце больше не обжигает листья растений.",
    "ja": "家庭菜園は、太陽が葉を焼かなくなる夕方に水を必要とします。毎日少しずつ与えてください。",
}


@pytest.mark.parametrize("language", list(PARAGRAPHS))
def test_paragraphs(language: str) -> None:
    row = detect_languages(pl.Series([PARAGRAPHS[language]])).row(0, named=True)
    assert row["language"] == language
    assert 0.5 < row["language_confidence"] <= 1


@pytest.mark.parametrize("text", ["", " ", "OK", "12345 67890 !!! ???", "404 not found", "\ufffd" * 100])
def test_too_little_to_tell(text: str) -> None:
    assert detect_languages(pl.Series([text])).rows() == [("und", 0.0)]


def test_one_row_per_text_in_order() -> None:
    languages = detect_languages(pl.Series([PARAGRAPHS["fr"], "", PARAGRAPHS["ru"]]))
    assert languages["language"].to_list() == ["fr", "und", "ru"]
    assert languages.schema == {"language": pl.String, "language_confidence": pl.Float64}
    assert detect_languages(pl.Series([], dtype=pl.String)).schema == languages.schema
