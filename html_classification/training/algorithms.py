"""The algorithms and their parameters.

Belongs here: what an algorithm is called, what can be set, which scikit-learn estimator it is. Does not belong here:
how texts become numbers (`features`), and fitting, predicting and cross-validation (`fitting`), which are the same for
all of them.

A further algorithm is a parameters class and an entry in `ALGORITHMS`. Defaults were chosen by the page types of 1,136
real pages (see the benchmark `page_types`), by cross-validation within the first ten of 14 days; accuracy and macro-F1
there, whose means vary by 0.01 and 0.015 with the seed:

- Words: logistic regression .81 and .69, linear SVM .80 and .66, naive Bayes .76 and .60, which gains much from less
  smoothing and fewer terms (macro-F1 .67 to .14 before). All visible text instead of the content gives +.01 and +.03,
  which is gone once markup and address are read.
- Words and markup .86 and .77; words, markup and characters of the address .87 and .79. Words of the address instead
  of its characters are level. The address at half the weight of the words is worth .00 to .01; a C from 1 to 30, other
  weights of the markup from 0.7 to 1.3, 2,000 markup terms or all of them, and an SVM on the same fields are level.
- Characters of the first 300 characters of the text, besides: level (+.003). Extra trees and gradient boosting on 60 to
  100 topics of the same fields: .75 and .57, .83 and .73. Groups that are small and weighted for themselves, such as
  kinds of inputs, are worse than none (.79 and .67): all markup is one group.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field


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
    markup_terms: int = Field(0, ge=0, description="Terms of the page's markup kept; 0 leaves the markup out.")
    markup_weight: float = Field(1.0, gt=0, description="Weight of the markup; that of the words is 1.")
    address_characters: int = Field(
        0,
        ge=0,
        le=6,
        description="Longest sequence of characters of the address that is a term, the shortest being 2; 0 or 1 leaves "
        "the address out.",
    )
    address_weight: float = Field(1.0, gt=0, description="Weight of the address; that of the words is 1.")

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


class PageStructureParameters(LogisticRegressionParameters):
    """Logistic regression on words, markup and the characters of the address."""

    markup_terms: int = Field(5_000, ge=0, description="Terms of the page's markup kept; 0 leaves the markup out.")
    address_characters: int = Field(
        4,
        ge=0,
        le=6,
        description="Longest sequence of characters of the address that is a term, the shortest being 2; 0 or 1 leaves "
        "the address out.",
    )
    address_weight: float = Field(0.5, gt=0, description="Weight of the address; that of the words is 1.")


class LinearSvmParameters(Parameters):
    """Linear support vector machine on TF-IDF, categories weighted by how rare they are, probabilities calibrated."""

    inverse_regularization: float = Field(
        0.3,
        gt=0,
        description="scikit-learn's C: higher follows the training rows more closely, and takes longer.",
    )
    calibration_folds: int = Field(5, ge=2, description="Parts of the training rows that probabilities are learned by.")


class ComplementNaiveBayesParameters(Parameters):
    """Complement naive Bayes on TF-IDF (Rennie et al. 2003): made for categories of unequal size."""

    smoothing: float = Field(0.1, gt=0, description="Count added to every term of every category.")


class Learn(Protocol):
    """Fits a scikit-learn classifier."""

    def __call__(
        self, parameters: Any, features: Any, categories: Sequence[str], clusters: Sequence[str] | None = None, /
    ) -> Any:
        """Fit one.

        Args:
            parameters: The algorithm's.
            features: A sparse matrix with a row for each page.
            categories: The category of each row.
            clusters: The cluster of near duplicates of each row; without them no row is a copy of another.
        """


@dataclass(frozen=True)
class Algorithm:
    """An algorithm as the pipeline knows it.

    Attributes:
        name: Its name in stages, tags and listings.
        parameters: Class of its parameters; without arguments the defaults.
        learn: Fits a scikit-learn classifier.
    """

    name: str
    parameters: type[Parameters]
    learn: Learn


def _logistic_regression(
    parameters: LogisticRegressionParameters,
    features: Any,
    categories: Sequence[str],
    _clusters: Sequence[str] | None = None,
) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(
        C=parameters.inverse_regularization,
        class_weight="balanced",
        max_iter=parameters.max_iterations,
        random_state=0,
    ).fit(features, categories)


def _complement_naive_bayes(
    parameters: ComplementNaiveBayesParameters,
    features: Any,
    categories: Sequence[str],
    _clusters: Sequence[str] | None = None,
) -> Any:
    from sklearn.naive_bayes import ComplementNB

    return ComplementNB(alpha=parameters.smoothing).fit(features, categories)


def _linear_svm(
    parameters: LinearSvmParameters, features: Any, categories: Sequence[str], clusters: Sequence[str] | None = None
) -> Any:
    from html_classification.training.calibration import calibrated_svm

    each_alone = [str(row) for row in range(len(categories))]
    return calibrated_svm(
        features,
        categories,
        clusters or each_alone,
        parameters.inverse_regularization,
        parameters.calibration_folds,
    )


ALGORITHMS: Mapping[str, Algorithm] = {
    algorithm.name: algorithm
    for algorithm in (
        Algorithm("logistic-regression", LogisticRegressionParameters, _logistic_regression),
        Algorithm("linear-svm", LinearSvmParameters, _linear_svm),
        Algorithm("complement-nb", ComplementNaiveBayesParameters, _complement_naive_bayes),
        Algorithm("page-structure", PageStructureParameters, _logistic_regression),
    )
}
