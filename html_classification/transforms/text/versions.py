"""The text versions: which rules, in which order. This is the one file to edit for a new version.

Belongs here: the declared lists of rules. Does not belong here: what a rule does (`rules`), how a version
is applied (`normalization`).

To add a version, add an entry to `TEXT_VERSIONS` from the rules in `rules`, with `fold_white_space` last;
its asset and its models follow from it. A version that data was published with is not to be changed: add
another one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from html_classification.transforms.text.rules import (
    Rule,
    fold_white_space,
    lemmatize_verbs,
    lowercase,
    remove_punctuation,
    remove_special_characters,
)

_NAME = re.compile(r"[a-z][a-z0-9]*")


@dataclass(frozen=True)
class TextVersion:
    """A named, ordered list of rules.

    Attributes:
        name: Such as `v2`.
        rules: The rules in the order in which they are applied.

    Raises:
        ValueError: Where the name is more than letters and digits, which stages and models are named by, or the
            last rule is not `fold white space`: rules leave spaces behind.
    """

    name: str
    rules: tuple[Rule, ...]

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"text version {self.name!r}: name it by a lower-case letter, then letters and digits: v3")
        if not self.rules or self.rules[-1].name != "fold white space":
            raise ValueError(f"text version {self.name}: the last rule must be `fold white space`; add it at the end")

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The rules with their parameters, for `process` in metadata.json and for the recipe."""
        return [{"step": rule.name, "parameters": dict(rule.parameters)} for rule in self.rules]

    def describe(self) -> list[str]:
        """What the rules do, in order, in words.

        >>> TEXT_VERSIONS["v1"].describe()
        ['remove punctuation', 'remove special characters', 'lowercase', 'fold white space']
        """
        return [rule.name for rule in self.rules]


def _versions(**rules: tuple[Rule, ...]) -> Mapping[str, TextVersion]:
    return {name: TextVersion(name, listed) for name, listed in rules.items()}


#: All text versions by name.
TEXT_VERSIONS: Final = _versions(
    # words and numbers only, as written
    v1=(remove_punctuation(), remove_special_characters(), lowercase(), fold_white_space()),
    # sentences with punctuation, verbs in the infinitive; lemmas before lower case, which hides German nouns
    v2=(remove_special_characters(), lemmatize_verbs(), lowercase(), fold_white_space()),
)

#: The text version that `annotated` carries.
DEFAULT_TEXT_VERSION: Final = "v2"
