"""What goes wrong with the labelling API, and how often.

Belongs here: the kinds of faults, and the drawing of them. Does not belong here: what happens then (`app`).

Nothing here depends on the order in which requests come: what happens to an attempt follows from the seed, the
idempotency key and how many attempts the key has had; what a bad answer looks like, from the seed and the document.
So two runs with the same keys and documents meet the same faults, and a test can say beforehand which.
"""

import hashlib
from enum import StrEnum
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

Kind = TypeVar("Kind")


class RequestFault(StrEnum):
    """What happens to an attempt at a request."""

    TOO_MANY = "429"
    ERROR = "500"
    BAD_GATEWAY = "502"
    UNAVAILABLE = "503"
    LOST = "lost"  # billed, then 500
    CLOSED = "closed"  # billed, then the connection is closed without an answer
    LATE = "late"  # billed, then answered when nobody waits any more
    TRUNCATED = "truncated"  # billed, then the connection is closed within the answer
    NOT_JSON = "not-json"  # billed, then 200 with a page of a proxy in place of the answer


#: What happens before anything is billed, answered with the status of the same name.
UNBILLED = (RequestFault.TOO_MANY, RequestFault.ERROR, RequestFault.BAD_GATEWAY, RequestFault.UNAVAILABLE)
#: What happens after it: the answer is paid for and does not arrive.
BILLED = tuple(fault for fault in RequestFault if fault not in UNBILLED)


class BadAnswer(StrEnum):
    """What is wrong with the answer about a document; it is billed, and stays wrong."""

    MISSING = "missing"  # there is none
    UNKNOWN_CATEGORY = "unknown-category"  # one that is in no list
    BAD_CONFIDENCE = "bad-confidence"  # 7
    BAD_CATEGORY = "bad-category"  # a number
    NO_CATEGORY = "no-category"  # null, as for a document that cannot be categorized


class Faults(BaseModel):
    """How often what goes wrong: shares from 0 to 1, which add up to at most 1.

    Attributes:
        seed: Another seed, other faults.
        requests: The share of attempts that each fault happens to.
        attempts: Only the first attempts with a key may fail, so many; None: any, by its share.
        documents: The share of documents whose answer is bad.
        late_seconds: How late a late answer is; longer than the client's timeout.
    """

    model_config = ConfigDict(frozen=True)

    seed: int = 0
    requests: dict[RequestFault, float] = {}
    attempts: int | None = None
    documents: dict[BadAnswer, float] = {}
    late_seconds: float = 5

    @classmethod
    def evenly(cls, requests: float = 0, documents: float = 0, **others: int | float | None) -> "Faults":
        """Every kind as often as any other; together these shares of the attempts and of the documents."""
        return cls(
            requests=dict.fromkeys(RequestFault, requests / len(RequestFault)),
            documents=dict.fromkeys(BadAnswer, documents / len(BadAnswer)),
            **others,
        )

    def of_attempt(self, key: str, attempt: int) -> RequestFault | None:
        """What happens to an attempt with a key, the first being 1."""
        if self.attempts is not None and attempt > self.attempts:
            return None
        return _pick(self.requests, draw("request", self.seed, key, attempt))

    def of_document(self, identifier: str) -> BadAnswer | None:
        """What is wrong with the answer about a document."""
        return _pick(self.documents, draw("document", self.seed, identifier))


def draw(*of: object) -> float:
    """A number from 0 to below 1, always the same for the same values and as good as random for others."""
    digest = hashlib.blake2b("\0".join(map(str, of)).encode(), digest_size=6).digest()
    return int.from_bytes(digest) / 2**48


def _pick(shares: dict[Kind, float], point: float) -> Kind | None:
    for kind, share in shares.items():
        if point < share:
            return kind
        point -= share
    return None
