"""The version of the lake's layout: where things lie, which metadata.json cannot say.

Belongs here: the one file that carries it. Does not belong here: the layout itself (`paths`).

    lake.json
"""

import json

from html_classification.lake.errors import LakeError
from html_classification.lake.store import Store

LAYOUT_FILE = "lake.json"
#: Raised when a reader of an older one would not find everything, or would misunderstand it.
LAYOUT_VERSION = 1


def mark_layout(store: Store) -> None:
    """Leave the version in a lake that has none yet; called before anything else is written."""
    content = {"layout_version": LAYOUT_VERSION, "description": "A lake of html-classification, see docs/lake.md."}
    store.put_new(LAYOUT_FILE, (json.dumps(content, indent=2) + "\n").encode())


def check_layout(store: Store) -> None:
    """Make sure that this release understands a lake.

    Raises:
        LakeError: A newer release wrote it, or the file is damaged.
    """
    data = store.find(LAYOUT_FILE)
    if data is None:  # nothing was written there yet
        return
    try:
        found = int(json.loads(data)["layout_version"])
    except (ValueError, KeyError, TypeError) as error:
        message = f'{store.uri(LAYOUT_FILE)} is damaged ({error}): write {{"layout_version": {LAYOUT_VERSION}}} there'
        raise LakeError(message) from None
    if found > LAYOUT_VERSION:
        message = (
            f"{store.root} has layout_version {found}, this release reads {LAYOUT_VERSION}: it was written by a newer "
            "release; upgrade"
        )
        raise LakeError(message)
