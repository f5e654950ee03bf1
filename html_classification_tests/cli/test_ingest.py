"""`ingest` as its users have it: what it says, its exit status, and drops that `run` takes."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from html_classification_tests.cli.command import (
    PROGRAM,
    LakeCommand,
    call,
    call_on_a_terminal,
    environment,
    in_process,
)
from html_classification_tests.ingest.archives import HTML, PAGE, common_crawl, http
from html_classification_tests.pages import FIRST_DAY, Project

DAY = "2026-03-01"


@pytest.fixture
def ingest(project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> LakeCommand:
    """What runs the command in this process."""
    return in_process("ingest", monkeypatch, capsys)


def write_warc(root: Path, count: int = 3, name: str = "CC-MAIN-00001.warc.gz", body: bytes = PAGE) -> Path:
    pages = {f"https://a.example/{n}": http(body + b"%d" % n) for n in range(count)}
    pages["https://a.example/gone"] = http(status="HTTP/1.1 404 Not Found")
    pages["https://a.example/report"] = http(b"%PDF-1.7", HTML)
    path = root / name
    path.write_bytes(b"".join(common_crawl(pages)))
    return path


def write_jsonl(root: Path, *rows: object, name: str = "pages.jsonl") -> None:
    (root / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_every_kind_of_source_becomes_a_drop_that_run_takes(tmp_path: Path) -> None:
    write_warc(tmp_path)
    site = tmp_path / "mirror" / "b.example"
    site.mkdir(parents=True)
    (site / "index.html").write_text("<title>A mirror</title><p>Some text of it.")
    write_jsonl(tmp_path, {"link": "https://c.example/", "page": {"body": PAGE.decode()}, "at": "2026-03-01T09:00:00Z"})
    fields = ("--url-field", "link", "--html-field", "page.body", "--timestamp-field", "at")
    mirror = ("--base-url", "https://", "--timestamp", "2026-03-01T10:00:00Z")
    answer = call(tmp_path, "ingest", "*.warc.gz", "pages.jsonl", "mirror", "--date", DAY, *fields, *mirror)
    assert (answer.code, answer.err) == (0, "")
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    ran = call(tmp_path, "run", "--from", DAY, "--to", DAY, "--select", "raw", DAGSTER_HOME=str(tmp_path))
    assert (ran.code, ran.err) == (0, "")
    raw = Project(tmp_path).lake.dataset("raw", DAY).metadata
    assert (raw.statistics.rows, raw.statistics.rejected_rows) == (5, 0)
    assert sorted(file.path for file in raw.files if file.path.endswith(".gz")) == [
        "html-documents-CC-MAIN-00001.jsonl.gz",
        "html-documents-mirror.jsonl.gz",
        "html-documents-pages.jsonl.gz",
    ]


def test_the_summary_says_what_was_taken_and_refused_and_where_it_lies(project: Project, ingest: LakeCommand) -> None:
    write_warc(project.root)
    answer = ingest("CC-MAIN-00001.warc.gz", "--date", DAY)
    assert (answer.code, answer.err) == (0, "")
    table = [line.split() for line in answer.lines]
    assert table[0] == ["source", "date", "documents", "bytes", "file"]
    assert table[1][:3] == ["CC-MAIN-00001.warc.gz", DAY, "3"]
    assert table[1][4] == str(project.crawl / DAY / "html-documents-CC-MAIN-00001.jsonl.gz")
    assert ["1", "not", "200:", "404"] in table
    assert ["1", "not", "HTML:", "PDF"] in table
    (told,) = [line for line in answer.lines if line.startswith("what was refused of CC-MAIN-00001.warc.gz: ")]
    assert len(Path(told.partition(": ")[2]).read_text().splitlines()) == 2
    again = ingest("CC-MAIN-00001.warc.gz", "--date", DAY)
    assert (again.code, "was there" in again.out) == (0, True)


def test_the_summary_as_json(project: Project, ingest: LakeCommand) -> None:
    write_warc(project.root)
    answer = ingest("CC-MAIN-00001.warc.gz", "--json")
    (row,) = json.loads(answer.out)
    assert list(row) == ["source", "documents", "files", "refused", "reasons", "refused_file"]
    assert (row["documents"], row["refused"]) == (3, 2)
    assert row["reasons"] == {"not 200: 404": 1, "not HTML: PDF": 1}
    (file,) = row["files"]
    assert (file["date"], file["documents"], file["new"]) == (DAY, 3, True)
    assert file["bytes"] == Path(file["uri"]).stat().st_size


def test_where_nothing_could_be_taken_the_exit_status_is_1(project: Project, ingest: LakeCommand) -> None:
    write_jsonl(project.root, {"link": "https://a.example/"}, {"link": "https://b.example/"})
    answer = ingest("pages.jsonl", "--date", DAY)
    assert answer.code == 1
    (line,) = answer.err.splitlines()
    assert line.startswith("html-classification: nothing could be taken, most often since: no field url; ")
    assert list(project.crawl.glob("*/*.gz")) == []
    (project.root / "empty.jsonl").touch()
    assert ingest("empty.jsonl").error.startswith("nothing could be taken: there are no documents in it")


def test_a_source_that_fails_does_not_take_the_others_along(project: Project, ingest: LakeCommand) -> None:
    write_warc(project.root)
    project.write_drop(FIRST_DAY, b"other", "html-documents-CC-MAIN-00001.jsonl.gz")
    write_jsonl(project.root, {"url": "https://a.example/", "html": "<p>x", "timestamp": f"{DAY}T08:00:00Z"})
    answer = ingest("CC-MAIN-00001.warc.gz", "pages.jsonl", "--date", DAY)
    assert answer.code == 1
    (line,) = answer.err.splitlines()
    assert "html-documents-CC-MAIN-00001.jsonl.gz is there already, with other documents" in line
    assert (project.crawl / DAY / "html-documents-pages.jsonl.gz").exists()
    assert ingest("CC-MAIN-00001.warc.gz", "--date", DAY, "--name", "second").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "Missing argument 'SOURCE...'"),
        (("gone.warc",), 1, "there is no gone.warc"),
        (("pages.jsonl", "--date", "yesterday"), 2, "--date"),
        (("pages.jsonl", "--base-url", "example.com"), 2, "--base-url example.com: give what an address begins with"),
        (("pages.jsonl", "--timestamp", "noon"), 1, "'noon' is no time"),
        (("s3://bucket/a.warc.gz",), 1, "copy it here first"),
    ],
)
def test_what_is_not_understood_is_one_line(
    project: Project, ingest: LakeCommand, arguments: tuple[str, ...], code: int, said: str
) -> None:
    write_jsonl(project.root, {})
    answer = ingest(*arguments)
    assert (answer.code, said in answer.error) == (code, True)


def test_the_help_names_every_option(ingest: LakeCommand) -> None:
    said = ingest("--help").out
    options = ["--date", "--base-url", "--timestamp", "--url-field", "--html-field", "--timestamp-field"]
    for name in [*options, "--assume-utc", "--name", "--json"]:
        assert name in said


def test_hostile_names_and_pages_do_not_reach_the_terminal(project: Project, ingest: LakeCommand) -> None:
    headers = (("Content-Type", "x/\x1b[31mred"),)
    name = "a\x1b[2J\u202e.warc.gz"
    (project.root / name).write_bytes(b"".join(common_crawl({"https://a.example/": http(headers=headers)})))
    answer = ingest(name, "--date", DAY)
    assert all(character.isprintable() for character in (answer.out + answer.err).replace("\n", ""))


def test_a_terminal_sees_progress(tmp_path: Path) -> None:
    write_warc(tmp_path, 200)
    code, received = call_on_a_terminal(tmp_path, "ingest", "CC-MAIN-00001.warc.gz", "--date", DAY)
    assert code == 0
    assert "1/1 CC-MAIN-00001" in received
    assert "documents" in received


def test_ctrl_c_leaves_no_half_file(tmp_path: Path) -> None:
    write_warc(tmp_path, 1500, body=PAGE + b"words " * 20_000)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    command = [PROGRAM, "ingest", "CC-MAIN-00001.warc.gz", "--date", DAY]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment(tmp_path, {"TMPDIR": str(temporary)}), stderr=subprocess.PIPE, text=True
    )
    while not list(temporary.glob("*/*")) and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said == (
        "html-classification: stopped; there are only whole files, and the same command again adds the rest\n"
    )
    assert not Project(tmp_path).crawl.exists()
    assert list(temporary.iterdir()) == []
