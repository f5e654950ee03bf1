"""Registered models by number and alias, and the two that are compared where nothing is asked for."""

from datetime import date
from pathlib import Path

import pytest

from html_classification.lake.paths import VersionId
from html_classification.training import champions, registry
from html_classification.training.champions import Decision
from html_classification.training.errors import TrainingError
from html_classification.training.registered import find_models, usual_pair
from html_classification_tests.training.models_in_mlflow import new_database, record

DAY = date(2026, 3, 1)
STAGE = "models/given-v2-complement-nb"


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return new_database(tmp_path)


def register(uri: str, version: str) -> int:
    return registry.register(uri, record(uri, version, DAY, stage=STAGE))


def test_models_are_found_by_number_and_by_alias(uri: str) -> None:
    with pytest.raises(TrainingError, match="no registered model is champion"):
        find_models(uri, ["champion"])
    first, second = register(uri, "a" * 12), register(uri, "b" * 12)
    champions.promote(uri, second)
    found = find_models(uri, ["champion", str(first)])
    assert [model.name for model in found] == [f"{second} (champion)", str(first)]
    assert found[0].version == VersionId(STAGE, DAY, "b" * 12)
    assert found[0].text_version == "v2"
    with pytest.raises(TrainingError, match=r"no registered model is 7 .*champion"):
        find_models(uri, ["7"])


def test_the_same_version_twice_is_no_pair(uri: str) -> None:
    champions.promote(uri, register(uri, "a" * 12))
    with pytest.raises(TrainingError, match="champion and 1: these are the same version"):
        find_models(uri, ["champion", "1"])


def test_a_model_that_does_not_say_what_it_is_of(uri: str) -> None:
    number = registry.register(uri, record(uri, "0" * 12))
    with pytest.raises(TrainingError, match="does not say which version of the lake it is"):
        find_models(uri, [str(number)])


def test_the_usual_pair(uri: str) -> None:
    assert usual_pair(uri) == ("champion", "challenger")  # which are then not found
    first, second, third = (register(uri, letter * 12) for letter in "abc")
    champions.promote(uri, first)
    with pytest.raises(TrainingError, match="no challenger, and no champion before version 1"):
        usual_pair(uri)
    champions.promote(uri, second)
    assert usual_pair(uri) == (str(first), "champion")
    champions.settle(uri, third, Decision(promoted=False, reason="equal"), against=second)
    assert usual_pair(uri) == ("champion", "challenger")
    champions.promote(uri, third)
    champions.rollback(uri)
    assert usual_pair(uri) == (str(first), "champion")  # of which the second was the successor
