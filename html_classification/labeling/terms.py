"""The terms on which labels are bought.

Belongs here: the address of a labelling API, prices and budgets, how fast it may be asked, and its key. Does not
belong here: asking it (`api`), or deciding what to buy (`buying`).
"""

import os
import re
from decimal import ROUND_CEILING, Decimal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from html_classification.settings import SettingsError

KEY_VARIABLE = "HTML_CLASSIFICATION_LABELS_KEY"
PATH = "/api/v1/document-categorization"

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
#: Millionths of the currency, in which money is counted.
MICROS = 1_000_000


class Terms(BaseModel):
    """How labels are bought of an API."""

    model_config = ConfigDict(frozen=True)

    url: str = Field(description="Where requests are posted to.")
    price: Decimal = Field(gt=0, description="The most that one document costs.")
    budget_per_day: Decimal = Field(ge=0, description="The most to spend in a day (UTC).")
    budget_per_month: Decimal = Field(ge=0, description="The most to spend in a calendar month (UTC).")
    batch_size: int = Field(16, ge=1, description="Documents in a request.")
    concurrency: int = Field(16, ge=1, description="Requests at once.")
    requests_per_second: float | None = Field(None, gt=0, description="The API's limit; None where it is not known.")
    timeout: float = Field(30, gt=0, description="Seconds to wait for an answer.")
    categories: tuple[str, ...] = Field((), description="The categories that there are; none: any.")

    @property
    def source(self) -> str:
        """The API's name in the label store: its host, whatever the port and the path.

        >>> Terms(url="https://Labels.example/v2", price=1, budget_per_day=1, budget_per_month=1).source
        'labels.example'
        """
        return re.sub(r"[^a-z0-9.-]", "-", (urlsplit(self.url).hostname or "").lower().rstrip("."))

    @property
    def is_on_this_machine(self) -> bool:
        """Whether the API is one on loopback."""
        return urlsplit(self.url).hostname in _LOOPBACK

    @property
    def price_micros(self) -> int:
        """The price in millionths of the currency."""
        return micros(self.price)


def micros(money: Decimal) -> int:
    """Money in millionths, rounded up: whole numbers add up exactly.

    >>> micros(Decimal("0.002")), micros(Decimal("0.0000001"))
    (2000, 1)
    """
    return int((money * MICROS).to_integral_value(ROUND_CEILING))


def api_address(labels: str) -> str | None:
    """Where requests are posted to, of what HTML_CLASSIFICATION_LABELS says; None where that is no web address.

    >>> api_address("https://labels.example"), api_address("https://labels.example/v2/ask"), api_address("labels.jsonl")
    ('https://labels.example/api/v1/document-categorization', 'https://labels.example/v2/ask', None)

    Raises:
        SettingsError: A key or a password stands in it, or it would be sent in the clear. The address is not repeated.
    """
    labels = labels.strip()
    if not labels.lower().startswith(("http://", "https://")):
        return None
    try:
        parts = urlsplit(labels)
        host, named = parts.hostname, parts.port is None or parts.port > 0
    except ValueError:
        host, named = None, False
    if not host or not named:
        message = "HTML_CLASSIFICATION_LABELS is no web address: give one such as https://labels.example"
        raise SettingsError(message)
    if parts.username or parts.password or parts.query or parts.fragment:
        message = (
            f"HTML_CLASSIFICATION_LABELS has more than host and path: give the API's key in {KEY_VARIABLE} instead"
        )
        raise SettingsError(message)
    if parts.scheme.lower() == "http" and host not in _LOOPBACK:
        message = "HTML_CLASSIFICATION_LABELS would send key and texts in the clear: give an https:// address"
        raise SettingsError(message)
    return labels if parts.path.strip("/") else f"{labels.rstrip('/')}{PATH}"


def api_key() -> SecretStr:
    """The key of the labelling API, from the environment.

    Raises:
        SettingsError: There is none, or it cannot be one.
    """
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key:
        message = f"no key for the labelling API: set {KEY_VARIABLE} in the environment or .env"
        raise SettingsError(message)
    if not key.isascii() or not key.isprintable() or " " in key:
        message = f"{KEY_VARIABLE} holds what no key can: printable ASCII without spaces is asked for"
        raise SettingsError(message)
    return SecretStr(key)
