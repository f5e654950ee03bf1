"""Pictures of how good predictions are.

Belongs here: the confusion matrix, the reliability diagram and the precision-recall curves as PNG files. Does not
belong here: figures (`evaluation`).

Figures are drawn by Agg without pyplot, whose current figure all threads of a process share. Names of categories have
any characters: they are drawn as they are, never as formulas, and what the font lacks is written as its escape.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from html_classification.printable import printable
from html_classification.training.evaluation import CONFIDENCE_BINS, Metrics, probability_matrix, reliability

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Categories whose numbers are written into the cells of the confusion matrix, or that get a curve of their own.
MOST_CELLS, MOST_CURVES = 15, 10
_NAME_LENGTH = 24
_DPI = 90


def write_plots(folder: Path, predictions: pl.DataFrame, metrics: Metrics) -> None:
    """Draw all pictures.

    Args:
        folder: Where to; created where it is not there. Files there of the same names are replaced.
        predictions: Rows of `Predictions`, at least one.
        metrics: What `evaluate` says of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _save(_confusion_matrix(predictions, metrics), folder / "confusion_matrix.png")
    _save(_reliability(predictions, metrics), folder / "reliability.png")
    _save(_precision_recall(predictions, metrics), folder / "precision_recall.png")


def _confusion_matrix(predictions: pl.DataFrame, metrics: Metrics) -> "Figure":
    """How many rows of each given category are predicted as which; shades are shares of the given category."""
    import numpy as np

    names = sorted(metrics.categories)
    number = {name: index for index, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)), dtype=int)
    for given, predicted, rows in predictions.group_by("category", "predicted").len().iter_rows():
        counts[number[given], number[predicted]] = rows
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    labels, size = [label(name) for name in names], 9 if len(names) <= MOST_CELLS else 6
    margin, cells = 0.6 + size / 115 * max(map(len, labels)), max(1.0, min(0.5 * len(names), 8))  # inches
    side = margin + cells + 0.1
    figure = _figure(side, side)
    axes = figure.add_axes((margin / side, margin / side, cells / side, cells / side))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if len(names) <= MOST_CELLS:
        for row, column in zip(*np.nonzero(counts), strict=True):
            shade = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=shade, fontsize=9)
    axes.set_xticks(range(len(names)), labels, rotation=90, fontsize=size, parse_math=False)
    axes.set_yticks(range(len(names)), labels, fontsize=size, parse_math=False)
    axes.set_xlabel("predicted")
    axes.set_ylabel("given")
    return figure


def _reliability(predictions: pl.DataFrame, metrics: Metrics) -> "Figure":
    """Share that is right against confidence, and how many rows have it."""
    bins = reliability(predictions)
    figure = _figure(4.5, 5)
    above, below = figure.add_axes((0.15, 0.4, 0.8, 0.52)), figure.add_axes((0.15, 0.1, 0.8, 0.2))
    lefts, width = [number / CONFIDENCE_BINS for number in bins["bin"]], 1 / CONFIDENCE_BINS
    above.bar(lefts, bins["accuracy"].to_list(), width, align="edge", color="#6baed6", edgecolor="white")
    above.plot([0, 1], [0, 1], "--", color="grey", linewidth=1)
    above.plot(bins["confidence"].to_list(), bins["accuracy"].to_list(), "o", color="#08519c", markersize=4)
    above.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="share that is right")
    above.set_title(f"calibration error {metrics.calibration_error:.3f}", fontsize=10)
    below.bar(lefts, bins["rows"].to_list(), width, align="edge", color="#bdbdbd", edgecolor="white")
    below.set(xlim=(0, 1), xlabel="confidence", ylabel="rows")
    return figure


def _precision_recall(predictions: pl.DataFrame, metrics: Metrics) -> "Figure":
    """A curve for each category that can be measured, those with the most rows first."""
    from sklearn.metrics import precision_recall_curve

    measured = {name: each for name, each in metrics.categories.items() if each.average_precision is not None}
    names = sorted(measured, key=lambda name: (-measured[name].support, name))[:MOST_CURVES]
    figure = _figure(6.5, 4.2)
    axes = figure.add_axes((0.1, 0.13, 0.5, 0.78))
    probabilities = probability_matrix(predictions, names)
    for name, probability in zip(names, probabilities.T, strict=True):
        precision, recall, _ = precision_recall_curve((predictions["category"] == name).to_numpy(), probability)
        axes.plot(recall, precision, drawstyle="steps-post", linewidth=1.2)
    axes.set(xlim=(0, 1.01), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    if metrics.average_precision is not None:
        axes.set_title(f"mean average precision {metrics.average_precision:.3f}", fontsize=10)
    if names:
        labels = [f"{measured[name].average_precision:.3f} {label(name)}" for name in names]
        legend = axes.legend(
            axes.get_lines(), [""] * len(names), loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8
        )
        legend.set_frame_on(False)
        for text, shown in zip(legend.get_texts(), labels, strict=True):
            text.set(text=shown, parse_math=False)
    return figure


def label(name: str) -> str:
    r"""A category as pictures show it: in one line, not too long, in characters that the font has.

    >>> label("\u5929\u6c14 news"), label("a" * 30)
    ('\\u5929\\u6c14 news', 'aaaaaaaaaaaaaaaaaaaaaaa…')
    """
    known = _characters()
    shown = "".join(
        character if ord(character) in known else character.encode("unicode_escape").decode()
        for character in printable(name)
    )
    return shown if len(shown) <= _NAME_LENGTH else shown[: _NAME_LENGTH - 1] + "…"


@cache
def _characters() -> frozenset[int]:
    """The characters of the font."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(get_font(findfont(FontProperties())).get_charmap())


def _figure(width: float, height: float) -> "Figure":
    """An empty picture of so many inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=_DPI)


def _save(figure: "Figure", path: Path) -> None:
    # Without the name of the software in it, the same picture is the same bytes.
    figure.savefig(path, format="png", metadata={"Software": None})
