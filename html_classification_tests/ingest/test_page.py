"""docs/ingest.md: its commands are run one after the other, and say what the page shows."""

import json
import re
import subprocess
from pathlib import Path

from html_classification_tests.cli.command import PROGRAM, environment
from html_classification_tests.ingest.archives import HTML, PAGE, common_crawl, http
from html_classification_tests.pages import REPOSITORY, Project
from html_classification_tests.test_docs import blocks

#: Sizes, digests and how wide a table is for them differ from machine to machine.
_VARYING = re.compile(r"\b[0-9a-f]{12}\b|\b\d{3,}\b(?!-)|[ \t]+$", re.MULTILINE)


def write_sources(root: Path) -> None:
    pages = {f"https://a.example/{number}": http(PAGE) for number in range(1, 4)}
    pages |= {"https://a.example/4": http(status="HTTP/1.1 404 Not Found"), "https://a.example/5": http(b"%PDF-", HTML)}
    (root / "CC-MAIN-20260301-00001.warc.gz").write_bytes(b"".join(common_crawl(pages)))
    for name in ("b.example/index.html", "b.example/news/today.html"):
        (root / "mirror" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "mirror" / name).write_bytes(PAGE)
    rows = [
        {"link": "https://c.example/", "page": {"body": "<p>x"}, "fetched_at": 1772352000},
        {"link": "https://c.example/", "page": {"body": "<p>x"}, "fetched_at": "2026-03-02T08:00:00Z"},
        {"link": "https://c.example/", "fetched_at": 1772352000},
    ]
    (root / "pages.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def shown(text: str) -> list[str]:
    return [re.sub(r" +", " ", line).strip() for line in _VARYING.sub("", text).splitlines()]


def test_the_commands_of_the_page_say_what_it_shows(tmp_path: Path) -> None:
    write_sources(tmp_path)
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    changes = {"HTML_CLASSIFICATION_CRAWL": str(tmp_path / "data" / "crawl"), "DAGSTER_HOME": str(tmp_path)}
    variables = environment(tmp_path, changes)
    variables["PATH"] = f"{PROGRAM.parent}:{variables['PATH']}"
    for block in blocks(REPOSITORY / "docs" / "ingest.md", "console"):
        command, _, expected = block.removeprefix("$ ").partition("\n")
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=tmp_path,
            env=variables,
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert (done.returncode, done.stderr) == (0, "")
        if expected:
            assert shown(done.stdout.replace(str(tmp_path), "/project")) == shown(expected)
    rows = {row.date: row.rows for row in Project(tmp_path).lake.ls("raw")}
    assert rows == {"2026-03-01": 6, "2026-03-02": 1}
