"""The stage `preprocess/duplicates`: copies of the day's pages among the days before.

It is a stage of its own since a page's copies in a window depend on all its days. If html_parsing read the days
before, a day that came late would change the recipes of all days after it, back to the parsing of HTML, and no day
could be rebuilt alone. So html_parsing marks copies within the day, and here only signatures are read.
"""

import polars as pl

from html_classification.schemas.columns import Stage, StageModel, UtcTimestamp, column
from html_classification.schemas.shared import crawl_time, duplicate_cluster, page_url


class Duplicates(StageModel):
    """One page of the day, and what it is a copy of."""

    url: str = page_url()
    duplicate_cluster: str = duplicate_cluster("of the window")
    duplicate_of: str = column(
        "URL of the freshest page of the cluster in the window; null for that page itself.",
        "Tells copies from the page that represents them, whatever day it is from.",
        tags=("pii",),
        nullable=True,
    )
    duplicate_kind: str = column(
        "`exact` where title and content are those of the page that duplicate_of names, else `near`; null without one.",
        "Exact copies can be dropped unread; near ones may differ in what matters.",
        nullable=True,
        isin=["exact", "near"],
    )
    duplicate_day: pl.Date = column(
        "The day of the data that the page that duplicate_of names is from; null without one.",
        "Where to find it.",
        nullable=True,
    )
    timestamp: UtcTimestamp = crawl_time()


DUPLICATES = Stage(
    name="preprocess/duplicates",
    layer="silver",
    title="Duplicates in the window",
    description=(
        "Which pages of the day are exact or near copies of other pages of the day or of the days before it, in a "
        "window. A page that was crawled again counts once, by its latest day, and is no copy of itself. Made from "
        "the signatures in html_parsing of all days of the window. Used by people, and by whatever must not take two "
        "copies of a page for two pages."
    ),
    model=Duplicates,
)
