"""Invented persons, their addresses and telephone numbers, and prices.

Belongs here: everything that looks like personal data. Does not belong here: anything that could reach
somebody. Mail addresses end in ``.example`` and telephone numbers come from ranges that the authorities
keep free for fiction (North America 555-01xx, Berlin 23125, France 01 99 00).
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

MAIL_HOSTS = ("post.example", "mailbox.example", "letterbox.example", "inbox.example")


@dataclass(frozen=True)
class Person:
    """Somebody who does not exist."""

    first: str
    last: str

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"


def ascii_word(text: str) -> str:
    """The text in lower case ASCII letters, for addresses."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return "".join(char for char in plain.lower() if char.isalnum())


def email_of(somebody: Person, rng: random.Random) -> str:
    """A mail address that can never be delivered."""
    joint = rng.choice((".", "_", ""))
    return f"{ascii_word(somebody.first)}{joint}{ascii_word(somebody.last)}@{rng.choice(MAIL_HOSTS)}"


def phone_number(rng: random.Random, language: str) -> str:
    """A number from a range reserved for fiction."""
    if language == "de":
        return f"030 23125 {rng.randint(100, 999)}"
    if language == "fr":
        return f"01 99 00 {rng.randint(10, 99)} {rng.randint(10, 99)}"
    return f"({rng.choice((202, 312, 415, 503, 617))}) 555-01{rng.randint(0, 99):02d}"


def street_address(rng: random.Random, streets: Sequence[str], cities: Sequence[str]) -> str:
    """Street, number and town."""
    return f"{rng.randint(1, 98)} {rng.choice(streets)}, {rng.choice(cities)}"


def price(rng: random.Random, language: str) -> str:
    """A price as people write it in the language."""
    amount = rng.choice((9, 15, 19, 25, 39, 49, 65, 80, 99, 120, 149, 180, 240, 320))
    if language == "en":
        return f"{rng.choice(('£', '€', '$'))}{amount}"
    return f"{amount} €"
