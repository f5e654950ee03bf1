"""`labels ls`, `labels spending` and `labels close-order`: who labelled how much, what it cost, and what is open.

Belongs here: the commands about what there is. Does not belong here: tasks and answers of people (`labels`), or how
money is counted (`labeling.budget`).
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from html_classification.cli.apps import labels_app
from html_classification.cli.output import AsJson, fail, open_lake, out, print_json, print_table

if TYPE_CHECKING:
    from html_classification.labeling.budget import Commitment
    from html_classification.labeling.orders import OrderBookState
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

    Orders whose documents do not all have an answer count with the most that they may cost; they are listed below.
    """
    from html_classification.labeling.terms import MICROS
    from html_classification.settings import load_settings

    settings, today = load_settings(), datetime.now(UTC).date()
    state, held = _open_orders()
    budgets = (settings.labels_budget_per_day, settings.labels_budget_per_month)
    spent = state.spent(today, sum(one.micros for one in held))
    rows = [
        {
            "period": period,
            "spent": so_far / MICROS,
            "of_that_ordered": sum(one.unanswered * one.price for one in held) / MICROS,
            "budget": None if budget is None else float(budget),
        }
        for period, so_far, budget in zip((f"{today}", f"{today:%Y-%m}"), spent, budgets, strict=True)
    ]
    if as_json:
        print_json(rows)
        return
    print_table(list(rows[0]), [{name: "" if value is None else value for name, value in row.items()} for row in rows])
    if held:
        out.print()
        print_table(["order", "api", "ordered_at", "unanswered"], [_shown(one) for one in held])


def _open_orders() -> "tuple[OrderBookState, list[Commitment]]":
    """The order book, and what each open order counts for."""
    from html_classification.labeling.bought import BoughtAnswers
    from html_classification.labeling.budget import commitment
    from html_classification.labeling.orders import OrderBook
    from html_classification.labeling.terms import micros
    from html_classification.settings import load_settings

    store = open_lake().store
    state, bought = OrderBook(store).read(), BoughtAnswers(store)
    price = micros(load_settings().labels_price or Decimal(0))
    return state, [commitment(order, bought, price) for order in state.open.values()]


def _shown(one: "Commitment") -> dict[str, Any]:
    ordered_at = f"{one.order.ordered_at:%Y-%m-%dT%H:%M:%SZ}"
    return {"order": one.order.number, "api": one.order.source, "ordered_at": ordered_at, "unanswered": one.unanswered}


@labels_app.command("close-order")
def labels_close_order(
    number: Annotated[int, typer.Argument(min=1, metavar="ORDER", help="Its number, as 'labels spending' shows it.")],
) -> None:
    """Give up the rest of an order, of an API that will never answer it.

    Orders are finished by themselves, so this is for an API that is not used any more. What may have been billed counts
    as spent today. Texts without an answer are ordered anew, and paid for again where they were billed.
    """
    from html_classification.labeling.orders import OrderBook
    from html_classification.labeling.terms import MICROS

    held = next((one for one in _open_orders()[1] if one.order.number == number), None)
    if held is None:
        fail(f"there is no open order {number}; 'html-classification labels spending' shows what there is")
    book = OrderBook(open_lake().store)
    book.close(held.order, held.micros, datetime.now(UTC).date(), {"given_up": held.unanswered})
    told = f"order {number} is closed: {held.unanswered} of {len(held.order.documents)} documents have no answer"
    out.print(f"{told}; {held.micros / MICROS:g} counts as spent", markup=False)
