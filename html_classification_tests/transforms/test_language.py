"""What a user relies on: paragraphs get their language, snippets get none."""

import polars as pl
import pytest

from html_classification.transforms.language import detect_languages

PARAGRAPHS = {
    "en": "The kitchen garden needs water in the evening, when the sun no longer burns the leaves.",
    "de": "Der Gemüsegarten braucht am Abend Wasser, wenn die Sonne die Blätter nicht mehr verbrennt.",
    "fr": "Le potager a besoin d'eau le soir, quand le soleil ne brûle plus les feuilles des plantes.",
    "es": "El huerto necesita agua por la tarde, cuando el sol ya no quema las hojas de las plantas.",
    "it": "L'orto ha bisogno di acqua la sera, quando il sole non brucia più le foglie delle piante.",
    "pt": "A horta precisa de água ao fim da tarde, quando o sol já não queima as folhas das plantas.",
    "nl": "De moestuin heeft 's avonds water nodig, wanneer de zon de bladeren niet meer verbrandt.",
    "sv": "Köksträdgården behöver vatten på kvällen, när solen inte längre bränner bladen på växterna.",
    "pl": "Ogród warzywny potrzebuje wody wieczorem, kiedy słońce już nie pali liści roślin.",
    "tr": "Sebze bahçesi akşamları, güneş artık yaprakları yakmadığında suya ihtiyaç duyar.",
    "el": "Ο λαχανόκηπος χρειάζεται νερό το βράδυ, όταν ο ήλιος δεν καίει πια τα φύλλα των φυτών.",
    "ar": "تحتاج حديقة الخضروات إلى الماء في المساء، عندما لا تعود الشمس تحرق أوراق النباتات.",
    "he": "גינת הירק זקוקה למים בערב, כשהשמש כבר אינה שורפת את עלי הצמחים.",
    "hi": "सब्जी के बगीचे को शाम को पानी चाहिए, जब सूरज पौधों की पत्तियों को नहीं जलाता।",
    "ko": "텃밭은 햇볕이 더 이상 식물의 잎을 태우지 않는 저녁에 물이 필요합니다.",
    "zh": "菜园需要在傍晚浇水,那时太阳不再灼伤植物的叶子。每天都要浇一点水。",
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


@pytest.mark.parametrize("language", list(PARAGRAPHS))
def test_a_page_in_one_language_that_begins_with_a_brand_and_a_date(language: str) -> None:
    page = f"Acme Garden Blog 2026 - 01.03.2026 12:30 {PARAGRAPHS[language] * 3}"
    assert detect_languages(pl.Series([page]))["language"].to_list() == [language]


def test_a_text_is_judged_by_its_beginning() -> None:
    beginning = PARAGRAPHS["de"] * 4
    one, two = detect_languages(pl.Series([beginning, beginning + PARAGRAPHS["ja"] * 1_000])).rows()
    assert one == two
