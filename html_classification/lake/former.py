"""Versions that were computed in the same way as the one to come.

Belongs here: finding versions of a stage, of other days or with other inputs, whose rows would come out the same
today. Does not belong here: what is done with them: they spare work, and never change a result, so that they are no
part of a recipe.
"""

import logging
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from html_classification.lake import listing
from html_classification.lake.dataset import Dataset, find_dataset
from html_classification.lake.errors import LakeError
from html_classification.lake.recipe import columns_fingerprint
from html_classification.lake.store import Store, in_parallel

if TYPE_CHECKING:
    from html_classification.schemas.columns import Stage

log = logging.getLogger(__name__)

DAYS = 30


class FormerVersions:
    """The versions of a stage with the same code, columns and parameters.

    Args:
        store: The lake's store.
        stage: The stage.
        parameters: Those of the build.
    """

    def __init__(self, store: Store, stage: "Stage", parameters: Mapping[str, Any]) -> None:
        self._store = store
        self._stage = stage
        self._alike = {
            "code_version": stage.code_version,
            "columns": columns_fingerprint(stage),
            "parameters": dict(parameters),
        }
        self._known: dict[tuple[date, str], Dataset | None] = {}

    def before(self, day: date) -> Iterator[Dataset]:
        """The current versions of a day and of the 30 days before it, the latest day first."""
        first = day - timedelta(days=DAYS)
        days = listing.days(self._store, self._stage.name, first, day)
        published = listing.publications(self._store, {self._stage.name: days})
        current = {item.day: item.version for item in published}
        wanted = [(one, current[one]) for one in sorted(current, reverse=True)]
        new = [key for key in wanted if key not in self._known]
        self._known |= dict(zip(new, in_parallel(self._find, new), strict=True))
        yield from (dataset for key in wanted if (dataset := self._known[key]) is not None)

    def _find(self, key: tuple[date, str]) -> Dataset | None:
        try:
            dataset = find_dataset(self._store, self._stage.name, *key)
        except LakeError as error:  # damaged, or by a newer release: what it knows is computed again
            log.warning("%s", error)
            return None
        if dataset is None or not dataset.metadata.passed:
            return None
        alike = all(dataset.metadata.recipe.get(name) == value for name, value in self._alike.items())
        return dataset if alike else None
