"""What MLflow calls: `mlflow.pyfunc.load_model` finds this module named in the folder's MLmodel file.

Belongs here: MLflow's ways of calling and answering. Does not belong here: what happens to a page (`pipeline`), how the
folder is written (`training.packaging`).
"""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from html_classification.inference.pipeline import PagePipeline
from html_classification.inference.stored import CODE, load_model

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]


class PackagedModel:
    """A packaged model as MLflow serves it: tables of pandas in, tables of pandas out."""

    def __init__(self, pipeline: PagePipeline) -> None:
        self.pipeline = pipeline

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> "pd.DataFrame":
        """Classify pages.

        Args:
            model_input: See `PagePipeline.predict`.
            params: None: this model has none.

        Returns:
            The columns of `PagePipeline.predict`, with the index of the input where it is a table of pandas;
            probabilities as a dictionary.
        """
        import pandas as pd

        predicted = self.pipeline.predict(model_input)
        # Built of Python's objects: pyarrow, which polars would convert with, is not among the requirements.
        index = model_input.index if isinstance(model_input, pd.DataFrame) else None
        table = pd.DataFrame({name: predicted[name].to_list() for name in predicted.columns}, dtype=object, index=index)
        # Where pages are refused, None stays: NaN is no JSON, and would spoil the answer of a server for all pages.
        return table if predicted["reason"].count() else table.astype({"probability": float})

    def get_raw_model(self) -> PagePipeline:
        """What takes HTML itself, too; MLflow's name for the model beneath."""
        return self.pipeline


def _load_pyfunc(folder: str) -> PackagedModel:
    """Load a packaged model; called by MLflow.

    Args:
        folder: The folder of the model.

    Returns:
        The model.

    Raises:
        ModelError: If it cannot be used here.
    """
    _compare_code(Path(folder) / CODE)
    return PackagedModel(load_model(Path(folder)))


def _compare_code(shipped: Path) -> None:
    """Warn where the code that came with the model is not the one that is used, and not the same.

    MLflow puts the model's own code first, but a process that has imported this package before uses that.
    """
    used = Path(__file__).parents[2]
    changed = [
        path.relative_to(shipped).as_posix()
        for path in sorted(shipped.rglob("*.py"))
        if not (here := used / path.relative_to(shipped)).exists() or here.read_bytes() != path.read_bytes()
    ]
    if changed:
        message = (
            f"this process has imported another html_classification than the model was packaged with ({changed[0]} and "
            f"{len(changed) - 1} other files differ): for its exact predictions load it in a process of its own"
        )
        warnings.warn(message, stacklevel=2)
