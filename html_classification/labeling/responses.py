"""What a labelling API answered, as answers about texts.

Belongs here: reading a response, item by item, whatever it holds. Does not belong here: sending requests (`api`), or
which categories there are (`day_labels`): what is unknown today may be a category tomorrow, and is paid for already.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from html_classification.labeling.answers import Answer, UtcTime
from html_classification.labeling.orders import Document, Request
from html_classification.labeling.terms import MICROS, micros

_LONGEST_NAME = 200
_LARGEST_RAW = 64 * 1024
#: How far the clock of the API may be ahead of ours.
_AHEAD = timedelta(days=1)
_TIME: TypeAdapter[datetime] = TypeAdapter(UtcTime)


class UnreadableError(Exception):
    """A response says nothing about any document."""


def read_answers(data: bytes, request: Request, source: str, price: Decimal, arrived: datetime) -> list[Answer]:
    """The answer about each document of a request.

    Args:
        data: The response's body.
        request: What was asked.
        source: The API, for the annotator's name where it says none.
        price: What a document cost where the response does not say.
        arrived: When the response arrived.

    Returns:
        One for each document, in the order of the request; one that is no label has a reason. A document that the
        response leaves out counts as billed, since it may have been.

    Raises:
        UnreadableError: The body is not a JSON object with a list `results`, or is an error.
    """
    try:
        said = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        message = f"not JSON: {error}"
        raise UnreadableError(message) from None
    if not isinstance(said, dict) or not isinstance(said.get("results"), list):
        message = "not a JSON object with a list of results"
        raise UnreadableError(message)
    if said.get("error") and not said["results"]:
        message = "an error with the status of a success"
        raise UnreadableError(message)
    model = said.get("model")
    named = isinstance(model, str) and model.strip() and len(model) <= _LONGEST_NAME and model.isprintable()
    annotator = f"api:{str(model).strip() if named else source}"
    items: dict[str, Mapping[str, Any]] = {}
    for item in said["results"]:
        if isinstance(item, dict) and isinstance(item.get("id"), str):
            items.setdefault(item["id"], item)
    return [_answer(document, items.get(document.id), annotator, price, arrived) for document in request.documents]


def no_label(document: Document, source: str, reason: str, cost: Decimal, arrived: datetime, raw: str) -> Answer:
    """The answer about a document that got none that can be used.

    Args:
        document: The document.
        source: The API.
        reason: Why.
        cost: What it cost all the same.
        arrived: When that was known.
        raw: What the API said, as it came.
    """
    return Answer(
        content_sha1=document.id,
        annotator=f"api:{source}",
        category=None,
        labelled_at=arrived,
        cost=micros(cost) / MICROS,
        answer=raw,
        reason=reason,
    )


def _answer(
    document: Document, item: Mapping[str, Any] | None, annotator: str, price: Decimal, arrived: datetime
) -> Answer:
    if item is None:
        return no_label(document, annotator.removeprefix("api:"), "no result for this document", price, arrived, "null")
    category, confidence = item.get("category"), item.get("confidence")
    reason = _wrong(category, confidence)
    return Answer(
        content_sha1=document.id,
        annotator=annotator,
        category=None if reason else str(category).strip(),
        confidence=None if reason or confidence is None else float(confidence),
        labelled_at=_time(item.get("labelled_at"), arrived),
        cost=micros(_cost(item.get("cost"), price)) / MICROS,
        answer=_raw(item),
        reason=reason,
    )


def _wrong(category: object, confidence: object) -> str | None:
    """Why an item is no label; None where it is one."""
    if category is None:
        return "no category: the annotator could not tell"
    if not isinstance(category, str) or not category.strip() or len(category) > _LONGEST_NAME:
        return f"category: not a name of at most {_LONGEST_NAME} characters"
    if not category.isprintable():
        return "category: has characters that cannot be printed"
    number = isinstance(confidence, int | float) and not isinstance(confidence, bool)
    if confidence is not None and not (number and 0 <= confidence <= 1):  # type: ignore[operator]
        return "confidence: not a number from 0 to 1"
    return None


def _cost(said: object, price: Decimal) -> Decimal:
    """What an item says that it cost; the price where it says nothing that can be."""
    if isinstance(said, bool) or not isinstance(said, str | int | float):
        return price
    try:
        cost = Decimal(str(said))
    except InvalidOperation:
        return price
    return cost if cost.is_finite() and 0 <= cost <= 1_000_000 else price


def _time(said: object, arrived: datetime) -> datetime:
    """When an item says that it was made; when it arrived where it says nothing that can be."""
    try:
        time = _TIME.validate_python(said) if isinstance(said, str) else arrived
    except ValidationError:
        return arrived
    return time if time <= arrived + _AHEAD else arrived


def _raw(item: Mapping[str, Any]) -> str:
    """An item as JSON, cut where nobody can have meant so much."""
    try:
        raw = orjson.dumps(item, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # deeper than what can be written
        flat = {name: value if isinstance(value, str | int | float) else None for name, value in item.items()}
        raw = orjson.dumps(flat, option=orjson.OPT_SORT_KEYS)
    if len(raw) <= _LARGEST_RAW:
        return raw.decode()
    return orjson.dumps(raw[:_LARGEST_RAW].decode("utf-8", errors="ignore")).decode()
