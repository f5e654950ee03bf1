"""What a detector says of a row.

Belongs here: the one shape that all evidence has. Does not belong here: finding it (the modules beside this one), and
what is done about it (`repair`).
"""

from collections.abc import Iterable
from typing import Any

import polars as pl

#: `url`; `issue`: its name, one of `post_train.ISSUES`; `strong`: whether it is certain enough to act on without a
#: person; `suggested`: the category that would be right, null where that is not said; `reason`: why, in words.
FINDINGS: dict[str, Any] = {
    "url": pl.String,
    "issue": pl.String,
    "strong": pl.Boolean,
    "suggested": pl.String,
    "reason": pl.String,
}


def findings(frame: pl.DataFrame, issue: str) -> pl.DataFrame:
    """Bring what a detector found into the shape of all findings.

    Args:
        frame: `url`, `strong`, `reason`, and `suggested` where the right category is known; one row for each url.
        issue: The name of the issue.

    Returns:
        Rows of `FINDINGS`, sorted by url.

    >>> findings(pl.DataFrame({"url": ["b"], "strong": [True], "reason": ["no words"]}), "empty_text").row(0)
    ('b', 'empty_text', True, None, 'no words')
    """
    known = frame if "suggested" in frame.columns else frame.with_columns(suggested=pl.lit(None, dtype=pl.String))
    return (
        known.with_columns(issue=pl.lit(issue))
        .select(pl.col(name).cast(kind) for name, kind in FINDINGS.items())
        .sort("url")
    )


def together(found: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """The findings of several detectors, sorted by url, in the detectors' order within a url."""
    return pl.concat([pl.DataFrame(schema=FINDINGS), *found]).sort("url", maintain_order=True)
