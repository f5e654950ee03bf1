"""The best model of a day meets the champion: a real registry, and models whose answers are known."""

import json
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from mlflow import MlflowClient

from html_classification.inference.stored import DESCRIPTION, description
from html_classification.training import champions, promoting, registry, tracking
from html_classification.training.algorithms import ALGORITHMS
from html_classification.training.comparison import PromotionRules
from html_classification.training.errors import TrainingError
from html_classification.training.fitting import Classifier, fit
from html_classification.training.packaging import package
from html_classification.training.promoting import Encounter, meet_champion
from html_classification.transforms.text.versions import TEXT_VERSIONS
from html_classification_tests.training.corpus import invented_pages
from html_classification_tests.training.models_in_mlflow import day, knowing, new_database, record

NAMES = ("cooking", "sports", "travel")
NEXT = dict(zip(NAMES, (*NAMES[1:], NAMES[0]), strict=True))
TRAIN, TEST = 120, 150


def training_set() -> pl.DataFrame:
    """The rows of every day here: the last 150 are for testing, 50 of each category, a tenth of them in German."""
    numbers = range(TRAIN + TEST)
    url = [f"https://site{number % 2}.example/{number:04d}" for number in numbers]
    return pl.DataFrame(
        {
            "url": url,
            "category": [NAMES[number % 3] for number in numbers],
            "split": ["train" if number < TRAIN else "test" for number in numbers],
            "duplicate_cluster": url,
            "language": ["de" if number % 10 == 0 else "en" for number in numbers],
            "label_source": ["file"] * len(url),
            "day": [day(1) if number < TRAIN else day(2) for number in numbers],
            "text": ["a text of five words"] * len(url),
            "markup": [""] * len(url),
            "address": [""] * len(url),
        }
    )


ROWS = training_set()
CATEGORY = dict(ROWS.select("url", "category").iter_rows())
TEST_URLS = ROWS.filter(pl.col("split") == "test")["url"].to_list()


def all_right(*wrong: str) -> Classifier:
    """A model that is right of all pages but these."""
    return knowing({url: NEXT[category] if url in wrong else category for url, category in CATEGORY.items()})


def wrong_of(category: str, share: float = 1.0) -> list[str]:
    """Test pages of a category."""
    urls = [url for url in TEST_URLS if CATEGORY[url] == category]
    return urls[: round(len(urls) * share)]


@dataclass
class Registry:
    """An MLflow of its own, the models in it, and what they have learned from."""

    uri: str
    models: dict[str, Classifier] = field(default_factory=dict)
    learned: dict[str, Iterable[str]] = field(default_factory=dict)
    rows: pl.DataFrame = field(default_factory=training_set)
    rules: PromotionRules = field(default_factory=lambda: PromotionRules(bootstrap_samples=200))
    while_loading: Callable[[], object] = lambda: None

    def load(self, uri: str, run_id: str) -> Classifier:
        """What MLflow would load."""
        self.while_loading()
        if run_id not in self.models:
            raise TrainingError(f"MLflow run {run_id} has no model")
        return self.models[run_id]

    def train(self, version: str, of: date, model: Classifier, **tags: str) -> None:
        self.models[record(self.uri, version, of, **tags)] = model
        self.learned.setdefault(f"training-set-{of}-{version}", ROWS["url"][:TRAIN].to_list())

    def meet(self, version: str, of: date, **board: Any) -> Encounter:
        """Let it be the best of a day; the second model of the board, the first row, is never looked at."""
        names = {"rank": [2, 1], "model": ["models/given-v1-other", "models/given-v2-complement-nb"]}
        names |= {"version": ["ffffffffffff", version], "text_version": ["v1", "v2"]}
        frame = pl.DataFrame(names | board)
        return meet_champion(
            self.uri,
            frame,
            of,
            {"v2": self.rows}.__getitem__,
            lambda snapshot: frozenset(self.learned[snapshot]) if snapshot in self.learned else None,
            self.rules,
        )

    def train_and_meet(self, version: str, of: date, model: Classifier, **tags: str) -> Encounter:
        self.train(version, of, model, **tags)
        return self.meet(version, of)

    @property
    def champion(self) -> int | None:
        found = registry.champion(self.uri)
        return found["version"] if found else None

    @property
    def state(self) -> list[tuple[int, list[str]]]:
        return [(model["version"], model["aliases"]) for model in registry.list_models(self.uri)]

    def tag(self, version: int, name: str) -> str:
        tags = tracking.client(self.uri).get_model_version(registry.MODEL_NAME, str(version)).tags
        return str(tags[f"{registry.PREFIX}{name}"])


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    made = Registry(new_database(tmp_path))
    monkeypatch.setattr(promoting, "load_classifier", made.load)
    return made


def test_a_worse_model_never_becomes_champion(models: Registry) -> None:
    first = models.train_and_meet("000000000001", day(1), all_right())
    assert (first.promoted, first.model_version, first.model) == (True, 1, "models/given-v2-complement-nb")
    assert first.reason.startswith("there is no champion yet, and it is better than always 'cooking': macro-F1 1.000")
    worse = models.train_and_meet("000000000002", day(2), all_right(*TEST_URLS[::5]))
    assert (worse.promoted, worse.refused, worse.model_version, worse.judged_against) == (False, False, 2, 1)
    assert worse.reason.startswith("worse than version 1: macro-F1 0.800 against 1.000 (-0.200, -0.2")
    assert worse.reason.endswith(", McNemar p 1.9e-09, 150 rows")
    assert models.state == [(2, ["challenger"]), (1, ["champion"])]
    assert (models.tag(2, "promoted"), models.tag(2, "refused"), models.tag(2, "judged_against")) == (
        "false",
        "false",
        "1",
    )
    assert models.tag(2, "decision") == worse.reason
    figures = json.loads(models.tag(2, "figures"))
    assert (figures["verdict"], figures["lost"], figures["won"], figures["rows"]) == ("worse", 30, 0, 150)
    assert figures["worst_category"]["slice"] == "category"
    check = promoting.check(worse)
    assert (check.name, check.passed, check.blocking, check.figures["verdict"]) == ("not_worse", False, False, "worse")
    assert (check.figures["macro_f1_difference"], check.figures["accuracy_difference"]) == (-0.2, -0.2)
    assert check.figures["worst_category"].startswith(("f1 of category", "recall of category"))
    assert promoting.check(models.meet("000000000002", day(2))).passed is False
    assert promoting.check(first).passed
    assert figures["worst_slice"]["slice"] in {"language", "site", "length", "label_source", "day"}


def test_a_model_on_refined_labels_is_passed_over_where_these_do_not_help(models: Registry) -> None:
    models.train("000000000001", day(1), all_right())
    why = "refined labels do not help: macro-F1 0.800 against 0.900 (-0.100, -0.150 to -0.050)"
    board: dict[str, Any] = {
        "rank": [1, 2],
        "model": ["models/refined-v2-complement-nb", "models/given-v2-complement-nb"],
        "refinement": [why, why],
    }
    met = models.meet("000000000001", day(1), **board, may_be_promoted=[False, True])
    assert (met.promoted, met.model) == (True, "models/given-v2-complement-nb")
    note = f"; models/refined-v2-complement-nb was ranked higher and passed over: {why}"
    assert met.reason.endswith(note)
    assert models.tag(1, "decision") == met.reason
    # It has not been registered, and the note is there once however often it is asked.
    assert models.state == [(1, ["champion"])]
    for _ in range(2):
        assert models.meet("000000000001", day(1), **board, may_be_promoted=[False, True]).reason.count(note) == 1
    with pytest.raises(TrainingError, match="no model of the leaderboard may be promoted"):
        models.meet("000000000001", day(1), **board, may_be_promoted=[False, False])


def test_models_are_loaded_from_mlflow_and_answer_the_test_rows(tmp_path: Path) -> None:
    uri, rows = new_database(tmp_path), training_set()
    words = invented_pages(TRAIN + TEST)  # of the same three categories, in the same order
    rows = rows.with_columns(text=words["text"], category=words["category"])
    train = rows.filter(split="train")
    mixed = train.with_columns(category=pl.col("category").reverse())
    learned = {"training-set-2026-03-01-good": frozenset(train["url"]), "training-set-2026-03-02-bad": frozenset()}
    for version, known in (("good", train), ("bad", mixed)):
        classifier = fit(known, ALGORITHMS["complement-nb"])
        of = day(1 if version == "good" else 2)
        record(uri, version, of, write=lambda folder, made=classifier: package(folder, made, "v2"))
        board = {"rank": [1], "model": ["models/given-v2-complement-nb"], "version": [version], "text_version": ["v2"]}
        met = meet_champion(uri, pl.DataFrame(board), of, lambda _: rows, learned.get, PromotionRules())
        assert met.promoted == (version == "good")
        assert met.comparison is not None
        assert (met.comparison.accuracy.candidate > 0.95) == (version == "good")
    assert registry.champion(uri)["version"] == 1


def test_a_first_model_must_know_more_than_the_most_frequent_category(models: Registry) -> None:
    always = models.train_and_meet("000000000001", day(1), knowing(dict.fromkeys(CATEGORY, "cooking")))
    assert (always.promoted, always.refused) == (False, False)
    assert always.reason.startswith("there is no champion yet, and it is no better than always 'cooking'")
    assert not promoting.check(always).passed
    assert models.state == [(1, ["challenger"])]
    assert models.train_and_meet("000000000002", day(2), all_right(*TEST_URLS[::2])).promoted


def test_a_better_or_equal_newer_model_becomes_champion(models: Registry) -> None:
    models.train_and_meet("000000000001", day(1), all_right(*TEST_URLS[::5]))
    better = models.train_and_meet("000000000002", day(2), all_right())
    assert (better.promoted, better.reason.split(":")[0]) == (True, "better than version 1")
    equal = models.train_and_meet("000000000003", day(3), all_right(TEST_URLS[0]))
    assert (equal.promoted, equal.reason.split(":")[0]) == (
        True,
        "not distinguishable from version 2, and of newer data",
    )
    assert models.state == [(3, ["champion"]), (2, []), (1, [])]


def test_a_model_of_the_same_data_must_be_better(models: Registry) -> None:
    same = {"snapshot": "training-set-2026-03-01-000000000001"}
    models.train_and_meet("000000000001", day(1), all_right(*TEST_URLS[::5]))
    equal = models.train_and_meet("000000000002", day(1), all_right(*TEST_URLS[1::5]), **same)
    assert equal.not_worse
    assert (equal.promoted, equal.reason.split(":")[0]) == (
        False,
        "not distinguishable from version 1, and of the same data",
    )
    assert models.train_and_meet("000000000003", day(1), all_right(), **same).promoted


def test_a_newer_model_may_be_behind_by_the_margin_only(models: Registry) -> None:
    models.train_and_meet("000000000001", day(1), all_right(*TEST_URLS[:6]))
    behind = models.train_and_meet("000000000002", day(2), all_right(*TEST_URLS[6:16]))
    assert (behind.promoted, behind.not_worse) == (False, False)
    assert behind.reason.startswith(
        "worse than version 1 by more than the margin of 0.02, though chance may explain it: macro-F1 0.933 against 0."
    )
    assert models.state == [(2, ["challenger"]), (1, ["champion"])]
    near = models.train_and_meet("000000000003", day(3), all_right(*TEST_URLS[6:14]))
    assert (near.promoted, near.not_worse) == (True, True)


def test_on_few_rows_a_newer_model_must_be_better(models: Registry) -> None:
    models.rows = training_set().head(TRAIN + 49)
    assert models.train_and_meet("000000000001", day(1), all_right(*TEST_URLS[::3])).promoted
    equal = models.train_and_meet("000000000002", day(2), all_right(*TEST_URLS[1::3]))
    assert (equal.promoted, equal.not_worse) == (False, True)
    assert equal.reason.startswith("not distinguishable from version 1 on 49 different rows, where 50 are needed: ")
    assert models.train_and_meet("000000000003", day(3), all_right()).promoted
    copies = pl.when(pl.col("url").is_in(TEST_URLS[:2])).then(pl.lit("copy")).otherwise("duplicate_cluster")
    models.rows = training_set().head(TRAIN + 50).with_columns(duplicate_cluster=copies)
    assert not models.train_and_meet("000000000004", day(4), all_right()).promoted
    models.rows = training_set().head(TRAIN + 50)
    assert models.train_and_meet("000000000005", day(5), all_right()).promoted


def test_a_model_is_judged_again_by_other_rules(models: Registry) -> None:
    models.train_and_meet("000000000001", day(1), all_right(*TEST_URLS[:6]))
    models.train_and_meet("000000000002", day(2), all_right(*TEST_URLS[6:16]))
    assert models.meet("000000000002", day(2)).reason.startswith("judged before: worse than version 1 by more than")
    models.rules = PromotionRules(bootstrap_samples=200, margin=0.05)
    assert models.meet("000000000002", day(2)).promoted
    assert json.loads(models.tag(2, "rules")) == models.rules.model_dump()
    # Neither what a person left, nor what was refused for its data.
    champions.rollback(models.uri)
    models.rules = PromotionRules(bootstrap_samples=200, margin=0.1)
    assert models.meet("000000000002", day(2)).reason.startswith("went back to version 1")
    models.train("000000000003", day(3), all_right())
    learned = models.learned.pop("training-set-2026-03-03-000000000003")
    assert models.meet("000000000003", day(3)).refused
    models.learned["training-set-2026-03-03-000000000003"] = learned
    models.rules = PromotionRules(bootstrap_samples=200)
    assert models.meet("000000000003", day(3)).reason.startswith("judged before: refused: ")
    assert models.champion == 1


def test_a_better_model_that_lost_a_category_or_a_slice_is_not_promoted(models: Registry) -> None:
    german = ROWS.filter(language="de", split="test")["url"].to_list()
    others = {*wrong_of("cooking", 0.8), *wrong_of("travel", 0.8)} - {*german}
    models.train_and_meet("000000000001", day(1), all_right(*others))
    lost = models.train_and_meet("000000000002", day(2), all_right(*wrong_of("sports", 0.5)))
    assert not lost.promoted
    assert lost.comparison is not None
    assert lost.comparison.verdict == "better"
    assert lost.reason.startswith("has fallen against version 1: recall of category sports 0.500 against 1.000 (-0.500")
    models.rules = PromotionRules(bootstrap_samples=200, min_rows=15, category_margin=1)
    slice_lost = models.train_and_meet("000000000003", day(3), all_right(*wrong_of("sports", 0.1), *german))
    assert (slice_lost.promoted, "accuracy of language de 0.000" in slice_lost.reason) == (False, True)
    models.rules = PromotionRules(bootstrap_samples=200, min_rows=16, category_margin=1, slice_margin=1)
    assert models.train_and_meet("000000000004", day(4), all_right(*wrong_of("sports", 0.1), *german)).promoted


def test_an_earlier_days_model_never_replaces_a_later_ones(models: Registry) -> None:
    models.train_and_meet("000000000001", day(2), all_right(*TEST_URLS[::5]))
    earlier = models.train_and_meet("000000000002", day(1), all_right())
    assert (earlier.promoted, earlier.reason) == (False, "the champion is of 2026-03-02, a later day")
    shown = promoting.check(earlier).figures
    assert (shown["rows_compared"], shown["verdict"]) == (0, "nothing was compared")
    assert models.state == [(2, []), (1, ["champion"])]


def leaky_rows(kind: str) -> pl.DataFrame:
    rows = training_set()
    if kind == "url":
        return pl.concat([rows, rows[-1:].with_columns(split=pl.lit("train"))])
    copy = pl.when(pl.col("url") == TEST_URLS[0]).then(pl.lit(rows["url"][0])).otherwise("duplicate_cluster")
    return rows.with_columns(duplicate_cluster=copy)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("url", "1 of its 150 test rows are train rows too"),
        ("cluster", "1 of its 150 test rows have near duplicates among its train rows"),
        ("record", "2 of its 150 test rows are known to it, by the snapshot that it was trained on"),
        ("gone", "it is of training-set-2026-03-02-000000000002, which the lake does not have"),
        (
            "other",
            "of training-set-2026-03-02-000000000002, and the leaderboard is of training-set-2026-03-02-ffffffffffff",
        ),
    ],
)
def test_a_model_with_a_leak_is_refused(models: Registry, kind: str, said: str) -> None:
    models.train_and_meet("000000000001", day(1), all_right(*TEST_URLS[::3]))
    models.train("000000000002", day(2), all_right())
    board, snapshot = {}, "training-set-2026-03-02-000000000002"
    if kind in {"url", "cluster"}:
        models.rows = leaky_rows(kind)
    elif kind == "record":
        models.learned[snapshot] = [*ROWS["url"][:TRAIN], *TEST_URLS[:2]]
    elif kind == "gone":
        del models.learned[snapshot]
    else:
        board = {"snapshot": "training-set-2026-03-02-ffffffffffff"}
    refused = models.meet("000000000002", day(2), **board)
    assert (refused.promoted, refused.refused, refused.comparison) == (False, True, None)
    assert refused.reason.startswith("refused: ")
    assert said in refused.reason
    assert models.state == [(2, []), (1, ["champion"])]
    assert (models.tag(2, "promoted"), models.tag(2, "refused")) == ("false", "true")
    again = models.meet("000000000002", day(2), **board)
    assert (again.refused, again.reason) == (True, f"judged before: {refused.reason}")
    with pytest.raises(TrainingError, match="version 2 was refused"):
        champions.rollback(models.uri, 2)
    models.rows = training_set()
    assert models.train_and_meet("000000000003", day(2), all_right()).promoted


def test_rows_that_the_champion_learned_from_do_not_count(models: Registry) -> None:
    known = [*ROWS["url"][:TRAIN], *TEST_URLS[:60]]
    # A page that the champion learned from is not in the training set any more, a copy of another is.
    copy = pl.when(pl.col("url") == TEST_URLS[60]).then(pl.lit(TEST_URLS[0])).otherwise("duplicate_cluster")
    models.rows = training_set().with_columns(duplicate_cluster=copy)
    models.learned["training-set-2026-03-01-000000000001"] = [*known[:TRAIN]]
    models.train_and_meet("000000000001", day(1), all_right(*TEST_URLS[61:]))
    models.learned["training-set-2026-03-01-000000000001"] = [*known, "https://gone.example/"]
    newer = models.train_and_meet("000000000002", day(2), all_right(*TEST_URLS[:60]))
    assert newer.comparison is not None
    assert (newer.promoted, newer.comparison.rows, newer.comparison.accuracy.candidate) == (True, 89, 1)
    assert newer.reason.endswith("89 rows; without the 61 test rows that the champion has learned from")


def test_where_the_champion_knows_nearly_all_rows_or_nobody_knows_which_all_count(models: Registry) -> None:
    models.train_and_meet("000000000001", day(1), all_right())
    models.learned["training-set-2026-03-01-000000000001"] = TEST_URLS[:101]
    few = models.train_and_meet("000000000002", day(2), all_right(*TEST_URLS[::5]))
    assert few.reason.endswith("150 rows; all test rows count, although the champion has learned from 101 of them")
    del models.learned["training-set-2026-03-01-000000000001"]
    unknown = models.train_and_meet("000000000003", day(3), all_right(*TEST_URLS[::5]))
    assert unknown.reason.endswith(
        "150 rows; all test rows count, as the lake does not have what the champion learned from"
    )


def test_running_again_changes_nothing(models: Registry) -> None:
    bad = TEST_URLS[::5]
    days = {"000000000001": day(1), "000000000002": day(2), "000000000003": day(3)}
    for (version, of), wrong in zip(days.items(), (bad, [], bad), strict=True):
        models.train_and_meet(version, of, all_right(*wrong))
    before = models.state
    assert before == [(3, ["challenger"]), (2, ["champion"]), (1, [])]
    again = [models.meet(version, of) for version, of in days.items()]
    assert [encounter.promoted for encounter in again] == [False, True, False]
    assert models.state == before
    assert [entry.version for entry in champions.history(models.uri)] == [1, 2]


def test_what_a_person_went_back_to_stays(models: Registry) -> None:
    days = {"000000000001": day(1), "000000000002": day(2), "000000000003": day(3)}
    for version, of in days.items():
        assert models.train_and_meet(version, of, all_right()).promoted
    for older in (2, 1):
        assert champions.rollback(models.uri, reason="odd answers").after == older
        for version, of in days.items():
            models.meet(version, of)
        assert models.champion == older
    assert models.meet("000000000003", day(3)).reason.startswith("went back to version 2 on 20")
    # Not even where there is no champion at all. A new model is judged as ever.
    tracking.client(models.uri).delete_registered_model_alias(registry.MODEL_NAME, registry.CHAMPION)
    assert not models.meet("000000000003", day(3)).promoted
    assert models.train_and_meet("000000000004", day(4), all_right()).promoted


def test_a_model_whose_run_is_gone_says_what_to_do(models: Registry) -> None:
    with pytest.raises(TrainingError, match="materialize that stage for 2026-03-01 again"):
        models.meet("000000000009", day(1))
    assert models.state == []


def test_a_champion_that_cannot_be_loaded_says_what_to_do(models: Registry) -> None:
    models.train_and_meet("000000000001", day(1), all_right())
    models.models.clear()
    with pytest.raises(TrainingError, match=r"the champion, version 1, cannot be loaded .* models rollback"):
        models.train_and_meet("000000000002", day(2), all_right())
    assert models.state == [(2, []), (1, ["champion"])]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (None, "be compared, as it was made by an earlier release: make the new one champion with "),
        (
            {"text_version": {"name": "v2", "steps": [{"step": "lowercase", "parameters": {}}]}},
            "be compared, as the model was trained on text version v2 with the rules lowercase; here they are ",
        ),
        ({"fields": ["text"]}, "be compared, as the model reads the fields text, here there are text, markup"),
        ({"format": 99}, "be loaded to compare with (.*model.json has format 99, "),
    ],
    ids=["earlier-release", "other-rules", "other-fields", "other-format"],
)
def test_a_champion_that_reads_pages_otherwise_is_not_compared(
    models: Registry, change: dict[str, Any] | None, said: str
) -> None:
    def write(folder: Path) -> None:
        (folder / DESCRIPTION).parent.mkdir(parents=True)
        if change is not None:
            (folder / DESCRIPTION).write_text(json.dumps(description(TEXT_VERSIONS["v2"], []) | change))

    champions.promote(
        models.uri, registry.register(models.uri, record(models.uri, "000000000001", day(1), write=write))
    )
    with pytest.raises(TrainingError, match=re.escape(said).replace(r"\.\*", ".*")) as caught:
        models.train_and_meet("000000000002", day(2), all_right())
    assert str(caught.value).startswith("the champion, version 1, cannot be ")
    assert str(caught.value).endswith("'html-classification models rollback 2'")
    assert "\n" not in str(caught.value)
    assert models.state == [(2, []), (1, ["champion"])]
    assert champions.rollback(models.uri, 2).after == 2
    assert models.train_and_meet("000000000003", day(3), all_right()).promoted


def test_a_champion_whose_text_version_is_gone_is_not_compared(
    models: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    models.train_and_meet("000000000001", day(1), all_right())
    monkeypatch.setattr(promoting, "TEXT_VERSIONS", {})
    with pytest.raises(TrainingError, match="as its text version, v2, is not among those of today: make the new one"):
        models.train_and_meet("000000000002", day(2), all_right())
    name = (registry.MODEL_NAME, "1", f"{registry.PREFIX}text_version")
    tracking.client(models.uri).delete_model_version_tag(*name)
    with pytest.raises(TrainingError, match="as its text version, which it does not name, is not among"):
        models.meet("000000000002", day(2))


@pytest.mark.parametrize("died", ["before the alias", "before the history", "at last"])
def test_what_a_process_that_died_left_undone_is_done_by_the_next_run(
    models: Registry, monkeypatch: pytest.MonkeyPatch, died: str
) -> None:
    models.train_and_meet("000000000001", day(1), all_right(*TEST_URLS[::5]))
    crown = champions._crown

    def dying_crown(client: MlflowClient, version: int, *rest: Any) -> None:
        if died == "at last":
            crown(client, version, *rest)
        elif died == "before the history":
            client.set_registered_model_alias(registry.MODEL_NAME, registry.CHAMPION, str(version))
        raise KeyboardInterrupt

    monkeypatch.setattr(champions, "_crown", dying_crown)
    with pytest.raises(KeyboardInterrupt):
        models.train_and_meet("000000000002", day(2), all_right())
    assert models.champion == (1 if died == "before the alias" else 2)
    monkeypatch.setattr(champions, "_crown", crown)
    assert models.meet("000000000002", day(2)).promoted
    assert (models.champion, models.tag(2, "settled")) == (2, "true")
    assert models.tag(2, "decision").startswith("better than version 1")
    assert [(entry.before, entry.version) for entry in champions.history(models.uri)] == [(None, 1), (1, 2)]
    assert champions.history(models.uri)[1].reason == models.tag(2, "decision")


def test_the_champion_of_the_last_moment_counts(models: Registry) -> None:
    for number, wrong in ((1, TEST_URLS[::2]), (2, []), (3, TEST_URLS[::5])):
        models.train(f"00000000000{number}", day(number), all_right(*wrong))
    models.meet("000000000001", day(1))
    models.meet("000000000002", day(2))
    champions.promote(models.uri, 1)

    def another() -> None:
        models.while_loading = lambda: None
        champions.promote(models.uri, 2)

    models.while_loading = another
    late = models.meet("000000000003", day(3))
    assert (late.promoted, late.judged_against) == (False, 2)
    assert models.champion == 2
    models.train("000000000004", day(4), all_right())
    models.while_loading = lambda: champions.promote(models.uri, 1 + (models.champion or 0) % 3)
    with pytest.raises(TrainingError, match="the champion changed 3 times"):
        models.meet("000000000004", day(4))


def test_promotions_at_once_leave_one_champion_and_the_whole_history(models: Registry) -> None:
    numbers = range(1, 5)
    for number in numbers:
        models.train(f"00000000000{number}", day(1), all_right(*TEST_URLS[:: 2 + number]))
    with ThreadPoolExecutor(4) as pool:
        met = list(pool.map(lambda number: models.meet(f"00000000000{number}", day(1)), numbers))
    promoted = {encounter.model_version for encounter in met if encounter.promoted}
    successions = champions.history(models.uri)
    assert {entry.version for entry in successions} == promoted
    assert [entry.before for entry in successions] == [None, *(entry.version for entry in successions[:-1])]
    assert models.champion == successions[-1].version
