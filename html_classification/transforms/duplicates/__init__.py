"""Copies of pages: signatures of texts, and which pages belong together.

Belongs here: word grams (`grams`), MinHash signatures made of them (`signatures`), and clusters of similar ones, of a
day (`clusters`) or of a window of days (`window`). Does not belong here: what is done about copies: nothing is dropped
here.
"""

from html_classification.transforms.duplicates.clusters import cluster
from html_classification.transforms.duplicates.signatures import SIGNATURE, empty_signature, signatures
from html_classification.transforms.duplicates.window import window_duplicates

__all__ = ["SIGNATURE", "cluster", "empty_signature", "signatures", "window_duplicates"]
