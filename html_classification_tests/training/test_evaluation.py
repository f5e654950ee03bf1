import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from html_classification.schemas.training import PREDICTIONS
from html_classification.training.errors import TrainingError
from html_classification.training.evaluation import (
    SMALLEST_PROBABILITY,
    Metrics,
    evaluate,
    probability_matrix,
    reliability,
)


def predictions(*rows: tuple[str, str, dict[str, float]]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "url": f"https://a.example/{index}",
                "category": given,
                "predicted": predicted,
                "confidence": max(probabilities.values()),
                "probabilities": [{"category": c, "probability": p} for c, p in sorted(probabilities.items())],
            }
            for index, (given, predicted, probabilities) in enumerate(rows)
        ],
        schema=dict(PREDICTIONS.dtypes),
    )


def test_figures_by_hand():
    metrics = evaluate(
        predictions(
            ("a", "a", {"a": 0.8, "b": 0.2}),
            ("a", "b", {"a": 0.4, "b": 0.6}),
            ("b", "b", {"a": 0.1, "b": 0.9}),
            ("c", "b", {"a": 0.2, "b": 0.8}),
        )
    )
    assert metrics.rows == 4
    assert metrics.accuracy == 0.5
    assert metrics.categories["a"].f1 == pytest.approx(2 / 3)
    assert metrics.categories["b"].precision == pytest.approx(1 / 3)
    of_c = {"precision": 0, "recall": 0, "f1": 0, "support": 1, "roc_auc": 0.5, "average_precision": 0.25}
    assert metrics.categories["c"].model_dump() == of_c
    assert metrics.macro_f1 == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    logs = [math.log(0.8), math.log(0.4), math.log(0.9), math.log(SMALLEST_PROBABILITY)]
    assert metrics.log_loss == pytest.approx(-sum(logs) / 4)
    # Of a: 0.8 and 0.4 against 0.1 and 0.2. Of b: 0.9 against 0.2, 0.6 and 0.8.
    assert metrics.categories["a"].roc_auc == metrics.categories["b"].roc_auc == 1
    assert metrics.roc_auc == pytest.approx(2.5 / 3)
    assert metrics.average_precision == pytest.approx(2.25 / 3)
    # Bins (0.5, 0.6], (0.7, 0.8] with two rows, one of them right, and (0.8, 0.9].
    assert metrics.calibration_error == pytest.approx((0.6 + 2 * abs(0.8 - 0.5) + 0.1) / 4)
    assert set(metrics.figures()) == set(metrics.model_dump()) - {"rows", "categories"}


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 1000)), min_size=1, max_size=60))
def test_confidence_is_compared_in_ten_bins(answers: list[tuple[str, int]]) -> None:
    frame = predictions(*((given, "a", {"a": thousandths / 1000}) for given, thousandths in answers))
    expected = []
    for number in range(10):
        least = -1 if number == 0 else number * 100
        inside = [(given == "a", n) for given, n in answers if least < n <= number * 100 + 100]
        if inside:
            right, thousandths = (sum(values) / len(inside) for values in zip(*inside, strict=True))
            expected.append((number, len(inside), pytest.approx(thousandths / 1000), pytest.approx(right)))
    assert reliability(frame).rows() == expected
    assert 0 <= evaluate(frame).calibration_error <= 1


def test_what_cannot_be_measured_is_not_there() -> None:
    metrics = evaluate(predictions(("a", "a", {"a": 0.9, "b": 0.1})))
    assert metrics.categories["a"].roc_auc is None
    assert metrics.roc_auc is None
    assert metrics.average_precision is None
    assert "roc_auc" not in metrics.figures()
    assert metrics.calibration_error == pytest.approx(0.1)
    assert Metrics.model_validate_json(metrics.model_dump_json()) == metrics


def test_probabilities_are_a_matrix_in_the_order_asked_for() -> None:
    frame = predictions(("a", "b", {"a": 0.4, "b": 0.6}), ("b", "c", {"b": 0.3, "c": 0.7}))
    assert probability_matrix(frame, ["c", "unknown", "a"]).tolist() == [[0, 0, 0.4], [0.7, 0, 0]]


def test_no_rows_are_told():
    with pytest.raises(TrainingError, match="No test rows"):
        evaluate(PREDICTIONS.empty())
