"""Who is how often right, where no one knows the truth: quality of annotators and consensus of texts.

Belongs here: the project's own interface to cleanlab's multiannotator, whose upstream is frozen, and the model that it
starts from. Does not belong here: frames, or what the figures are called (`annotators`).

Cleanlab's method (CROWDLAB; Goh, Tkachenko, Mueller 2022, arXiv 2210.06812) wants a classifier's probabilities beside
the answers. There may be no model yet, and one trained on these very labels would repeat their errors. So the
probabilities come from the answers alone: a one-coin Dawid-Skene model (Dawid and Skene 1979; each annotator is right
with its own probability, and errs evenly), fitted by expectation maximization. Measured on eight categories, 100 and
600 texts, annotators right in 50 to 95 % of the texts, as mean error of the quality: with it .04 to .09; with the
shares of categories alone .02 to .13; with smoothed shares of votes .08 to .16; with a machine's answers and their
confidence as the classifier .09 to .32, since cleanlab believes a classifier more than any one annotator.

Machines err alike: two versions of an API would outvote every person who knows better, and be judged the best. So where
people judged, only texts that one of them judged count, and of a text's machines one has a vote, each in its turn.
Without that, two such machines took the consensus of the simulation from 86 to 71 % right.
"""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: What is assumed of an annotator before its answers are looked at: right in four of five texts.
RIGHT, WRONG = 4, 1
#: No one is surer than this, nor of less use than a little better than chance.
MOST, ABOVE_CHANCE = 0.99, 0.01
_ROUNDS = 200
_CLOSE = 1e-6


@dataclass(frozen=True)
class Answers:
    """Answers as numbers, one row each; an annotator answers of a text once.

    Attributes:
        text: The text's number, from 0.
        annotator: The annotator's number, from 0.
        category: The category's number, from 0.
        people: Of each annotator, whether it is a person.
        categories: How many categories there are.
    """

    text: "Array"
    annotator: "Array"
    category: "Array"
    people: "Array"
    categories: int

    @property
    def texts(self) -> int:
        """How many texts there are."""
        return int(self.text.max()) + 1 if len(self.text) else 0

    def only(self, rows: "Array") -> "Answers":
        """Some of the answers, with the same numbers."""
        return Answers(self.text[rows], self.annotator[rows], self.category[rows], self.people, self.categories)

    def counts(self, weights: "Array | None" = None) -> "Array":
        """How many answers each text has of each category, or the sum of their weights: texts × categories."""
        import numpy as np

        cells = self.text * self.categories + self.category
        size = self.texts * self.categories
        return np.bincount(cells, weights, minlength=size).reshape(self.texts, self.categories)


@dataclass(frozen=True)
class Judgement:
    """What the answers say of those who gave them.

    Attributes:
        rows: Which answers could be compared, as positions in `Answers`.
        consensus: For each of these the category that all together settle on for its text.
        others: The same without the annotator's own answer, and for a machine without any machine's where people
            judged.
        quality: Of each annotator, 0 to 1; NaN where none of its answers could be compared.
    """

    rows: "Array"
    consensus: "Array"
    others: "Array"
    quality: "Array"


def judge(answers: Answers) -> Judgement:
    """Judge annotators by each other.

    Args:
        answers: All answers.

    Returns:
        Cleanlab's annotator quality, and the consensus that it rests on. The same answers give the same figures, in
        whatever order they come as long as texts, annotators and categories keep their numbers.
    """
    import numpy as np

    rows = _comparable(answers)
    quality = np.full(len(answers.people), np.nan)
    if not len(rows):
        return Judgement(rows, rows, rows, quality)
    texts, numbers = np.unique(answers.text[rows], return_inverse=True)
    # Cleanlab divides by the number of other categories.
    known = max(answers.categories, 2)
    compared = Answers(numbers, answers.annotator[rows], answers.category[rows], answers.people, known)
    votes = compared.only(_votes(compared))
    prior, accuracy, probabilities = _fit(votes)
    voters, columns = np.unique(votes.annotator, return_inverse=True)
    table = np.full((len(texts), len(voters)), np.nan)
    table[votes.text, columns] = votes.category
    quality[voters], consensus = _cleanlab(table, probabilities)
    stands = consensus[numbers] == compared.category
    for unheard in np.setdiff1d(compared.annotator, voters):  # machines whose turn never came
        quality[unheard] = stands[compared.annotator == unheard].mean()
    return Judgement(rows, consensus[numbers], _others(compared, votes, prior, accuracy), quality)


def _comparable(answers: Answers) -> "Array":
    """Answers of texts with two at least; where people judged any of these, only of texts that one of them judged."""
    import numpy as np

    shared = np.bincount(answers.text, minlength=answers.texts) > 1
    judged = np.bincount(answers.text, answers.people[answers.annotator], minlength=answers.texts) > 0
    texts = shared & judged if (shared & judged).any() else shared
    return np.flatnonzero(texts[answers.text])


def _votes(compared: Answers) -> "Array":
    """All people's answers, and of each text's machines one: the first, the second, … in turn from text to text."""
    import numpy as np

    people = compared.people[compared.annotator]
    if not people.any():
        return np.arange(len(people))
    machines = np.flatnonzero(~people)
    machines = machines[np.lexsort((compared.annotator[machines], compared.text[machines]))]
    texts, first, number = np.unique(compared.text[machines], return_index=True, return_counts=True)
    chosen = machines[first + texts % number]
    return np.sort(np.concatenate([np.flatnonzero(people), chosen]))


def _fit(votes: Answers) -> tuple["Array", "Array", "Array"]:
    """Fit the one-coin model: share of each category, accuracy of each annotator, probabilities of each text."""
    import numpy as np

    given = np.bincount(votes.annotator, minlength=len(votes.people))
    prior = (np.bincount(votes.category, minlength=votes.categories) + 1.0) / (len(votes.text) + votes.categories)
    accuracy = np.full(len(votes.people), RIGHT / (RIGHT + WRONG))
    for _ in range(_ROUNDS):
        probabilities = _softmax(_scores(votes, prior, accuracy))
        right = np.bincount(votes.annotator, probabilities[votes.text, votes.category], minlength=len(votes.people))
        former, accuracy = accuracy, (right + RIGHT) / (given + RIGHT + WRONG)
        prior = (probabilities.sum(axis=0) + 1.0) / (len(probabilities) + votes.categories)
        if np.abs(accuracy - former).max() < _CLOSE:
            break
    return prior, accuracy, _softmax(_scores(votes, prior, accuracy))


def _scores(votes: Answers, prior: "Array", accuracy: "Array") -> "Array":
    """Logarithm of how likely each category of each text is, but for a constant a text."""
    import numpy as np

    sure = np.clip(accuracy, 1 / votes.categories + ABOVE_CHANCE, MOST)
    odds = np.log(sure * (votes.categories - 1) / (1 - sure))
    return np.log(prior) + votes.counts(odds[votes.annotator])


def _softmax(scores: "Array") -> "Array":
    import numpy as np

    likely = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(likely / likely.sum(axis=1, keepdims=True))


def _cleanlab(table: "Array", probabilities: "Array") -> tuple["Array", "Array"]:
    """Cleanlab's quality of each annotator and consensus of each text, without its remarks."""
    import numpy as np
    from cleanlab.multiannotator import get_label_quality_multiannotator

    # Ties that the probabilities leave, cleanlab breaks by a random number: none may be left.
    untied = probabilities + np.arange(probabilities.shape[1])[::-1] * 1e-9
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Annotators do not agree on any example", category=UserWarning)
        found = get_label_quality_multiannotator(
            table, untied / untied.sum(axis=1, keepdims=True), return_detailed_quality=False, verbose=False
        )
    quality = found["annotator_stats"]["annotator_quality"].sort_index().to_numpy(dtype=np.float64)
    return np.clip(quality, 0, 1), found["label_quality"]["consensus_label"].to_numpy()


def _others(compared: Answers, votes: Answers, prior: "Array", accuracy: "Array") -> "Array":
    """What the votes of the others make of the text of each answer."""
    import numpy as np

    with_people = bool(votes.people[votes.annotator].any())
    said = np.zeros(len(compared.text), dtype=np.int64)
    for annotator in np.unique(compared.annotator):
        mine = compared.annotator == annotator
        machine = with_people and not compared.people[annotator]
        other = votes.people[votes.annotator] if machine else votes.annotator != annotator
        there = np.isin(votes.text, compared.text[mine]) & other
        texts, numbers = np.unique(votes.text[there], return_inverse=True)
        heard = Answers(numbers, votes.annotator[there], votes.category[there], votes.people, votes.categories)
        best = _scores(heard, prior, accuracy).argmax(axis=1)
        said[mine] = best[np.searchsorted(texts, compared.text[mine])]
    return said
