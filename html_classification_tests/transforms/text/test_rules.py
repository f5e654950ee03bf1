"""Each rule by itself, and what all rules have in common."""

import unicodedata

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from html_classification.transforms.text import rules
from html_classification.transforms.text.rules import Rule

CHARACTER_RULES = [
    rules.remove_tags(),
    rules.normalize_urls(),
    rules.remove_emoji(),
    rules.remove_numbers(),
    rules.remove_punctuation(),
    rules.remove_special_characters(),
    rules.remove_non_printable(),
    rules.remove_non_ascii(),
    rules.lowercase(),
    rules.fold_white_space(),
]
WORD_RULES = [
    rules.remove_stop_words(),
    rules.remove_non_target_language_words(),
    rules.lemmatize_verbs(),
    rules.lemmatize(),
]
ALL_RULES = CHARACTER_RULES + WORD_RULES

# arbitrary text, and text made of the pieces that the rules look for
PIECES = [
    *[
        "<b",
        "<!--",
        "-->",
        "<script>",
        "</script>",
        "<",
        ">",
        "http://",
        "www.",
        "a.org/b?c",
        "user@",
        ":",
        "/",
    ],
    *[
        "1",
        "2.5",
        "Ⅷ",
        "½",
        "①",
        "mp3",
        "٣",
        "\u20e3",
        "\ufe0f",
        "\u200d",
        "👩",
        "🏽",
        "🇫",
        "❤",
        "©",
        "\u00ad",
    ],
    *[
        "\x00",
        "\n",
        "\u2028",
        "\ufeff",
        "é",
        "ﬁ",
        "İ",
        "Σ",
        "ß",
        "'",
        "’",
        ".",
        ",",
        " ",
        "the",
        "don't",
        "\ue000",
    ],
]
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join))


def apply(rule: Rule, text: str | None, language: str | None = "en") -> str | None:
    frame = pl.DataFrame(
        {"content": [text], "language": [language]}, schema={"content": pl.String, "language": pl.String}
    )
    result: str | None = rule.apply(frame, ["content"])["content"].item()
    return result


def folded(rule: Rule, text: str, language: str = "en") -> str | None:
    return apply(rules.fold_white_space(), apply(rule, text, language))


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.name)
class TestEveryRule:
    @given(text=TEXTS, language=st.sampled_from(["en", "fr", "de", "ja", "und", ""]))
    @settings(deadline=None, max_examples=60)
    def test_takes_any_text(self, rule, text, language):
        assert isinstance(apply(rule, text, language), str)

    def test_keeps_nulls_empty_texts_and_empty_frames(self, rule):
        assert apply(rule, None) is None
        assert apply(rule, "") == ""
        assert apply(rule, "a word", None) is not None
        empty = pl.DataFrame(schema={"title": pl.String, "content": pl.String, "language": pl.String})
        assert rule.apply(empty, ["title", "content"]).equals(empty)

    def test_keeps_rows_order_and_other_columns_and_the_given_frame(self, rule):
        frame = pl.DataFrame(
            {
                "url": ["c", "a", "b", "d"],
                "title": ["The cats <b>ran</b> 12 times!", None, "Les chats étaient là ☺", ""],
                "content": ["© http://www.x.org/y", "Die Katze lief", "\u200bwas is", "走った"],
                "language": ["en", "de", "fr", "ja"],
            }
        )
        copy = frame.clone()
        changed = rule.apply(frame, ["title", "content"])
        assert frame.equals(copy)
        assert changed.schema == frame.schema
        assert changed.select("url", "language").equals(frame.select("url", "language"))
        for row in range(frame.height):
            assert rule.apply(frame[row], ["title", "content"]).equals(changed[row])


@pytest.mark.parametrize(
    "rule",
    [*CHARACTER_RULES, rules.remove_stop_words(), rules.remove_non_target_language_words()],
    ids=lambda rule: rule.name,
)
@given(text=TEXTS)
@settings(deadline=None, max_examples=150)
def test_twice_is_the_same_as_once(rule, text):
    once = apply(rule, text)
    assert apply(rule, once) == once


def test_www_within_a_host_is_a_part_of_it():
    once = apply(rules.normalize_urls(), "HTTP://0.WWW.0")
    assert once == apply(rules.normalize_urls(), once) == "0.WWW.0"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a <b>bold</b> word<br/>here", "a bold word here"),
        ("x<script type='a'>if (1 < 2) {}</script>y<STYLE>p {}</style >z", "x y z"),
        ("<!DOCTYPE html><!-- a\n<b> comment -->text <a\nhref='x'>link</a>", "text link"),
        ("3 < 4 and 5 > 2, I <3 you", "3 < 4 and 5 > 2, I <3 you"),
        ("an open <b without an end", "an open <b without an end"),
    ],
)
def test_remove_tags(text, expected):
    assert folded(rules.remove_tags(), text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://www.example.org/a/b?c=d#e.", "see example.org."),
        ("(http://user:secret@shop.example.co.uk:8080/x)", "(shop.example.co.uk)"),
        ("HTTPS://Example.org, www.münchen.de/rathaus!", "Example.org, münchen.de!"),
        ('<http://a.org/x>"ftp://b.org/y"', '<a.org>"b.org"'),
        ("no http:// here, example.org neither", "no http:// here, example.org neither"),
    ],
)
def test_normalize_urls(text, expected):
    assert apply(rules.normalize_urls(), text) == expected


@pytest.mark.parametrize(
    "emoji",
    [
        "😀",
        "❤️",
        "❤",
        "👍🏽",
        "👨‍👩‍👧‍👦",
        "🏳️‍🌈",
        "🇫🇷🇩🇪",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "1️⃣",
        "#⃣",
        "©️",
        "🙂‍↔️",
        "👩🏾‍⚕️",
        "☀︎",
        "🏿",
        "⭐✅",
    ],
)
def test_remove_emoji_leaves_nothing_of_a_sequence(emoji):
    assert folded(rules.remove_emoji(), f"a{emoji}b {emoji}") == "a b"


def test_remove_emoji_keeps_signs_of_text():
    text = "© 2026 Acme® Widget™ ℹ → ↔ ‼ 1 # * ½ ✓ ♪ ♔ 🁣 € 漢字 e\u0301"
    assert apply(rules.remove_emoji(), text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,234.56 of 2026-03-01 at 10:15", "of - - at"),
        ("mp3 covid19 5km 1st B2B", "mp3 covid19 5km 1st B2B"),
        ("½ cup, x² ① Ⅷ ٣٤ 50€ -7%", "cup, x € -%"),
        ("page 3.", "page ."),
    ],
)
def test_remove_numbers(text, expected):
    assert folded(rules.remove_numbers(), text) == expected.replace("-%", "- %")


def test_remove_punctuation():
    text = "Don't «stop», e-mail me — now… (a_b) [c]/d 5% 你好。¿qué? $5+1"
    assert folded(rules.remove_punctuation(), text) == "Don t stop e mail me now a b c d 5 你好 qué $5+1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("50 € + $5 = ~x^2 | <b> © ☺ `q`", "50 5 x 2 b q"),
        ("Don't, e-mail: a_b (c)! 5%", "Don't, e-mail: a_b (c)! 5%"),
        ("Ver\u00adkehr \u200bze\u200dro\ufeff", "Verkehr zero"),
        ("a\x00b \ue000 c\U0010ffff", "a b c"),
        ("e\u0301 हिन्दी 1️⃣ ❤️ x\u3164y", "e\u0301 हिन्दी 1 xy"),
    ],
)
def test_remove_special_characters(text, expected):
    assert folded(rules.remove_special_characters(), text) == expected


def test_remove_non_printable():
    text = "\ufeffVer\u00adkehr\x00a\x1b[0m\u202eb\u2028c\r\nd\te \ue000 © ☺ é 漢"
    assert folded(rules.remove_non_printable(), text) == "Verkehr a [0mb c d e © ☺ é 漢"


@given(text=TEXTS)
@settings(deadline=None)
def test_no_control_characters_remain(text):
    for rule in (rules.remove_non_printable(), rules.remove_special_characters()):
        left = folded(rule, text)
        assert left is not None
        assert not [c for c in left if unicodedata.category(c) in ("Cc", "Zl", "Zp") or c in "\u200b\ufeff\u00ad"]


def test_remove_non_ascii():
    text = "Café Ångström ﬁn “quoted” – naïve 漢字 ½ co\u00adop"
    assert folded(rules.remove_non_ascii(), text) == "Cafe Angstrom fin quoted naive 1 2 coop"


@given(text=TEXTS)
@settings(deadline=None)
def test_remove_non_ascii_leaves_ascii(text):
    assert str(apply(rules.remove_non_ascii(), text)).isascii()


def test_lowercase():
    assert apply(rules.lowercase(), "ÀÉ Straße ΟΔΟΣ Ж") == "àé straße οδος ж"


def test_fold_white_space():
    assert apply(rules.fold_white_space(), "\n a\u00a0\u3000b\t\r\nc\u2028 ") == "a b c"


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "The cat isn’t on THE mat", "cat mat"),
        ("fr", "le chat est sur la table", "chat table"),
        ("de", "Der Hund und die Katze", "Hund Katze"),
        ("es", "el perro y la casa", "perro casa"),
        ("it", "il cane e la casa", "cane casa"),
        ("nl", "de hond en het huis", "de hond en het huis"),
        ("und", "the the", "the the"),
    ],
)
def test_remove_stop_words(language, text, expected):
    assert apply(rules.remove_stop_words(), text, language) == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "The house, avec maisons and Kubernetes 42", "The house, and Kubernetes 42"),
        ("de", "Das Haus houses", "Das Haus"),
        ("en", "the Москва office, 漢字, π and Café", "the office, , π and Café"),
        ("ja", "走った house", "走った house"),
        ("nl", "de maisons", "de maisons"),
    ],
)
def test_remove_non_target_language_words(language, text, expected):
    assert folded(rules.remove_non_target_language_words(), text, language) == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "She went, was running; he says (finding)!", "She go, be run; he say (finding)!"),
        ("en", "women and children feel better", "women and children feel better"),
        ("en", "It isn't AI, US or IT; we don’t", "It isn't AI, US or IT; we don’t"),
        ("en", "pages about cats", "page about cat"),  # could be verbs, too: as documented
        ("fr", "Les maisons finissaient, il l’aimait", "Les maisons finir, il l’aimer"),
        ("de", "Der Wagen ging, er wagt die Häuser", "Der Wagen gehen, er wagen die Häuser"),
        ("es", "Las mujeres hablaban", "Las mujeres hablar"),
        ("it", "Le case parlavano", "Le case parlare"),
        ("nl", "hij liep, he went", "hij liep, he went"),
        ("und", "went", "went"),
    ],
)
def test_lemmatize_verbs(language, text, expected):
    assert apply(rules.lemmatize_verbs(), text, language) == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "children went to pages; it isn't US", "child go to page; it isn't US"),
        ("fr", "maisons et l’aimait", "maison et l’aimer"),
        ("de", "Häuser und Wagen gingen", "Haus und Wagen gehen"),
        ("es", "mujeres hablaban", "mujer hablar"),
        ("it", "case parlavano", "casa parlare"),
        ("nl", "huizen", "huizen"),
    ],
)
def test_lemmatize(language, text, expected):
    assert apply(rules.lemmatize(), text, language) == expected


def test_lemmatize_verbs_keeps_everything_but_words():
    text = "  was\n\n— was\t(was) “was” 1.5 \u200b "
    assert apply(rules.lemmatize_verbs(), text) == text.replace("was", "be")


def test_rules_for_some_languages_leave_the_others_alone():
    assert apply(rules.lemmatize_verbs(("fr",)), "went") == "went"
    assert apply(rules.remove_stop_words(("fr",)), "the") == "the"


def test_a_language_without_dictionary_is_an_error():
    with pytest.raises(ValueError, match="no dictionary for xx; there are de, en, es, fr, it"):
        rules.lemmatize_verbs(("en", "xx"))


def test_parameters_name_what_the_result_depends_on():
    assert set(rules.lemmatize_verbs().parameters) == {"languages", "simplemma"}
    assert set(rules.remove_stop_words().parameters) == {"languages", "stopwordsiso"}
