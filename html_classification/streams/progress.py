"""How far a day is, for whoever watches.

Belongs here: the one log record that tells it. Does not belong here: how it is shown (`cli`).
"""

import logging
import time
from dataclasses import dataclass

log = logging.getLogger(__name__)

_EVERY_SECONDS = 0.5


@dataclass(frozen=True)
class DocumentsDone:
    """How many documents of a day are done; `total` is None where nobody has counted them yet."""

    done: int
    total: int | None


class Progress:
    """Tells how many documents of a day are done, a few times a second at most.

    Args:
        total: How many there are, where that is known.
    """

    def __init__(self, total: int | None = None) -> None:
        self._total = total
        self._done = 0
        self._told = time.monotonic()

    def add(self, documents: int) -> None:
        """Some more are done."""
        self._done += documents
        if time.monotonic() - self._told >= _EVERY_SECONDS:
            self._told = time.monotonic()
            of = f" of {self._total:,}" if self._total is not None else ""
            told = DocumentsDone(self._done, self._total)
            log.info("%s%s documents", f"{self._done:,}", of, extra={"documents": told})
