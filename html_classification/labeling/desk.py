"""The desk where a step gets the answers about its days: what is stored, and what is bought for it.

Belongs here: bringing label file, label store and shop together for a day. Does not belong here: any of them by
itself (`label_file`, `imports`, `bought`, `buying`), or the rows that come of it (`day_labels`).
"""

from collections.abc import Callable, Collection
from datetime import date
from functools import cached_property
from typing import Any

import polars as pl

from html_classification.labeling.answers import Answer
from html_classification.labeling.bought import BoughtAnswers
from html_classification.labeling.buying import LONGEST_TEXT, Shop, Waiting
from html_classification.labeling.day_labels import ANSWERS, KnownAnswers
from html_classification.labeling.imports import read_people
from html_classification.labeling.label_file import read_label_file
from html_classification.labeling.orders import Document
from html_classification.labeling.terms import Terms
from html_classification.lake.external import ExternalFile, ExternalFiles
from html_classification.lake.paths import LABEL_STORE
from html_classification.lake.store import Store

#: How the metadata describe the label file.
LABEL_FILE = "label file"
_TEXT = ["url", "title", "content", "content_sha1"]


class LabelDesk:
    """Where a step gets its labels.

    What was bought and what people said counts always, wherever labels come from now.

    Args:
        store: The store of the lake with the label store.
        label_file: The path or s3:// URI of the label file, where labels come from one.
        terms: The terms of the labelling API, where labels are bought.
        waiting: What waits for an answer, where nothing is bought.
    """

    def __init__(
        self,
        store: Store,
        label_file: str | None = None,
        terms: Terms | None = None,
        waiting: Waiting | None = None,
    ) -> None:
        self._store = store
        self._label_file = label_file
        self._waiting = waiting or Waiting()
        self._shop = Shop(store, terms) if terms else None
        self._bought = self._shop.bought if self._shop else BoughtAnswers(store)

    def inputs(self, day: date, pages: Callable[[list[str]], pl.DataFrame]) -> dict[str, Any]:
        """What a day's labels are made of, after what the budget allows was bought.

        Args:
            day: The day.
            pages: Gives columns of the day's parsed pages.

        Returns:
            The inputs of a build: `answers`, and `label_file` where there is one.

        Raises:
            LakeError: There is no such file, the API is out of order, or the store fails.
            SettingsError: There is no key.
        """
        known: dict[str, Any] = {ANSWERS: self._answers(pages)}
        if self._label_file is not None:
            known["label_file"] = ExternalFiles([self._file], LABEL_FILE, day)
        return known

    def _answers(self, pages: Callable[[list[str]], pl.DataFrame]) -> KnownAnswers:
        of_day = pages(["title", "content_words", "content_sha1", "duplicate_of"])
        waiting = self._shop.buy(_by_importance(of_day), _texts(pages)) if self._shop else self._waiting
        sha1s = of_day["content_sha1"].unique().sort().to_list()
        answers = [answer for found in self._bought.of(sha1s).values() for answer in found]
        answers += [answer for sha1 in sha1s for answer in self._people.get(sha1, ())]
        return KnownAnswers(self._store.uri(LABEL_STORE), answers, waiting)

    @cached_property
    def _file(self) -> ExternalFile:
        """Read once a step, and inside the first day, so that what is wrong with it fails days and not the step."""
        return read_label_file(self._label_file or "")

    @cached_property
    def _people(self) -> dict[str, list[Answer]]:
        known: dict[str, list[Answer]] = {}
        for answer in read_people(self._store):
            known.setdefault(answer.content_sha1, []).append(answer)
        return known


def _by_importance(pages: pl.DataFrame) -> list[str]:
    """Texts in the order in which money is spent on them: of near duplicates one each first, then by their SHA-1.

    That is as good as a lot, and always the same. Pages without a word are not worth any.
    """
    return (
        pages.filter((pl.col("content_words") > 0) | (pl.col("title") != ""))
        .sort(pl.col("duplicate_of").is_not_null(), "content_sha1")["content_sha1"]
        .unique(maintain_order=True)
        .to_list()
    )


def _texts(pages: Callable[[list[str]], pl.DataFrame]) -> Callable[[Collection[str]], list[Document]]:
    def texts(sha1s: Collection[str]) -> list[Document]:
        chosen = pages(_TEXT).filter(pl.col("content_sha1").is_in(list(sha1s))).sort("url")
        known = {
            row["content_sha1"]: Document(
                id=row["content_sha1"], url=row["url"], title=row["title"], text=row["content"][:LONGEST_TEXT]
            )
            for row in chosen.unique("content_sha1", keep="first", maintain_order=True).iter_rows(named=True)
        }
        return [known[sha1] for sha1 in sha1s]

    return texts
