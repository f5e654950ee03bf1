"""What the server that worker processes are forked from has in memory: they share it.

Belongs here: imports, and models that are read from a file. Does not belong here: anything that starts threads, such
as a computation of polars: a fork has none of them.
"""

from html_classification.streams import tasks
from html_classification.transforms import language

language.load()

__all__ = ["tasks"]
