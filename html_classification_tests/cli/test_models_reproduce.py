"""`models reproduce` as its users have it: real models of a real graph, MLflow, and lakes that have lost their layers.

Belongs here: what it prints, its exit status, what it needs and what it leaves as it was. Does not belong here:
archives, and rebuilding versions that are no models (`reproduction`).
"""

import json
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from html_classification.lake import Lake
from html_classification.training import candidates, tracking
from html_classification.training.algorithms import ALGORITHMS
from html_classification.training.candidates import EXPERIMENT
from html_classification.training.registry import MODEL_NAME, register
from html_classification.training.tracked import PROVENANCE
from html_classification_tests.cli.command import Answer, LakeCommand, in_process
from html_classification_tests.pages import FIRST_DAY, Project
from html_classification_tests.reproduction.rebuilds import change, contents, current, forget, run

LAST_DAY = FIRST_DAY + timedelta(days=1)
UP_TO_MODELS = ["raw", "preprocess/url_normalization", "preprocess/html_parsing", "preprocess/text_normalization_v2"]
UP_TO_MODELS += ["labels", "annotators", "annotated", "training_set"]
STAGE = "models/given-v2-complement-nb"
REFINED = "models/refined-v2-complement-nb"
SILVER_AND_GOLD = ("preprocess", "labels", "annotators", "annotated", "labeling-queue")
TRAINING = ("training-set", "predictions", "post-train", "models")


def register_model(project: Project, stage: str) -> int:
    """Register the model of a stage; its number."""
    run_id = tracking.find_run(project.mlflow_uri, EXPERIMENT, current(project.lake, stage, LAST_DAY).version)
    assert run_id is not None
    return register(project.mlflow_uri, run_id)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two days with a model on given labels (1, champion) and one on refined labels (2). Not to be changed."""
    made = Project(tmp_path_factory.mktemp("trained"))
    days = made.write_days(2)
    run(made, days, UP_TO_MODELS)
    run(made, [LAST_DAY], ["predictions", "post_train", "models/given_v2_complement_nb"])
    run(made, [LAST_DAY], ["models/refined_v2_complement_nb"])
    assert [register_model(made, stage) for stage in (STAGE, REFINED)] == [1, 2]
    tracking.client(made.mlflow_uri).set_registered_model_alias(MODEL_NAME, "champion", "1")
    return made


@pytest.fixture
def project(trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project of the settings, whose lake a test may spoil; its MLflow and its labels are those of all tests."""
    shutil.copytree(trained.root / "lake", tmp_path / "lake")
    for name, value in trained.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HTML_CLASSIFICATION_LAKE", str(tmp_path / "lake"))
    made = Project(trained.root)
    made.lake_uri = str(tmp_path / "lake")
    return made


@pytest.fixture
def models(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[LakeCommand]:
    """A `models` command, run in this process; it leaves no temporary files."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    yield in_process("models", monkeypatch, capsys)
    assert list((tmp_path / "temporary").iterdir()) == []


def is_reproduced(answer: Answer, project: Project, number: int, stage: str) -> None:
    """The answer says that everything is the same, with the figures that MLflow has."""
    assert (answer.code, answer.err) == (0, "")
    mlflow = tracking.client(project.mlflow_uri)
    run_of_model = mlflow.get_run(mlflow.get_model_version(MODEL_NAME, str(number)).run_id or "")
    table = {row.split()[0]: row.split()[1:] for row in answer.lines if re.search(" (yes|no) *$", row)}
    for name in ("accuracy", "macro_f1", "log_loss", "test_rows", "train_rows"):
        value = run_of_model.data.metrics[name]
        recorded = str(int(value) if name.endswith("_rows") else value)
        assert table[name] == [recorded, recorded, "yes"]
    assert {row[-1] for row in table.values()} == {"yes"}
    version = run_of_model.data.tags[tracking.VERSION_TAG]
    assert f"{MODEL_NAME} {number}, {stage} {LAST_DAY} {version}: the same; with " in answer.out
    assert re.search(
        r"^predictions: \d+ rows, SHA-1 recorded [0-9a-f]{40}, rebuilt the same$", answer.out, re.MULTILINE
    )
    assert re.search(r"^the stored model says the same of all \d+ rows$", answer.out, re.MULTILINE)


def test_a_model_is_trained_again_to_the_same_figures(project: Project, models: LakeCommand) -> None:
    before = contents(project.root), contents(Path(project.lake_uri))
    is_reproduced(models("reproduce", "champion"), project, 1, STAGE)
    # nothing was written to MLflow or to the lake
    assert (contents(project.root), contents(Path(project.lake_uri))) == before


@pytest.mark.parametrize("lost", [SILVER_AND_GOLD, SILVER_AND_GOLD + TRAINING], ids=["silver and gold", "all but raw"])
@pytest.mark.parametrize(("number", "stage"), [(1, STAGE), (2, REFINED)], ids=["given", "refined"])
def test_a_model_outlives_what_it_was_made_from(
    project: Project, models: LakeCommand, lost: tuple[str, ...], number: int, stage: str
) -> None:
    forget(project.lake, *lost)
    left = {item.path.partition("/")[0] for item in project.lake.store.list()}
    assert left.isdisjoint({stage.partition("/")[0] for stage in lost})
    assert "raw" in left
    is_reproduced(models("reproduce", str(number)), project, number, stage)


def test_json_has_every_figure_and_every_version(project: Project, models: LakeCommand, tmp_path: Path) -> None:
    forget(project.lake, *SILVER_AND_GOLD, *TRAINING)
    answer = models("reproduce", "1", "--json", "--scratch", f"{tmp_path}/kept")
    (said,) = json.loads(answer.out)
    assert (answer.code, said["same"], said["name"], said["version"]) == (0, True, MODEL_NAME, 1)
    assert {"accuracy", "macro_f1", "f1/finance"} < {figure["metric"] for figure in said["metrics"]}
    assert all(figure["same"] and figure["recorded"] == figure["rebuilt"] for figure in said["metrics"])
    assert said["predictions"]["recorded_sha1"] == said["predictions"]["rebuilt_sha1"]
    assert said["stored_model"] == {"rows": said["predictions"]["rows"], "other": 0, "difference": 0.0}
    assert {version["status"] for version in said["versions"]} == {"same"}
    (target,) = [version for version in said["versions"] if version["target"]]
    assert target["stage"] == STAGE
    kept = Lake(str(tmp_path / "kept" / "lake"))
    rebuilt = kept.read(STAGE, LAST_DAY, target["version"])
    assert rebuilt.height == said["predictions"]["rows"]


def test_chosen_hyperparameters_are_those_of_then(
    trained: Project, tmp_path: Path, models: LakeCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "copy"
    shutil.copytree(trained.root, root)
    mine = Project(root)
    algorithm = ALGORITHMS["complement-nb"]
    chosen = algorithm.parameters(max_terms=17)
    config = {"models_on_given_labels": {"config": {"complement_nb": {"max_terms": 17}}}}
    with dg.DagsterInstance.ephemeral() as instance:
        job = mine.defs().resolve_implicit_global_asset_job_def()
        done = job.execute_in_process(
            instance=instance,
            partition_key=LAST_DAY.isoformat(),
            asset_selection=[dg.AssetKey(["models", "given_v2_complement_nb"])],
            run_config={"ops": config},
        )
    assert done.success
    for name, value in mine.environment.items():
        monkeypatch.setenv(name, value)
    assert mine.lake.metadata(STAGE, LAST_DAY).recipe["parameters"]["max_terms"] == chosen.max_terms == 17
    number = register_model(mine, STAGE)
    assert number == 3
    forget(mine.lake, *SILVER_AND_GOLD, *TRAINING)
    is_reproduced(models("reproduce", "3"), mine, 3, STAGE)


def test_another_release_is_said_and_fails(
    project: Project, models: LakeCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(monkeypatch, STAGE, code_version="x")
    answer = models("reproduce", "champion")
    assert answer.code == 1
    (differs,) = [line for line in answer.lines if line.startswith("differs: ")]
    assert differs.startswith(f"differs: {STAGE} {LAST_DAY} ")
    assert "this release computes it otherwise: code_version x, was " in differs
    assert f"{MODEL_NAME} 1, {current(project.lake, STAGE, LAST_DAY)}: not the same" in answer.lines


def test_a_training_that_comes_out_otherwise_is_shown_beside_what_was_recorded(
    project: Project, models: LakeCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = candidates.fit

    def other(*given: object, **options: object) -> object:
        rows = given[0].with_columns(category=given[0]["category"].reverse())  # type: ignore[attr-defined]
        return fit(rows, *given[1:], **options)  # type: ignore[arg-type]

    monkeypatch.setattr(candidates, "fit", other)
    answer = models("reproduce", "champion")
    assert answer.code == 1
    assert re.search(r"^accuracy +\S+ +\S+ +no *$", answer.out, re.MULTILINE)
    assert re.search(
        r"^predictions: \d+ rows, SHA-1 recorded [0-9a-f]{40}, rebuilt [0-9a-f]{40}$", answer.out, re.MULTILINE
    )
    assert re.search(
        r"^the stored model says another category of \d+ of \d+ rows; probabilities differ by up to 0\.\d{6}$",
        answer.out,
        re.MULTILINE,
    )
    assert any(line.startswith(f"differs: {STAGE} ") for line in answer.lines)


def test_labels_that_are_gone_are_named(project: Project, models: LakeCommand) -> None:
    forget(project.lake, *SILVER_AND_GOLD)
    hidden = project.labels.rename(project.root / "hidden.jsonl")
    try:
        answer = models("reproduce", "champion")
    finally:
        hidden.rename(project.labels)
    assert answer.code == 1
    assert "it is not in the lake any more, and no label file with the SHA-1 " in answer.out
    assert "not the same" in answer.lines[-1]


def test_without_its_provenance_a_model_is_rebuilt_of_what_the_lake_has(
    trained: Project, tmp_path: Path, models: LakeCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in trained.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("html_classification.reproduction.models.PROVENANCE", f"{PROVENANCE}.none")
    is_reproduced(models("reproduce", "champion"), trained, 1, STAGE)
    shutil.copytree(trained.root / "lake", tmp_path / "lake")
    monkeypatch.setenv("HTML_CLASSIFICATION_LAKE", str(tmp_path / "lake"))
    forget(Lake(str(tmp_path / "lake")), *SILVER_AND_GOLD)
    answer = models("reproduce", "champion")
    assert answer.code == 1
    assert re.search(
        "^MLflow run [0-9a-f]{32} keeps no provenance: only what the lake still has ", answer.out, re.MULTILINE
    )


@pytest.mark.parametrize(
    ("which", "message"),
    [
        ("99", "the registry has no model '99'; see 'html-classification models ls'"),
        ("challenger", "the registry has no model 'challenger'; see"),
        ("../../x", "the registry has no model '../../x'; see"),
        ("a\x1b[2Jb", "the registry has no model "),
        ("", "the registry has no model "),
    ],
)
def test_a_model_that_is_not_there_is_one_line(project: Project, models: LakeCommand, which: str, message: str) -> None:
    assert message in models("reproduce", which).error


def test_without_any_model_nothing_is_made(
    models: LakeCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/none/mlflow.db")
    monkeypatch.setenv("HTML_CLASSIFICATION_LAKE", str(tmp_path / "lake"))
    assert "no model is registered in sqlite:///" in models("reproduce", "1").error
    assert not (tmp_path / "none").exists()
