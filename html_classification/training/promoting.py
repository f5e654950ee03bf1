"""The best model of a day meets the champion.

Belongs here: bringing both onto the same test rows, and the rule that decides. Does not belong here: the statistics
(`comparison`), which rows are new to a model (`leaks`), whether refined labels help (`effect`), aliases and their
history (`champions`), versions (`registry`).

The best model of a day is the best of those that may be promoted: models on refined labels may where these have helped.

The rule: a new model becomes champion if it is better, or of newer data, not distinguishable and behind by no more
than the margin; and if no category or slice has fallen. A model whose test rows are not new to it is refused: its
figures say nothing.

That chance may explain a difference is no proof that there is none. Simulated (600 pairs of models that share most of
their mistakes, the champion right of 80 %, ten categories), this is how often the newer model becomes champion; in
brackets, how often it would without the margin and the least number of rows:

| truly behind by | 24 rows      | 86 rows       | 335 rows      |
| --------------- | ------------ | ------------- | ------------- |
| 10 points       | 0 % (78 %)   | 4 % (50 %)    | 0 % (3 %)     |
| 5 points        | 0 % (90 %)   | 20 % (79 %)   | 9 % (42 %)    |
| none            | 2 % (97 %)   | 56 % (98 %)   | 75 % (97 %)   |
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from pydantic import BaseModel, Field

from html_classification.inference.stored import DESCRIPTION, ModelError, read_description, reads_otherwise
from html_classification.schemas.described import Check
from html_classification.training import champions, registry
from html_classification.training.candidates import EXPERIMENT
from html_classification.training.champions import Decision
from html_classification.training.comparison import Comparison, Difference, PromotionRules, compare, named
from html_classification.training.errors import TrainingError
from html_classification.training.fitting import predict
from html_classification.training.leaks import known_to, leak
from html_classification.training.slices import slices_of
from html_classification.training.tracking import find_run, load_classifier, tracked_model
from html_classification.transforms.text.versions import TEXT_VERSIONS

NOT_WORSE = "not_worse"
NOT_WORSE_DESCRIPTION = (
    "The day's best model is not worse than the champion on rows that neither has learned from, or, where there is "
    "none, it is better than always saying the most frequent category; no category or slice has fallen, and its "
    "figures can be trusted. The registry keeps the decision as tags of the model version."
)
#: How often to compare anew when the champion changes meanwhile.
ATTEMPTS = 3
#: How many categories and slices that fell are named.
_NAMED = 3


class Encounter(BaseModel):
    """What came of it."""

    model: str = Field(description="Stage of the day's best model.")
    model_version: int = Field(description="Its version in the registry.")
    promoted: bool = Field(description="Whether it is the champion now.")
    not_worse: bool = Field(
        description="Whether it is neither distinguishably worse than the champion nor by more than the margin, on the "
        "whole and in each part; where there is no champion, whether it is any good."
    )
    refused: bool = Field(description="Whether its figures cannot be trusted, so that it may never be champion.")
    reason: str = Field(description="Why, with figures.")
    judged_against: int | None = Field(None, description="The version that was champion; null where none was.")
    comparison: Comparison | None = Field(
        None,
        description="With the champion, or, where there is none, with always saying the most frequent category; null "
        "where it came to no comparison.",
    )


@dataclass(frozen=True)
class Contest:
    """What is needed to judge a model.

    Attributes:
        tracking_uri: An MLflow server or database.
        day: The day of the model.
        test_rows: Gives the day's training set in a text version, both sides: `url`, `category`, `split`,
            `duplicate_cluster`, `language`, `label_source`, `day` and what models read.
        trained_on: Gives the urls that models of a snapshot have learned from; None where the lake does not have it.
        rules: The rules.
        passed_over: A note on the models that ranked higher and may not be promoted; empty where there are none.
    """

    tracking_uri: str
    day: date
    test_rows: Callable[[str], pl.DataFrame]
    trained_on: Callable[[str], frozenset[str] | None]
    rules: PromotionRules
    passed_over: str = ""


def meet_champion(
    tracking_uri: str,
    board: pl.DataFrame,
    day: date,
    test_rows: Callable[[str], pl.DataFrame],
    trained_on: Callable[[str], frozenset[str] | None],
    rules: PromotionRules,
) -> Encounter:
    """Register the best model of a day, and make it champion if it deserves it, or else challenger.

    Models that may not be promoted are passed over.

    A model of an earlier day than the champion's is registered only: its test rows may be among those that the champion
    learned from. A model is judged once by the same rules, so that what a person went back to stays when a day is run
    again.

    Args:
        tracking_uri: An MLflow server or database.
        board: Rows of `Leaderboard`; where it has a column `snapshot`, the model must be of that snapshot;
            where it has none `may_be_promoted`, as that of an earlier release, all models may.
        day: The day.
        test_rows: As of `Contest`.
        trained_on: As of `Contest`.
        rules: The rules.

    Returns:
        What came of it.

    Raises:
        TrainingError: No model may be promoted, MLflow does not have the model's run any more or cannot load the
            champion, or others change the champion all the time.
    """
    best, passed_over = _best(board)
    run_id = find_run(tracking_uri, EXPERIMENT, best["version"])
    if run_id is None:
        message = f"MLflow has no run of {best['model']} {best['version']}: materialize that stage for {day} again"
        raise TrainingError(message)
    version = registry.register(tracking_uri, run_id)
    contest = Contest(tracking_uri, day, test_rows, trained_on, rules, passed_over)
    for _ in range(ATTEMPTS):
        models = {model["version"]: model for model in registry.list_models(tracking_uri)}
        own = models[version] | {"mlflow_run_id": run_id}
        champion = next((model for model in models.values() if registry.CHAMPION in model["aliases"]), None)
        against = champion["version"] if champion else None
        if own["settled"] is False and against == version:
            champions.finish(tracking_uri, version)
        known, comparison = _without_looking(own, champion, day, rules), None
        if known is None:
            decision, comparison = _judge(contest, own, champion, best.get("snapshot"))
            if not champions.settle(tracking_uri, version, decision, against=against):
                continue
        else:
            # What was decided before may say so already.
            told = known.reason.endswith(passed_over)
            decision = known if told else replace(known, reason=known.reason + passed_over)
        return Encounter(
            model=best["model"],
            model_version=version,
            promoted=decision.promoted,
            not_worse=decision.not_worse,
            refused=decision.refused,
            reason=decision.reason,
            judged_against=against,
            comparison=comparison,
        )
    raise TrainingError(f"the champion changed {ATTEMPTS} times while {best['model']} was compared with it: run again")


def check(met: Encounter) -> Check:
    """Whether the day's best model is no worse than the champion, and may be trusted at all: it only warns."""
    return Check(name=NOT_WORSE, passed=met.not_worse, figures=figures(met), blocking=False)


def figures(met: Encounter) -> dict[str, int | float | str]:
    """What Dagster shows of it: numbers as such, so that they can be followed over the days."""
    said: dict[str, int | float | str] = {
        "model": met.model,
        "model_version": met.model_version,
        "promoted": met.promoted,
        "refused": met.refused,
        "reason": met.reason,
        "judged_against": met.judged_against or "none",
    }
    if met.comparison:
        said |= {"rows_compared": met.comparison.rows, "verdict": met.comparison.verdict}
        said |= {"mcnemar_p": met.comparison.p_value}
        for name in ("macro_f1", "accuracy"):
            difference: Difference = getattr(met.comparison, name)
            said |= {f"{name}_{key}": value for key, value in difference.model_dump().items()}
        for name in ("category", "slice"):
            worst = met.comparison.worst(category=name == "category")
            said[f"worst_{name}"] = str(worst) if worst else "none has enough rows"
        said["fallen"] = ", ".join(named(map(str, met.comparison.fallen))) or "none"
    else:
        said |= {"rows_compared": 0, "verdict": "nothing was compared"}
    return said


def _best(board: pl.DataFrame) -> tuple[dict[str, Any], str]:
    """The best model of a board that may be promoted, and a note on those that are better and may not."""
    ranked = board.sort("rank").to_dicts()
    place = next((place for place, row in enumerate(ranked) if row.get("may_be_promoted", True)), None)
    if place is None:
        message = "no model of the leaderboard may be promoted: materialize models on given labels of that day too"
        raise TrainingError(message)
    if not place:
        return ranked[0], ""
    first = ranked[0]
    others = f" and {place - 1} more were" if place > 1 else " was"
    return ranked[place], f"; {first['model']}{others} ranked higher and passed over: {first['refinement']}"


def _without_looking(
    own: dict[str, Any], champion: dict[str, Any] | None, day: date, rules: PromotionRules
) -> Decision | None:
    """What is decided without comparing."""
    if champion and champion["version"] == own["version"]:
        return Decision(True, "it is the champion already")
    not_worse = own["not_worse"] is not False
    if own["rolled_back"]:
        return Decision(False, own["rolled_back"], not_worse)
    if champion and champion["date"] and champion["date"] > day.isoformat():
        return Decision(False, f"the champion is of {champion['date']}, a later day")
    same_rules = PromotionRules().model_dump() | (own["rules"] or {}) == rules.model_dump()
    if champion and own["settled"] and (same_rules or own["refused"]):
        # A person may have gone back to an older champion since: what they did is not undone by running again.
        return Decision(False, f"judged before: {own['decision']}", not_worse, refused=bool(own["refused"]))
    return None


def _judge(
    contest: Contest, own: dict[str, Any], champion: dict[str, Any] | None, snapshot: str | None
) -> tuple[Decision, Comparison | None]:
    rows = contest.test_rows(own["text_version"])
    wrong = _untrustworthy(contest, own, rows, snapshot)
    if wrong:
        refused = Decision(
            False, f"refused: {wrong}{contest.passed_over}", False, refused=True, rules=contest.rules.model_dump()
        )
        return refused, None
    test = rows.filter(pl.col("split") == "test")
    kept, note = (test, "") if champion is None else _new_to(champion, contest, test, rows)
    candidate = predict(load_classifier(contest.tracking_uri, own["mlflow_run_id"]), kept)
    if champion is None:
        said = rows.filter(pl.col("split") == "train")["category"].mode().sort()[0]
        other = candidate.with_columns(predicted=pl.lit(said))
    else:
        other = _champions_answers(contest, champion, kept, own["version"])
    comparison = compare(
        candidate.join(kept.select("url", "duplicate_cluster"), on="url"), other, slices_of(kept), contest.rules
    )
    if champion is None:
        decision = _against_saying(said, comparison, contest.rules)
    else:
        decision = decide(comparison, own, champion, contest.rules)
    rules = contest.rules.model_dump()
    reason = decision.reason + note + contest.passed_over
    return replace(decision, reason=reason, figures=comparison.figures(), rules=rules), comparison


def _untrustworthy(contest: Contest, own: dict[str, Any], rows: pl.DataFrame, snapshot: str | None) -> str | None:
    """Why the figures of a model say nothing; None where they do."""
    if not own["snapshot"]:
        return "its run does not say what data it is of"
    if snapshot and own["snapshot"] != snapshot:
        return f"its run says that it is of {own['snapshot']}, and the leaderboard is of {snapshot}"
    learned = contest.trained_on(own["snapshot"])
    if learned is None:
        return f"its run says that it is of {own['snapshot']}, which the lake does not have"
    return leak(rows, learned)


def _new_to(
    champion: dict[str, Any], contest: Contest, test: pl.DataFrame, rows: pl.DataFrame
) -> tuple[pl.DataFrame, str]:
    """The test rows that the champion has not learned from, and a note; all where that is unknown or leaves too few."""
    learned = contest.trained_on(champion["snapshot"]) if champion["snapshot"] else None
    if learned is None:
        return test, "; all test rows count, as the lake does not have what the champion learned from"
    known = known_to(test, rows, learned)
    kept = test.join(known, on="url", how="anti", maintain_order="left")
    if not known.height:
        return test, ""
    if kept["duplicate_cluster"].n_unique() < contest.rules.min_rows_compared:
        return test, f"; all test rows count, although the champion has learned from {known.height} of them"
    return kept, f"; without the {known.height} test rows that the champion has learned from"


def _champions_answers(contest: Contest, champion: dict[str, Any], kept: pl.DataFrame, own: int) -> pl.DataFrame:
    from mlflow.exceptions import MlflowException

    try:
        wrong = _incomparable(contest.tracking_uri, champion)
        classifier = None if wrong else load_classifier(contest.tracking_uri, champion["mlflow_run_id"])
    except (MlflowException, OSError, TrainingError, ModelError) as error:
        raise TrainingError(
            f"the champion, version {champion['version']}, cannot be loaded to compare with ({error}): restore its run "
            f"{champion['mlflow_run_id']} in MLflow, or name another: 'html-classification models rollback {own}'"
        ) from error
    if classifier is None:
        raise TrainingError(
            f"the champion, version {champion['version']}, cannot be compared, as {wrong}: make the new one champion "
            f"with 'html-classification models rollback {own}'"
        )
    rows = contest.test_rows(champion["text_version"]).join(kept.select("url"), on="url", how="semi")
    return predict(classifier, rows)


def _incomparable(tracking_uri: str, champion: dict[str, Any]) -> str | None:
    """Why the champion would not read today's rows as it has learned to; None where it would."""
    from mlflow import artifacts

    if champion["text_version"] not in TEXT_VERSIONS:
        return f"its text version, {champion['text_version'] or 'which it does not name'}, is not among those of today"
    model = tracked_model(tracking_uri, champion["mlflow_run_id"])
    with TemporaryDirectory() as scratch:
        folder = Path(artifacts.download_artifacts(artifact_uri=model.uri, dst_path=scratch, tracking_uri=tracking_uri))
        if not (folder / DESCRIPTION).exists():
            return "it was made by an earlier release"
        return reads_otherwise(read_description(folder))


def _against_saying(said: str, comparison: Comparison, rules: PromotionRules) -> Decision:
    """The first champion must know more than which category is the most frequent."""
    worse = comparison.p_value <= rules.significance and comparison.lost > comparison.won
    better = comparison.macro_f1.difference > 0 and not worse
    verdict = "better" if better else "no better"
    reason = f"there is no champion yet, and it is {verdict} than always {said!r}: {_figures(comparison)}"
    return Decision(better, reason, not_worse=better)


def decide(comparison: Comparison, own: dict[str, Any], champion: dict[str, Any], rules: PromotionRules) -> Decision:
    """The rule.

    Args:
        comparison: Of the new model with the champion.
        own: The new model's entry, as of `list_models`.
        champion: The champion's, of the same day or an earlier one.
        rules: The rules.

    Returns:
        Whether nothing has fallen, and it is better, or of newer data, not distinguishable on enough rows and behind by
        no more than the margin.
    """
    than = f"version {champion['version']}"
    figures = _figures(comparison)
    if comparison.verdict == "worse":
        return Decision(False, f"worse than {than}: {figures}", not_worse=False)
    if comparison.fallen:
        parts = ", ".join(named(map(str, comparison.fallen), _NAMED))
        return Decision(False, f"has fallen against {than}: {parts}; on the whole {figures}", not_worse=False)
    if comparison.verdict == "better":
        return Decision(True, f"better than {than}: {figures}")
    return _not_distinguishable(comparison, own, champion, rules)


def _not_distinguishable(
    comparison: Comparison, own: dict[str, Any], champion: dict[str, Any], rules: PromotionRules
) -> Decision:
    """What chance may explain is no proof that the new model is as good: there must be rows enough, and a margin."""
    than, figures = f"version {champion['version']}", _figures(comparison)
    if comparison.clusters < rules.min_rows_compared:
        few = f"on {comparison.clusters} different rows, where {rules.min_rows_compared} are needed"
        return Decision(False, f"not distinguishable from {than} {few}: {figures}")
    if min(comparison.macro_f1.difference, comparison.accuracy.difference) < -rules.margin:
        by = f"by more than the margin of {rules.margin:g}, though chance may explain it"
        return Decision(False, f"worse than {than} {by}: {figures}", not_worse=False)
    if own["snapshot"] == champion["snapshot"]:
        return Decision(False, f"not distinguishable from {than}, and of the same data: {figures}")
    return Decision(True, f"not distinguishable from {than}, and of newer data: {figures}")


def _figures(comparison: Comparison) -> str:
    return (
        f"macro-F1 {comparison.macro_f1}, accuracy {comparison.accuracy}, McNemar p {comparison.p_value:.2g}, "
        f"{comparison.rows} rows"
    )
