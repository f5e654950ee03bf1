"""What goes wrong in training.

Belongs here: the errors of this package. Does not belong here: errors of programming, which stay Python's
own.
"""


class TrainingError(Exception):
    """There is nothing to learn from or to measure; one line: what is wrong, where, what to do."""


class TrainingStoppedError(TrainingError):
    """A person or the system stopped it: nothing is wrong with the model."""
