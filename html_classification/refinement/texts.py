r"""Texts that no model should learn from: without a word, or broken.

Belongs here: the signs of such texts, counted in whole columns. Does not belong here: texts that are whole, but of
another topic (`outliers`), and what is done about either (`repair`).

The signs are chosen to stay visible in every text version: one that takes out punctuation, symbols or control
characters leaves the accented letters of a wrong decoding, the endless words of encoded data and the repetitions. What
it takes out altogether, such as replacement characters, is only found in texts that have it.
"""

from dataclasses import dataclass

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from html_classification.refinement.findings import findings, together

_ROWS_AT_ONCE = 4_096
#: Characters of a text that are looked at: what is broken is broken from the beginning.
READ = 50_000

# A run of letters and digits; of Chinese and Japanese, each Han character.
_WORD = r"\p{Han}|[[\p{L}\p{M}\p{N}]--\p{Han}]+"

# What becomes of the bytes 80 to BF where UTF-8 is read as Latin-1 or Windows-1252, without what also stands behind
# accented letters in sound texts: quotes, dashes, the ellipsis.
_REST = r"\x{80}-\x{9f}\x{a1}-\x{ba}\x{bc}-\x{bf}€‚ƒ„†‡ˆ‰Š‹ŒŽ˜™š›œžŸ"
# The letters that the first byte of most accented letters (ã) and of typographic quotes (â) becomes, at the end of a
# word, because what followed was no letter and is perhaps gone; or any accented letter with such a rest. In lower case
# as well, for text versions fold it.
_MISREAD = rf"[ÃÂãâ](?:[\s\x{{bb}}’“”•–—…{_REST}]|$)|[À-ÖØ-öø-ÿ][{_REST}]"
# Letters that such a misreading does not give, but languages with many ã and â have: Vietnamese, Romanian, Turkish.
# Where these and other accented letters are as many as the signs, the text is sound: Portuguese has words in -ã.
_BEYOND = r"[\x{100}-\x{151}\x{154}-\x{15f}\x{162}-\x{177}\x{179}-\x{17c}\x{1a0}\x{1a1}\x{1af}\x{1b0}\x{1ea0}-\x{1ef9}]"

# ASCII without a space, so that scripts that are written without spaces are not meant.
_ENDLESS = r"[!-~]{40,}"


class TextRules(BaseModel):
    """From where on a text is broken: doubtful, or beyond doubt (`strong`). Shares are between 0 and 1.

    Of 1,136 real pages (wcxb), in text version v2 and as they are, no text that has a word comes near a strong limit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    few_words: int = Field(10, ge=0, description="A text of fewer words is doubtful, …")
    few_letters: int = Field(80, ge=0, description="… where it also has fewer letters: not all scripts have spaces.")
    unreadable: float = Field(
        0.005, gt=0, le=1, description="Share of characters that are control or replacement characters: doubtful."
    )
    unreadable_strong: float = Field(0.05, gt=0, le=1, description="The same, beyond doubt.")
    misread: float = Field(
        0.02, gt=0, le=1, description="Signs of UTF-8 read as Latin-1 (such as `Ã©`) for each word: doubtful."
    )
    misread_strong: float = Field(
        0.08,
        gt=0,
        le=1,
        description="The same, beyond doubt: most letters with accents. English that only lost its quotes has 0.04.",
    )
    accented_strong: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Share of accented Latin letters among letters, beyond doubt: another script misread. Sound texts "
        "of French, Portuguese and Vietnamese have 0.15, of Icelandic 0.3.",
    )
    few_letters_share: float = Field(
        0.4, ge=0, le=1, description="Share of letters among the characters that are seen, below it: doubtful."
    )
    few_letters_share_strong: float = Field(0.15, ge=0, le=1, description="The same, beyond doubt.")
    endless: float = Field(
        0.4,
        gt=0,
        le=1,
        description="Share of characters in ASCII words of 40 and more (encoded data, minified code): doubtful.",
    )
    endless_strong: float = Field(0.7, gt=0, le=1, description="The same, beyond doubt.")
    single_letters: float = Field(
        0.3, gt=0, le=1, description="Share of words that are one Latin letter (code, words torn apart): doubtful."
    )
    variety: float = Field(
        2.0,
        ge=0,
        description="Different words divided by the square root of words, below it: doubtful. It hardly depends on "
        "the length (Guiraud's index of 1954); real pages have 3.5 and more.",
    )
    variety_strong: float = Field(1.0, ge=0, description="The same, beyond doubt: a few words over and over.")
    enough_words: int = Field(30, ge=1, description="Words from which on variety and single letters are judged.")


@dataclass(frozen=True)
class _Sign:
    """What speaks against a text: where it does, where it does so beyond doubt, and in words."""

    doubtful: pl.Expr
    strong: pl.Expr
    reason: pl.Expr


def broken_texts(rows: pl.DataFrame, rules: TextRules | None = None) -> pl.DataFrame:
    """Find texts without a word and broken ones.

    Broken are texts with many control or replacement characters, in a wrong decoding, with hardly any letters, of
    endless words or of single letters, of a few words repeated over and over, and, always doubtful, very short ones.

    Args:
        rows: `url` and `text`, in any text version.
        rules: From where on a text is broken; without them the defaults.

    Returns:
        Rows of `FINDINGS`: `empty_text`, always strong, or else `broken_text`, with all signs in its reason.

    >>> rows = pl.DataFrame({"url": ["a", "b", "c"], "text": ["— 404 —", "too short", "buy now! " * 50]})
    >>> broken_texts(rows).select("url", "issue", "strong").rows()
    [('a', 'empty_text', True), ('b', 'broken_text', False), ('c', 'broken_text', True)]
    """
    rules = rules or TextRules()
    # Part by part: what is taken out of texts to count them would take many times their memory.
    parts = [part.select("url", *_counts()) for part in rows.iter_slices(_ROWS_AT_ONCE)]
    counted = pl.concat(parts or [rows.select("url", *_counts())]).with_columns(_letters())
    empty = pl.col("letters") == 0
    signs = _signs(rules)
    strong = pl.any_horizontal(sign.strong for sign in signs)
    wordless = counted.filter(empty).select("url", strong=True, reason=pl.lit("its text has no letter"))
    broken = counted.filter(~empty & (strong | pl.any_horizontal(sign.doubtful for sign in signs))).select(
        "url",
        strong=strong,
        reason=pl.concat_str(
            [pl.when(sign.strong | sign.doubtful).then(sign.reason) for sign in signs],
            separator="; ",
            ignore_nulls=True,
        ),
    )
    return together([findings(wordless, "empty_text"), findings(broken, "broken_text")])


def _counts() -> list[pl.Expr]:
    """What is counted in the text, none of it character by character in Python."""
    text = pl.col("text").str.slice(0, READ)
    words = text.str.to_lowercase().str.extract_all(_WORD)
    return [
        text.str.len_chars().cast(pl.Int64).alias("characters"),
        text.str.count_matches(r"\s").cast(pl.Int64).alias("spaces"),
        text.str.count_matches(r"[^\p{L}\p{M}\s]").cast(pl.Int64).alias("signs"),
        text.str.count_matches(r"[\x{fffd}\p{Cc}--[\t\n\x0b\x0c\r]]").alias("unreadable"),
        text.str.count_matches(_MISREAD).cast(pl.Int64).alias("misread"),
        text.str.count_matches(_BEYOND).cast(pl.Int64).alias("beyond"),
        text.str.count_matches(r"[À-ÖØ-öø-ÿ]").cast(pl.Int64).alias("accented"),
        text.str.extract_all(_ENDLESS).list.join("").str.len_chars().alias("endless"),
        text.str.count_matches(r"\b[A-Za-z]\b").alias("single"),
        words.list.len().alias("words"),
        words.list.n_unique().alias("different"),
    ]


def _letters() -> pl.Expr:
    """Letters are what is neither space nor sign: those are fewer, and so sooner counted."""
    return (pl.col("characters") - pl.col("spaces") - pl.col("signs")).alias("letters")


def _signs(rules: TextRules) -> list[_Sign]:
    """The signs, in the order in which they are told; of texts with a letter."""
    seen = pl.col("characters") - pl.col("spaces")
    words = pl.col("words").clip(1)
    unreadable = pl.col("unreadable") / seen
    sound = pl.col("accented") + pl.col("beyond") - pl.col("misread")
    misread = pl.when(sound < pl.col("misread")).then(pl.col("misread") / words).otherwise(0.0)
    accented = pl.when(pl.col("letters") >= 20).then(pl.col("accented") / pl.col("letters")).otherwise(0.0)
    letters = pl.col("letters") / seen
    endless = pl.col("endless") / seen
    enough = pl.col("words") >= rules.enough_words
    variety = pl.col("different") / words.sqrt()
    few = (pl.col("words") < rules.few_words) & (pl.col("letters") < rules.few_letters)
    single = pl.col("single") / words
    never = pl.lit(value=False)
    return [
        _Sign(
            unreadable >= rules.unreadable,
            unreadable >= rules.unreadable_strong,
            pl.format("{} of its characters cannot be read", _percent(unreadable)),
        ),
        _Sign(
            misread >= rules.misread,
            misread >= rules.misread_strong,
            pl.format("{} of its words have signs of UTF-8 read as Latin-1", _percent(misread)),
        ),
        _Sign(
            never,
            accented >= rules.accented_strong,
            pl.format("{} of its letters are accented, as in another script read as Latin-1", _percent(accented)),
        ),
        _Sign(
            letters < rules.few_letters_share,
            letters < rules.few_letters_share_strong,
            pl.format("only {} of its characters are letters", _percent(letters)),
        ),
        _Sign(
            endless >= rules.endless,
            endless >= rules.endless_strong,
            pl.format("{} of it is in words too long to be words", _percent(endless)),
        ),
        _Sign(
            enough & (single >= rules.single_letters),
            never,
            pl.format("{} of its words are single letters", _percent(single)),
        ),
        _Sign(
            enough & (variety < rules.variety),
            enough & (variety < rules.variety_strong),
            pl.format("it repeats itself: {} words, {} different ones", "words", "different"),
        ),
        _Sign(few, never, pl.format("it has {} words", "words")),
    ]


def _percent(share: pl.Expr) -> pl.Expr:
    """A share as people read it, at most 100 % where signs outnumber words."""
    return pl.format("{} %", (100 * share.clip(0, 1)).round(1))
