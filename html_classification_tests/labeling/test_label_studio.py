"""Label Studio's formats: what goes out, and what of what comes back is an answer."""

import json
import xml.etree.ElementTree as ET
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from html_classification.labeling.label_studio import (
    CONTROL,
    SHOWN_CHARACTERS,
    SUBJECT,
    Question,
    labelling_config,
    make_tasks,
    read_answers,
)
from html_classification.lake.errors import LakeError
from html_classification_tests.labeling.people import (
    LATER,
    TIME,
    Said,
    export_json,
    export_json_min,
    sha1_of,
    task,
)

AT = datetime.fromisoformat(TIME)
FORMATS = [export_json, export_json_min]
HOSTILE = '<script>alert("1")</script> & \x1b[2J\u202e $url {{x}}'


def question(text: str = "a text", **changes: Any) -> Question:
    fields = {"url": "https://a.example/", "content_sha1": sha1_of(text), "day": date(2026, 3, 1), "title": "A title"}
    return Question(**fields | {"text": text} | changes)


def changed(name: str, value: Any) -> bytes:
    """An export of one annotation in which one field is another."""
    tasks = json.loads(export_json([task("a")], Said(0, ("sports",))))
    tasks[0]["annotations"][0][name] = value
    return json.dumps(tasks).encode()


def test_a_question_becomes_a_task_with_plain_texts_and_the_models_prediction() -> None:
    asked = question(reasons=["uncertain", "few of its kind"], predicted="sports", probability=0.5, label="travel")
    (made,) = make_tasks([asked], ["sports", "travel"])
    assert made["data"] == {
        "title": "A title",
        "text": "a text",
        "url": "https://a.example/",
        "reasons": "uncertain; few of its kind",
        "label": "travel",
        "date": "2026-03-01",
        "content_sha1": sha1_of("a text"),
    }
    (prediction,) = made["predictions"]
    (result,) = prediction["result"]
    assert (prediction["model_version"], prediction["score"]) == ("html-classification", 0.5)
    assert (result["from_name"], result["to_name"], result["type"]) == (CONTROL, SUBJECT, "choices")
    assert result["value"] == {"choices": ["sports"]}


def test_what_label_studio_would_refuse_is_no_prediction() -> None:
    assert make_tasks([question(predicted="sports")], ["travel"])[0]["predictions"] == []
    assert make_tasks([question()])[0]["predictions"] == []
    (prediction,) = make_tasks([question(predicted="sports")])[0]["predictions"]
    assert "score" not in prediction


def test_what_is_shown_is_text_that_is_there_and_not_endless() -> None:
    (made,) = make_tasks([question(title="", text="")])
    assert all(isinstance(value, str) and value for value in made["data"].values())
    (long,) = make_tasks([question("x" * (SHOWN_CHARACTERS + 5))])
    assert long["data"]["text"] == "x" * SHOWN_CHARACTERS + "… (5 more characters)"
    assert long["data"]["content_sha1"] == sha1_of("x" * (SHOWN_CHARACTERS + 5))


def test_the_configuration_names_each_category_and_shows_all_of_a_task() -> None:
    config = ET.fromstring(labelling_config(["cooking", "R&D", '<b>"x"', "Küche", "cooking"]))
    (group,) = config.iter("Choices")
    assert [choice.get("value") for choice in group] == ["cooking", "R&D", '<b>"x"', "Küche"]
    assert (group.get("name"), group.get("toName"), group.get("choice")) == (CONTROL, SUBJECT, "single")
    shown = {element.get("name"): element for element in config.iter("Text")}
    data = make_tasks([question()])[0]["data"]
    assert {f"${name}" for name in data} - {"$date", "$content_sha1"} == {one.get("value") for one in shown.values()}
    assert {one.get("valueType") for one in shown.values()} == {"text"}  # nothing is fetched
    assert SUBJECT in shown


categories_in_xml = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")).filter(
    lambda name: bool(name) and name == name.strip()
)


@given(st.lists(categories_in_xml, min_size=2, unique=True))
def test_any_category_that_xml_can_hold_is_read_back_from_the_configuration(categories: list[str]) -> None:
    config = ET.fromstring(labelling_config(categories))
    assert [choice.get("value") for choice in config.iter("Choice")] == categories


@given(st.lists(st.text()))
def test_other_categories_are_one_clear_line(categories: list[str]) -> None:
    try:
        config = ET.fromstring(labelling_config(categories))
    except LakeError as error:
        assert "\n" not in str(error)
    else:
        assert [choice.get("value") for choice in config.iter("Choice")] == list(dict.fromkeys(categories))


@pytest.mark.parametrize("export", FORMATS)
def test_answers_come_back_from_both_formats(export: Any) -> None:
    tasks = make_tasks([question(text, title=HOSTILE, reasons=[HOSTILE]) for text in (HOSTILE, "b", "c")])
    ann = {"id": 7, "email": "ann@example.com", "first_name": "", "last_name": ""}
    answers, rejected = read_answers(export(tasks, Said(0, ("Kochen & Küche",), ann), Said(1, ("sports",), 2, LATER)))
    assert rejected == []
    told = [(one.content_sha1, one.annotator, one.category, one.labelled_at.isoformat()) for one in answers]
    assert told == [
        (sha1_of(HOSTILE), "person:ann@example.com", "Kochen & Küche", "2026-03-05T09:30:00.123456+00:00"),
        (sha1_of("b"), "person:2", "sports", "2026-03-06T09:30:00.123456+00:00"),
    ]
    assert {(one.cost, one.confidence, one.reason) for one in answers} == {(0.0, None, None)}
    for one in answers:  # the raw answer, without the page and without what changes from export to export
        assert json.loads(one.answer)["lead_time"] == 3.2
        assert "created_ago" not in one.answer
        assert HOSTILE not in one.answer


@pytest.mark.parametrize("export", FORMATS)
def test_several_annotators_of_a_task_are_kept_apart(export: Any) -> None:
    said = [Said(0, ("sports",), 1), Said(0, ("travel",), 2), Said(0, ("sports",), 1, LATER)]
    answers, rejected = read_answers(export([task("a"), task("b")], *said))
    assert [(one.annotator, one.category) for one in answers] == [
        ("person:1", "sports"),
        ("person:2", "travel"),
        ("person:1", "sports"),
    ]
    assert rejected == []


def test_skipped_empty_several_and_unknown_choices_are_rejected_each_with_its_place() -> None:
    tasks = [task(text) for text in "abcd"]
    said = [Said(0, ("sports",), cancelled=True), Said(1, ()), Said(2, ("sports", "travel")), Said(3, ("knitting",))]
    answers, rejected = read_answers(export_json(tasks, *said), categories=["sports", "travel"])
    assert answers == []
    assert [(row["where"], row["reason"]) for row in rejected] == [
        ("task 1, annotation 1", "skipped by the annotator"),
        ("task 2, annotation 1", "no category was chosen"),
        ("task 3, annotation 1", "several categories were chosen"),
        ("task 4, annotation 1", "unknown category: knitting"),
    ]
    assert [json.loads(row["row"])["content_sha1"] for row in rejected] == [sha1_of(text) for text in "abcd"]
    _, flat = read_answers(export_json_min(tasks, *said), categories=["sports", "travel"])
    assert [row["reason"] for row in flat] == [row["reason"] for row in rejected[1:]]  # it has no skipped ones


@pytest.mark.parametrize("time", [None, 5, "", "yesterday", "2026-03-05T09:30:00", "1969-07-20T20:17:00Z", []])
def test_a_time_that_cannot_be_is_rejected(time: Any) -> None:
    data = changed("updated_at", time).replace(f'"created_at": "{TIME}"'.encode(), b'"created_at": null')
    answers, (row,) = read_answers(data)
    assert (answers, row["reason"]) == ([], "the time of the answer is missing, has no offset, or cannot be")


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00", "2030-01-01T00:00:00Z"])
def test_a_time_in_the_future_or_out_of_range_is_rejected(time: str) -> None:
    answers, rejected = read_answers(changed("updated_at", time), until=AT)
    assert (answers, len(rejected)) == ([], 1)


def test_the_time_of_the_last_change_counts() -> None:
    (answer,), _ = read_answers(changed("updated_at", LATER))
    assert answer.labelled_at == datetime.fromisoformat(LATER)
    (answer,), _ = read_answers(changed("updated_at", None))
    assert answer.labelled_at == AT.astimezone(UTC)


@pytest.mark.parametrize(
    ("who", "annotator"),
    [
        (3, "person:3"),
        (" ann ", "person:ann"),
        ("api:cheat", "person:api:cheat"),
        ({"id": 3}, "person:3"),
        ({"email": "a@b.example", "id": 3}, "person:a@b.example"),
        ({"email": "", "username": "ann", "id": 3}, "person:ann"),
        (None, None),
        (True, None),
        (1.5, None),
        ("", None),
        ({}, None),
        ({"id": {}}, None),
        (["ann"], None),
        ("two\nlines", None),
        ("x" * 400, None),
    ],
)
def test_who_answered(who: Any, annotator: str | None) -> None:
    answers, rejected = read_answers(changed("completed_by", who))
    assert [one.annotator for one in answers] == ([annotator] if annotator else [])
    assert len(rejected) == (annotator is None)


@pytest.mark.parametrize("sha1", [None, "", 5, "x" * 40, "A" * 40, "../" * 13 + "a", ["a"], "a" * 40 + "\n"])
def test_a_task_that_is_none_of_ours_is_rejected(sha1: Any) -> None:
    answers, (row,) = read_answers(export_json([task("a", content_sha1=sha1)], Said(0, ("sports",))))
    assert (answers, row["reason"]) == ([], "the task has no content_sha1: it is none of ours, or was changed")


def test_other_questions_of_a_project_do_no_harm() -> None:
    tasks = json.loads(export_json([task("a")], Said(0, ("sports",))))
    comment = {"from_name": "comment", "to_name": "text", "type": "textarea", "value": {"text": ["well"]}}
    tasks[0]["annotations"][0]["result"] += [comment, "?", {"from_name": "mood", "value": {"choices": ["good"]}}]
    (answer,), rejected = read_answers(json.dumps(tasks).encode())
    assert (answer.category, rejected) == ("sports", [])
    assert "well" in answer.answer


@pytest.mark.parametrize("chosen", [5, "", "  ", ["sports"], {}])
def test_a_choice_that_is_no_text_is_rejected(chosen: Any) -> None:
    answers, (row,) = read_answers(changed("result", [{"from_name": "category", "value": {"choices": [chosen]}}]))
    assert (answers, row["reason"]) == ([], "what was chosen is no text")


def test_tasks_without_an_annotation_are_passed_over() -> None:
    tasks = [task("a"), task("b")]
    for data in (export_json(tasks), export_json_min(tasks), json.dumps(tasks).encode(), b"[]"):
        assert read_answers(data) == ([], [])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not JSON"),
        (b"[{}", "not JSON"),
        (b"[NaN]", "not JSON"),
        (b'{"id": 1}', "no list of tasks"),
        (b"null", "no list of tasks"),
        (b"[" * 100_000 + b"]" * 100_000, "not JSON"),
        (b"<html>", "not JSON"),
    ],
    ids=["nothing", "cut", "NaN", "an object", "null", "deep", "HTML"],
)
def test_what_is_no_export_is_one_line(data: bytes, said: str) -> None:
    with pytest.raises(LakeError, match=said) as caught:
        read_answers(data)
    assert "\n" not in str(caught.value)


def test_too_large_an_export_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = export_json([task("a")], Said(0, ("sports",)), Said(0, ("sports",), 2))
    monkeypatch.setattr("html_classification.labeling.label_studio.MOST_ANNOTATIONS", 1)
    with pytest.raises(LakeError, match="more than 1 tasks and annotations"):
        read_answers(data)
    monkeypatch.setattr("html_classification.labeling.label_studio.LARGEST_EXPORT", 10)
    with pytest.raises(LakeError, match="export fewer tasks at once"):
        read_answers(data)


def test_what_editors_do_to_a_file_and_half_a_surrogate_pair_are_no_reason_to_lose_it() -> None:
    data = export_json([task("a", title="half \ud83d of it")], Said(0, ("Küche",)))
    assert b"\\ud83d" in data
    for saved in (b"\xef\xbb\xbf" + data, data.replace(b"\n", b"\r\n"), data.decode().encode("utf-16")):
        (answer,), rejected = read_answers(saved)
        assert (answer.category, rejected) == ("Küche", [])


@pytest.mark.parametrize("depth", [100, 300, 900])
def test_a_deep_annotation_is_rejected_and_the_others_are_taken(depth: int) -> None:
    good = export_json([task("a"), task("b")], Said(0, ("sports",)), Said(1, ("travel",)))
    deep = good.replace(b'"lead_time": 3.2', b'"lead_time": ' + b"[" * depth + b"]" * depth, 1)
    answers, rejected = read_answers(deep)
    assert answers[-1].category == "travel"
    assert len(answers) + len(rejected) == 2
    assert [row["reason"] for row in rejected] == ["the annotation is nested too deeply"] * (depth > 254)


def test_an_endless_annotation_is_rejected_and_cut() -> None:
    answers, (row,) = read_answers(changed("comment", "x" * 300_000))
    assert (answers, row["reason"]) == ([], "the annotation has more than 256 KiB")
    assert len(row["row"]) == 4000


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
annotations = st.fixed_dictionaries(
    {},
    optional={
        "completed_by": json_values | st.just(1),
        "result": json_values | st.just([{"from_name": "category", "value": {"choices": ["sports"]}}]),
        "updated_at": json_values | st.just(TIME),
        "created_at": json_values,
        "was_cancelled": json_values,
    },
)
tasks_in = st.fixed_dictionaries(
    {},
    optional={
        "data": json_values | st.just({"content_sha1": "a" * 40}),
        "annotations": json_values | st.lists(json_values | annotations, max_size=3),
        "annotation_id": json_values,
        "annotator": json_values,
        "category": json_values,
        "content_sha1": json_values,
        "updated_at": json_values | st.just(TIME),
    },
)


def check(data: bytes) -> None:
    """What comes of any bytes: answers that can be kept, reasons in one line, or one error in one line."""
    try:
        answers, rejected = read_answers(data, categories=["sports"])
    except LakeError as error:
        assert "\n" not in str(error)
        return
    assert all(one.category == "sports" and one.model_dump_json() for one in answers)
    for row in rejected:
        assert list(row) == ["reason", "where", "row"]
        assert row["reason"]
        assert row["reason"].isprintable()
        assert orjson.dumps(row)


@given(json_values | st.lists(json_values | tasks_in, max_size=4))
def test_any_json_is_answers_or_rejected_or_one_line(value: Any) -> None:
    check(json.dumps(value).encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_no_reason_to_crash(data: bytes) -> None:
    check(data)


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["sports", "travel"]), st.integers(1, 3)), max_size=6))
def test_both_formats_give_the_same_answers(made: list[tuple[int, str, int]]) -> None:
    tasks = [task(text) for text in "abc"]
    said = [Said(number, (category,), who) for number, category, who in made]
    both = [read_answers(export(tasks, *said)) for export in FORMATS]
    first, second = ([one.model_copy(update={"answer": ""}) for one in answers] for answers, _ in both)
    assert first == second
    assert len(first) == len(said)
    assert [rejected for _, rejected in both] == [[], []]
