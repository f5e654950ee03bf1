"""The algorithms, their parameters, and how texts become numbers for them.

Belongs here: what an algorithm is called, what can be set, which scikit-learn estimator it is. Does not
belong here: fitting, predicting and cross-validation (`fitting`), which are the same for all of them.

A further algorithm is a parameters class and an entry in `ALGORITHMS`. Defaults were chosen among some 50
settings by the page types of 1,136 real pages: ten days to learn from, four to test on. The figures of those
four days flatter them therefore. By cross-validation within the ten days, which no choice was made by,
logistic regression is level with plainer settings (C = 1, all terms of two documents: accuracy .823 to .809,
macro-F1 .720 to .709) and taken for its smaller model; naive Bayes gains much from less smoothing and fewer
terms (macro-F1 .673 to .136).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Callable

    from sklearn.feature_extraction.text import CountVectorizer

#: What separates words: everything that is neither a letter, a digit, a mark nor an underscore in the blocks
#: where punctuation lives (ASCII, Latin-1, general and CJK punctuation, full-width forms).
_SEPARATORS = (
    r"\x00-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\xa9\xab-\xb4\xb6-\xb9\xbb-\xbf\xd7\xf7"
    r"\u2000-\u206f\u20a0-\u20cf\u2190-\u2bff\u3000-\u3004\u3008-\u3020\u3030\u30fb\uff00-\uff0f\uff1a-\uff20"
    r"\uff3b-\uff40\uff5b-\uff65"
)
#: Scripts that are written without spaces: each character is a term, and the pairs are nearly words.
_SINGLE = r"\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff"

#: A word: one character of Chinese or Japanese, or 2 to 30 characters of any other script, vowel signs
#: included. It names what separates words instead of using `\w` and `\b`, because `\w` has no vowel signs of
#: Indic scripts, and because RE2, which ONNX uses, takes both for ASCII only. Longer runs are cut, so that
#: one line of base64 does not make every term of the vocabulary as wide as itself.
TOKEN_PATTERN = rf"[{_SINGLE}]|[^{_SEPARATORS}{_SINGLE}]{{2,30}}"


class Parameters(BaseModel):
    """What every algorithm reads: which terms of the texts count."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    words_per_term: int = Field(2, ge=1, le=3, description="Longest sequence of words that is a term.")
    min_documents: int = Field(
        5,
        ge=1,
        description="Documents that a term must be in to count; below 200 rows fewer, one per 40 rows.",
    )
    max_terms: int = Field(20_000, ge=10, description="Terms kept, those in the most documents first.")

    def min_documents_of(self, rows: int) -> int:
        """Documents that a term must be in, of so many training rows.

        >>> [Parameters().min_documents_of(rows) for rows in (20, 100, 812)]
        [1, 2, 5]
        """
        return min(self.min_documents, max(1, rows // 40))


class LogisticRegressionParameters(Parameters):
    """Logistic regression on TF-IDF, categories weighted by how rare they are."""

    inverse_regularization: float = Field(
        3.0,
        gt=0,
        description="scikit-learn's C: higher follows the training rows more closely, and takes longer.",
    )
    max_iterations: int = Field(2_000, ge=100, description="Upper limit of solver steps; 20 to 50 are usual.")


class ComplementNaiveBayesParameters(Parameters):
    """Complement naive Bayes on TF-IDF (Rennie et al. 2003): made for categories of unequal size."""

    smoothing: float = Field(0.1, gt=0, description="Count added to every term of every category.")


@dataclass(frozen=True)
class Algorithm:
    """An algorithm as the pipeline knows it.

    Attributes:
        name: Its name in stages, tags and listings.
        parameters: Class of its parameters; without arguments the defaults.
        classifier: Makes the unfitted scikit-learn classifier.
    """

    name: str
    parameters: type[Parameters]
    classifier: "Callable[[Any], Any]"


def _logistic_regression(parameters: LogisticRegressionParameters) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(
        C=parameters.inverse_regularization,
        class_weight="balanced",
        max_iter=parameters.max_iterations,
        random_state=0,
    )


def _complement_naive_bayes(parameters: ComplementNaiveBayesParameters) -> Any:
    from sklearn.naive_bayes import ComplementNB

    return ComplementNB(alpha=parameters.smoothing)


ALGORITHMS: Mapping[str, Algorithm] = {
    algorithm.name: algorithm
    for algorithm in (
        Algorithm("logistic-regression", LogisticRegressionParameters, _logistic_regression),
        Algorithm("complement-nb", ComplementNaiveBayesParameters, _complement_naive_bayes),
    )
}


def vectorizer(parameters: Parameters, **settings: Any) -> "CountVectorizer":
    """The scikit-learn vectorizer that counts terms; the same for fitting and in the stored model.

    Args:
        parameters: Which terms count.
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
