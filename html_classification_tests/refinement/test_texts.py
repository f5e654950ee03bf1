import base64
import random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from html_classification.refinement.findings import FINDINGS
from html_classification.refinement.texts import TextRules, broken_texts
from html_classification.transforms.text.versions import TEXT_VERSIONS
from html_classification_tests.training.corpus import invented_pages, needs_wcxb, real_pages

SOUND = {
    "fr": "La municipalité a annoncé la création d'un réseau de chaleur à l'été, après des années d'études menées par "
    "l'établissement public. Les élus espèrent réduire les dépenses énergétiques. « C'est réussi », dit la préfète.",
    "de": "Die Bürger müssen für größere Häuser künftig höhere Gebühren bezahlen, erklärte der Bürgermeister am späten "
    "Nachmittag. „Schönes Spaß“, hieß es, weil frühere Schäden möglicherweise übersehen wurden.",
    "pt": "A população não está satisfeita. A irmã da campeã chegou de manhã, à procura de um avião. São Paulo e o "
    "Maranhão são regiões de produção de maçã e de avelã; a fã tem lã.",
    "vi": "Chính phủ đã ban hành nghị định mới về xã hội hóa giáo dục. Các địa phương đã triển khai và đã báo cáo mã "
    "số, xã phường đã ghi nhận những kết quả đáng khích lệ. Anh ấy đã nói rằng mọi người đã sẵn sàng.",
    "is": "Það er að segja að við höfum verið að bíða með það að fá veðrið gott; ráðherra sagði að "
    "aðgerðir yrðu boðaðar",
    "ru": "Привет, сегодня мы расскажем о том, как правильно приготовить борщ из свежих овощей и мяса. Нарежьте лук.",
    "zh": "今天我们将介绍如何用新鲜蔬菜和肉类烹制美味的汤。首先需要切洋葱和胡萝卜，"
    "然后用小火慢慢炖煮两个小时，最后加入盐和胡椒调味即可食用。",
    "ja": "今日は新鮮な野菜と肉を使ったおいしいスープの作り方を紹介します。まず玉ねぎとにんじんを切り、"
    "弱火で二時間煮込みます。",
    "th": "วันนี้เราจะแนะนำวิธีทำซุปอร่อยด้วยผักสดและเนื้อสัตว์ ก่อนอื่นต้องหั่นหัวหอมและแครอท แล้วเคี่ยวด้วยไฟอ่อนสองชั่วโมง",
    "ar": "اليوم سنتحدث عن كيفية تحضير حساء لذيذ من الخضروات الطازجة واللحم. "
    "أولا يجب تقطيع البصل والجزر ثم الطهي على نار هادئة.",
    "hi": "आज हम ताज़ी सब्जियों और मांस से स्वादिष्ट सूप बनाने का तरीका बताएंगे। सबसे पहले प्याज और गाजर काट लें, फिर पकाएं।",
    "ko": "오늘은 신선한 채소와 고기로 맛있는 수프를 만드는 방법을 소개합니다. "
    "먼저 양파와 당근을 썰고 약한 불에서 두 시간 동안 끓입니다.",
}
#: Broken in every text version, with what the reason says.
BROKEN = {
    "French read as Latin-1": (SOUND["fr"].encode().decode("latin-1"), "UTF-8 read as Latin-1"),
    "German read as Windows-1252": (
        "Größere Häuser würden später möglicherweise künftig überprüft".encode().decode("cp1252"),
        "UTF-8 read as Latin-1",
    ),
    "Russian read as Latin-1": (SOUND["ru"].encode().decode("latin-1"), "another script"),
    "Russian of another encoding": (SOUND["ru"].encode("cp1251").decode("latin-1"), "another script"),
    "Chinese of another encoding": (SOUND["zh"].encode("gbk").decode("latin-1"), "another script"),
    "digits": ("1 2 3 4.5 6,7 8 9 " * 30 + "total", "are letters"),
    "a hash": (random.Random(0).randbytes(1500).hex(), "too long to be words"),
    "one line over and over": ("Accept all cookies to go on!\n" * 60, "360 words, 6 different"),
    "one word over and over": ("buy " * 100, "100 words, 1 different"),
    "中文 over and over": ("免费下载 " * 50, "4 different"),
}


def texts(version: str, given: dict[str, str]) -> pl.DataFrame:
    frame = pl.DataFrame({"url": list(given), "text": list(given.values()), "language": ["en"] * len(given)})
    for rule in TEXT_VERSIONS[version].rules if version in TEXT_VERSIONS else ():
        frame = rule.apply(frame, ["text"])
    return frame


@pytest.mark.parametrize("version", ["as it is", *TEXT_VERSIONS])
def test_broken_texts_are_found_in_every_text_version_and_sound_ones_of_all_scripts_are_not(version):
    assert broken_texts(texts(version, SOUND)).rows() == []
    found = broken_texts(texts(version, {name: text for name, (text, _) in BROKEN.items()}))
    assert dict(found.select("url", "strong").iter_rows()) == dict.fromkeys(BROKEN, True)
    for url, reason in found.select("url", "reason").iter_rows():
        assert BROKEN[url][1] in reason, url
    assert set(found["issue"]) == {"broken_text"}


def test_data_and_code_are_found():
    code = "!function(e,t){" + "return null==e||r(e)&&n(t)?o(i,e,t):void(e=t);" * 20 + "}"
    data = base64.b64encode(random.Random(0).randbytes(3000)).decode()
    for version in TEXT_VERSIONS:
        assert broken_texts(texts(version, {"code": code, "data": data}))["url"].to_list() == ["code", "data"]


def test_a_text_without_a_word_is_empty_and_nothing_else():
    without = {"a": "", "b": " \n", "c": "— 404 | 2026 —", "d": "\ufffd\x00", "e": "👍"}
    assert broken_texts(texts("as it is", without)).select("url", "issue", "strong", "suggested").rows() == [
        (url, "empty_text", True, None) for url in without
    ]


def test_what_may_be_a_page_is_only_doubtful():
    page = invented_pages(1)["text"][0]
    doubtful = {
        "lost quotes": f"It\u00e2\u20ac\u2122s {page}",
        "short": "Page not found",
        "torn apart": "a b c d e f g h i j k l m n " * 3 + "alphabet",
        "some unreadable": page + " caf\ufffd d\ufffdj\ufffd",
    }
    found = broken_texts(texts("as it is", doubtful | {"sound": page}))
    assert dict(found.select("url", "strong").iter_rows()) == dict.fromkeys(doubtful, False)


def test_rules_say_where_the_line_is():
    page = texts("as it is", {"short": "three words only"})
    assert broken_texts(page).height == 1
    assert broken_texts(page, TextRules(few_words=3)).is_empty()
    empty = broken_texts(page.clear())
    assert dict(empty.schema) == FINDINGS
    assert empty.is_empty()


@needs_wcxb
def test_real_pages_with_words_are_never_broken_beyond_doubt():
    found = broken_texts(real_pages())
    broken = found.filter(issue="broken_text")
    assert not broken["strong"].any()
    # Each was looked at: decoded wrongly, or of six and nine words.
    assert broken["reason"].str.contains("cannot be read|UTF-8 read as Latin-1|it has [69] words").all()
    assert found.height <= 20


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=200), max_size=8))
def test_any_text_has_one_finding_at_most_with_a_reason(given_texts):
    frame = pl.DataFrame(
        {"url": [str(index) for index in range(len(given_texts))], "text": given_texts},
        schema={"url": pl.String, "text": pl.String},
    )
    found = broken_texts(frame)
    assert found["url"].is_unique().all()
    assert found["reason"].str.len_chars().gt(5).all()
    assert not found["reason"].str.contains("NaN|inf|null").any()
    assert found.equals(found.sort("url"))
