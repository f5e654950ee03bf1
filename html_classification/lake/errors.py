"""The errors of the lake.

Belongs here: their one base class. Each message is one line: what is wrong, where, what to do.
"""


class LakeError(Exception):
    """Something in the lake, or about to be put into it, is not as it must be."""
