"""A committee of models, and what it thinks of pages that nobody has labelled.

Belongs here: the terms that it reads, its members, their opinions. Does not belong here: which pages are worth a label
(`selection`, `queue`), and the models that are trained, measured and kept (`training`).

Each text version with each of two algorithms is a member: more of them, or ones that read more than words, cost more
than they tell. Terms and their weights come from all texts, those without a label too: they are counted once per text
version and not once per member, which is most of the work.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from html_classification.training.algorithms import ALGORITHMS, Algorithm, Parameters
from html_classification.training.features import vectorizer
from html_classification.training.topics import weights

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

#: The members' algorithms: two that are quick and err in different ways.
MEMBERS = (ALGORITHMS["logistic-regression"], ALGORITHMS["complement-nb"])

#: Dimensions that texts are compared in.
TOPICS = 50


@dataclass(frozen=True)
class Opinions:
    """What a committee says of some pages.

    Attributes:
        categories: The categories that it knows, in alphabetical order.
        probabilities: The mean of its members' probabilities: a row for each page, a column for each category.
        votes: How many members say so, likewise.
        members: How many there are.
    """

    categories: list[str]
    probabilities: "Floats"
    votes: "Floats"
    members: int

    @property
    def uncertainty(self) -> "Floats":
        """1 minus the margin between the two most probable categories (Scheffer et al. 2001), 0 to 1."""
        import numpy as np

        two = np.sort(self.probabilities, axis=1)[:, -2:]
        margin: Floats = two[:, 1] - two[:, 0]
        return np.clip(1.0 - margin, 0.0, 1.0)

    @property
    def disagreement(self) -> "Floats":
        """Entropy of the votes (Dagan and Engelson 1995): 0 where all say the same, 1 where all differ."""
        import numpy as np

        shares = self.votes / self.members
        entropy = (shares * np.log(1.0 / np.where(shares > 0, shares, 1.0))).sum(axis=1)
        return np.asarray(np.clip(entropy / np.log(max(self.members, 2)), 0.0, 1.0))


def terms_of(texts: list[str]) -> Any:
    """The weights of the terms that models would count, as a sparse matrix with a row for each text.

    Args:
        texts: The texts, labelled or not.
    """
    terms = Parameters()
    return weights(texts, vectorizer(terms, min_df=terms.min_documents_of(len(texts)), max_features=terms.max_terms))


def opinions(matrices: Sequence[Any], labels: Sequence[str], algorithms: Iterable[Algorithm]) -> Opinions:
    """Ask the committee.

    Args:
        matrices: What `weights` returned for each text version: first the rows with a label, then those without.
        labels: The categories of the former, at least two different ones.
        algorithms: Those of the members.

    Returns:
        Its opinions of the rows without a label.
    """
    import numpy as np

    known = len(labels)
    categories = sorted(set(labels))
    said = []
    for matrix in matrices:
        for algorithm in algorithms:
            member = algorithm.learn(algorithm.parameters(), matrix[:known], list(labels))
            rest = matrix[known:]
            said.append(member.predict_proba(rest) if rest.shape[0] else np.zeros((0, len(categories))))
    votes = np.sum([np.eye(len(categories))[probabilities.argmax(axis=1)] for probabilities in said], axis=0)
    return Opinions(categories, np.mean(said, axis=0), votes, len(said))
