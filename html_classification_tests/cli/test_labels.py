"""`labels export` and `labels import` as their users have them: files, tables, exit statuses, on a real lake."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from html_classification.labeling.imports import FOLDER, read_people
from html_classification.lake import Lake
from html_classification.schemas.columns import Stage
from html_classification.schemas.html_parsing import HTML_PARSING
from html_classification.schemas.labeling_queue import LABELING_QUEUE
from html_classification.schemas.labels import LABELS
from html_classification.schemas.post_train import ACTIONS, POST_TRAIN
from html_classification.schemas.url_normalization import URL_NORMALIZATION
from html_classification.transforms.html.documents import parse_documents
from html_classification_tests.cli.command import LakeCommand, call, in_process
from html_classification_tests.labeling.people import Said, export_json, export_json_min, sha1_of
from html_classification_tests.lake.builds import put
from html_classification_tests.pages import REPOSITORY, Project

DAY, NEXT_DAY = date(2026, 3, 1), date(2026, 3, 2)
AT = datetime(2026, 3, 1, 10, 15, tzinfo=UTC)


def url(name: str) -> str:
    return f"https://a.example/{name}"


def text_of(name: str) -> str:
    return f"All about {name}, and more of it"


def sha1(name: str) -> str:
    return sha1_of(f"Page {name} - {text_of(name)}")


def put_rows(lake: Lake, stage: Stage, day: date, rows: Sequence[dict[str, Any]]) -> None:
    put(lake, pl.DataFrame(list(rows), schema=dict(stage.dtypes)).sort("url"), stage=stage, day=day)


@dataclass
class Labelled:
    """A lake with pages of two days, whose texts are those of `text_of`."""

    lake: Lake
    root: Path

    def put_pages(self, day: date, *names: str) -> None:
        documents = [
            {"url": url(name), "original_url": url(name), "timestamp": AT + timedelta(minutes=number)}
            | {"html": f"<title>Page {name}</title><body><article><p>{text_of(name)}</p></article>"}
            for number, name in enumerate(names)
        ]
        pages = parse_documents(pl.DataFrame(documents, schema=dict(URL_NORMALIZATION.dtypes))).frame
        put(self.lake, pages, stage=HTML_PARSING, day=day)

    def put_labels(self, day: date, **categories: str) -> None:
        base = {"annotator": "file:labels.jsonl", "cost": 0.0}
        rows = [
            base | {"url": url(name), "content_sha1": sha1(name), "category": category}
            for name, category in categories.items()
        ]
        put_rows(self.lake, LABELS, day, rows)

    def put_queue(self, day: date, *names: str, of: date = DAY, **changes: Any) -> None:
        rows = [
            {"url": url(name), "rank": rank, "content_sha1": sha1(name), "day": of, "title": f"Page {name}"}
            | {"predicted": "sports", "probability": 0.5, "reasons": ["uncertain", "<b>rare</b>"]}
            | {"duplicate_cluster": url(name), "timestamp": AT}
            | changes
            for rank, name in enumerate(names, start=1)
        ]
        put_rows(self.lake, LABELING_QUEUE, day, rows)

    def put_review(self, day: date, *names: str, of: date = DAY, **changes: Any) -> None:
        """Rows of `post-train` in doubt, the most useful first; those named by an action have that one."""
        rows = [
            {
                "url": url(name),
                "day": of,
                "split": "train",
                "text": f"what models read of {name}",
                "category": "travel",
                "given_category": "travel",
                "label_source": "file:labels.jsonl",
                "action": name if name in ACTIONS else "review",
                "issues": ["label_error", "conflicting_duplicates"],
                "reasons": ["the model says sports", "its <b>copies</b> have other labels"],
                "suggested_category": "sports",
                "suggested_probability": 0.75,
                "label_quality": 0.25,
                "outlier_score": 1.0,
                "review_rank": None if name in ACTIONS else rank,
                "duplicate_cluster": url(name),
                "timestamp": AT,
            }
            | changes
            for rank, name in enumerate(names, start=1)
        ]
        put_rows(self.lake, POST_TRAIN, day, rows)

    def export(self, *said: Said, name: str = "export.json", tasks: str = "tasks.json", make: Any = export_json) -> str:
        """What annotators did with exported tasks, as Label Studio exports it."""
        (self.root / name).write_bytes(make(json.loads((self.root / tasks).read_text()), *said))
        return name


@pytest.fixture
def labelled(project: Project) -> Labelled:
    made = Labelled(project.lake, project.root)
    made.put_pages(DAY, "a", "b", "c")
    made.put_pages(NEXT_DAY, "c", "d", "e")
    made.put_labels(DAY, a="sports", b="travel")
    made.put_labels(NEXT_DAY, e="R&D")
    return made


@pytest.fixture
def labels(project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> LakeCommand:
    """What runs a `labels` command in this process."""
    return in_process("labels", monkeypatch, capsys)


def exported(labels: LakeCommand, *arguments: str) -> list[dict[str, Any]]:
    answer = labels("export", *arguments)
    assert answer.code == 0, answer.err
    return list(json.loads(answer.out))


def names(tasks: Sequence[dict[str, Any]]) -> list[str]:
    return [task["data"]["url"].rpartition("/")[2] for task in tasks]


def test_the_queue_of_the_latest_day_becomes_tasks_in_its_order(labelled: Labelled, labels: LakeCommand) -> None:
    labelled.put_queue(DAY, "a")
    labelled.put_queue(NEXT_DAY, "c", "a", of=DAY)
    answer = labels("export")
    assert (answer.code, answer.err) == (0, "2 tasks of 2 pages in labeling-queue 2026-03-02\n")
    first, second = json.loads(answer.out)
    assert first["data"] == {
        "title": "Page c",
        "text": text_of("c"),
        "url": url("c"),
        "reasons": "uncertain; <b>rare</b>",
        "label": "–",
        "date": "2026-03-01",
        "content_sha1": sha1("c"),
    }
    assert first["predictions"][0]["result"][0]["value"] == {"choices": ["sports"]}
    assert names([first, second]) == ["c", "a"]
    assert names(exported(labels, "--date", str(DAY))) == ["a"]
    assert names(exported(labels, "--limit", "1")) == ["c"]


def test_a_queue_without_a_model_has_no_predictions(labelled: Labelled, labels: LakeCommand) -> None:
    labelled.put_queue(DAY, "a", predicted=None, probability=None, reasons=[])
    (task,) = exported(labels)
    assert (task["predictions"], task["data"]["reasons"]) == ([], "–")


def test_an_empty_queue_has_no_tasks(labelled: Labelled, labels: LakeCommand) -> None:
    labelled.put_queue(DAY)
    assert labels("export").error == "no task to export: 0 tasks of 0 pages in labeling-queue 2026-03-01"


def test_a_page_that_has_another_text_by_now_is_left_out(labelled: Labelled, labels: LakeCommand) -> None:
    labelled.put_queue(DAY, "a", "b")
    labelled.put_queue(DAY, "a", content_sha1=sha1_of("what it said once"))
    answer = labels("export")
    assert answer.code == 1
    assert (
        answer.error
        == "no task to export: 0 tasks of 1 page in labeling-queue 2026-03-01; left out: 1 another text by now"
    )


def test_pages_without_a_label_of_a_range(labelled: Labelled, labels: LakeCommand) -> None:
    assert names(exported(labels, "--unlabelled", "--from", str(DAY), "--to", str(NEXT_DAY))) == ["c", "d"]
    assert names(exported(labels, "--unlabelled", "--from", str(DAY))) == ["c"]
    assert names(exported(labels, "--unlabelled")) == ["c", "d"]  # the latest day
    labelled.put_pages(date(2026, 3, 3), "f", "a")
    answer = labels("export", "--unlabelled", "--from", str(DAY), "--to", "2026-03-03")
    assert names(json.loads(answer.out)) == ["c", "d", "f"]  # the text of a is labelled, if on another day
    assert "(1 of these days without a version of labels)" in answer.err
    assert "left out: 1 the same text" in answer.err  # c is there on two days


def test_pages_are_asked_about_where_nothing_was_ever_labelled(project: Project, labels: LakeCommand) -> None:
    Labelled(project.lake, project.root).put_pages(DAY, "a", "b")
    assert names(exported(labels, "--unlabelled")) == ["a", "b"]
    assert labels("export", "--unlabelled", "--config", "config.xml").error.startswith("0 categories are known")


def test_labels_in_doubt_the_most_useful_first_with_all_reasons(labelled: Labelled, labels: LakeCommand) -> None:
    labelled.put_pages(DAY, "a", "b", "kept", "relabelled")
    labelled.put_review(NEXT_DAY, "b", "a", "kept", "relabelled")
    first, second = exported(labels, "--review")
    assert names([first, second]) == ["b", "a"]
    assert first["data"]["label"] == "travel"
    assert first["data"]["reasons"] == "the model says sports; its <b>copies</b> have other labels"
    assert (first["data"]["date"], first["data"]["text"]) == (str(DAY), text_of("b"))
    (prediction,) = first["predictions"]
    assert (prediction["result"][0]["value"], prediction["score"]) == ({"choices": ["sports"]}, 0.75)
    labelled.put_review(NEXT_DAY, "a", suggested_category=None, suggested_probability=None)
    assert exported(labels, "--review")[0]["predictions"] == []


def test_what_was_relabelled_or_dropped_can_be_put_before_people_too(labelled: Labelled, labels: LakeCommand) -> None:
    labelled.put_pages(DAY, "a", "kept", "relabelled", "dropped")
    labelled.put_review(DAY, "a", "kept", "relabelled", "dropped")
    tasks = exported(labels, "--repaired")
    assert sorted(names(tasks)) == ["dropped", "relabelled"]
    assert tasks[0]["data"]["label"] == "travel"  # as it was given


def test_a_file_is_never_written_over_unless_forced(labelled: Labelled, labels: LakeCommand) -> None:
    labelled.put_queue(DAY, "a", "b")
    arguments = ("export", "-o", "tasks.json", "--config", "config.xml")
    answer = labels(*arguments)
    assert (answer.code, answer.out, answer.err) == (0, "", "2 tasks of 2 pages in labeling-queue 2026-03-01\n")
    assert labels(*arguments).code == 0  # the same once more
    before = {path: (labelled.root / path).read_bytes() for path in ("tasks.json", "config.xml")}
    refused = labels(*arguments, "--limit", "1")
    assert refused.error == "tasks.json is there already, with something else in it: give another name, or --force"
    assert {path: (labelled.root / path).read_bytes() for path in before} == before
    assert labels(*arguments, "--limit", "1", "--force").code == 0
    assert len(json.loads((labelled.root / "tasks.json").read_text())) == 1


@pytest.mark.parametrize("path", [".", "nowhere/tasks.json", "a.txt/tasks.json"])
def test_a_file_that_cannot_be_written_is_one_line(labelled: Labelled, labels: LakeCommand, path: str) -> None:
    labelled.put_queue(DAY, "a")
    (labelled.root / "a.txt").touch()
    assert labels("export", "-o", path).error.startswith("cannot ")


def test_the_configuration_names_the_categories_that_there_are(
    labelled: Labelled, labels: LakeCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    labelled.put_queue(DAY, "a")
    config = labelled.root / "config.xml"

    def choices() -> list[str | None]:
        return [choice.get("value") for choice in ET.fromstring(config.read_text()).iter("Choice")]

    assert labels("export", "-o", "tasks.json", "--config", "config.xml").code == 0
    assert choices() == ["R&D", "sports", "travel"]
    monkeypatch.setenv("HTML_CLASSIFICATION_CATEGORIES", "travel, cooking")
    assert labels("export", "-o", "tasks.json", "--config", "config.xml", "--force").code == 0
    assert choices() == ["cooking", "travel"]
    (task,) = json.loads((labelled.root / "tasks.json").read_text())
    assert task["predictions"] == []  # of a category that Label Studio would refuse
    monkeypatch.setenv("HTML_CLASSIFICATION_CATEGORIES", "travel")
    answer = labels("export", "--config", "other.xml")
    assert "name them all in HTML_CLASSIFICATION_CATEGORIES" in answer.error
    assert not (labelled.root / "other.xml").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 1, "labeling-queue has no version in "),
        (("--date", "2026-03-01"), 1, "labeling-queue has no version of 2026-03-01 in "),
        (("--review",), 1, "post-train has no version in "),
        (("--repaired", "--date", "2026-03-01"), 1, "post-train has no version of 2026-03-01 in "),
        (("--unlabelled", "--from", "2026-04-01"), 1, "preprocess/html-parsing 2026-04-01 has no version"),
        (("--unlabelled", "--from", "2026-03-02", "--to", "2026-03-01"), 2, "exchange them"),
        (("--unlabelled", "--date", "2026-03-01"), 2, "--from and --to"),
        (("--unlabelled", "--review"), 2, "--review and --unlabelled exclude each other"),
        (("--repaired", "--review"), 2, "--review and --repaired exclude each other"),
        (("--from", "2026-03-01"), 2, "are for --unlabelled"),
        (("--date", "yesterday"), 2, "--date"),
        (("--limit", "0"), 2, "--limit"),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    labelled: Labelled, labels: LakeCommand, arguments: tuple[str, ...], code: int, said: str
) -> None:
    answer = labels("export", *arguments)
    assert (answer.code, said in answer.error) == (code, True)


def test_a_damaged_day_is_one_line(labelled: Labelled, labels: LakeCommand) -> None:
    dataset = labelled.lake.dataset("preprocess/html-parsing", NEXT_DAY)
    (Path(dataset.uri) / "html-documents.parquet").write_bytes(b"PAR1")
    said = labels("export", "--unlabelled", "--from", str(DAY), "--to", str(NEXT_DAY)).error
    assert "html-parsing" in said


@pytest.mark.parametrize("make", [export_json, export_json_min])
def test_the_whole_way_from_the_queue_to_people_and_back(labelled: Labelled, labels: LakeCommand, make: Any) -> None:
    labelled.put_queue(NEXT_DAY, "c", "a", "b", of=DAY)
    labels("export", "-o", "tasks.json")
    ann = {"id": 1, "email": "ann@example.com"}
    name = labelled.export(Said(0, ("sports",), ann), Said(0, ("travel",), 2), Said(1, ("R&D",), 2), make=make)
    answer = labels("import", name)
    assert (answer.code, answer.err) == (0, "")
    assert [line.split() for line in answer.lines[:2]] == [
        ["file", "new", "known", "rejected"],
        ["export.json", "3", "0", "0"],
    ]
    assert answer.lines[2] == ("next: html-classification run --from 2026-03-01 --to 2026-03-02 --select gold")
    people = [(one.content_sha1, one.annotator, one.category) for one in read_people(labelled.lake.store)]
    assert people == sorted(
        [
            (sha1("c"), "person:ann@example.com", "sports"),
            (sha1("c"), "person:2", "travel"),
            (sha1("a"), "person:2", "R&D"),
        ]
    )
    assert labelled.lake.store.find("lake.json") is not None
    # What is answered is not asked again, unless a second opinion is wanted.
    again = labels("export")
    assert names(json.loads(again.out)) == ["b"]
    assert "left out: 2 a person has answered" in again.err
    assert names(exported(labels, "--second-opinion")) == ["c", "a", "b"]


def test_the_same_import_again_adds_nothing(labelled: Labelled, labels: LakeCommand) -> None:
    labelled.put_queue(DAY, "a", "b")
    labels("export", "-o", "tasks.json")
    name = labelled.export(Said(0, ("sports",)), Said(1, ()))
    assert labels("import", name).code == 0
    before = [item.path for item in labelled.lake.store.list(FOLDER)]
    again = labels("import", name)
    assert (again.code, again.lines[1].split()) == (0, ["export.json", "0", "1", "1"])
    assert not any("next:" in line for line in again.lines)
    assert [item.path for item in labelled.lake.store.list(FOLDER)] == before


def test_what_is_rejected_is_counted_by_reason(
    labelled: Labelled, labels: LakeCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTML_CLASSIFICATION_CATEGORIES", "sports,travel")
    labelled.put_queue(DAY, "a", "b")
    labels("export", "-o", "tasks.json")
    name = labelled.export(Said(0, ("sports",)), Said(0, ()), Said(1, ()), Said(1, ("\x1b[2Jknitting",)))
    answer = labels("import", name)
    table = [line.strip().split(maxsplit=1) for line in answer.lines]
    assert ["2", "no category was chosen"] in table
    assert ["1", "unknown category: \\x1b[2Jknitting"] in table
    assert answer.out.replace("\n", "").isprintable()
    (row,) = json.loads(labels("import", "--json", name).out)
    assert row == {
        "file": name,
        "new": 0,
        "known": 1,
        "rejected": 3,
        "reasons": {"no category was chosen": 2, "unknown category: \\x1b[2Jknitting": 1},
        "uri": None,
    }


def test_a_file_that_fails_does_not_take_the_others_along(labelled: Labelled, labels: LakeCommand) -> None:
    labelled.put_queue(DAY, "a", "b")
    labels("export", "-o", "tasks.json")
    good = labelled.export(Said(0, ("sports",)))
    (labelled.root / "bad.json").write_text("<html>")
    answer = labels("import", "bad.json", "gone.json", good)
    assert answer.code == 1
    assert answer.lines[1].split() == ["export.json", "1", "0", "0"]
    first, second = answer.err.splitlines()
    assert first.startswith("html-classification: bad.json: it is not JSON")
    assert second == "html-classification: gone.json: cannot read it: No such file or directory"
    assert len(read_people(labelled.lake.store)) == 1


def test_where_nothing_could_be_taken_the_exit_status_is_1(labelled: Labelled, labels: LakeCommand) -> None:
    labelled.put_queue(DAY, "a")
    labels("export", "-o", "tasks.json")
    answer = labels("import", labelled.export(Said(0, ())))
    assert answer.code == 1
    assert answer.err == ("html-classification: nothing could be taken, most often since: no category was chosen\n")
    answer = labels("import", "tasks.json")
    assert (answer.code, answer.err.splitlines()[-1]) == (
        1,
        "html-classification: nothing could be taken: no task in it has an annotation",
    )


def test_an_answer_from_the_future_is_rejected(labelled: Labelled, labels: LakeCommand) -> None:
    labelled.put_queue(DAY, "a", "b")
    labels("export", "-o", "tasks.json")
    later = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    answer = labels("import", labelled.export(Said(0, ("sports",), time=later), Said(1, ("travel",))))
    assert (answer.code, answer.lines[1].split()) == (0, ["export.json", "1", "0", "1"])


def test_answers_about_texts_that_the_lake_has_not_are_kept(labelled: Labelled, labels: LakeCommand) -> None:
    labelled.put_queue(DAY, "a")
    labels("export", "-o", "tasks.json")
    tasks = json.loads((labelled.root / "tasks.json").read_text())
    tasks[0]["data"]["content_sha1"] = "f" * 40
    (labelled.root / "tasks.json").write_text(json.dumps(tasks))
    answer = labels("import", labelled.export(Said(0, ("sports",))))
    assert answer.lines[-1] == "no page in the lake has these texts; the answers count as soon as one does"
    assert len(read_people(labelled.lake.store)) == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=100) | st.builds(lambda rows: json.dumps(rows).encode(), st.lists(st.integers())))
def test_whatever_the_file_is_the_answer_is_short(project: Project, labels: LakeCommand, data: bytes) -> None:
    (project.root / "export.json").write_bytes(data)
    answer = labels("import", "export.json")
    assert answer.code == 1
    assert len(answer.err.splitlines()) == 1


def test_on_a_bucket_with_the_real_program(tmp_path: Path, bucket: str, s3_server: dict[str, str]) -> None:
    made = Labelled(Lake(f"{bucket}/lake"), tmp_path)
    made.put_pages(DAY, "a", "b")
    made.put_labels(DAY, b="travel")
    variables = s3_server | {"HTML_CLASSIFICATION_LAKE": f"{bucket}/lake"}
    answer = call(tmp_path, "labels", "export", "--unlabelled", "-o", "tasks.json", **variables)
    assert (answer.code, answer.err) == (0, "1 task of 1 page in preprocess/html-parsing 2026-03-01, unlabelled\n")
    name = made.export(Said(0, ("sports",)))
    for new, known in (("1", "0"), ("0", "1")):
        answer = call(tmp_path, "labels", "import", name, **variables)
        assert (answer.code, answer.lines[1].split()) == (0, ["export.json", new, known, "0"])
    assert [one.content_sha1 for one in read_people(made.lake.store)] == [sha1("a")]


def test_the_commands_of_the_page_on_people_say_what_it_shows(labelled: Labelled, labels: LakeCommand) -> None:
    labelled.put_queue(NEXT_DAY, "c", "a", "b", of=DAY)
    page = (REPOSITORY / "docs" / "labelling.md").read_text()
    people = page[page.index("\n## People") :].partition("\n## ")[2]
    ran = 0
    for block in re.findall(r"^```console\n(.*?)^```$", people.partition("\n## ")[0], re.DOTALL | re.MULTILINE):
        command, _, expected = block.removeprefix("$ html-classification labels ").partition("\n")
        answer = labels(*command.split())
        assert answer.code == 0
        assert [line.rstrip() for line in (answer.out + answer.err).splitlines()] == expected.splitlines()
        if "-o" in command:
            said = [Said(0, ("sports",)), Said(0, ("travel",), 2), Said(1, ("R&D",)), Said(2, ("sports",), 2)]
            labelled.export(*said, Said(2, ("sports", "travel")))
        ran += 1
    assert ran == 3
