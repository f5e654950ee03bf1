"""What a user relies on: which texts have which grams in common, in any script, however long."""

import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from html_classification.transforms.duplicates.grams import grams
from html_classification_tests.transforms.duplicates.planted import word_grams

# Scripts with spaces, separators of all kinds, and astral ones; no cased letter here folds to two.
TEXTS = st.text(alphabet="aAbBzéÉЖж0٣가ß _-.,’—\n\0\u00a0😀𐐀", max_size=60)


def hashes(text: str) -> list[int]:
    return list(grams([text])[0].tolist())


@given(st.lists(TEXTS, max_size=8))
@example(["a b c d", "a b c d e", "a b c d e f", ""])
def test_texts_share_the_grams_that_their_words_say(texts: list[str]) -> None:
    found, offsets = grams(texts)
    ours = [set(found[offsets[i] : offsets[i + 1]].tolist()) for i in range(len(texts))]
    theirs = [word_grams(text) for text in texts]
    assert len(offsets) == len(texts) + 1
    assert [len(own) for own in ours] == [len(own) for own in theirs]
    for i in range(len(texts)):
        for j in range(i):
            assert len(ours[i] & ours[j]) == len(theirs[i] & theirs[j])


@given(st.lists(st.text(max_size=30), max_size=8))
def test_a_text_has_the_same_grams_alone_as_among_others(texts: list[str]) -> None:
    assert grams(texts)[0].tolist() == [gram for text in texts for gram in hashes(text)]


def test_numbers_stay_the_same() -> None:
    # Signatures are stored, and compared over days and machines.
    assert hashes("the quick brown fox jumps over") == [3522538195028230083, 9402837908885203016]
    assert hashes("Слово и дело") == [16187354614477706342]


def test_where_scripts_have_no_spaces_each_character_is_a_word() -> None:
    one, two = "今天天气很好我们去公园", "今天天气不好我们去公园"
    assert len(hashes(one)) == len(one) - 4
    assert len(set(hashes(one)) & set(hashes(two))) == 2  # five characters of eleven are around the edit
    assert len(hashes("ภาษาไทยไม่เว้นวรรค")) == len("ภาษาไทยไม่เว้นวรรค") - 4
    assert hashes("ひらがな、カタカナ") == hashes("ひらがな カタカナ")
    assert hashes("日本語 words を mix") == hashes("日 本 語 Words を MIX")
    assert len(hashes("한국어는 띄어쓰기를 합니다")) == 1
    assert len(hashes("𠀀𠀁𠀂𠀃𠀄𠀅")) == 2


def test_marks_belong_to_their_words() -> None:
    assert len(hashes("हिन्दी में लिखा गया वाक्य")) == 1
    assert hashes("हिन्दी में लिखा गया वाक्य") != hashes("हन्दी में लिखा गया वाक्य")
    assert len(hashes(unicodedata.normalize("NFD", "é à ü ñ ç"))) == 1
    assert hashes("I ❤️ you") == hashes("I ❤ you") == hashes("i you")


def test_case_makes_no_difference_in_any_alphabet() -> None:
    assert hashes("ΟΔΟΣ ΑΘΗΝΩΝ") == hashes("οδος αθηνων")
    assert hashes("İstanbul") == hashes("istanbul")


def test_long_texts() -> None:
    words = [f"w{number}" for number in range(50_000)]
    long = " ".join(words)
    assert len(long) > 4 * (1 << 16)
    assert len(set(hashes(long))) >= len(words) - 4
    # Cut in pieces, a few words are counted as two; what is shared stays shared.
    assert len(set(hashes(long)) & set(hashes("one more " + long))) > 0.998 * len(words)
    assert len(hashes("x" * 1_000_000)) <= 12
    assert hashes(" " * 200_000) == []
