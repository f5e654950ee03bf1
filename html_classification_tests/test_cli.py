"""The command line as its users have it: the real program, its output and its exit status."""

import json
import re
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from dagster import DagsterInstance

from html_classification.training.algorithms import ALGORITHMS
from html_classification.training.champions import promote
from html_classification.training.registry import register
from html_classification.transforms.text.versions import TEXT_VERSIONS
from html_classification_tests.cli.command import PROGRAM, Answer, call, call_on_a_terminal, environment
from html_classification_tests.pages import FIRST_DAY, Project
from html_classification_tests.training.models_in_mlflow import record

DAYS = [f"2026-03-{day:02d}" for day in range(1, 6)]
BAD = DAYS[2]
LISTED = ["stage", "date", "version", "published_at", "rows", "rejected_rows", "bytes", "uri"]
MODEL = ["name", "version", "aliases", "date", "text_version", "algorithm", "snapshot", "mlflow_run_id", "rows"]
WINDOW = "HTML_CLASSIFICATION_TRAINING_WINDOW_DAYS"


def run(folder: Path, *selections: str, first: str = DAYS[0], last: str = DAYS[0], **changes: str) -> Answer:
    selected = [word for selection in selections for word in ("--select", selection)]
    return call(folder, "run", "--from", first, "--to", last, *selected, **changes)


def done(answer: Answer) -> set[tuple[str, str, str]]:
    """Day, asset and outcome of each line of progress."""
    found = (re.match(r"(\d{4}-\d\d-\d\d) (\S+) (built|reused|failed): \S", line) for line in answer.lines)
    return {match.groups() for match in found if match}  # type: ignore[misc]


def summary(answer: Answer) -> dict[str, list[int]]:
    """Built, reused, failed, left out of each asset."""
    found = (re.fullmatch(r"(\S+) +(\d+) +(\d+) +(\d+) +(\d+) *", line) for line in answer.lines)
    return {match[1]: [int(number) for number in match.groups()[1:]] for match in found if match}


@dataclass(frozen=True)
class Ran:
    """A project whose third day has no drop, and what running it said."""

    project: Project
    first: Answer

    @property
    def folder(self) -> Path:
        return self.project.root


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    project = Project(tmp_path_factory.mktemp("cli"))
    for day in project.write_days(5):
        if str(day) == BAD:
            (project.crawl / BAD / "html-documents.jsonl.gz").unlink()
    return Ran(project, run(project.root, "bronze", "silver", "gold", last=DAYS[-1]))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("empty")


def test_help_names_every_command_and_subcommand(empty: Path) -> None:
    for arguments, names in [((), ["run", "dev", "lake", "models", "labels"]), (("lake",), ["ls", "show"])]:
        answer = call(empty, *arguments, "--help")
        assert (answer.code, answer.err) == (0, "")
        assert set(names) <= set(answer.out.split())
    without = call(empty, "lake")
    assert (without.code, without.err, without.out.split()) == (2, "", answer.out.split())


def test_without_a_crawl_each_day_fails_with_one_line(empty: Path) -> None:
    answer = run(empty, last=DAYS[1])
    assert (answer.code, answer.err) == (1, "")
    assert done(answer) == {(day, "raw", "failed") for day in DAYS[:2]}
    for day in DAYS[:2]:
        (line,) = [line for line in answer.lines if f"no crawl drop for {day}" in line]
        assert str(empty / "crawl" / day) in line
    assert summary(answer)["raw"] == [0, 0, 2, 0]
    assert summary(answer)["promotion"] == [0, 0, 0, 2]
    assert "Traceback" not in answer.out


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("2020-01-01", "2999-01-01", "days from 2026-03-01 to"),
        ("2026-03-02", "2026-03-01", "the first day is after the last"),
        ("yesterday", "2026-03-02", "--from"),
    ],
)
def test_impossible_days_are_refused_in_one_line(empty: Path, first: str, last: str, said: str) -> None:
    answer = run(empty, first=first, last=last)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.error


def test_a_selection_that_is_not_understood_is_refused_in_one_line(empty: Path) -> None:
    answer = run(empty, "bronze", "+++(")
    assert (answer.code, answer.out) == (2, "")
    assert answer.error.startswith("--select +++( is not understood")


@pytest.mark.parametrize("arguments", [("bogus",), ("run",), ("lake", "show", "raw", "x")])
def test_a_command_line_that_is_not_understood_is_refused_in_one_line(empty: Path, arguments: tuple[str, ...]) -> None:
    answer = call(empty, *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert "--help" in answer.error


def test_selections_add_up(tmp_path: Path) -> None:
    Project(tmp_path).write_days(1)
    answer = run(tmp_path, "bronze", "preprocess/url-normalization", '+key:"labels"')
    assert (answer.code, answer.err) == (0, "")
    assert done(answer) == {
        (DAYS[0], asset, "built")
        for asset in ("raw", "preprocess/url_normalization", "preprocess/html_parsing", "labels")
    }


def test_a_bad_day_fails_alone_and_says_why_once(ran: Ran) -> None:
    answer = ran.first
    assert (answer.code, answer.err) == (1, "")
    assert answer.out.count(f"no crawl drop for {BAD}") == 1
    assert summary(answer).pop("raw") == [4, 0, 1, 0]
    downstream = {asset: counts for asset, counts in summary(answer).items() if asset != "raw"}
    assert len(downstream) == 9
    assert set(map(tuple, downstream.values())) == {(4, 0, 0, 1)}
    (left_out,) = [line for line in answer.lines if line.startswith("left out")]
    assert f": {BAD}: " in left_out
    assert all(asset in left_out for asset in downstream)
    assert {row.date for row in ran.project.lake.ls()} == {*DAYS} - {BAD}


def test_outside_of_a_terminal_lines_are_plain_and_whole(ran: Ran) -> None:
    assert "\x1b" not in ran.first.out
    assert "\r" not in ran.first.out
    assert len(done(ran.first)) == 4 * 10 + 1


def test_running_again_reuses(ran: Ran) -> None:
    before = ran.project.lake.ls()
    answer = run(ran.folder, "bronze", "silver", "gold", last=DAYS[-1])
    assert answer.code == 1
    assert {status for _, _, status in done(answer)} == {"reused", "failed"}
    assert summary(answer)["annotated"] == [0, 4, 0, 1]
    assert ran.project.lake.ls() == before


def test_a_terminal_gets_a_progress_bar_and_the_same_exit_status(ran: Ran) -> None:
    selected = ("--select", "bronze", "--select", "preprocess/url-normalization")
    code, received = call_on_a_terminal(ran.folder, "run", "--from", DAYS[0], "--to", DAYS[-1], *selected)
    assert code == 1
    assert "━" in received
    assert " 5/10" in received
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", re.sub(r"\r\x1b\[2K", "\n", received)).replace("\r", "").splitlines()
    assert len([line for line in lines if line.startswith(f"{BAD} raw failed: no crawl drop for {BAD}")]) == 1
    assert not [line for line in lines if " built:" in line or " reused:" in line]
    code, received = call_on_a_terminal(ran.folder, "run", "--from", DAYS[0], "--to", DAYS[1], *selected)
    assert code == 0


def test_lake_ls_lists_every_current_version(ran: Ran) -> None:
    rows = json.loads(call(ran.folder, "lake", "ls", "--json").out)
    assert {tuple(row) for row in rows} == {tuple(LISTED)}
    assert [(row["stage"], row["date"]) for row in rows] == sorted((row["stage"], row["date"]) for row in rows)
    assert {row["stage"] for row in rows} >= {"raw", "labels", "annotated", "preprocess/text-normalization/v1"}
    (row,) = [row for row in rows if row["stage"] == "annotated" and row["date"] == DAYS[0]]
    folder = Path(row["uri"])
    assert folder == ran.folder / "lake" / "annotated" / DAYS[0] / row["version"]
    assert (row["rows"], row["rejected_rows"]) == (12, 0)
    assert row["published_at"].endswith("+00:00")
    assert row["bytes"] == sum(path.stat().st_size for path in folder.iterdir() if path.name != "metadata.json")
    only = json.loads(call(ran.folder, "lake", "ls", "annotated", "--json").out)
    assert only == [row for row in rows if row["stage"] == "annotated"]


def test_lake_ls_for_people(ran: Ran) -> None:
    table = call(ran.folder, "lake", "ls", "labels").lines
    assert table[0].split()[:4] == ["stage", "date", "version", "published"]
    assert [line.split()[1] for line in table[1:]] == [day for day in DAYS if day != BAD]
    by_stage = call(ran.folder, "lake", "ls", "--summary").lines
    assert by_stage[0].split() == ["stage", "days", "first", "last", "rows", "rejected", "rows", "bytes"]
    (raw,) = [line.split() for line in by_stage if line.startswith("raw ")]
    assert raw[1:6] == ["4", DAYS[0], DAYS[-1], "48", "0"]


def test_lake_show(ran: Ran) -> None:
    dataset = ran.project.lake.dataset("raw", DAYS[0])
    told = call(ran.folder, "lake", "show", "raw", DAYS[0])
    assert told.code == 0
    assert f"raw {DAYS[0]}, version {dataset.metadata.version} (bronze)" in told.lines[0]
    assert dataset.uri in told.out
    as_json = call(ran.folder, "lake", "show", "raw", DAYS[0], "--version", dataset.metadata.version, "--json")
    assert as_json.out == (Path(dataset.uri) / "metadata.json").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("../raw", DAYS[0]), "is no stage"),
        (("raw", BAD), f"raw {BAD} has no version"),
        (("raw", DAYS[0], "--version", "0123456789ab"), "no version 0123456789ab"),
    ],
)
def test_what_is_not_in_the_lake_is_one_line(ran: Ran, arguments: tuple[str, ...], said: str) -> None:
    answer = call(ran.folder, "lake", "show", *arguments)
    assert (answer.code, answer.out) == (1, "")
    assert said in answer.error


def test_nothing_is_listed_where_nothing_is(tmp_path: Path) -> None:
    for command in ("lake", "models"):
        answer = call(tmp_path, command, "ls", "--json")
        assert (answer.code, json.loads(answer.out), answer.err) == (0, [], "")
        people = call(tmp_path, command, "ls")
        assert (people.code, len(people.lines), people.err) == (0, 1, "")
    assert list(tmp_path.iterdir()) == []  # looking makes nothing


def test_models_ls(tmp_path: Path) -> None:
    uri = Project(tmp_path).mlflow_uri
    run_id = record(uri, "0123456789ab")
    snapshot = f"training-set-{DAYS[0]}-0123456789ab"
    promote(uri, register(uri, run_id))
    answer = call(tmp_path, "models", "ls", "--json")
    (model,) = json.loads(answer.out)
    assert (answer.code, answer.err) == (0, "")
    assert tuple(model)[: len(MODEL) + 1] == (*MODEL, "metrics")
    assert (model["name"], model["version"], model["aliases"]) == ("html-classification", 1, ["champion"])
    assert (model["date"], model["text_version"], model["algorithm"]) == (DAYS[0], "v2", "complement-nb")
    assert (model["snapshot"], model["mlflow_run_id"]) == (snapshot, run_id)
    assert (model["rows"], model["metrics"]) == ({"train": 70, "test": 30}, {"accuracy": 0.9, "macro_f1": 0.8})
    table = call(tmp_path, "models", "ls").lines
    assert [line.split()[0] for line in table] == ["version", "1"]


def test_a_day_with_every_model_from_the_crawl_to_the_champion(tmp_path: Path) -> None:
    Project(tmp_path).write_days(1, each=8)
    answer = run(tmp_path)
    assert (answer.code, answer.err) == (0, "")
    trained = {asset for _, asset, outcome in done(answer) if asset.startswith("models/") and outcome == "built"}
    assert len(trained) == 2 * len(TEXT_VERSIONS) * len(ALGORITHMS)
    (model,) = json.loads(call(tmp_path, "models", "ls", "--json").out)
    assert model["aliases"] == ["champion"]


COMMANDS: list[Callable[[], tuple[str, ...]]] = [
    lambda: ("run", "--from", DAYS[0], "--to", DAYS[0]),
    lambda: ("lake", "ls"),
    lambda: ("lake", "show", "raw", DAYS[0]),
    lambda: ("models", "ls"),
    lambda: ("dev",),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command()[:2]))
def test_a_wrong_setting_is_named_without_its_value(empty: Path, command: Callable[[], tuple[str, ...]]) -> None:
    answer = call(empty, *command(), HTML_CLASSIFICATION_START_DATE="tomorrow")
    assert (answer.code, answer.out) == (1, "")
    assert "HTML_CLASSIFICATION_START_DATE" in answer.error
    assert "tomorrow" not in answer.err


@pytest.mark.parametrize("uri", ["nonsense", "ftp://me:secret@host/x"])
def test_an_mlflow_that_cannot_be_is_named_without_its_value(empty: Path, uri: str) -> None:
    answer = call(empty, "models", "ls", MLFLOW_TRACKING_URI=uri)
    assert (answer.code, answer.out) == (1, "")
    assert answer.error.startswith("MLFLOW_TRACKING_URI ")
    assert uri not in answer.err


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ("https://labels.example/api?key=secret", "give the API's key in HTML_CLASSIFICATION_LABELS_KEY instead"),
        ("http://labels.example", "would send key and texts in the clear"),
        ("https://labels.example", "HTML_CLASSIFICATION_LABELS_PRICE is not set"),
        ("gone.jsonl", "no label file at gone.jsonl"),
    ],
)
def test_labels_that_are_not_there_fail_the_days_of_labels(ran: Ran, labels: str, said: str) -> None:
    answer = run(ran.folder, "gold", last=DAYS[1], HTML_CLASSIFICATION_LABELS=labels)
    assert (answer.code, answer.err) == (1, "")
    assert {(day, asset) for day, asset, status in done(answer) if status == "failed"} == {
        (day, "labels") for day in DAYS[:2]
    }
    for day in DAYS[:2]:
        (line,) = [line for line in answer.lines if line.startswith(f"{day} labels failed: ")]
        assert said in line
        assert "labels.example" not in line
        assert "secret" not in answer.out
    for asset in ("annotators", "annotated", "labeling_queue"):
        assert summary(answer)[asset] == [0, 0, 0, 2]


def test_the_settings_are_read_from_the_folder_and_the_environment_wins(tmp_path: Path) -> None:
    in_file, in_environment = tmp_path / "from-file", tmp_path / "from-environment"
    lines = [f"HTML_CLASSIFICATION_LAKE={in_file}", "HTML_CLASSIFICATION_START_DATE=2026-03-04", f"{WINDOW}=7"]
    (tmp_path / ".env").write_text("\n".join(lines) + "\n")
    variables = {name: value for name, value in environment(tmp_path, {}).items() if "CLASSIFICATION_LAKE" not in name}

    def ask(*arguments: str, **changes: str) -> Answer:
        answer = subprocess.run(
            [PROGRAM, *arguments],
            cwd=tmp_path,
            env=variables | changes,
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return Answer(answer.returncode, answer.stdout, answer.stderr)

    assert str(in_file) in ask("lake", "ls").out
    assert str(in_environment) in ask("lake", "ls", HTML_CLASSIFICATION_LAKE=str(in_environment)).out
    refused = ask("run", "--from", str(FIRST_DAY), "--to", str(FIRST_DAY))
    assert "days from 2026-03-04 to" in refused.error


def test_a_stage_that_is_not_there_is_said(ran: Ran) -> None:
    answer = call(ran.folder, "lake", "ls", "raww", "--json")
    assert (answer.code, answer.out) == (1, "")
    assert "raww has no published version" in answer.error


def test_ctrl_c_stops_the_range_with_one_line(ran: Ran, tmp_path: Path) -> None:
    command = [PROGRAM, "run", "--from", DAYS[0], "--to", DAYS[-1], "--force"]
    with (tmp_path / "err").open("w") as err:
        process = subprocess.Popen(
            command, cwd=ran.folder, env=environment(ran.folder, {}), stdout=subprocess.PIPE, stderr=err, text=True
        )
        assert process.stdout
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert (tmp_path / "err").read_text().count("Traceback") == 0
    assert "stopped; what is published stays" in (tmp_path / "err").read_text()


def test_a_killed_run_is_closed_by_the_next(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write_days(3)
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    variables = environment(tmp_path, {"DAGSTER_HOME": str(tmp_path)})
    command = [PROGRAM, "run", "--from", DAYS[0], "--to", DAYS[2]]
    process = subprocess.Popen(command, cwd=tmp_path, env=variables, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline()
    process.kill()
    process.communicate(timeout=60)
    answer = run(tmp_path, "raw", DAGSTER_HOME=str(tmp_path))
    assert answer.code == 0
    with DagsterInstance.from_config(str(tmp_path)) as instance:
        assert sorted(record.status.value for record in instance.get_runs()) == ["FAILURE", "SUCCESS"]


def test_lake_commands_take_the_names_that_run_prints(ran: Ran) -> None:
    answer = call(ran.folder, "lake", "show", "preprocess/text_normalization_v2", DAYS[0])
    assert answer.code == 0
    assert answer.lines[0].startswith("Normalized text, version v2: preprocess/text-normalization/v2")
