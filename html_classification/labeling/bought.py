"""Bought answers: each stored once, by the text that was judged, and never bought again.

Belongs here: where they lie and how they are found. Does not belong here: how they are bought (`buying`).

    label-store/answers/<source>/<first two digits>/<SHA-1 of the text>.json

A text's answer is found by one read, however many there are. Two runs that store the same answer do no harm: the
first one stays. To order a text again whose answer is no label, delete its file.
"""

import re
from collections.abc import Iterable
from functools import cached_property

from pydantic import ValidationError

from html_classification.labeling.answers import Answer
from html_classification.lake.errors import LakeError
from html_classification.lake.paths import LABEL_STORE
from html_classification.lake.store import Store, in_parallel

FOLDER = f"{LABEL_STORE}/answers"
#: Answers that are kept in memory: those of some days, so that a year of days does not fill it.
_MOST_KEPT = 20_000
#: Where an answer lies: its source, and the SHA-1 of the text.
ANSWER = re.compile(rf"{FOLDER}/([a-z0-9.-]+)/(?P<start>[0-9a-f]{{2}})/((?P=start)[0-9a-f]{{38}})\.json")


class BoughtAnswers:
    """The bought answers in a lake, whichever API gave them.

    Args:
        store: The lake's store.
        source: The API that answers are bought of now, which may have given none yet.
    """

    def __init__(self, store: Store, source: str | None = None) -> None:
        self._store = store
        self._source = source
        self._known: dict[str, Answer] = {}  # by path; answers never change

    @cached_property
    def _sources(self) -> list[str]:
        """The APIs, by the names of their folders; looked for once."""
        return sorted({*self._store.folders(FOLDER), *([self._source] if self._source else [])})

    def of(self, sha1s: Iterable[str], source: str | None = None) -> dict[str, list[Answer]]:
        """The answers about some texts.

        Args:
            sha1s: The SHA-1 of each text.
            source: Only those that this API gave.

        Returns:
            By SHA-1 the answers, sorted by source; texts without one are left out.

        Raises:
            LakeError: An answer is damaged, or the store fails.
        """
        if len(self._known) > _MOST_KEPT:
            self._known.clear()
        wanted = [source] if source else self._sources
        keys = [(sha1, answer_path(one, sha1)) for sha1 in dict.fromkeys(sha1s) for one in wanted]
        self._read([path for _, path in keys])
        found: dict[str, list[Answer]] = {}
        for sha1, path in keys:
            if path in self._known:
                found.setdefault(sha1, []).append(self._known[path])
        return found

    def put(self, source: str, answer: Answer) -> Answer:
        """Store an answer; where there is one already, that one stays.

        Returns:
            The one that is stored.

        Raises:
            LakeError: The store fails.
        """
        path = answer_path(source, answer.content_sha1)
        if self._store.put_new(path, (answer.model_dump_json(indent=2) + "\n").encode()):
            self._known[path] = answer
        else:
            self._read([path])
        return self._known[path]

    def _read(self, paths: Iterable[str]) -> None:
        wanted = [path for path in paths if path not in self._known]
        read = in_parallel(self._find, wanted) if self._store.is_s3 else map(self._find, wanted)
        self._known |= {path: answer for path, answer in zip(wanted, read, strict=True) if answer}

    def _find(self, path: str) -> Answer | None:
        data = self._store.find(path)
        if data is None:
            return None
        return parse_answer(data, path.rpartition("/")[2].removesuffix(".json"), self._store.uri(path))


def parse_answer(data: bytes, sha1: str, uri: str) -> Answer:
    """A bought answer from its file.

    Args:
        data: The file's bytes.
        sha1: The SHA-1 of the text, by its name.
        uri: Its address, for messages.

    Raises:
        LakeError: It is damaged.
    """
    try:
        answer = Answer.model_validate_json(data)
        problem = "" if answer.content_sha1 == sha1 else f"it is about the text {answer.content_sha1}"
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]["msg"]
    if problem:
        message = f"{uri} is damaged ({problem}); put it back from a copy: it was paid for"
        raise LakeError(message)
    return answer


def answer_path(source: str, sha1: str) -> str:
    """Where the answer about a text lies.

    >>> answer_path("labels.example", "8b8ae027744d" + "0" * 28)
    'label-store/answers/labels.example/8b/8b8ae027744d0000000000000000000000000000.json'
    """
    return f"{FOLDER}/{source}/{sha1[:2]}/{sha1}.json"
