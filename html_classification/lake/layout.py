"""The version of the lake's layout: where things lie, which metadata.json cannot say.

Belongs here: the one file that carries it. Does not belong here: the layout itself (`paths`).

    lake.json
"""

from pydantic import BaseModel

from html_classification.lake.store import Store
from html_classification.lake.versioned import parse_versioned

LAYOUT_FILE = "lake.json"
#: Raised when a reader of an older one would not find everything, or would misunderstand it.
LAYOUT_VERSION = 1


class Layout(BaseModel):
    """What lake.json says."""

    layout_version: int = LAYOUT_VERSION
    description: str = "A lake of html-classification, see docs/lake.md."


def mark_layout(store: Store) -> None:
    """Leave the version in a lake that has none yet; called before anything else is written."""
    store.put_new(LAYOUT_FILE, (Layout().model_dump_json(indent=2) + "\n").encode())


def check_layout(store: Store) -> None:
    """Make sure that this release understands a lake.

    Raises:
        LakeError: A newer release wrote it, or the file is damaged.
    """
    data = store.find(LAYOUT_FILE)
    if data is not None:  # else nothing was written there yet
        mend = f'write {{"layout_version": {LAYOUT_VERSION}}} there'
        parse_versioned(Layout, data, store.uri(LAYOUT_FILE), key="layout_version", known=LAYOUT_VERSION, mend=mend)
