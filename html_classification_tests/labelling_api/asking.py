"""Asking the labelling API in its own tests, with plain httpx.

Belongs here: documents and requests. Does not belong here: the project's client, which has tests of its own.
"""

import hashlib
from typing import Any

import httpx

from html_classification_tests.labelling_api.serving import LabellingApi

#: One for all, since making one takes longer than a request; with a connection for each request.
CLIENT = httpx.Client(trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))


def document(number: int) -> dict[str, Any]:
    """A document, always the same for the same number."""
    text = f"Page {number} - what it says"
    identifier = hashlib.sha1(text.encode()).hexdigest()
    return {"id": identifier, "url": f"https://pages.example/{number}", "title": f"Page {number}", "text": text}


def body(*numbers: int, **others: Any) -> dict[str, Any]:
    """A request's body with some documents."""
    return {"documents": [document(number) for number in numbers], **others}


def headers(api: LabellingApi, key: str) -> dict[str, str]:
    """The headers of a request with an idempotency key."""
    return {"Authorization": f"Bearer {api.key}", "Idempotency-Key": key}


def ask(api: LabellingApi, key: str, content: dict[str, Any], timeout: float = 30) -> httpx.Response:
    """Send a request, once."""
    return CLIENT.post(api.url, json=content, headers=headers(api, key), timeout=timeout)
