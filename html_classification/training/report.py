"""The report of a trained model: a folder of files that MLflow keeps beside the model.

Belongs here: which files there are. Does not belong here: what is in them (`evaluation`, `slices`, `plots`, `weights`,
`misclassified`), and how they get into MLflow (`tracking`).
"""

from dataclasses import dataclass
from pathlib import Path

import orjson
import polars as pl

from html_classification.training.evaluation import Metrics, evaluate
from html_classification.training.fitting import Classifier
from html_classification.training.misclassified import as_json_lines, as_page, misclassified
from html_classification.training.plots import write_plots
from html_classification.training.slices import evaluate_slices, slices_of
from html_classification.training.weights import feature_weights


@dataclass(frozen=True)
class Report:
    """What a report says in figures.

    Attributes:
        metrics: How good the predictions are.
        slices: How good they are on each slice: what `evaluate_slices` returned.
    """

    metrics: Metrics
    slices: pl.DataFrame


def write_report(folder: Path, classifier: Classifier, rows: pl.DataFrame, predictions: pl.DataFrame) -> Report:
    """Measure a model, and write all that is to be known of how good it is.

    The files are `metrics.json` (with the exact names of the categories), `slices.csv` and `slices.json`,
    `misclassified.jsonl` and `misclassified.html`, `feature_weights.json`, and in `plots` `confusion_matrix.png`,
    `reliability.png` and `precision_recall.png`.

    Args:
        folder: Where to; created where it is not there. Files there of the same names are replaced.
        classifier: The model.
        rows: The test rows: `url`, `language`, `label_source`, `day`, `text`; of further ones nothing is taken.
        predictions: What the model says of them: rows of `Predictions`.

    Returns:
        The figures.

    Raises:
        TrainingError: If there are no predictions.
    """
    metrics = evaluate(predictions)
    folder.mkdir(parents=True, exist_ok=True)
    tested = rows.join(predictions.select("url"), on="url", how="semi")
    slices = evaluate_slices(predictions, slices_of(tested))
    mistakes = misclassified(tested, predictions)
    (folder / "metrics.json").write_bytes(_json(metrics.model_dump()))
    # As MLflow writes tables.
    (folder / "slices.json").write_bytes(_json({"columns": slices.columns, "data": slices.rows()}))
    slices.write_csv(folder / "slices.csv")
    (folder / "misclassified.jsonl").write_bytes(as_json_lines(mistakes))
    (folder / "misclassified.html").write_text(as_page(mistakes), encoding="utf-8")
    (folder / "feature_weights.json").write_bytes(_json(feature_weights(classifier)))
    write_plots(folder / "plots", predictions, metrics)
    return Report(metrics, slices)


def _json(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
