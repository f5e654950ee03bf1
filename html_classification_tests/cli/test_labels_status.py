"""`labels ls`, `spending` and `close-order`: who labelled, what it cost, and what is open."""

import hashlib
import json
from datetime import UTC, date, datetime

import polars as pl
import pytest

from html_classification.labeling.answers import Answer
from html_classification.labeling.bought import BoughtAnswers
from html_classification.labeling.orders import Document, Draft, OrderBook, Request
from html_classification.lake import Build, Lake, RunInfo, materialize
from html_classification.schemas.labels import LABELS
from html_classification.schemas.outcome import Outcome
from html_classification_tests.cli.command import LakeCommand, in_process
from html_classification_tests.pages import Project

NOW = datetime.now(UTC)


@pytest.fixture
def labels(project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> LakeCommand:
    return in_process("labels", monkeypatch, capsys)


def sha1(number: int) -> str:
    return hashlib.sha1(str(number).encode()).hexdigest()


def order(lake: Lake, count: int, answered: int) -> None:
    """An order of some documents, some of them answered for 0.001 each."""
    documents = [Document(id=sha1(n), url=f"https://a.example/{n}", title="", text="a") for n in range(count)]
    requests = tuple(Request(key=str(n), documents=(one,)) for n, one in enumerate(documents))
    draft = Draft(source="labels.example", ordered_at=NOW, price_micros=2000, requests=requests)
    assert OrderBook(lake.store).place(lambda state: draft)
    for number in range(answered):
        answer = Answer(
            content_sha1=sha1(number), annotator="api:m", category="a", labelled_at=NOW, cost=0.001, answer="{}"
        )
        BoughtAnswers(lake.store).put("labels.example", answer)


def publish(lake: Lake, day: date, *rows: tuple[str, str, float]) -> None:
    """A day's labels: annotator, text, cost."""
    frame = pl.DataFrame(
        [
            {
                "url": f"https://a.example/{text}",
                "content_sha1": hashlib.sha1(text.encode()).hexdigest(),
                "category": "a",
            }
            | {"confidence": None, "annotator": who, "labelled_at": None, "cost": cost, "answer": None}
            for who, text, cost in rows
        ],
        schema=dict(LABELS.dtypes),
    )
    materialize(
        lake, LABELS, Build(inputs=lambda day: {}, compute=lambda: Outcome(frame.sort("url"))), day, RunInfo("l")
    )


def test_each_annotator_has_its_texts_once(project: Project, labels: LakeCommand) -> None:
    assert "no labels" in labels("ls").out
    publish(project.lake, date(2026, 3, 1), ("api:m", "a", 0.5), ("api:m", "b", 0.5), ("person:ann", "c", 0))
    publish(project.lake, date(2026, 3, 2), ("api:m", "a", 0.5))
    first, second = json.loads(labels("ls", "--json").out)
    assert first == {
        "annotator": "api:m",
        "texts": 2,
        "first_day": "2026-03-01",
        "last_day": "2026-03-02",
        "cost": 1.0,
        "quality": None,
    }
    assert (second["annotator"], second["texts"]) == ("person:ann", 1)
    assert "person:ann" in labels("ls").out


def test_spending_is_told_with_what_is_open(
    project: Project, labels: LakeCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTML_CLASSIFICATION_LABELS_BUDGET_PER_DAY", "5")
    assert [row["spent"] for row in json.loads(labels("spending", "--json").out)] == [0, 0]
    order(project.lake, 5, answered=2)
    day, month = json.loads(labels("spending", "--json").out)
    assert day == {"period": f"{NOW:%Y-%m-%d}", "spent": 0.008, "of_that_ordered": 0.006, "budget": 5.0}
    assert (month["period"], month["spent"], month["budget"]) == (f"{NOW:%Y-%m}", 0.008, None)
    assert labels("spending").out.splitlines()[-1].split()[:2] == ["1", "labels.example"]
    assert labels("spending").out.splitlines()[-1].split()[-1] == "3"


def test_an_order_can_be_given_up(project: Project, labels: LakeCommand) -> None:
    order(project.lake, 5, answered=2)
    assert labels("close-order", "1").out == (
        "order 1 is closed: 3 of 5 documents have no answer; 0.008 counts as spent\n"
    )
    state = OrderBook(project.lake.store).read()
    assert (state.open, state.spent(NOW.date())[0]) == ({}, 8000)
    told = labels("close-order", "1").error
    assert told == "there is no open order 1; 'html-classification labels spending' shows what there is"
