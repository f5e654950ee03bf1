"""People's answers in the lake.

Belongs here: keeping what was imported, once, and reading it. Does not belong here: the formats of annotation tools
(`label_studio`), or which annotator's answer counts (`consensus`).

    label-store/imports/<SHA-1 of the file>.jsonl           an answer a line, sorted
    label-store/imports/<the same SHA-1>.rejected.jsonl     what was no answer, and why

Files are only added. An import writes what is not known yet, so that the same export again writes nothing. An answer
is known by who gave it, about which text, what it was and when; its raw form differs from one export to the next.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from html_classification.labeling.answers import Answer
from html_classification.lake.errors import LakeError
from html_classification.lake.paths import LABEL_STORE
from html_classification.lake.store import Store, in_parallel

FOLDER = f"{LABEL_STORE}/imports"

#: The name of an import, or of what was rejected with it.
FILE = re.compile(r"(?P<sha1>[0-9a-f]{40})(?P<rejected>\.rejected)?\.jsonl")


@dataclass(frozen=True)
class Imported:
    """What became of an import.

    Attributes:
        new: Answers that were not known before.
        known: Answers that were, or stood in the export twice.
        rejected: How much of the export was no answer.
        uri: The file with the new answers; None where there are none.
        texts: The content_sha1 of each text that a new answer is about.
    """

    new: int
    known: int
    rejected: int
    uri: str | None
    texts: frozenset[str]


def read_people(store: Store) -> list[Answer]:
    """Every person's answer about every text, sorted by text and person.

    Of one person's answers about one text the latest counts; of two of the same time the last by its bytes.

    Args:
        store: The lake's store.

    Raises:
        LakeError: A file of an import is damaged, or the store cannot be read.
    """
    latest: dict[tuple[str, str], tuple[Answer, bytes]] = {}
    for answer, line in _answers(store):
        who = (answer.content_sha1, answer.annotator)
        known = latest.get(who)
        if known is None or (known[0].labelled_at, known[1]) < (answer.labelled_at, line):
            latest[who] = answer, line
    return [latest[who][0] for who in sorted(latest)]


def import_answers(store: Store, answers: Iterable[Answer], rejected: Sequence[Mapping[str, Any]]) -> Imported:
    """Keep people's answers, and what was rejected, as far as they are not known yet.

    Args:
        store: The lake's store. The lake must be marked first (`Lake.mark`).
        answers: The answers of an export, in any order.
        rejected: What was no answer: `reason`, `where` in the export, and `row` (JSON).

    Raises:
        LakeError: A file of an import is damaged, or the store cannot be read or written.
    """
    given = sorted(((_line(answer), answer) for answer in answers), key=lambda one: one[0])
    known = {_identity(answer) for answer, _ in _answers(store)}
    new: dict[tuple[object, ...], bytes] = {}
    for line, answer in given:
        if _identity(answer) not in known:
            new.setdefault(_identity(answer), line)
    data = b"".join(new.values())
    path = f"{FOLDER}/{_sha1(data)}.jsonl"
    written = bool(new) and store.put_new(path, data)
    _keep_rejected(store, rejected, data)
    if not written:
        return Imported(0, len(given), len(rejected), None, frozenset())
    texts = frozenset(answer.content_sha1 for _, answer in given if _identity(answer) in new)
    return Imported(len(new), len(given) - len(new), len(rejected), store.uri(path), texts)


def _keep_rejected(store: Store, rejected: Sequence[Mapping[str, Any]], answers: bytes) -> None:
    """Keep it beside the answers that came with it; where none was new, under its own SHA-1."""
    if not rejected:
        return
    known = set(_rejected(store))
    data = b"".join(sorted(_json(row) for row in rejected if (row["reason"], row["row"]) not in known))
    names = [_sha1(answers), _sha1(data)] if answers else [_sha1(data)]
    if data:
        # The first is taken where another import had the same answers and rejected something else.
        any(store.put_new(f"{FOLDER}/{name}.rejected.jsonl", data) for name in names)


def _answers(store: Store) -> Iterator[tuple[Answer, bytes]]:
    for path, sha1, data in _read(store, rejected=False):
        yield from parse_import(data, sha1, store.uri(path))


def _rejected(store: Store) -> Iterator[tuple[str, str]]:
    for path, _, data in _read(store, rejected=True):
        yield from parse_rejected(data, store.uri(path))


def parse_import(data: bytes, sha1: str, uri: str) -> Iterator[tuple[Answer, bytes]]:
    """The answers of an import, each with its line.

    Args:
        data: The file's bytes.
        sha1: Their SHA-1, by the file's name.
        uri: Its address, for messages.

    Raises:
        LakeError: It is damaged.
    """
    if _sha1(data) != sha1:
        raise _damaged(uri, "its SHA-1 is not the one in its name")
    for number, line in enumerate(data.splitlines(keepends=True), start=1):
        try:
            yield Answer.model_validate_json(line), line
        except (ValidationError, OverflowError) as error:
            raise _damaged(uri, f"line {number} is no answer") from error


def parse_rejected(data: bytes, uri: str) -> Iterator[tuple[str, str]]:
    """Reason and row of what was rejected: where in an export it stood differs from one to the next.

    Raises:
        LakeError: It is damaged.
    """
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            row = orjson.loads(line)
            yield str(row["reason"]), str(row["row"])
        except (orjson.JSONDecodeError, TypeError, KeyError) as error:
            raise _damaged(uri, f"line {number} says not what was rejected and why") from error


def _read(store: Store, *, rejected: bool) -> Iterator[tuple[str, str, bytes]]:
    """Path, SHA-1 by its name, and bytes of each file of the one kind or the other."""
    found = {item.path: FILE.fullmatch(item.name) for item in store.list(FOLDER) if item.name.endswith(".jsonl")}
    for path, name in found.items():
        if name is None:
            message = f"{store.uri(path)} was put there by hand, and would not count"
            raise LakeError(
                f"{message}: move it elsewhere, and import answers with 'html-classification labels import'"
            )
    wanted = {path: name["sha1"] for path, name in found.items() if name and bool(name["rejected"]) == rejected}
    yield from zip(wanted, wanted.values(), in_parallel(store.get, wanted), strict=True)


def _damaged(uri: str, what: str) -> LakeError:
    mend = "put it back from a copy, or delete it and import the exports again"
    return LakeError(f"{uri} is damaged, {what}: {mend}")


def _identity(answer: Answer) -> tuple[object, ...]:
    return (answer.content_sha1, answer.annotator, answer.category, answer.confidence, answer.labelled_at)


def _line(answer: Answer) -> bytes:
    return answer.model_dump_json().encode() + b"\n"


def _json(row: Mapping[str, Any]) -> bytes:
    return orjson.dumps(dict(row), option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def _sha1(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()
