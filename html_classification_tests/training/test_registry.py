"""The registry: versions, their listing, champions and their history."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from html_classification.training import champions, tracking
from html_classification.training.champions import Decision, promote, rollback, settle
from html_classification.training.errors import TrainingError
from html_classification.training.registry import MODEL_NAME, champion, list_models, register
from html_classification_tests.training.models_in_mlflow import day, new_database, record


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return new_database(tmp_path)


def registered(uri: str, number: int) -> int:
    return register(uri, record(uri, f"{number:012d}", day(number)))


def aliases(uri: str) -> dict[int, list[str]]:
    return {model["version"]: model["aliases"] for model in list_models(uri)}


def test_a_version_is_registered_once_and_listed_as_agreed(uri: str) -> None:
    run_id = record(uri, "0123456789ab", labels="given")
    assert register(uri, run_id) == register(uri, run_id) == register(uri, record(uri, "0123456789ab")) == 1
    settle(uri, 1, Decision(False, "worse", not_worse=False), against=None)
    assert aliases(uri) == {1: ["challenger"]}
    promote(uri, 1)
    assert list_models(uri) == [
        {
            "name": "html-classification",
            "version": 1,
            "aliases": ["champion"],
            "date": "2026-03-01",
            "text_version": "v2",
            "algorithm": "complement-nb",
            "snapshot": "training-set-2026-03-01-0123456789ab",
            "mlflow_run_id": run_id,
            "rows": {"train": 70, "test": 30},
            "metrics": {"accuracy": 0.9, "macro_f1": 0.8},
            "promoted": False,
            "not_worse": False,
            "refused": False,
            "decision": "worse",
            "judged_against": None,
            "rules": {},
            "settled": True,
            "rolled_back": None,
        }
    ]
    version = tracking.client(uri).get_model_version(MODEL_NAME, "1")
    assert version.description == (
        "complement-nb given v2 of 2026-03-01, trained on 70 rows of snapshot `training-set-2026-03-01-0123456789ab`. "
        "On its 30 test rows: accuracy 0.900, macro_f1 0.800."
    )


def test_processes_that_register_at_once_register_once(uri: str) -> None:
    run_id = record(uri, "0123456789ab")
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: register(uri, run_id), range(4))) == [1, 1, 1, 1]
    assert len(list_models(uri)) == 1


def test_a_run_without_a_version_or_a_model_is_not_registered(uri: str) -> None:
    with tracking.tracked_run(uri, "tests", run_name="none", tags={}) as run:
        pass
    with pytest.raises(TrainingError, match=r"has no tag html_classification\.version"):
        register(uri, run.run_id)
    with pytest.raises(TrainingError, match="has no model"):
        register(uri, run.run_id, tags={tracking.VERSION_TAG: "0123456789ab"})
    assert list_models(uri) == []


def test_nothing_is_listed_and_nothing_created_where_nothing_is(tmp_path: Path) -> None:
    assert list_models(f"sqlite:///{tmp_path / 'none.db'}") == []
    assert list(tmp_path.iterdir()) == []


def test_what_was_decided_is_done_and_said(uri: str) -> None:
    first, second, third = (registered(uri, number) for number in (1, 2, 3))
    assert champion(uri) is None
    assert settle(uri, first, Decision(True, "the first", figures={"rows": 30}), against=None)
    assert settle(uri, second, Decision(False, "worse"), against=first)
    assert settle(uri, third, Decision(False, "a leak", refused=True), against=first)
    assert aliases(uri) == {first: ["champion"], second: ["challenger"], third: []}
    tags = tracking.client(uri).get_model_version(MODEL_NAME, str(first)).tags
    assert tags["html_classification.figures"] == '{"rows": 30}'
    listed = [(one["promoted"], one["refused"], one["decision"], one["judged_against"]) for one in list_models(uri)]
    assert listed == [(False, True, "a leak", first), (False, False, "worse", first), (True, False, "the first", None)]


def test_a_decision_about_another_champion_is_not_carried_out(uri: str) -> None:
    first, second = (registered(uri, number) for number in (1, 2))
    promote(uri, first)
    assert not settle(uri, second, Decision(True, "better"), against=None)
    assert aliases(uri) == {first: ["champion"], second: []}
    assert list_models(uri)[0]["decision"] is None


def test_a_decision_that_mlflow_does_not_take_leaves_the_champion(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (registered(uri, number) for number in (1, 2))
    promote(uri, first)
    written = champions._write

    def refuse(*arguments: object) -> None:
        written(*arguments)  # type: ignore[arg-type]
        raise ConnectionError

    monkeypatch.setattr(champions, "_write", refuse)
    with pytest.raises(ConnectionError):
        settle(uri, second, Decision(True, "better"), against=first)
    assert aliases(uri) == {first: ["champion"], second: []}
    assert list_models(uri)[0]["settled"] is False


def test_long_reasons_are_cut(uri: str) -> None:
    long = 'said "so", ' * 3_000
    first, second = (registered(uri, number) for number in (1, 2))
    settle(uri, first, Decision(True, long), against=None)
    settle(uri, second, Decision(True, long), against=first)
    rollback(uri, reason=long)
    mlflow_client = tracking.client(uri)
    tags = dict(mlflow_client.get_registered_model(MODEL_NAME).tags)
    for number in (first, second):
        tags |= {
            f"{number} {key}": value
            for key, value in mlflow_client.get_model_version(MODEL_NAME, str(number)).tags.items()
        }
    assert len(tags) > 20
    assert max(map(len, tags.values())) == 5_000
    assert all(entry.reason.endswith("…") for entry in champions.history(uri))


def test_going_back_takes_the_champion_before_each_time(uri: str) -> None:
    for number in (1, 2, 3):
        promote(uri, registered(uri, number), reason=f"better than {number - 1}")
    done = rollback(uri, reason="odd answers")
    assert (done.before, done.after) == (3, 2)
    assert aliases(uri) == {1: [], 2: ["champion"], 3: []}
    left = {model["version"]: model["rolled_back"] for model in list_models(uri)}
    assert left[3] is not None
    assert left[3].startswith("went back to version 2 on 20")
    assert left[3].endswith(": odd answers")
    assert left[2] is None
    promote(uri, registered(uri, 4))
    assert [rollback(uri).after, rollback(uri).after] == [2, 1]
    with pytest.raises(TrainingError, match=r"no champion before version 1 is known: name one .* 'models rollback 4'"):
        rollback(uri)
    assert [(entry.before, entry.version) for entry in champions.history(uri)] == [
        *((None, 1), (1, 2), (2, 3), (3, 2), (2, 4), (4, 2), (2, 1)),
    ]
    assert champions.history(uri)[3].reason == "went back from version 3: odd answers"
    times = [entry.time for entry in champions.history(uri)]
    assert times == sorted(set(times))


def test_going_to_a_version_that_is_named(uri: str) -> None:
    for number in (1, 2, 3):
        promote(uri, registered(uri, number))
    settle(uri, registered(uri, 4), Decision(False, "worse"), against=3)
    assert rollback(uri, 1).after == 1
    assert rollback(uri, 3).after == 3
    assert [model["rolled_back"] is None for model in list_models(uri)] == [True, True, True, False]
    assert rollback(uri, 4).after == 4
    assert aliases(uri) == {1: [], 2: [], 3: [], 4: ["champion"]}
    assert rollback(uri, 4) == champions.Rollback(4, 4)
    with pytest.raises(TrainingError, match="there is no model version 9: see 'html-classification models ls'"):
        rollback(uri, 9)


def test_the_champion_before_is_found_though_it_was_deleted_or_set_in_mlflow(uri: str) -> None:
    for number in (1, 2):
        promote(uri, registered(uri, number))
    mlflow_client = tracking.client(uri)
    mlflow_client.set_registered_model_alias(MODEL_NAME, "champion", str(registered(uri, 3)))
    mlflow_client.delete_model_version(MODEL_NAME, "2")
    assert rollback(uri).after == 1


def test_without_a_champion_there_is_nothing_to_go_back_from(uri: str) -> None:
    with pytest.raises(TrainingError, match="there is no champion"):
        rollback(uri)
    registered(uri, 1)
    with pytest.raises(TrainingError, match="there is no champion"):
        rollback(uri, 1)


def test_a_foreign_tag_among_the_history_is_named(uri: str) -> None:
    promote(uri, registered(uri, 1))
    tracking.client(uri).set_registered_model_tag(MODEL_NAME, f"{champions.HISTORY}yesterday", "{}")
    with pytest.raises(TrainingError, match=r"tag html_classification\.champion\.yesterday .* delete it"):
        rollback(uri)
