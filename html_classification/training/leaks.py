"""Which test rows are not new to a model.

Belongs here: comparing rows with what a model has learned from, copies included. Does not belong here: how rows are
split without a leak (`split`), and what becomes of a model with one (`promoting`).
"""

import polars as pl


def leak(rows: pl.DataFrame, learned: frozenset[str]) -> str | None:
    """Say what of the test rows is not new to a model.

    Args:
        rows: `url`, `split`, `duplicate_cluster`.
        learned: Addresses that it learned from, by its own record.

    Returns:
        What, in words; None where all is new.
    """
    train, test = (rows.filter(pl.col("split") == side) for side in ("train", "test"))
    seen = [
        (test.filter(pl.col("url").is_in(train["url"].implode())), "are train rows too"),
        (
            test.filter(pl.col("duplicate_cluster").is_in(train["duplicate_cluster"].implode())),
            "have near duplicates among its train rows",
        ),
        (known_to(test, rows, learned), "are known to it, by the snapshot that it was trained on"),
    ]
    found = [f"{known['url'].n_unique()} of its {test.height} test rows {how}" for known, how in seen if known.height]
    return "; ".join(found) or None


def known_to(test: pl.DataFrame, rows: pl.DataFrame, learned: frozenset[str]) -> pl.DataFrame:
    """The test rows that a model has learned from, or from near duplicates of them.

    Args:
        test: `url`, `duplicate_cluster`.
        rows: The whole training set, likewise: copies are found through it.
        learned: Addresses that the model learned from.

    Returns:
        Rows of `test`.
    """
    urls = pl.Series("url", sorted(learned), dtype=pl.String)
    clusters = rows.join(urls.to_frame(), on="url", how="semi").select("duplicate_cluster").unique()
    return test.join(clusters, on="duplicate_cluster", how="semi", maintain_order="left")
