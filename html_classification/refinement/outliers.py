"""Which texts have little in common with the rest of the collection.

Belongs here: a score of how typical a text is. Does not belong here: what is done about it (`repair`).
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

NEIGHBOURS = 10
TOPICS = 50
TERMS = 5_000


def outlier_scores(texts: list[str], seed: int = 0) -> "np.ndarray[Any, Any]":
    """Score how typical each text is of the collection.

    TF-IDF of the words is reduced to at most 50 topics (latent semantic analysis; Deerwester et al. 1990),
    and cleanlab scores the mean cosine distance to the ten nearest texts (Kuan and Mueller 2022, "Back to
    the Basics: Revisiting Out-of-Distribution Detection Baselines"), relative to the usual distance in the
    collection.

    Args:
        texts: The collection.
        seed: Of the reduction.

    Returns:
        A score from 0 to 1 for each text; low is off-topic. Texts without any word that another text has
        score 0. With fewer than ten other texts to compare with, those score 1: too few to tell.
    """
    import numpy as np
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    scores = np.ones(len(texts))
    words = _words(texts) if len(texts) > 1 else None
    if words is None:
        return scores
    comparable = np.flatnonzero(np.diff(words.indptr))
    scores[np.diff(words.indptr) == 0] = 0.0
    if len(comparable) > NEIGHBOURS:
        with threadpool_limits(1):
            scores[comparable] = _typical(words[comparable], seed)
    return scores.clip(0.0, 1.0).round(6)


def _words(texts: list[str]) -> Any:
    """TF-IDF of the words that two texts have at least; None where there are none."""
    from sklearn.feature_extraction.text import TfidfTransformer

    from html_classification.training.algorithms import Parameters
    from html_classification.training.features import vectorizer

    words = vectorizer(Parameters(words_per_term=1), min_df=2, max_features=TERMS)
    try:
        counts = words.fit_transform(texts)
    except ValueError as error:
        if "empty vocabulary" in str(error) or "no terms remain" in str(error):
            return None
        raise
    return TfidfTransformer(sublinear_tf=True).fit_transform(counts)


def _typical(words: Any, seed: int) -> "np.ndarray[Any, Any]":
    import numpy as np
    from cleanlab.outlier import OutOfDistribution
    from sklearn.decomposition import TruncatedSVD

    topics = min(TOPICS, words.shape[1], words.shape[0] - 1)
    features = words.toarray()
    if topics < words.shape[1]:
        features = TruncatedSVD(topics, random_state=seed).fit_transform(words)
    scores = OutOfDistribution({"k": NEIGHBOURS}).fit_score(features=features, verbose=False)
    return np.asarray(scores, dtype=np.float64)
