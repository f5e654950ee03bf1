"""`labels ls` and `labels spending`: who labelled how much, and what it cost.

Belongs here: the commands that only look. Does not belong here: tasks and answers of people (`labels`), or how money
is counted (`labeling.orders`).
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from html_classification.cli.apps import labels_app
from html_classification.cli.output import AsJson, open_lake, out, print_json, print_table

if TYPE_CHECKING:
    from html_classification.lake import Lake


@labels_app.command("ls")
def labels_ls(as_json: AsJson = False) -> None:
    """Who labelled: each annotator's texts, what they cost, and how far the annotator can be trusted."""
    lake = open_lake()
    rows = _annotators(lake)
    if as_json:
        print_json(rows)
    elif not rows:
        out.print(f"no labels in {lake.uri} yet: run the group gold first", markup=False)
    else:
        shown = [row | {"quality": "" if row["quality"] is None else f"{row['quality']:.3f}"} for row in rows]
        print_table(["annotator", "texts", "first_day", "last_day", "cost", "quality"], shown)


def _annotators(lake: "Lake") -> list[dict[str, Any]]:
    """A row for each annotator of the current versions, most texts first."""
    import polars as pl

    if not lake.current("labels"):
        return []
    texts = (
        lake.scan("labels")
        .group_by("annotator", "content_sha1")
        .agg(cost=pl.col("cost").max(), first=pl.col("day").min(), last=pl.col("day").max())
    )
    annotators = (
        texts.group_by("annotator")
        .agg(
            texts=pl.len(),
            first_day=pl.col("first").min().cast(pl.String),
            last_day=pl.col("last").max().cast(pl.String),
            cost=pl.col("cost").sum().round(6),
        )
        .collect()
        .sort(pl.col("texts"), "annotator", descending=[True, False])
    )
    judged = lake.current("annotators")
    quality: dict[str, float | None] = {}
    if judged:
        quality = dict(lake.read("annotators", max(judged)).select("annotator", "quality").iter_rows())
    return [row | {"quality": quality.get(row["annotator"])} for row in annotators.iter_rows(named=True)]


@labels_app.command("spending")
def labels_spending(as_json: AsJson = False) -> None:
    """What was spent on labels today and this month (UTC), and what may be.

    Orders that have no answer yet count with the most that they may cost.
    """
    from html_classification.labeling.orders import OrderBook
    from html_classification.labeling.terms import MICROS, micros
    from html_classification.settings import load_settings

    settings, today = load_settings(), datetime.now(UTC).date()
    state = OrderBook(open_lake().store).read()
    price = micros(settings.labels_price or Decimal(0))
    ordered = sum(order.reserved(price) for order in state.open.values())
    budgets = (settings.labels_budget_per_day, settings.labels_budget_per_month)
    rows = [
        {
            "period": period,
            "spent": spent / MICROS,
            "of_that_ordered": ordered / MICROS,
            "budget": None if budget is None else float(budget),
        }
        for period, spent, budget in zip(
            (today.isoformat(), f"{today:%Y-%m}"), state.spent(today, price), budgets, strict=True
        )
    ]
    if as_json:
        print_json(rows)
        return
    print_table(list(rows[0]), [{name: "" if value is None else value for name, value in row.items()} for row in rows])
    if state.open:
        documents = sum(len(order.documents) for order in state.open.values())
        out.print(f"{documents} documents are ordered and have no answer yet: run labels again", markup=False)
