"""Word grams of texts, as 64-bit numbers.

Belongs here: what a word is, and the hash of every run of five words, computed for many texts at once. Does not
belong here: what is made of the grams (`signatures`).

Words are runs of letters, digits and combining marks, without regard to case. Chinese, Japanese, Thai, Lao, Khmer
and Burmese are written without spaces: there each character is a word, for else a word would be a whole clause, and
an edit in it would change everything around. (Korean has spaces.)

A word's hash is the polynomial of its characters at a fixed odd point modulo 2^64, as in Karp and Rabin (1987). The
powers are counted from the start of a stretch of many words, so that one multiplication and one sum over it serve
all its words; a multiplication by the inverse power brings each to its own start. A gram's hash is a second
polynomial, of the hashes of its words, finished by the mixer of SplitMix64 (Steele, Lea and Flood, 2014). All
numbers are fixed here, so that the same text gives the same grams in every process and on every machine; only
characters newer than the Unicode tables of the running Python (14.0 in 3.11) may be told apart as words by a newer
one. The polynomials stop no one who plans a collision: whoever wants two pages to look alike can copy the text.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

GRAM_WORDS = 5
_PADDING = GRAM_WORDS - 1

#: Code points hashed in one go: few enough that the arrays stay in the processor's cache. A longer text is cut in
#: pieces of it, wherever that falls: a word in 65,536 characters may be counted as two.
_STRETCH = 1 << 16

#: Scripts whose every character is a word, as first and last code point.
_WITHOUT_SPACES = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x312F),  # Han radicals and numerals, Hiragana, Katakana, Bopomofo
    (0x31A0, 0x31FF),  # extensions of Bopomofo and Katakana
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9F),  # halfwidth Katakana
    (0x1AFF0, 0x1B16F),  # extensions of Hiragana and Katakana
)
#: The planes of the rarer Han characters, all of which are taken for letters.
_HAN_PLANES = (0x20000, 0x3FFFF)
_TABULATED = 0x20000
_CODE_POINTS = 0x110000

#: Marks that choose how the character before them looks, such as an emoji in colour.
_VARIATION_SELECTORS = range(0xFE00, 0xFE10)

_ALONE = np.uint32(1 << 31)
_POINT = 0x9E3779B97F4A7C15
_GRAM_POINT = 0xD1342543DE82EF97
_WRAP = (1 << 64) - 1


def grams(texts: Sequence[str]) -> tuple[Hashes, npt.NDArray[np.uint64]]:
    """The hash of every run of five words of each text.

    A text of one to four words is one gram, a text without words has none. Memory: about 60 bytes for each word of
    all texts together, and 2 MB.

    Args:
        texts: The texts; any number, of any length.

    Returns:
        The hashes of all texts one after the other, in reading order, repetitions included, and where each text's
        begin, with the end of the last: one number more than there are texts.

    Examples:
        >>> hashes, offsets = grams(["One fish, two fish, red fish.", "", "fish"])
        >>> offsets.tolist()
        [0, 2, 2, 3]
        >>> bool((hashes == grams(["one FISH two fish - red fish", "fish"])[0]).all())
        True
    """
    words, counts = _word_hashes(texts)
    ends = np.cumsum(counts)
    # After each text four words that are zero: every run of five lies in one text or reaches into those.
    padded = np.insert(words, np.repeat(ends, _PADDING), 0)
    runs = np.zeros(len(padded), dtype=np.uint64)
    for place in range(GRAM_WORDS):
        runs *= np.uint64(_GRAM_POINT)
        runs[: len(padded) - place] += padded[place:]
    sizes = np.maximum(counts - _PADDING, np.minimum(counts, 1))
    starts = ends - counts + _PADDING * np.arange(len(texts))
    steps = np.zeros(len(runs) + 1, dtype=np.int8)
    steps[starts] += 1
    steps[starts + sizes] -= 1
    grams_only = np.cumsum(steps[:-1], dtype=np.int8).view(bool)
    return _mixed(runs[grams_only]), np.concatenate([[0], np.cumsum(sizes)]).astype(np.uint64)


def _word_hashes(texts: Sequence[str]) -> tuple[Hashes, npt.NDArray[np.int64]]:
    """The hashes of the words of all texts one after the other, and how many words each text has."""
    hashes: list[Hashes] = [np.zeros(0, dtype=np.uint64)]
    counts = np.zeros(len(texts), dtype=np.int64)
    for pieces, owners in _stretches(texts):
        characters = np.frombuffer("\0".join(pieces).encode("utf-32-le"), dtype=np.uint32)
        starts, words = _words(np.take(_characters(), characters, mode="clip"))
        hashes.append(words)
        ends = np.cumsum([len(piece) + 1 for piece in pieces])
        np.add.at(counts, owners, np.diff(np.searchsorted(starts, ends), prepend=0))
    return np.concatenate(hashes), counts


def _stretches(texts: Sequence[str]) -> Iterator[tuple[list[str], list[int]]]:
    """Pieces of texts, together about a stretch, each with the number of the text that it is from."""
    pieces: list[str] = []
    owners: list[int] = []
    size = 0
    for owner, text in enumerate(texts):
        for start in range(0, len(text), _STRETCH):
            piece = text[start : start + _STRETCH]
            if size + len(piece) > _STRETCH and pieces:
                yield pieces, owners
                pieces, owners, size = [], [], 0
            pieces.append(piece)
            owners.append(owner)
            size += len(piece) + 1
    if pieces:
        yield pieces, owners


def _words(characters: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[np.intp], Hashes]:
    """Where the words of a stretch start, and their hashes; characters as `_characters` has them."""
    inside = characters != 0
    starting = inside.copy()
    starting[1:] &= ~inside[:-1]
    alone = characters >= _ALONE
    if alone.any():
        starting |= alone
        starting[1:] |= alone[:-1] & inside[1:]
    starts = np.flatnonzero(starting)
    if not len(starts):
        return starts, np.zeros(0, dtype=np.uint64)
    powers, inverses = _powers()
    sums = np.add.reduceat(characters * powers[: len(characters)], starts)
    return starts, sums * inverses[starts]


def _mixed(hashes: Hashes) -> Hashes:
    """The mixer of SplitMix64: each bit of what comes in changes half of what goes out."""
    hashes ^= hashes >> np.uint64(30)
    hashes *= np.uint64(0xBF58476D1CE4E5B9)
    hashes ^= hashes >> np.uint64(27)
    hashes *= np.uint64(0x94D049BB133111EB)
    hashes ^= hashes >> np.uint64(31)
    return hashes


@lru_cache(maxsize=1)
def _characters() -> npt.NDArray[np.uint32]:
    """For each code point 0 where it separates words, else a number that is the same for both cases."""
    table = np.zeros(_CODE_POINTS, dtype=np.uint32)
    for point in range(_TABULATED):
        character = chr(point)
        if character.isalnum() or unicodedata.category(character) in ("Mn", "Mc"):
            table[point] = ord(character.casefold()[0]) + 1
    table[_VARIATION_SELECTORS] = 0
    first, last = _HAN_PLANES
    table[first : last + 1] = np.arange(first + 1, last + 2, dtype=np.uint32)
    for first, last in (*_WITHOUT_SPACES, _HAN_PLANES):
        script = table[first : last + 1]
        script[script != 0] |= _ALONE
    return table


@lru_cache(maxsize=1)
def _powers() -> tuple[Hashes, Hashes]:
    """The powers of the point from the first on, and their inverses: an odd number has one modulo 2^64."""
    return _geometric(_POINT), _geometric(pow(_POINT, -1, 1 << 64))


def _geometric(factor: int) -> Hashes:
    powers = np.full(_STRETCH, factor, dtype=np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)
