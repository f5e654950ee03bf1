"""What metadata.json tells of columns and checks.

Belongs here: the two plain records. Does not belong here: how columns are declared (`columns`) or checked
(`validation`): whoever only reads the lake need not import pandera, which takes most of a second.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel


@dataclass(frozen=True)
class Column:
    """A column as the catalog shows it."""

    name: str
    type: str
    nullable: bool
    description: str
    business_meaning: str
    tags: tuple[str, ...]


class Check(BaseModel):
    """One check of one version.

    Attributes:
        name: `schema` or `not_empty`, which are the audit, or that of another look at the rows.
        passed: Whether it passed.
        figures: Its numbers; of values only counts, since values may be personal data.
        blocking: Whether a version that fails it must not be published.
    """

    name: str
    passed: bool
    figures: dict[str, Any]
    blocking: bool = True

    def describe(self) -> str:
        """Name and figures in one line."""
        return f"{self.name}: " + ", ".join(f"{key} {value}" for key, value in self.figures.items())
