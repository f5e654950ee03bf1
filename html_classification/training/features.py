"""What models read of a page, and how it becomes numbers.

Belongs here: the fields of a row, the groups of terms that are counted in them, the vectorizer. Does not belong here:
what can be set of them (`algorithms.Parameters`), choosing terms and fitting (`fitting`), joining rows (`rows`).

A model is one scikit-learn pipeline, whose input is a table of texts: a row for each page, a column for each field.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from html_classification.training.algorithms import Parameters

if TYPE_CHECKING:
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

#: The texts of a row that models may read, each a column of strings: the text in some text version, what the markup
#: says (see `transforms.html.markup`), and path and query of the address.
FIELDS: tuple[str, ...] = ("text", "markup", "address")

#: What separates words: everything that is neither a letter, a digit, a mark nor an underscore in the blocks
#: where punctuation lives (ASCII, Latin-1, general and CJK punctuation, full-width forms).
_SEPARATORS = (
    r"\x00-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\xa9\xab-\xb4\xb6-\xb9\xbb-\xbf\xd7\xf7"
    "\u2000-\u206f\u20a0-\u20cf\u2190-\u2bff\u3000-\u3004\u3008-\u3020\u3030\u30fb\uff00-\uff0f\uff1a-\uff20"
    "\uff3b-\uff40\uff5b-\uff65"
)
#: Scripts that are written without spaces: each character is a term, and the pairs are nearly words.
_SINGLE = "\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff"

#: A word: one character of Chinese or Japanese, or 2 to 30 characters of any other script, vowel signs
#: included. It names what separates words instead of using `\w` and `\b`, because `\w` has no vowel signs of
#: Indic scripts, and because RE2, which ONNX uses, takes both for ASCII only. RE2 knows no `\u` either: the
#: characters themselves are in the pattern. Longer runs are cut, so that one line of base64 does not make every
#: term of the vocabulary as wide as itself.
TOKEN_PATTERN = rf"[{_SINGLE}]|[^{_SEPARATORS}{_SINGLE}]{{2,30}}"

#: A term of markup is whatever stands between spaces.
MARKUP_PATTERN = r"[^ ]+"

_HOST = r"^[a-z]+://[^/?#]*/?"


def address_field() -> pl.Expr:
    """Path and query of the column `url`, digits as zeros: the host would tell sites apart, not kinds of pages.

    >>> pl.select(url=pl.lit("https://a.example/news/2026/soup?page=12")).select(address_field()).item()
    'news/0000/soup?page=00'
    """
    return pl.col("url").str.replace(_HOST, "").str.replace_all(r"\d", "0").alias("address")


def field_matrix(rows: pl.DataFrame) -> "np.ndarray[Any, Any]":
    """The input of a model's pipeline.

    Args:
        rows: A column of strings for each of `FIELDS`.

    Returns:
        An array of Python strings in lower case, of shape (rows, fields). Case is folded here and not in the pipeline,
        because ONNX needs the machine to have an English locale for that.

    >>> field_matrix(pl.DataFrame({"text": ["soup"], "markup": ["form"], "address": ["soup"]})).shape
    (1, 3)
    """
    import numpy as np

    matrix = np.empty((rows.height, len(FIELDS)), dtype=object)
    for number, name in enumerate(FIELDS):
        matrix[:, number] = rows[name].str.to_lowercase().to_list()
    return matrix


@dataclass(frozen=True)
class TermGroup:
    """Terms of one kind, in one field: counted, chosen and weighted by themselves.

    Attributes:
        name: Name of the group in the pipeline.
        field: One of `FIELDS`.
        vectorizer: Counts them; unfitted.
        max_terms: Terms kept.
        weight: What their weights by TF-IDF are multiplied by.
    """

    name: str
    field: str
    vectorizer: "CountVectorizer"
    max_terms: int
    weight: float = 1.0

    @property
    def column(self) -> int:
        """Where the field is in the field matrix."""
        return FIELDS.index(self.field)


@dataclass(frozen=True)
class FittedGroup:
    """A group of which the terms are chosen.

    Attributes:
        group: What was fitted.
        terms: The terms, in alphabetical order.
        tfidf: Their weights; fitted.
    """

    group: TermGroup
    terms: "np.ndarray[Any, Any]"
    tfidf: "TfidfTransformer"


def vectorizer(parameters: Parameters, **settings: Any) -> "CountVectorizer":
    """The scikit-learn vectorizer that counts the words of texts.

    Args:
        parameters: How many words a term may have.
        **settings: Further settings of `CountVectorizer`, such as `vocabulary`.

    Returns:
        An unfitted vectorizer.

    >>> count = vectorizer(Parameters()).build_analyzer()
    >>> count("Zürich, हिन्दी!")
    ['zürich', 'हिन्दी', 'zürich हिन्दी']
    >>> count("天気 a")
    ['天', '気', '天 気']
    """
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(
        ngram_range=(1, parameters.words_per_term), token_pattern=TOKEN_PATTERN, dtype="float64", **settings
    )


def count_terms(count: "CountVectorizer", texts: list[str]) -> Any:
    """Count the terms of texts.

    Args:
        count: Counts them; unfitted.
        texts: The texts.

    Returns:
        A sparse matrix with a row for each text; None where no term is in enough of them to count.
    """
    try:
        return count.fit_transform(texts)
    except ValueError as error:
        if "empty vocabulary" in str(error) or "no terms remain" in str(error):
            return None
        raise


def term_groups(parameters: Parameters) -> list[TermGroup]:
    """The groups of terms that an algorithm with these parameters reads.

    >>> [group.name for group in term_groups(Parameters(markup_terms=1_000))]
    ['words', 'markup']
    """
    from sklearn.feature_extraction.text import CountVectorizer

    groups = [TermGroup("words", "text", vectorizer(parameters, lowercase=False), parameters.max_terms)]
    if parameters.markup_terms:
        terms = CountVectorizer(token_pattern=MARKUP_PATTERN, lowercase=False, dtype="float64")
        groups.append(TermGroup("markup", "markup", terms, parameters.markup_terms, parameters.markup_weight))
    if parameters.address_characters > 1:
        sizes = (2, parameters.address_characters)
        characters = CountVectorizer(analyzer="char", lowercase=False, ngram_range=sizes, dtype="float64")
        groups.append(TermGroup("address", "address", characters, parameters.max_terms, parameters.address_weight))
    return groups


def transformer(fitted: Sequence[FittedGroup]) -> "ColumnTransformer":
    """One fitted scikit-learn transformer of the field matrix.

    Nothing is learned here: each group comes with its terms and weights, which were counted once.

    Args:
        fitted: The groups, at least one.

    Returns:
        A fitted `ColumnTransformer`; its output has the groups side by side.
    """
    import numpy as np
    from sklearn.base import clone
    from sklearn.compose import ColumnTransformer
    from sklearn.frozen import FrozenEstimator
    from sklearn.pipeline import Pipeline

    steps = [
        (
            each.group.name,
            Pipeline(
                [("terms", clone(each.group.vectorizer).set_params(vocabulary=each.terms)), ("tfidf", each.tfidf)]
            ),
            each.group.column,
        )
        for each in fitted
    ]
    # Frozen, so that fitting the whole learns its columns alone; thawed, so that ONNX and skops meet plain pipelines.
    weights = {each.group.name: each.group.weight for each in fitted}
    whole = ColumnTransformer(
        [(name, FrozenEstimator(step), column) for name, step, column in steps], transformer_weights=weights
    )
    whole.fit(np.full((1, len(FIELDS)), "", dtype=object))
    return _with_steps(whole, steps)


def without_index(whole: "ColumnTransformer") -> "ColumnTransformer":
    """A copy without the index of terms that scikit-learn builds on first use: quick to store and to load."""
    from copy import copy

    from sklearn.base import clone
    from sklearn.pipeline import Pipeline

    return _with_steps(
        copy(whole),
        [
            (name, Pipeline([("terms", clone(step["terms"])), ("tfidf", step["tfidf"])]), column)
            for name, step, column in whole.transformers_
        ],
    )


def _with_steps(whole: "ColumnTransformer", steps: list[tuple[str, Any, int]]) -> "ColumnTransformer":
    whole.transformers = steps
    whole.transformers_ = steps
    return whole
