"""What dictionaries know about words, language by language.

Belongs here: every use of simplemma (lemmas) and stopwordsiso (stop words), loaded once per language on
first use. Does not belong here: how text is cut into words and put together again (`rules`).

Both libraries carry their data in the wheel; nothing is downloaded. The first word of a language costs the
loading of its dictionary: under 1 s for English, 2 s for German (1.1 million forms).
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.metadata import version
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from simplemma import Lemmatizer

#: Languages whose stop words, verbs and vocabulary the rules know, ISO 639-1. Other languages are left as
#: they are.
LANGUAGES: Final = ("de", "en", "es", "fr", "it")


class _VerbEvidence(NamedTuple):
    """How a dictionary shows that a lemma is a verb."""

    infinitive: re.Pattern[str]  # what the lemma looks like
    form: re.Pattern[str]  # what at least one of its inflected forms looks like


_VERB_EVIDENCE: Final[Mapping[str, _VerbEvidence]] = {
    # the present participle or another weak or strong personal form: gehend, wagt; never a superlative:
    # offenst
    "de": _VerbEvidence(re.compile(r"^[^A-ZÄÖÜ].*n$"), re.compile(r"(end|[^s]t)$")),
    # the present participle or a regular past: running, housed
    "en": _VerbEvidence(re.compile(r"^[^A-Z]"), re.compile(r"(ing|ed)$")),
    # the gerund: hablando
    "es": _VerbEvidence(re.compile(r"([aei]r|ír)(se)?$"), re.compile(r"ndo$")),
    # the imperfect: finissait
    "fr": _VerbEvidence(re.compile(r"([eiï]r|re)$"), re.compile(r"ait$")),
    # the gerund: parlando
    "it": _VerbEvidence(re.compile(r"([aei]re|rre|[aei]rsi)$"), re.compile(r"ndo$")),
}

#: Pieces of English contractions that the dictionary takes for verbs (`ai` of `ain't` would make AI `be`).
_CONTRACTION_PIECES: Final = frozenset(
    ("ai", "ca", "d", "gon", "ll", "m", "na", "re", "s", "sha", "ta", "ve", "wan", "wo")
)
#: English comparatives and plurals whose base form happens to be a verb as well: better, women.
_ENGLISH_OTHER_FORMS: Final = re.compile(r"(er|est|men|people)$|^(feet|teeth|mice|geese)$", re.I)
#: Lemmas that the dictionary gives for other words than their own forms (growing, fixing, mixing, loaves,
#: weed), or that look like verbs by chance (wing, lessing). Their words stay as they are.
_NO_VERBS: Final = frozenset(("growe", "fixe", "mixe", "loave", "wee", "we", "less"))

_LOADING: Final = Lock()


def library(name: str) -> dict[str, str]:
    """The installed version of a library whose data determines a rule's result, for the rule's parameters."""
    return {name: version(name)}


@cache
def stop_words(language: str) -> frozenset[str]:
    """The stop words of a language (stopwordsiso, https://github.com/stopwords-iso), lower case.

    Args:
        language: ISO 639-1 code; a language that stopwordsiso does not know has none.

    Returns:
        The words; those with apostrophes are spelled with `'`.

    >>> "the" in stop_words("en"), "the" in stop_words("fr"), len(stop_words("und"))
    (True, False, 0)
    """
    import stopwordsiso

    return frozenset(stopwordsiso.stopwords(language)) if stopwordsiso.has_lang(language) else frozenset()


@lru_cache(maxsize=2**17)
def verb_lemma(word: str, language: str) -> str:
    """The infinitive of a word that is, or can be, an inflected verb; any other word as it is.

    simplemma gives a lemma for each word but no part of speech. A lemma is taken for a verb where
    simplemma's own dictionary lists inflected forms under it that verbs have (English `running`, French
    `finissait`, German `gehend`, Spanish `hablando`, Italian `parlando`) and where, but in English, it ends
    like an infinitive. So:

    - other words are left alone (`children`, `maisons`, `Häuser`), unless they could be a verb's form. In
      English that takes in the plurals of all nouns that are verbs as well: `pages` becomes `page`;
    - capital letters count: German `Wagen` is a noun and stays, `wagen` and `wagt` are verbs. Therefore
      this comes before lower-casing. Words all in capitals are taken for acronyms and stay;
    - contractions stay (`isn't`: its lemma would lose the negation). French and Italian elisions keep their
      first part: `l'aimait` becomes `l'aimer`;
    - one word has one lemma whatever the sentence: `saw` is always `see`.

    Args:
        word: One word, as written.
        language: ISO 639-1 code; words of languages outside `LANGUAGES` stay as they are.

    Returns:
        The lemma, or the word.

    >>> [verb_lemma(word, "en") for word in ["Running", "went", "women", "better", "isn't", "AI"]]
    ['run', 'go', 'women', 'better', "isn't", 'AI']
    """
    head, tail = _inflected_part(word, language)
    if not tail or (language == "en" and _ENGLISH_OTHER_FORMS.search(tail)):
        return word
    verbs = _verbs(language)  # first, as threads that come together wait there for the dictionary
    found = _lemmatizer().lemmatize(tail, language)
    return head + found if found != tail.lower() and found in verbs else word


@lru_cache(maxsize=2**17)
def lemma(word: str, language: str) -> str:
    """The base form of any word, by simplemma; a word that its dictionary and rules do not know as it is.

    Acronyms, contractions and elisions are as in `verb_lemma`, and capital letters count: `Wagen` is a noun.

    Args:
        word: One word, as written.
        language: ISO 639-1 code; words of languages outside `LANGUAGES` stay as they are.

    Returns:
        The lemma, or the word.

    >>> [lemma(word, "en") for word in ["children", "running", "isn't", "US"]]
    ['child', 'run', "isn't", 'US']
    """
    head, tail = _inflected_part(word, language)
    return head + _lemmatizer().lemmatize(tail, language) if tail else word


@lru_cache(maxsize=2**17)
def is_foreign(word: str, language: str) -> bool:
    """Whether a word is unknown in its document's language and known in another, or in no Latin letters at all.

    Words that no dictionary knows (names, new words, codes) are not foreign, nor are single letters of other
    scripts (`π`), nor is any word of a document whose language is not among `LANGUAGES`.

    >>> [is_foreign(word, "en") for word in ["house", "maisons", "Kubernetes", "Москва"]]
    [False, True, False, True]
    """
    import simplemma

    if language not in LANGUAGES or simplemma.is_known(word, language, low_memory=True):
        return False
    if len(word) > 1 and _is_of_other_script(word):
        return True
    return simplemma.is_known(word, tuple(other for other in LANGUAGES if other != language), low_memory=True)


def _is_of_other_script(word: str) -> bool:
    """Whether a word has letters, and none of them is Latin."""
    letters = [unicodedata.name(character, "") for character in word if character.isalpha()]
    return bool(letters) and not any("LATIN" in name or "ORDINAL" in name for name in letters)


def _inflected_part(word: str, language: str) -> tuple[str, str]:
    """The word cut into what goes before its last part, an elided article say, and that; ends empty where none is."""
    cut = max(word.rfind("'"), word.rfind("’")) + 1
    head, tail = word[:cut], word[cut:]
    acronym = len(word) > 1 and word.isupper()
    if language not in LANGUAGES or acronym or (head and language not in ("fr", "it")):
        return word, ""
    if language == "en" and tail.lower() in _CONTRACTION_PIECES:
        return word, ""
    return head, tail


@cache
def _lemmatizer() -> "Lemmatizer":
    from simplemma import Lemmatizer
    from simplemma.strategies import DefaultStrategy

    # this backend takes 40 MB for five languages, the default one 500; each distinct word is asked for once
    return Lemmatizer(lemmatization_strategy=DefaultStrategy(low_memory=True))


def _verbs(language: str) -> frozenset[str]:
    """Lemmas of verbs, found out by the first thread that asks, for which the others wait."""
    with _LOADING:
        return _find_verbs(language)


@cache
def _find_verbs(language: str) -> frozenset[str]:
    """Lemmas that simplemma's dictionary shows to be verbs (see `verb_lemma`)."""
    from simplemma.strategies.dictionaries import DefaultDictionaryFactory

    infinitive, verb_form = _VERB_EVIDENCE[language]
    # read through once and let go: only the set of lemmas stays in memory
    forms = DefaultDictionaryFactory(cache_max_size=1).get_dictionary(language)
    verbs = {
        lemma for form, lemma in forms.items() if form != lemma and verb_form.search(form) and infinitive.search(lemma)
    }
    if language == "en":
        verbs.update(lemma for lemma in set(forms.values()) if _has_gerund(lemma, forms))
    return frozenset(verbs - _NO_VERBS)


def _has_gerund(lemma: str, forms: Mapping[str, str]) -> bool:
    """Whether the dictionary lists an English word's gerund as a word of its own: finding, writing."""
    stems = (lemma, lemma.removesuffix("e"), lemma + lemma[-1:])
    return lemma[:1].islower() and any(forms.get(stem + "ing") is not None for stem in stems)
