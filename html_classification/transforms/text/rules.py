r"""The named rules that text versions are made of.

Belongs here: what one rule does to text. Does not belong here: which rules make up a version, and in which
order (`versions`), what words mean (`lexicon`), which rows a stage keeps (`normalization`).

All rules share one interface: a rule takes a frame with a column `language` and the names of its text
columns, and returns the frame with these columns changed. Rows, their order and all other columns stay. A
null text stays null. Character rules are polars expressions. Word rules go through the distinct words of
each language, never through documents one by one; so a text's result does not depend on the other texts in
the frame.

Character classes (`\p{...}`) are those of Unicode (UAX #44, UTS #51). Whatever is taken out *between* words
leaves a space, so that words never grow together; what is *invisible* inside a word leaves nothing.
`fold_white_space` tidies up and comes last in every version.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import polars as pl

from html_classification.transforms.text import lexicon

#: Takes a frame and the names of its text columns, returns the frame with these columns changed.
Apply = Callable[[pl.DataFrame, list[str]], pl.DataFrame]


@dataclass(frozen=True)
class Rule:
    """One step of text normalization.

    Attributes:
        name: What it does, in words that a data scientist knows; it stands in metadata.json.
        apply: Does it: frame and text columns in, frame out.
        parameters: What its result depends on besides the text: languages, versions of dictionaries.
    """

    name: str
    apply: Apply
    parameters: Mapping[str, Any] = field(default_factory=dict)


#: Takes no room on paper: soft hyphens, zero-width and bidirectional marks, the BOM, variation selectors,
#: tags.
_INVISIBLE = r"\p{Default_Ignorable_Code_Point}+"

# Comments, scripts and styles with what is in them, other tags, declarations. Like the tokenizer of the HTML
# standard a tag goes on to the next `>`, even over a `<`.
_TAG = (
    r"(?is)<!--.*?-->|<script\b[^>]*>.*?</script\s*>|<style\b[^>]*>.*?</style\s*>"
    r"|</?[a-z][^>]*>|<[!?][^>]*>"
)

# Scheme or `www.`, then user name, host, and the rest up to white space, brackets, quotes or final
# punctuation.
_URL = (
    r"(?i)(?:\b(?:https?|ftp)://(?:[^\s/?#@<>\"]*@)?(?:www\.)*|(^|[^\p{L}\p{N}_.])(?:www\.)+)"
    r"([\p{L}\p{N}](?:[\p{L}\p{M}\p{N}._-]*[\p{L}\p{N}])?)"
    r"(?:[:/?#][^\s<>\"]*[^\s<>\".,;:!?)\]}'’”»])?"
)

# Not `Extended_Pictographic`, which takes chess pieces, notes and dominoes, too. Emoji whose everyday use
# is as text, (c), (r), tm, arrows ..., are emoji only with the emoji selector.
_TEXT_SIGNS = "©®™ℹ‼⁉〰〽㊗㊙Ⓜ\u2190-\u21ff"
_EMOJI_BASE = rf"(?:[\p{{Emoji}}--[0-9#*{_TEXT_SIGNS}]]|[\p{{Emoji}}--[0-9#*]]\x{{FE0F}})"
# What may follow a base: selectors, skin tones, the tags of flags of regions.
_EMOJI_STYLE = r"[\x{FE0E}\x{FE0F}\x{20E3}\p{Emoji_Modifier}\x{E0020}-\x{E007F}]*"
_EMOJI = (
    r"(?:[0-9#*]\x{FE0F}?\x{20E3}"  # keycaps
    r"|\p{Regional_Indicator}{1,2}"  # flags of countries
    rf"|{_EMOJI_BASE}{_EMOJI_STYLE}(?:\x{{200D}}\p{{Extended_Pictographic}}{_EMOJI_STYLE})*\x{{200D}}?)+"
)

# Digits between word boundaries, with separators inside; and fractions, superscripts, circled numbers.
_NUMBER = r"\b[\p{Nd}\p{Nl}]+(?:[.,:'’\x{A0}\x{202F}][\p{Nd}\p{Nl}]+)*\b|\p{No}+"

# A word: letters, digits and what is put on top of Latin letters, with apostrophes inside. It never has a space in it.
_WORD = re.compile(r"[\w\u0300-\u036f]+(?:['’][\w\u0300-\u036f]+)*")

# Tokens that are remembered for a rule and a language; a thousand pages have 140,000 distinct ones.
_MOST_KNOWN = 2**18

# Runs of white space, except the single spaces, which are what they should be: six times as fast as `\s+`.
_UNTIDY_SPACE = r"[\s--[ ]]\s*| \s+"


def remove_tags() -> Rule:
    """Take out what is left of HTML: tags, declarations, comments, and scripts and styles with their content.

    Meant for texts with markup in them: what stands between `<`, a letter and the next `>` goes, whatever
    it is.
    """
    return _characters("remove tags", lambda text: text.str.replace_all(_TAG, " "))


def normalize_urls() -> Rule:
    """Replace each URL in the text with its host, without `www.`: which site is said, but not which page.

    Recognised are `http://`, `https://`, `ftp://` and `www.` addresses; a final punctuation mark is not
    part of one. Addresses with an IPv6 host stay as they are.
    """
    return _characters("normalize URLs", lambda text: text.str.replace_all(_URL, "${1}${2}"), replacement="host")


def remove_emoji() -> Rule:
    """Take out emoji (UTS #51): whole sequences with their joiners, selectors, skin tones, flags and keycaps.

    Signs whose everyday use is as text stay: ©, ®, ™, ℹ, ‼, ⁉, 〰, 〽, ㊗, ㊙, Ⓜ and arrows, unless the emoji
    selector U+FE0F follows.
    """
    return _characters("remove emoji", lambda text: text.str.replace_all(_EMOJI, " "))


def remove_numbers() -> Rule:
    """Take out numbers with their decimal and group separators, fractions, superscripts and circled numbers.

    Digits that are part of a word stay: `mp3`, `covid19`, `5km`. So do signs and currencies beside a number.
    """
    return _characters("remove numbers", lambda text: text.str.replace_all(_NUMBER, " "))


def remove_punctuation() -> Rule:
    r"""Replace punctuation with a space; `don't` becomes `don t`, `e-mail` becomes `e mail`.

    Punctuation is Unicode's category P: `! " # % & ' ( ) * , - . / : ; ? @ [ \ ] _ { }` and the quotes and
    dashes of all scripts. Symbols such as `$ + < = > ^ | ~` are category S: see `remove_special_characters`.
    """
    return _characters("remove punctuation", lambda text: text.str.replace_all(r"\p{P}+", " "))


def remove_special_characters() -> Rule:
    r"""Replace whatever is no letter, mark, number, punctuation or white space with a space.

    That is: symbols (`\p{S}`: currencies, mathematics, ©, emoji ...), control, private-use and unassigned
    characters, and marks that enclose (`\p{Me}`: keycaps). Invisible characters leave nothing (see
    `remove_non_printable`).
    """
    return _characters(
        "remove special characters",
        lambda text: text.str.replace_all(_INVISIBLE, "").str.replace_all(r"[^\p{L}\p{Mn}\p{Mc}\p{N}\p{P}\s]+", " "),
    )


def remove_non_printable() -> Rule:
    r"""Take out what does not print.

    Invisible characters (`\p{Default_Ignorable_Code_Point}`: soft hyphens, zero-width and bidirectional
    marks, the BOM, variation selectors) leave nothing, as nobody sees them inside a word. Control,
    private-use and unassigned characters (`\p{C}`) leave a space, and so do line breaks and tabs.
    """
    return _characters(
        "remove non-printable",
        lambda text: text.str.replace_all(_INVISIBLE, "").str.replace_all(r"[\p{C}\p{Zl}\p{Zp}]+", " "),
    )


def remove_non_ascii() -> Rule:
    """Bring text to ASCII: `é` becomes `e` (NFKD, then marks off), and what has no ASCII base leaves a space.

    Texts in other scripts than Latin lose everything: a rule for collections in Western languages.
    """
    return _characters(
        "remove non-ASCII",
        lambda text: (
            text.str.normalize("NFKD")
            .str.replace_all(rf"\p{{M}}+|{_INVISIBLE}", "")
            .str.replace_all(r"[^\x00-\x7F]+", " ")
        ),
        decomposition="NFKD",
    )


def lowercase() -> Rule:
    """Make all letters lower case, by Unicode's rules, whatever the language."""
    return _characters("lowercase", lambda text: text.str.to_lowercase())


def fold_white_space() -> Rule:
    """Make one space of each run of white space, with none at either end. Last in every version."""
    return _characters("fold white space", lambda text: text.str.replace_all(_UNTIDY_SPACE, " ").str.strip_chars(" "))


def remove_stop_words(languages: tuple[str, ...] = lexicon.LANGUAGES) -> Rule:
    """Take out the stop words of the document's language (stopwordsiso), whatever their case.

    Words are what white space separates, so that `the,` is none: put it after `remove punctuation` where that
    matters. Documents in other languages than the given stay as they are.

    Args:
        languages: ISO 639-1 codes, some of `lexicon.LANGUAGES`.

    Raises:
        ValueError: For other languages.
    """

    def change(text: pl.Series, language: str) -> pl.Series:
        words = sorted(lexicon.stop_words(language))
        kept = ~pl.element().str.to_lowercase().str.replace_all("’", "'", literal=True).is_in(words)
        split = pl.col(text.name).str.replace_all(_UNTIDY_SPACE, " ").str.split(" ")
        return text.to_frame().select(split.list.filter(kept).list.join(" ")).to_series()

    return _by_language("remove stop words", change, languages, "stopwordsiso")


def remove_non_target_language_words(languages: tuple[str, ...] = lexicon.LANGUAGES) -> Rule:
    """Take out words of other languages: such as another one knows but the document's does not (by simplemma).

    So go words in other scripts than Latin. Names, new words and codes, which no dictionary knows, stay.
    Documents in other languages than the given stay as they are; the words are compared with all of
    `lexicon.LANGUAGES`.

    Args:
        languages: ISO 639-1 codes, some of `lexicon.LANGUAGES`.

    Raises:
        ValueError: For other languages.
    """

    def change(text: pl.Series, language: str) -> pl.Series:
        return _change_words(text, _without_foreign, language)

    return _by_language("remove non-target-language words", change, languages, "simplemma")


def lemmatize_verbs(languages: tuple[str, ...] = lexicon.LANGUAGES) -> Rule:
    """Replace inflected verbs with their infinitive, by the document's language; other words stay.

    `lexicon.verb_lemma` says what is taken for a verb, as simplemma has no part of speech. It tells German
    nouns by their capital: put it before `lowercase`. Documents in other languages than the given stay as
    they are.

    Args:
        languages: ISO 639-1 codes, some of `lexicon.LANGUAGES`.

    Raises:
        ValueError: For other languages.
    """

    def change(text: pl.Series, language: str) -> pl.Series:
        return _change_words(text, lexicon.verb_lemma, language)

    return _by_language("lemmatize verbs", change, languages, "simplemma")


def lemmatize(languages: tuple[str, ...] = lexicon.LANGUAGES) -> Rule:
    """Replace every word with its base form (by simplemma), in the document's language: `children` with `child`.

    It tells German nouns by their capital: put it before `lowercase`. Documents in other languages than the
    given stay as they are.

    Args:
        languages: ISO 639-1 codes, some of `lexicon.LANGUAGES`.

    Raises:
        ValueError: For other languages.
    """

    def change(text: pl.Series, language: str) -> pl.Series:
        return _change_words(text, lexicon.lemma, language)

    return _by_language("lemmatize", change, languages, "simplemma")


def _characters(name: str, change: Callable[[pl.Expr], pl.Expr], **parameters: str) -> Rule:
    """A rule that is one expression, the same for all languages."""

    def apply(frame: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
        return frame.with_columns(change(pl.col(columns)))

    return Rule(name, apply, parameters)


def _by_language(
    name: str, change: Callable[[pl.Series, str], pl.Series], languages: tuple[str, ...], library: str
) -> Rule:
    """A rule that changes the texts of each of the languages in its own way."""
    if unknown := sorted(set(languages) - set(lexicon.LANGUAGES)):
        known = ", ".join(lexicon.LANGUAGES)
        raise ValueError(f"rule `{name}`: no dictionary for {', '.join(unknown)}; there are {known}")

    def apply(frame: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
        positions = frame.select("language", position=pl.int_range(pl.len()))
        for language in sorted(set(frame["language"].drop_nulls()) & set(languages)):
            rows = positions.filter(pl.col("language") == language)["position"]
            frame = frame.with_columns(
                frame[column].scatter(rows, change(frame[column].gather(rows), language)) for column in columns
            )
        return frame

    return Rule(name, apply, {"languages": list(languages), **lexicon.library(library)})


def _change_words(text: pl.Series, change: Callable[[str, str], str], language: str) -> pl.Series:
    """The texts with every word changed. Only distinct tokens between spaces are looked at, and remembered."""
    tokens = text.str.split(" ")
    known = _known_tokens(change, language)
    if len(known) > _MOST_KNOWN:
        known.clear()
    changed = {}
    for token in tokens.list.unique().explode().unique().drop_nulls().to_list():
        new = known.get(token)
        if new is None:
            new = known[token] = _WORD.sub(lambda word: change(word[0], language), token)
        if new != token:
            changed[token] = new
    return tokens.list.eval(pl.element().replace(changed)).list.join(" ") if changed else text


@cache
def _known_tokens(change: Callable[[str, str], str], language: str) -> dict[str, str]:
    """What became of the tokens of earlier batches: a plain dictionary, as `lru_cache` takes five times as long."""
    return {}


def _without_foreign(word: str, language: str) -> str:
    return "" if lexicon.is_foreign(word, language) else word
