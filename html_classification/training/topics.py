"""Texts as few numbers: weights of their terms, reduced to topics.

Belongs here: TF-IDF and latent semantic analysis of texts without labels. Does not belong here: what models learn from
(`counting`, `features`), and what is told by the distances (`refinement`, `labeling`).
"""

from typing import TYPE_CHECKING, Any

from html_classification.training.features import count_terms

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from sklearn.feature_extraction.text import CountVectorizer

    Floats = npt.NDArray[np.float64]


def weights(texts: list[str], count: "CountVectorizer") -> Any:
    """TF-IDF of the terms of texts, as a sparse matrix with a row for each text.

    Args:
        texts: The texts, labelled or not.
        count: Counts the terms; unfitted.

    Returns:
        The matrix; a single column of zeros where no text has a term that counts.
    """
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfTransformer

    counts = count_terms(count, texts)
    if counts is None:
        return csr_matrix((len(texts), 1))
    return TfidfTransformer(sublinear_tf=True).fit_transform(counts)


def topics(matrix: Any, dimensions: int, seed: int) -> "Floats":
    """Texts as unit vectors of few dimensions (latent semantic analysis; Deerwester et al. 1990).

    Args:
        matrix: What `weights` returned.
        dimensions: How many there are at most.
        seed: Of the reduction.

    Returns:
        A row for each text: products of rows are cosine similarities. Zeros for a text without any term.
    """
    import numpy as np
    from sklearn.decomposition import TruncatedSVD
    from sklearn.preprocessing import normalize

    dense = matrix.shape[1] <= dimensions or matrix.shape[0] <= dimensions
    vectors = matrix.toarray() if dense else TruncatedSVD(dimensions, random_state=seed).fit_transform(matrix)
    return np.asarray(normalize(vectors), dtype=np.float64)
