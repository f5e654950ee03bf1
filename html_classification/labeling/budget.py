"""What is left of the budget: what was spent, what is ordered, what another order may cost.

Belongs here: counting money that may be spent. Does not belong here: the order book itself (`orders`), or what is
bought with it (`buying`).
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from html_classification.labeling.answers import Answer
from html_classification.labeling.bought import BoughtAnswers
from html_classification.labeling.orders import Order, OrderBookState
from html_classification.labeling.terms import MICROS, Terms, micros


@dataclass(frozen=True)
class Commitment:
    """What an open order counts for.

    Attributes:
        order: The order.
        answered: What its stored answers cost, in millionths.
        unanswered: Its documents without an answer.
        price: The most that one of them may cost, in millionths.
    """

    order: Order
    answered: int
    unanswered: int
    price: int

    @property
    def micros(self) -> int:
        """The most that it may have cost in the end, in millionths."""
        return self.answered + self.unanswered * self.price


def billed(answers: Iterable[Answer]) -> int:
    """What answers cost together, in millionths."""
    return sum(round(answer.cost * MICROS) for answer in answers)


def commitment(order: Order, bought: BoughtAnswers, price: int = 0) -> Commitment:
    """What an open order counts for now.

    Args:
        order: The order.
        bought: The answers in its lake.
        price: What a document costs now, in millionths, where that is more than when it was ordered.

    Raises:
        LakeError: An answer is damaged, or the store fails.
    """
    known = bought.of(order.ids, order.source)
    answers = [answer for found in known.values() for answer in found]
    return Commitment(order, billed(answers), len(order.ids) - len(known), max(order.price_micros, price))


@dataclass(frozen=True)
class Budget:
    """The budget at a moment.

    Attributes:
        terms: How much may be spent in a day and in a month.
        spent: What counts as spent in either, in millionths: what closed orders cost, and what open ones may.
        open: What each open order counts for, by number.
    """

    terms: Terms
    spent: tuple[int, int]
    open: dict[int, Commitment]

    @property
    def left(self) -> int:
        """What may be ordered yet, in millionths; below zero where the budget was lowered or the price raised."""
        allowed = (micros(self.terms.budget_per_day), micros(self.terms.budget_per_month))
        return min(most - so_far for most, so_far in zip(allowed, self.spent, strict=True))

    def room(self, order: Order) -> int:
        """How many documents of an open order may be sent."""
        held = self.open[order.number]
        return min(held.unanswered, held.unanswered + self.left // held.price)

    def __str__(self) -> str:
        of_day, of_month = self.spent
        told = (
            f"the budget is spent: today {of_day / MICROS:g} of {self.terms.budget_per_day:f}, this month "
            f"{of_month / MICROS:g} of {self.terms.budget_per_month:f}, a document costs {self.terms.price:f}"
        )
        ordered = sum(one.unanswered * one.price for one in self.open.values())
        return f"{told}; {ordered / MICROS:g} of that is ordered, see 'labels spending'" if ordered else told


def budget(state: OrderBookState, bought: BoughtAnswers, terms: Terms, day: dt.date) -> Budget:
    """The budget as the order book has it.

    Raises:
        LakeError: An answer is damaged, or the store fails.
    """
    held = {number: commitment(order, bought, terms.price_micros) for number, order in state.open.items()}
    return Budget(terms, state.spent(day, sum(one.micros for one in held.values())), held)
