"""Bought answers: each stored once, by the text that was judged, and never bought again.

Belongs here: where they lie and how they are found. Does not belong here: how they are bought (`buying`).

    label-store/answers/<source>/<first two digits>/<SHA-1 of the text>.json

A text's answer is found by one read, however many there are. Two runs that store the same answer do no harm: the
first one stays. To order a text again whose answer is no label, delete its file.
"""

from collections.abc import Iterable

from pydantic import ValidationError

from html_classification.labeling.answers import Answer
from html_classification.lake.errors import LakeError
from html_classification.lake.paths import LABEL_STORE
from html_classification.lake.store import Store, in_parallel

FOLDER = f"{LABEL_STORE}/answers"


class BoughtAnswers:
    """The bought answers in a lake, whichever API gave them.

    Args:
        store: The lake's store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, Answer] = {}  # by path; answers never change

    def sources(self) -> list[str]:
        """The APIs that gave some, by the names of their folders."""
        return list(self._store.folders(FOLDER))

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
        sources = self.sources()
        wanted = [source] if source in sources else [] if source else sources
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
        try:
            return Answer.model_validate_json(data)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]["msg"]
            message = f"{self._store.uri(path)} is damaged ({first}): put it back from a copy; it was paid for"
            raise LakeError(message) from None


def answer_path(source: str, sha1: str) -> str:
    """Where the answer about a text lies.

    >>> answer_path("labels.example", "8b8ae027744d" + "0" * 28)
    'label-store/answers/labels.example/8b/8b8ae027744d0000000000000000000000000000.json'
    """
    return f"{FOLDER}/{source}/{sha1[:2]}/{sha1}.json"
