"""The one text of a page.

Belongs here: joining title and content. Does not belong here: rules that change them (`rules`).
"""

import polars as pl


def title_and_content() -> pl.Expr:
    """`title - content`, or whichever of the two there is: the text that models read.

    >>> pl.select(title=pl.lit("soup"), content=pl.lit("boil water")).select(text=title_and_content()).item()
    'soup - boil water'
    """
    both = pl.concat_str("title", pl.lit(" - "), "content")
    return pl.when(pl.col("title") == "").then("content").when(pl.col("content") == "").then("title").otherwise(both)
