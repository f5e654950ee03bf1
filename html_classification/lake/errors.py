"""The errors of the lake.

Belongs here: their base class, and that of the stores. Each message is one line: what is wrong, where, what to do.
"""


class LakeError(Exception):
    """Something in the lake, or about to be put into it, is not as it must be."""


class StoreError(LakeError):
    """The store did not answer as it should: not there, not allowed, not reachable."""
