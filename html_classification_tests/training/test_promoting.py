"""The best model of a day meets the champion: real models, a real registry."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from html_classification.training import registry, tracking
from html_classification.training.algorithms import ALGORITHMS
from html_classification.training.candidates import EXPERIMENT
from html_classification.training.errors import TrainingError
from html_classification.training.fitting import fit
from html_classification.training.promoting import Encounter, meet_champion
from html_classification_tests.training.corpus import invented_pages

FIRST = date(2026, 3, 1)
TRAIN, TEST = invented_pages(60, seed=1), invented_pages(30, seed=2)


def day(number: int) -> date:
    return FIRST + timedelta(days=number - 1)


@dataclass(frozen=True)
class Registry:
    """An MLflow of its own."""

    uri: str

    def train(self, version: str, *, good: bool = True, of: date = FIRST) -> None:
        """Track a model that gets all test rows right, or none."""
        wrong = {"cooking": "sports", "sports": "travel", "travel": "cooking"}
        labels = [name if good else wrong[name] for name in TRAIN["category"]]
        tracking.log_model_run(
            self.uri,
            EXPERIMENT,
            run_name=version,
            parameters={"text_version": "v2", "algorithm": "complement-nb"},
            metrics={"macro_f1": float(good)},
            tags={tracking.VERSION_TAG: version, f"{registry.PREFIX}date": str(of)},
            classifier=fit(TRAIN["text"].to_list(), labels, ALGORITHMS["complement-nb"]),
            input_example=["a text"],
            artifacts={},
        )

    def meet(self, version: str, of: date) -> Encounter:
        """Let it be the best of a day; a second model of the board is never looked at."""
        names = {"rank": [2, 1], "model": ["models/given-v1-other", "models/given-v2-complement-nb"]}
        board = pl.DataFrame(names | {"version": ["ffffffffffff", version], "text_version": ["v1", "v2"]})
        return meet_champion(self.uri, board, of, lambda text_version: TEST if text_version == "v2" else TEST.clear())

    def train_and_meet(self, version: str, of: date, *, good: bool = True) -> Encounter:
        self.train(version, good=good, of=of)
        return self.meet(version, of)

    @property
    def champion(self) -> int | None:
        found = registry.champion(self.uri)
        return found["version"] if found else None

    @property
    def state(self) -> list[tuple[int, list[str]]]:
        return [(model["version"], model["aliases"]) for model in registry.list_models(self.uri)]


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("mlflow") / "empty.db"
    tracking.client(f"sqlite:///{path}")
    return path.read_bytes()


@pytest.fixture
def models(tmp_path: Path, empty_database: bytes) -> Registry:
    (tmp_path / "mlflow.db").write_bytes(empty_database)
    return Registry(f"sqlite:///{tmp_path / 'mlflow.db'}")


def test_a_worse_model_never_becomes_champion(models: Registry) -> None:
    first = models.train_and_meet("000000000001", day(1))
    assert (first.promoted, first.model_version, first.model) == (True, 1, "models/given-v2-complement-nb")
    assert "no champion yet" in first.reason
    worse = models.train_and_meet("000000000002", day(2), good=False)
    assert (worse.promoted, worse.model_version) == (False, 2)
    assert "macro-F1 0.0000 against the champion's 1.0000: worse" in worse.reason
    assert models.state == [(2, ["challenger"]), (1, ["champion"])]


def test_a_better_or_equal_newer_model_becomes_champion(models: Registry) -> None:
    models.train_and_meet("000000000001", day(1), good=False)
    assert models.train_and_meet("000000000002", day(2)).promoted
    assert models.train_and_meet("000000000003", day(3)).reason.endswith("equal, and newer")
    assert models.champion == 3


def test_an_earlier_days_model_never_replaces_a_later_ones(models: Registry) -> None:
    models.train_and_meet("000000000001", day(2), good=False)
    earlier = models.train_and_meet("000000000002", day(1))
    assert (earlier.promoted, earlier.reason) == (False, "the champion is of 2026-03-02, a later day")
    assert models.state == [(2, []), (1, ["champion"])]


def test_running_again_changes_nothing(models: Registry) -> None:
    days = {"000000000001": day(1), "000000000002": day(2), "000000000003": day(3)}
    for version, good in zip(days, (False, True, False), strict=True):
        models.train_and_meet(version, days[version], good=good)
    before = models.state
    assert before == [(3, ["challenger"]), (2, ["champion"]), (1, [])]
    again = [models.meet(version, of) for version, of in days.items()]
    assert [encounter.promoted for encounter in again] == [False, True, False]
    assert models.state == before


def test_what_a_person_went_back_to_stays(models: Registry) -> None:
    days = {"000000000001": day(1), "000000000002": day(2), "000000000003": day(3)}
    for version, of in days.items():
        assert models.train_and_meet(version, of).promoted
    for older in (2, 1):
        registry.promote(models.uri, older)
        for version, of in days.items():
            models.meet(version, of)
        assert models.champion == older
    refused = models.meet("000000000003", day(3))
    assert refused.reason.startswith("judged before: macro-F1 1.0000")
    # A new model is judged as ever.
    assert models.train_and_meet("000000000004", day(4)).promoted


def test_a_model_whose_run_is_gone_says_what_to_do(models: Registry) -> None:
    with pytest.raises(TrainingError, match="materialize that stage for 2026-03-01 again"):
        models.meet("000000000009", day(1))
    assert models.state == []
