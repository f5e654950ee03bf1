"""`labels review`, and the way of a label in doubt to people and back, on a real lake."""

import json
import re

import polars as pl
import pytest
from selectolax.lexbor import LexborHTMLParser

from html_classification.schemas.html_parsing import HTML_PARSING
from html_classification.schemas.post_train import POST_TRAIN
from html_classification_tests.cli.command import LakeCommand
from html_classification_tests.cli.test_labels import (
    DAY,
    NEXT_DAY,
    Labelled,
    exported,
    labelled,
    labels,
    names,
    sha1,
    text_of,
    url,
)
from html_classification_tests.labeling.people import Said
from html_classification_tests.lake.builds import put
from html_classification_tests.pages import REPOSITORY

__all__ = ["labelled", "labels"]  # fixtures

PAGE = f"review-{NEXT_DAY}.html"


@pytest.fixture
def doubtful(labelled: Labelled) -> Labelled:
    """Three labels in doubt, and one each that was kept, relabelled and dropped."""
    labelled.put_pages(DAY, "a", "b", "c", "kept", "relabelled", "dropped")
    labelled.put_review(NEXT_DAY, "c", "a", "b", "kept", "relabelled", "dropped")
    return labelled


def page(made: Labelled, name: str = PAGE) -> LexborHTMLParser:
    return LexborHTMLParser((made.root / name).read_text(encoding="utf-8"))


def queue(tree: LexborHTMLParser) -> list[str]:
    return [node.text().rpartition("/")[2] for node in tree.css("article h3 a")]


def test_the_page_shows_the_queue_with_texts_as_people_read_them(doubtful: Labelled, labels: LakeCommand) -> None:
    answer = labels("review")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == f"{PAGE}: 3 to look at, 1 relabelled, 1 dropped in post-train 2026-03-02\n"
    tree = page(doubtful)
    assert queue(tree) == ["c", "a", "b"]
    first = tree.css_first("article")
    assert first.css_first(".text").text() == f"Page c\n{text_of('c')}"
    assert [node.text() for node in first.css("dd")][:2] == ["travel", "sports 0.75 "]
    assert tree.css_first("#relabelled td a").attributes["href"] == url("relabelled")
    assert tree.css_first("#dropped td a").attributes["href"] == url("dropped")


def test_the_page_has_the_first_rows_and_the_same_run_writes_the_same(doubtful: Labelled, labels: LakeCommand) -> None:
    assert "3 to look at (the first 2 are shown)" in labels("review", "--limit", "2").out
    assert queue(page(doubtful)) == ["c", "a"]
    before = (doubtful.root / PAGE).read_bytes()
    assert labels("review", "--limit", "2").code == 0
    refused = labels("review")
    assert refused.error == f"{PAGE} is there already, with something else in it: give another name, or --force"
    assert (doubtful.root / PAGE).read_bytes() == before
    assert labels("review", "--force").code == 0
    assert labels("review", "-o", "all.html", "--date", str(NEXT_DAY)).code == 0
    assert (doubtful.root / "all.html").read_bytes() == (doubtful.root / PAGE).read_bytes() != before


def test_the_queue_as_json(doubtful: Labelled, labels: LakeCommand) -> None:
    rows = json.loads(labels("review", "--json").out)
    assert [row["url"] for row in rows] == [url("c"), url("a"), url("b")]
    assert rows[0] == {
        "review_rank": 1,
        "url": url("c"),
        "day": "2026-03-01",
        "split": "train",
        "given_category": "travel",
        "label_source": "file:labels.jsonl",
        "suggested_category": "sports",
        "suggested_probability": 0.75,
        "label_quality": 0.25,
        "outlier_score": 1.0,
        "issues": ["label_error", "conflicting_duplicates"],
        "reasons": ["the model says sports", "its <b>copies</b> have other labels"],
    }
    assert len(json.loads(labels("review", "--json", "--limit", "1").out)) == 1
    assert not (doubtful.root / PAGE).exists()


def test_where_nothing_is_in_doubt_there_is_a_page_that_says_so(labelled: Labelled, labels: LakeCommand) -> None:
    labelled.put_review(NEXT_DAY, "kept")
    assert labels("review").out == f"{PAGE}: 0 to look at, 0 relabelled, 0 dropped in post-train 2026-03-02\n"
    assert "Nothing is in doubt." in page(labelled).css_first("#queue").text()
    assert json.loads(labels("review", "--json").out) == []


def test_what_people_have_answered_is_left_out_at_once(doubtful: Labelled, labels: LakeCommand) -> None:
    labels("export", "--review", "-o", "tasks.json")
    assert labels("import", doubtful.export(Said(0, ("sports",)), Said(1, ("travel",)))).code == 0
    assert labels("review").out.endswith("2026-03-02; left out: 2 a person has answered\n")
    assert queue(page(doubtful)) == ["b"]
    assert [row["url"] for row in json.loads(labels("review", "--json").out)] == [url("b")]
    assert names(exported(labels, "--review")) == ["b"]
    # Also what the machine has changed: an objection settles it.
    labels("export", "--repaired", "-o", "repaired.json")
    assert labels("import", doubtful.export(Said(0, ("travel",)), tasks="repaired.json")).code == 0
    assert "1 to look at, 1 relabelled, 0 dropped" in labels("review", "--force").out
    assert names(exported(labels, "--repaired")) == ["relabelled"]


def test_pages_with_another_text_by_now_and_copies_are_left_out(doubtful: Labelled, labels: LakeCommand) -> None:
    pages = doubtful.lake.read(HTML_PARSING.name, DAY)
    copied = pl.when(pl.col("url") == url("a")).then(pl.lit(sha1("c"))).otherwise("content_sha1")
    changed = pages.with_columns(content_sha1=copied).filter(pl.col("url") != url("b"))
    put(doubtful.lake, changed, stage=HTML_PARSING, day=DAY)
    assert labels("review").out.endswith("; left out: 1 the same text, 1 another text by now\n")
    assert queue(page(doubtful)) == ["c"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--date", "2026-04-01"), 1, "post-train has no version of 2026-04-01 in "),
        (("--date", "yesterday"), 2, "--date"),
        (("--limit", "0"), 2, "--limit"),
        (("--json", "-o", "a.html"), 2, "leave out --output"),
        (("-o", "nowhere/a.html"), 1, "cannot write nowhere/a.html"),
    ],
)
def test_what_cannot_be_shown_is_one_line(
    doubtful: Labelled, labels: LakeCommand, arguments: tuple[str, ...], code: int, said: str
) -> None:
    answer = labels("review", *arguments)
    assert (answer.code, said in answer.error) == (code, True)


def test_a_day_of_an_earlier_release_is_one_line(
    doubtful: Labelled, labels: LakeCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = doubtful.lake.read(POST_TRAIN.name, NEXT_DAY).drop("review_rank", "day")
    monkeypatch.setattr("html_classification.lake.lake.Lake.read", lambda *_: former)
    for command in (["review"], ["review", "--json"], ["export", "--review"]):
        said = labels(*command).error
        assert "is of an earlier release, which ranked nothing for review: run it again" in said


def test_the_commands_of_the_page_on_labels_in_doubt_say_what_it_shows(doubtful: Labelled, labels: LakeCommand) -> None:
    text = (REPOSITORY / "docs" / "labelling.md").read_text()
    section = text[text.index("\n## Labels in doubt") :][1:].partition("\n## ")[0]
    blocks = re.findall(r"^```console\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 4
    for block in blocks:
        command, _, expected = block.removeprefix("$ html-classification labels ").partition("\n")
        answer = labels(*command.split())
        assert answer.code == 0
        assert [line.rstrip() for line in (answer.out + answer.err).splitlines()] == expected.splitlines()
        if "tasks.json" in command:
            doubtful.export(Said(0, ("sports",)), Said(1, ("travel",)))
