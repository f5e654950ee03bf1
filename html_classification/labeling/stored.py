"""Verifying the label store: what was paid for, and what people said.

Belongs here: reading each of its files, and whether an order is missing. Does not belong here: what a file must be
(`orders`, `bought`, `imports`), the other files of a lake (`lake.upkeep`), and mending: nothing is written.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from html_classification.labeling import bought, imports, orders
from html_classification.lake.errors import LakeError, StoreError
from html_classification.lake.paths import LABEL_STORE
from html_classification.lake.store import Store, StoredObject, in_parallel
from html_classification.lake.upkeep.contents import unreadable
from html_classification.lake.upkeep.findings import Finding, Report, problem_of

#: Files that are read before the next ones are asked for.
_AT_A_TIME = 10_000


def _read_order(found: re.Match[str], data: bytes, uri: str) -> None:
    orders.parse_order(data, int(found[1]), uri)


def _read_closing(found: re.Match[str], data: bytes, uri: str) -> None:
    orders.require_closing(data, int(found[4]), uri)


def _read_answer(found: re.Match[str], data: bytes, uri: str) -> None:
    bought.parse_answer(data, found[3], uri)


def _read_import(found: re.Match[str], data: bytes, uri: str) -> None:
    lines = imports.parse_rejected(data, uri) if found["rejected"] else imports.parse_import(data, found["sha1"], uri)
    for _ in lines:
        pass


#: What lies in the label store, by its path, and what reads it: a LakeError says what is wrong.
_READERS: dict[re.Pattern[str], Callable[[re.Match[str], bytes, str], None]] = {
    orders.ORDER: _read_order,
    orders.CLOSED: _read_closing,
    bought.ANSWER: _read_answer,
    re.compile(f"{imports.FOLDER}/{imports.FILE.pattern}"): _read_import,
}


def check_label_store(store: Store) -> Report:
    """Read every file of the label store, and find out what has no place in it.

    What killed writers left there is found with all the rest of the lake (`lake.upkeep.verify`).

    Args:
        store: The lake's store.

    Returns:
        What was looked at and what was found.

    Raises:
        StoreError: The store cannot be listed.
    """
    files = store.list(LABEL_STORE)
    findings = list(_missing_orders(store, files))
    check = partial(_check, store)
    for start in range(0, len(files), _AT_A_TIME):
        some = files[start : start + _AT_A_TIME]
        findings += filter(None, in_parallel(check, some) if store.is_s3 else map(check, some))
    return Report(0, len(files), sum(item.bytes for item in files), sorted(findings))


def _check(store: Store, item: StoredObject) -> Finding | None:
    uri = store.uri(item.path)
    matches = ((pattern.fullmatch(item.path), read) for pattern, read in _READERS.items())
    found, read = next(((found, read) for found, read in matches if found), (None, None))
    if found is None or read is None:
        advice = "move it elsewhere or delete it; answers are imported with 'html-classification labels import'"
        return Finding(uri, "stray", "has no place in a label store, and does not count", advice)
    try:
        data = store.find(item.path)
        if data is None:  # a person took it away, to have its text judged again
            return None
        if not data:
            return Finding(uri, "label-store", "is empty", "put it back from a copy")
        read(found, data, uri)
    except StoreError as error:
        return unreadable(uri, error)
    except LakeError as error:
        return Finding(uri, "label-store", *problem_of(error, uri))
    return None


def _missing_orders(store: Store, files: Sequence[StoredObject]) -> Iterator[Finding]:
    """Orders are numbered without gaps: where one is not there, it was lost."""
    numbers = {int(found[1]) for item in files if (found := orders.ORDER.fullmatch(item.path))}
    closed = {int(found[1]) for item in files if (found := orders.CLOSED.fullmatch(item.path))}
    before, end = 0, max(numbers | closed, default=0) + 1
    for number in sorted(numbers | {end}):
        first, last = before + 1, number - 1
        if first <= last and store.find(orders.order_path(first)) is None:  # not put since the listing began
            which = f"order {last}" if first == last else f"orders {first} to {last}"
            problem = f"{which} was lost" if first == last else f"{which} were lost"
            advice = "put it back from a copy: what was ordered and not closed may be billed again"
            yield Finding(store.uri(orders.order_path(first)), "label-store", problem, advice)
        before = number
