import math

import polars as pl
import pytest

from html_classification.schemas.training import PREDICTIONS
from html_classification.training.errors import TrainingError
from html_classification.training.evaluation import SMALLEST_PROBABILITY, evaluate


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
    assert metrics.categories["c"].model_dump() == {"precision": 0, "recall": 0, "f1": 0, "support": 1}
    assert metrics.macro_f1 == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    logs = [math.log(0.8), math.log(0.4), math.log(0.9), math.log(SMALLEST_PROBABILITY)]
    assert metrics.log_loss == pytest.approx(-sum(logs) / 4)


def test_no_rows_are_told():
    with pytest.raises(TrainingError, match="No test rows"):
        evaluate(PREDICTIONS.empty())
