"""Files that carry the version of their form.

Belongs here: reading one, and saying so where a newer release wrote it. Does not belong here: what is in them
(`metadata`, `snapshots`, `layout`).
"""

from typing import TypeVar

import orjson
from pydantic import BaseModel

from html_classification.lake.errors import LakeError

M = TypeVar("M", bound=BaseModel)

_LONGEST = 40  # characters of a version that is none


def parse_versioned(model: type[M], data: bytes, uri: str, *, key: str, known: int, mend: str) -> M:
    """Read a JSON file that says of which form it is.

    Args:
        model: What is in it.
        data: Its bytes.
        uri: Where it is, for the message.
        key: The key of its version.
        known: The version that this release reads.
        mend: What to do where it is damaged.

    Raises:
        LakeError: It is not understood, or was written by a newer release.
    """
    try:
        content = orjson.loads(data)
        found = content[key]
        if found == known:
            return model.model_validate(content)
        if not isinstance(found, int) or found < known:
            message = f"{key} is {str(found)[:_LONGEST]}"
            raise ValueError(message)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        message = f"{uri} is not readable ({str(error).splitlines()[0]}): it is damaged; {mend}"
        raise LakeError(message) from None
    message = f"{uri} has {key} {found}, this release reads {known}: it was written by a newer release; upgrade"
    raise LakeError(message)
