"""The algorithms: what is set by default, and the calibrated machine."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from html_classification.training.algorithms import ALGORITHMS
from html_classification.training.calibration import calibrated_svm

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_every_parameter_is_explained(name: str) -> None:
    parameters = ALGORITHMS[name].parameters
    assert all(field.description for field in parameters.model_fields.values())
    assert parameters() == parameters.model_validate(parameters().model_dump())


def noisy(rows: int, categories: int, wrong: float, seed: int = 0) -> tuple[csr_matrix, list[str]]:
    """Rows whose category is that of their one feature, but for a share of them."""
    chance = np.random.default_rng(seed)
    features = chance.integers(categories, size=rows)
    given = np.where(chance.random(rows) < wrong, chance.integers(categories, size=rows), features)
    return csr_matrix(np.eye(categories)[features]), [f"c{number}" for number in given]


def alone(given: list[str]) -> list[str]:
    """No row is a copy of another."""
    return [str(row) for row in range(len(given))]


@pytest.mark.parametrize("categories", [2, 4])
def test_probabilities_of_the_machine_are_as_high_as_it_is_right(categories: int) -> None:
    features, given = noisy(2_000, categories, wrong=0.4)
    fresh, truth = noisy(2_000, categories, wrong=0.4, seed=1)
    machine = calibrated_svm(features, given, alone(given), inverse_regularization=1.0, folds=5)
    probabilities = machine.predict_proba(fresh)
    right = (machine.classes_[probabilities.argmax(axis=1)] == np.array(truth)).mean()
    assert probabilities.max(axis=1).mean() == pytest.approx(right, abs=0.05)


@pytest.mark.parametrize("given", [["a", "b"], ["a", "b", "c"], ["a", "a", "a", "b"], [*["a"] * 9, "b", "c"]], ids=len)
def test_categories_with_fewer_rows_than_folds_are_learned(given: list[str]) -> None:
    machine = calibrated_svm(csr_matrix(np.eye(len(given))), given, alone(given), inverse_regularization=1.0, folds=5)
    assert machine.classes_.tolist() == sorted(set(given))
    assert machine.predict_proba(np.eye(len(given))).sum(axis=1) == pytest.approx(1.0)


def test_copies_do_not_make_probabilities_higher() -> None:
    """Rows of which nothing can be learned but who is whose copy."""
    rows, copies = 200, 4
    chance = np.random.default_rng(0)
    names, features = chance.choice(["a", "b", "c"], size=rows), chance.random((rows, 500))
    given = np.repeat(names, copies).tolist()
    every = csr_matrix(np.repeat(features, copies, axis=0))
    clusters = np.repeat(np.arange(rows).astype(str), copies).tolist()
    fresh = chance.random((rows, 500))

    def confidence(clusters: list[str] | None) -> float:
        algorithm = ALGORITHMS["linear-svm"]
        machine = algorithm.learn(algorithm.parameters(inverse_regularization=10.0), every, given, clusters)
        return float(machine.predict_proba(fresh).max(axis=1).mean())

    assert confidence(clusters) < 0.45  # chance is 0.33
    assert confidence(None) > 0.6  # what copies in other folds would give
