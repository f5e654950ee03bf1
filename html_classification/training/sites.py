"""The site that a page is from.

Belongs here: from an address to its site. Does not belong here: what is done by site (`split`, `slices`).
"""

import polars as pl

#: The host of an address, an IPv6 one in its brackets, without scheme, `www.` and port.
_HOST = r"^[a-z]+://(?:www\.)?(\[[^\]]*\]|[^/:?#]+)"


def site(url: str = "url") -> pl.Expr:
    """The host of an address without `www.`; the address itself where it has none.

    Args:
        url: The column of the addresses, normalized.

    >>> frame = pl.DataFrame({"url": ["https://www.a.example/x", "http://b.example:8080/?q", "not an address"]})
    >>> frame.select(site())["url"].to_list()
    ['a.example', 'b.example', 'not an address']
    """
    return pl.coalesce(pl.col(url).str.extract(_HOST), url).alias(url)
