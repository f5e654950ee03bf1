"""Counting the terms of rows: once for all models of the same texts.

Belongs here: rows as counts of terms, the terms that count, their weights. Does not belong here: what is read of a page
(`features`), and what is learned from the weights (`fitting`, `out_of_sample`).

Counting takes most of the time of a fit and does not depend on the categories.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from html_classification.training.algorithms import Parameters
from html_classification.training.features import FittedGroup, TermGroup, count_terms, field_matrix, term_groups

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Terms:
    """How often each term of a group is in each row: a sparse matrix, and its columns' terms in alphabetical order."""

    group: TermGroup
    counts: Any
    names: "np.ndarray[Any, Any]"

    def of(self, rows: Any) -> "Terms":
        """Those of some rows."""
        return Terms(self.group, self.counts[rows], self.names)


@dataclass(frozen=True)
class Counted:
    """Rows as they are learned from: the terms of each group, and for each row its category and its near duplicates."""

    terms: list[Terms]
    categories: "np.ndarray[Any, Any]"
    clusters: "np.ndarray[Any, Any]"

    def of(self, rows: Any) -> "Counted":
        """Some of the rows."""
        return Counted([each.of(rows) for each in self.terms], self.categories[rows], self.clusters[rows])


def count(rows: pl.DataFrame, parameters: Parameters, min_documents: int) -> Counted:
    """Count the terms of each group; none where no term is in enough rows."""
    fields = field_matrix(rows)
    terms = [_count_lately(group, fields[:, group.column].tolist(), min_documents) for group in term_groups(parameters)]
    return Counted(terms, rows["category"].to_numpy(), rows["duplicate_cluster"].to_numpy())


#: The words that were counted last in this process: all algorithms of a text version count the same ones, which is
#: most of the work of a fit.
_lately: dict[bytes, Terms] = {}
_KEPT = 2


def forget_counts() -> None:
    """Forget what was counted last, as in a new process: for measuring."""
    _lately.clear()


def _count_lately(group: TermGroup, texts: list[str], min_documents: int) -> Terms:
    """Count the terms of a group, unless that has just been done."""
    if group.field != "text":  # one algorithm alone reads the others
        return _count_group(group, texts, min_documents)
    settings = f"{min_documents} {sorted(group.vectorizer.get_params().items(), key=str)}"
    lengths = ",".join(str(len(text)) for text in texts)  # two texts in a row are not one that ends elsewhere
    key = hashlib.sha256("\0".join([settings, lengths, *texts]).encode(errors="surrogatepass")).digest()
    counted = _lately.get(key)
    if counted is None:
        counted = _count_group(group, texts, min_documents)
        while len(_lately) >= _KEPT:
            _lately.pop(next(iter(_lately)), None)
        _lately[key] = counted
    return replace(counted, group=group)


def _count_group(group: TermGroup, texts: list[str], min_documents: int) -> Terms:
    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.base import clone

    count = clone(group.vectorizer).set_params(min_df=min_documents)
    counts = count_terms(count, texts)
    if counts is None:
        return Terms(group, csr_matrix((len(texts), 0)), np.array([], dtype=str))
    return Terms(group, counts, count.get_feature_names_out().astype(str))


@dataclass(frozen=True)
class Chosen:
    """A group of which the columns that count are chosen."""

    columns: Any
    fitted: FittedGroup


def choose(terms: Terms, parameters: Parameters) -> Chosen | None:
    """The terms of a group that are in the most rows, and their weights; None where none is in enough."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfTransformer

    documents = np.bincount(terms.counts.indices, minlength=terms.counts.shape[1])
    enough = np.flatnonzero(documents >= parameters.min_documents_of(terms.counts.shape[0]))
    if not len(enough):
        return None
    most_frequent = enough[np.argsort(-documents[enough], kind="stable")]
    columns = np.sort(most_frequent[: terms.group.max_terms])
    tfidf = TfidfTransformer(sublinear_tf=True).fit(terms.counts[:, columns])
    return Chosen(columns, FittedGroup(terms.group, terms.names[columns], tfidf))


def weigh(terms: Sequence[Terms], chosen: dict[int, Chosen]) -> Any:
    """What the pipeline's transformer would give for these rows."""
    from scipy.sparse import hstack

    return hstack(
        [
            each.fitted.group.weight * each.fitted.tfidf.transform(terms[number].counts[:, each.columns])
            for number, each in chosen.items()
        ],
        format="csr",
    )
