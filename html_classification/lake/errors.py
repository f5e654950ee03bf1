"""The errors of the lake.

Belongs here: their base class, that of the stores, that of the builds. Each message is one line: what is wrong,
where, what to do.
"""

from html_classification.schemas.described import Check


class LakeError(Exception):
    """Something in the lake, or about to be put into it, is not as it must be."""


class RemovedError(LakeError):
    """A version was removed in the very moment in which it was published; it must be built again."""


class StoreError(LakeError):
    """The store did not answer as it should: not there, not allowed, not reachable."""


class BuildError(LakeError):
    """A day of a stage cannot be built.

    Attributes:
        checks: The results of the audit, where it came so far.
    """

    def __init__(self, message: str, checks: list[Check] | None = None) -> None:
        super().__init__(message)
        self.checks = checks or []
