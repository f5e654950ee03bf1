"""The best model of a day meets the champion.

Belongs here: bringing both onto the same test rows. Does not belong here: the rule that decides, and the registry
itself (`registry`).
"""

from collections.abc import Callable
from datetime import date

import polars as pl
from pydantic import BaseModel, Field

from html_classification.training import registry
from html_classification.training.candidates import EXPERIMENT
from html_classification.training.errors import TrainingError
from html_classification.training.evaluation import Metrics, evaluate
from html_classification.training.fitting import predict
from html_classification.training.tracking import find_run, load_classifier


class Encounter(BaseModel):
    """What came of it."""

    model: str = Field(description="Stage of the day's best model.")
    model_version: int = Field(description="Its version in the registry.")
    promoted: bool = Field(description="Whether it is the champion now.")
    reason: str = Field(description="Why, with figures.")


def meet_champion(
    tracking_uri: str, board: pl.DataFrame, day: date, test_rows: Callable[[str], pl.DataFrame]
) -> Encounter:
    """Register the best model of a day, and promote it unless the champion does better on the day's test rows.

    Args:
        tracking_uri: An MLflow server or database.
        board: Rows of `Leaderboard`.
        day: The day.
        test_rows: Gives the day's test rows (`url`, `category`, `text`) in a text version.

    Returns:
        What came of it. A model of an earlier day than the champion's is registered but not promoted: its test
        rows may be among those that the champion learned from.

    Raises:
        TrainingError: MLflow does not have the model's run any more.
    """
    best = board.filter(pl.col("rank") == 1).row(0, named=True)
    run_id = find_run(tracking_uri, EXPERIMENT, best["version"])
    if run_id is None:
        message = f"MLflow has no run of {best['model']} {best['version']}: materialize that stage for {day} again"
        raise TrainingError(message)
    version = registry.register(tracking_uri, run_id)
    champion = registry.champion(tracking_uri)
    if champion and champion["version"] == version:
        decision = registry.Decision(promoted=True, reason="it is the champion already")
    elif champion and champion["date"] > day.isoformat():
        reason = f"the champion is of {champion['date']}, a later day"
        decision = registry.Decision(promoted=False, reason=reason)
    elif champion and (earlier := registry.earlier_decision(tracking_uri, version)):
        # A person may have gone back to an older champion since: what they did is not undone by running again.
        decision = registry.Decision(promoted=False, reason=f"judged before: {earlier}")
    else:
        metrics = _measure(tracking_uri, run_id, test_rows(best["text_version"]))
        of_champion = (
            _measure(tracking_uri, champion["mlflow_run_id"], test_rows(champion["text_version"])) if champion else None
        )
        decision = registry.propose(tracking_uri, version, metrics, of_champion)
    return Encounter(model=best["model"], model_version=version, promoted=decision.promoted, reason=decision.reason)


def _measure(tracking_uri: str, run_id: str, rows: pl.DataFrame) -> Metrics:
    classifier = load_classifier(tracking_uri, run_id)
    return evaluate(predict(classifier, *(rows[name].to_list() for name in ("url", "text", "category"))))
