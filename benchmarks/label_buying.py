"""Buying labels: how much of an API's limit is used.

Belongs here: documents bought a second of a labelling API on loopback, every answer stored as it arrives. Does not
belong here: what may go wrong (`html_classification_tests/faults`), or what an API answers.

The API takes 50 ms for an answer and 200 requests a second. At best a document a request takes 5 ms, so that 10,000
take 50 s. The time is that of all: orders on record, requests, answers, orders closed.
"""

import hashlib
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from unittest.mock import patch

from benchmarks.measure import Figure, Result, s3_bucket, timed, workspace
from html_classification.labeling.buying import Shop
from html_classification.labeling.orders import Document
from html_classification.labeling.terms import KEY_VARIABLE, Terms
from html_classification.lake.store import Store
from html_classification_tests.labelling_api.app import Terms as ApiTerms
from html_classification_tests.labelling_api.serving import labelling_api
from html_classification_tests.s3_server import NoServerError

LIMIT = 200
LATENCY = 0.05
TEXT = "a sentence of a page that somebody has to judge, " * 60  # 3 kB, as pages have


def run() -> Iterator[Result]:
    """Buy 10,000 documents one by one, then fewer in other ways."""
    what = "share of what the limit allows"
    with workspace() as folder:
        share = _share(folder, str(folder / "lake"), 10_000, known=True)
        yield Figure(f"{what}, 10,000 documents, one a request", [share], "", at_least=0.9)
        share = _share(folder / "unknown", str(folder / "other"), 2_000, known=False)
        yield Figure(f"{what}, 2,000 documents, the limit not told to the client", [share], "")
        share = _share(folder / "batches", str(folder / "batches"), 10_000, known=True, batch_size=16)
        yield Figure("documents a second, 16 a request", [share * LIMIT * 16], "")
    try:
        with workspace() as folder, s3_bucket() as bucket:
            share = _share(folder, f"{bucket}/lake", 2_000, known=True)
            yield Figure(f"{what}, 2,000 documents, a lake on S3", [share], "")
    except NoServerError as error:
        yield f"Not measured on S3: {error}"


def _share(folder: Path, lake: str, count: int, *, known: bool, batch_size: int = 1) -> float:
    """The time that the limit asks for, over the time that it took."""
    documents = {one.id: one for one in map(_document, range(count))}

    def texts(sha1s: Collection[str]) -> list[Document]:
        return [documents[sha1] for sha1 in sha1s]

    with labelling_api(folder, terms=ApiTerms(latency=LATENCY, requests_per_second=LIMIT)) as api:
        terms = Terms.model_validate(
            {"url": api.url, "price": "0.002", "budget_per_day": 1000, "budget_per_month": 1000}
            | {"concurrency": 32, "batch_size": batch_size, "requests_per_second": LIMIT if known else None}
        )
        with patch.dict(os.environ, {KEY_VARIABLE: api.key}):
            seconds = timed(lambda: Shop(Store(lake), terms).buy(list(documents), texts))
        billed = api.ledger.times_billed()
    if billed != dict.fromkeys(documents, 1):
        message = "not every document was billed exactly once"
        raise RuntimeError(message)
    return count / batch_size / LIMIT / seconds


def _document(number: int) -> Document:
    text = f"{number} {TEXT}"
    sha1 = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return Document(id=sha1, url=f"https://news.example/{number}", title=f"Page {number}", text=text)
