"""Rebuilding labels that were bought, and people's: from the label store, without an API and without a key.

Belongs here: what the label store has, has had since, and lost. Does not belong here: labels of a file
(`test_labels`), buying itself (`labeling`).
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from html_classification.definitions import build_defs
from html_classification.labeling.answers import Answer
from html_classification.labeling.bought import FOLDER as BOUGHT
from html_classification.labeling.imports import import_answers
from html_classification.labeling.terms import KEY_VARIABLE
from html_classification.lake import Lake
from html_classification.lake.paths import LABEL_STORE, VersionId
from html_classification.reproduction.provenance import targets_of_snapshot
from html_classification.reproduction.rebuilding import Verdict
from html_classification_tests.labelling_api.app import Terms
from html_classification_tests.labelling_api.serving import LabellingApi, labelling_api
from html_classification_tests.pages import FIRST_DAY, Project
from html_classification_tests.reproduction.conftest import UP_TO_TRAINING_SET
from html_classification_tests.reproduction.rebuilds import (
    HTML_PARSING,
    contents,
    current,
    data_of,
    put,
    reproduce,
    run,
    spoil,
    statuses,
)

SECOND_DAY = FIRST_DAY + timedelta(days=1)
SILVER, GOLD = UP_TO_TRAINING_SET[:4], UP_TO_TRAINING_SET[4:]
#: Those of a day; the first budget is spent in the middle of the second.
TEXTS = 12
PRICE = Decimal("0.002")
NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)


class Buying(Project):
    """A project that buys its labels, where and for how much the environment says."""

    def defs(self) -> Any:
        return build_defs()


@contextmanager
def buying(project: Buying, budget: Decimal) -> Iterator[LabellingApi]:
    """The API with which a project has its account, and an environment that leads to both, for a while."""
    with (
        labelling_api(project.root / "api", project.labels, Terms(price=PRICE)) as api,
        pytest.MonkeyPatch.context() as m,
    ):
        budgets = {f"HTML_CLASSIFICATION_LABELS_BUDGET_PER_{period}": f"{budget}" for period in ("DAY", "MONTH")}
        for name, value in (project.environment | api.environment | budgets).items():
            m.setenv(name, value)
        yield api


def texts_of(lake: Lake, day: date) -> list[str]:
    return lake.read(HTML_PARSING, day)["content_sha1"].sort().to_list()


def say(lake: Lake, category: str, *sha1s: str, hours: int = 0) -> None:
    """A person says what some texts are."""
    at = NOON + timedelta(hours=hours)
    answers = [
        Answer(content_sha1=sha1, annotator="person:ann", category=category, labelled_at=at, answer="{}")
        for sha1 in sha1s
    ]
    assert import_answers(lake.store, answers, []).new == len(sha1s)


@pytest.fixture(scope="module")
def bought(tmp_path_factory: pytest.TempPathFactory) -> Buying:
    """Two days up to the training set, of bought labels and people's, and a snapshot of it. Not to be changed.

    The budget did for a day and a half.
    """
    made = Buying(tmp_path_factory.mktemp("bought"))
    days = made.write_days(2)
    with buying(made, PRICE * TEXTS * 3 / 2) as api:
        run(made, days, SILVER)
        say(made.lake, "finance", *texts_of(made.lake, FIRST_DAY)[:3], *texts_of(made.lake, SECOND_DAY)[:1])
        run(made, days, GOLD)
        assert len(api.ledger.billed()) == TEXTS * 3 / 2
    made.lake.create_snapshot("first")
    return made


@pytest.fixture(scope="module")
def grown(bought: Buying, tmp_path_factory: pytest.TempPathFactory) -> Buying:
    """The same after the budget was raised, and a person changed her mind about the first day. Not to be changed."""
    root = tmp_path_factory.mktemp("grown")
    shutil.copytree(bought.root, root, dirs_exist_ok=True)
    made = Buying(root)
    with buying(made, PRICE * TEXTS * 2) as api:
        say(made.lake, "sports", *texts_of(made.lake, FIRST_DAY)[:2], hours=1)
        run(made, [FIRST_DAY, SECOND_DAY], GOLD)
        assert api.ledger.times_billed().total() == TEXTS * 2
    made.lake.create_snapshot("second")
    return made


@pytest.fixture(autouse=True)
def _without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels would be bought of nobody, and nothing says for how much."""
    monkeypatch.setenv("HTML_CLASSIFICATION_LABELS", "http://127.0.0.1:1/ask")
    for name in (KEY_VARIABLE, "HTML_CLASSIFICATION_LABELS_PRICE"):
        monkeypatch.delenv(name, raising=False)


def rebuilt(lake: Lake, snapshot: str, scratch: Path) -> dict[VersionId, Verdict]:
    return reproduce(lake, targets_of_snapshot(lake, snapshot), scratch)


def of_first(lake: Lake, day: date) -> VersionId:
    """The first snapshot's labels of a day."""
    (version,) = [one for one in targets_of_snapshot(lake, "first") if (one.stage, one.day) == ("labels", day)]
    return version


def test_bought_labels_are_rebuilt_with_the_api_gone_and_no_key(bought: Buying, place: str, tmp_path: Path) -> None:
    lake = put(bought, place)
    before = [item.path for item in lake.store.list()]
    verdicts = rebuilt(lake, "first", tmp_path / "scratch")
    assert statuses(verdicts).keys() == {"same"}
    assert {"labels", "annotators", "annotated", "training-set"} < statuses(verdicts)["same"]
    scratch = Lake(str(tmp_path / "scratch" / "lake"))
    for version in verdicts:
        assert data_of(scratch, version) == data_of(lake, version)
    labels = scratch.read("labels", FIRST_DAY)
    assert labels["annotator"].value_counts(sort=True).rows() == [
        ("api:document-categorizer/2026-01", TEXTS),
        ("person:ann", 3),
    ]
    assert [item.path for item in lake.store.list()] == before
    assert scratch.store.list(LABEL_STORE) == []


def test_nothing_is_sent_even_where_more_could_be_bought(bought: Buying, tmp_path: Path) -> None:
    before = contents(bought.root / "lake")
    with buying(bought, Decimal(1)) as api:
        asked = len(api.ledger.requests())
        assert statuses(rebuilt(bought.lake, "first", tmp_path / "scratch")).keys() == {"same"}
        assert len(api.ledger.requests()) == asked
    assert contents(bought.root / "lake") == before


def test_labels_of_which_more_was_bought_or_said_since_are_taken_as_they_are(
    grown: Buying, place: str, tmp_path: Path
) -> None:
    lake = put(grown, place)
    verdicts = rebuilt(lake, "first", tmp_path / "scratch")
    assert statuses(verdicts)["taken as it is"] == {"labels"}
    assert {verdict.status for version, verdict in verdicts.items() if version.stage != "labels"} == {"same"}
    labels = [verdict for version, verdict in verdicts.items() if version.stage == "labels"]
    why = "bought outside the lake: the label store has had other answers about its texts since"
    assert [(one.status, one.reason) for one in labels] == [("taken as it is", why)] * 2
    scratch = Lake(str(tmp_path / "scratch" / "lake"))
    for version in verdicts:
        assert data_of(scratch, version) == data_of(lake, version)


def test_the_latest_labels_are_rebuilt(grown: Buying, tmp_path: Path) -> None:
    verdicts = rebuilt(grown.lake, "second", tmp_path / "scratch")
    assert statuses(verdicts).keys() == {"same"}
    labels = {current(grown.lake, "labels", day) for day in (FIRST_DAY, SECOND_DAY)}
    assert labels < verdicts.keys()
    assert labels.isdisjoint(targets_of_snapshot(grown.lake, "first"))


def test_answers_about_other_texts_change_nothing(bought: Buying, tmp_path: Path) -> None:
    lake = put(bought, str(tmp_path / "lake"))
    say(lake, "cooking", texts_of(lake, SECOND_DAY)[-1])
    say(lake, "cooking", "0" * 40)
    verdicts = rebuilt(lake, "first", tmp_path / "scratch")
    assert verdicts[current(lake, "labels", FIRST_DAY)].status == "same"
    assert verdicts[current(lake, "labels", SECOND_DAY)].status == "taken as it is"
    assert {verdict.status for version, verdict in verdicts.items() if version.stage != "labels"} == {"same"}


def test_damaged_labels_are_not_taken_where_the_label_store_has_grown(grown: Buying, tmp_path: Path) -> None:
    lake = put(grown, str(tmp_path / "lake"))
    version = of_first(lake, SECOND_DAY)
    sha1 = spoil(lake, version, "html-documents.parquet", b"damaged")
    verdicts = rebuilt(lake, "first", tmp_path / "scratch")
    assert verdicts[version].status == "differs"
    assert [file.in_lake for file in verdicts[version].files] == [sha1]
    not_tried = {one: verdict for one, verdict in verdicts.items() if verdict.status == "not tried"}
    assert {verdict.reason for verdict in not_tried.values()} == {f"depends on {version}"}
    assert {(one.stage, one.day) for one in not_tried} == {
        (stage, SECOND_DAY) for stage in ("annotators", "annotated", "training-set")
    }


def test_damaged_labels_are_named_and_rebuilt_where_it_has_not(bought: Buying, tmp_path: Path) -> None:
    lake = put(bought, str(tmp_path / "lake"))
    version = current(lake, "labels", FIRST_DAY)
    recorded = {file.path: file.sha1 for file in lake.metadata("labels", FIRST_DAY).files}["html-documents.parquet"]
    sha1 = spoil(lake, version, "html-documents.parquet", b"damaged")
    verdicts = rebuilt(lake, "first", tmp_path / "scratch")
    verdict = verdicts.pop(version)
    assert verdict.status == "differs"
    assert [(file.rebuilt, file.in_lake) for file in verdict.files] == [(recorded, sha1)]
    assert statuses(verdicts).keys() == {"same"}


def test_a_recipe_that_was_changed_is_not_taken_for_other_answers(grown: Buying, tmp_path: Path) -> None:
    lake = put(grown, str(tmp_path / "lake"))
    version = of_first(lake, FIRST_DAY)
    metadata = json.loads(lake.store.get(f"{version.path}/metadata.json"))
    (answers,) = [source for source in metadata["recipe"]["sources"] if source["name"] == "answers"]
    answers["sha1"] = "0" * 40
    spoil(lake, version, "metadata.json", json.dumps(metadata).encode())
    verdict = reproduce(lake, [version], tmp_path / "scratch")[version]
    assert verdict.status == "differs"
    assert f"answers answers (sha1 {'0' * 40}) not read" in verdict.reason


def test_a_damaged_answer_is_one_line_that_names_it(bought: Buying, tmp_path: Path) -> None:
    lake = put(bought, str(tmp_path / "lake"))
    labels = lake.read("labels", FIRST_DAY)
    damaged = next(item for item in lake.store.list(BOUGHT) if item.name[:40] in set(labels["content_sha1"]))
    lake.store.delete([damaged.path])
    lake.store.put_new(damaged.path, b"{")
    verdicts = rebuilt(lake, "first", tmp_path / "scratch")
    verdict = verdicts[current(lake, "labels", FIRST_DAY)]
    assert verdict.status == "cannot"
    assert verdict.reason.startswith(f"{lake.store.uri(damaged.path)} is damaged")
    assert "\n" not in verdict.reason
    assert verdicts[current(lake, "labels", SECOND_DAY)].status == "same"
