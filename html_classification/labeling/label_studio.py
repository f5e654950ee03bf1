"""Label Studio's formats: tasks and the labelling configuration out, answers in.

Belongs here: its JSON and XML, as pure functions. Does not belong here: which pages people are asked about
(`exports`), and where their answers are kept (`imports`).

What comes back is not trusted: of a task only `content_sha1` counts, and of an annotation who chose what, and when. The
formats are those of https://labelstud.io/guide/task_format (tasks, annotations), …/guide/predictions (pre-annotations)
and …/guide/export (JSON, JSON-MIN), tried with Label Studio 1.23.
"""

import datetime as dt
import json
import re
import xml.etree.ElementTree as ET
from codecs import BOM_UTF8
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from html_classification.labeling.answers import Answer
from html_classification.lake.errors import LakeError
from html_classification.printable import printable

#: What the choice is called in the configuration, in pre-annotations and in answers.
CONTROL = "category"
#: The element that the choice is about.
SUBJECT = "text"
#: What pre-annotations say they are from. One name for all, since a project shows those of one name only.
MODEL_VERSION = "html-classification"
#: More of a text is not shown: a browser would stand still.
SHOWN_CHARACTERS = 100_000
#: An export may have so many bytes, and so many tasks and annotations: more would take all the memory.
LARGEST_EXPORT = 256 * 1024**2
MOST_ANNOTATIONS = 1_000_000

_LARGEST_ANNOTATION = 256 * 1024
_KEPT = 4000  # characters of what is rejected
_LONGEST_NAME = 320  # characters: e-mail addresses are not longer
_EARLIEST = dt.datetime(1990, 1, 1, tzinfo=dt.UTC)
_SHA1 = re.compile(r"[0-9a-f]{40}")
#: What XML 1.0 cannot hold, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: What a task shows above the choices, under which headings; the text is below them.
_SHOWN_ABOVE = {"title": "Title", "url": "Address", "reasons": "Why it is asked", "label": "Label so far"}
_SHOWN = (*_SHOWN_ABOVE, SUBJECT)
_NONE = "–"  # so that people see that there is none
#: The model's part of an annotation, and its age, which is another one in every export.
_NOT_ANSWERED = "prediction"


@dataclass(frozen=True)
class Question:
    """A page that people are asked about.

    Attributes:
        url: Its address.
        content_sha1: SHA-1 of the text that is judged, by which the answer finds back.
        day: The day of html_parsing that has this text.
        title: Its title.
        text: Its main content.
        reasons: Why it is asked about, in words.
        predicted: What a model says of it; None where none was asked.
        probability: How sure the model is, 0 to 1.
        label: The label that it has so far; None where it has none.
    """

    url: str
    content_sha1: str
    day: dt.date
    title: str
    text: str
    reasons: Sequence[str] = ()
    predicted: str | None = None
    probability: float | None = None
    label: str | None = None


def make_tasks(questions: Iterable[Question], categories: Collection[str] = ()) -> list[dict[str, Any]]:
    """Questions as tasks to import into Label Studio.

    Args:
        questions: In the order in which people should be asked.
        categories: Those of the configuration, where they are known: Label Studio refuses a file with a prediction of
            any other, so such predictions are left out.

    Returns:
        A task each: `data` with plain texts, and the model's prediction as a pre-annotation.
    """
    return [{"data": _data(question), "predictions": _predictions(question, categories)} for question in questions]


def _data(question: Question) -> dict[str, str]:
    more = len(question.text) - SHOWN_CHARACTERS
    return {
        "title": question.title or _NONE,
        "text": f"{question.text[:SHOWN_CHARACTERS]}… ({more} more characters)" if more > 0 else question.text or _NONE,
        "url": question.url,
        "reasons": "; ".join(question.reasons) or _NONE,
        "label": question.label or _NONE,
        "date": question.day.isoformat(),
        "content_sha1": question.content_sha1,
    }


def _predictions(question: Question, categories: Collection[str]) -> list[dict[str, Any]]:
    chosen = question.predicted
    if chosen is None or (categories and chosen not in categories):
        return []
    # Ids of results must differ within a task; the same task gets the same one.
    result = {"id": question.content_sha1[:10], "from_name": CONTROL, "to_name": SUBJECT, "type": "choices"}
    prediction = {"model_version": MODEL_VERSION, "result": [result | {"value": {"choices": [chosen]}}]}
    return [prediction if question.probability is None else prediction | {"score": question.probability}]


def labelling_config(categories: Iterable[str]) -> str:
    """The labelling configuration for tasks of `make_tasks`: XML to paste into a project's settings.

    Args:
        categories: What people may choose from, in this order.

    Raises:
        LakeError: There are fewer than two categories, or one cannot be written in XML.

    >>> print(labelling_config(["cooking", "R&D"]).splitlines()[12].strip())
    <Choice value="R&amp;D" />
    """
    choices = list(dict.fromkeys(categories))
    if len(choices) < 2:
        message = f"{len(choices)} categories are known, and people need two to choose from: name them all in "
        raise LakeError(message + "HTML_CLASSIFICATION_CATEGORIES, separated by commas")
    view = ET.Element("View")
    ET.SubElement(view, "Style").text = ".htx-text { white-space: pre-wrap; }"
    for name, title in _SHOWN_ABOVE.items():
        ET.SubElement(view, "Header", value=title, size="6")
        _text_element(view, name)
    group = ET.SubElement(view, "Choices", name=CONTROL, toName=SUBJECT, choice="single", required="true")
    for choice in choices:
        if not choice.strip() or choice != choice.strip() or _NOT_XML.search(choice):
            message = f"the category {choice!r} cannot be a choice: it has characters or spaces that XML does not keep"
            raise LakeError(message)
        ET.SubElement(group, "Choice", value=choice)
    _text_element(view, SUBJECT)
    ET.indent(view)
    return ET.tostring(view, encoding="unicode") + "\n"


def _text_element(view: ET.Element, name: str) -> None:
    # As text, so that nothing is fetched where a page's title is an address.
    ET.SubElement(view, "Text", name=name, value=f"${name}", valueType="text")


def read_answers(
    data: bytes, *, categories: Collection[str] = (), until: dt.datetime | None = None
) -> tuple[list[Answer], list[dict[str, Any]]]:
    """People's answers from an export of Label Studio, JSON or JSON-MIN.

    Tasks without an annotation are passed over. Annotations of several people, and several of one person, are
    all kept: which counts is told where they are read.

    Args:
        data: The bytes of the export.
        categories: The categories that there are, where they are known; others are rejected then.
        until: The latest time that an answer may have.

    Returns:
        The answers, in the order of the file, and what was rejected: `reason`, `where` and `row` (JSON, cut).

    Raises:
        LakeError: It is too large, not JSON, or no list of tasks.
    """
    answers: list[Answer] = []
    rejected: list[dict[str, Any]] = []
    for count, given in enumerate(_annotations(_parse(data)), start=1):
        if count > MOST_ANNOTATIONS:
            message = f"it has more than {MOST_ANNOTATIONS:,} tasks and annotations: export fewer tasks at once"
            raise LakeError(message)
        try:
            answers.append(_answer(given, categories, until))
        except _RejectedError as error:
            rejected.append({"reason": str(error), "where": given.where, "row": _kept(given)})
    return answers, rejected


class _RejectedError(Exception):
    """An annotation is no answer; the message is the reason."""


@dataclass(frozen=True)
class _Given:
    """An annotation as the one or the other format has it; with a fault where it is none at all."""

    where: str
    raw: Any
    content_sha1: Any = None
    annotator: Any = None
    choices: Any = None
    fault: str | None = None


def _parse(data: bytes) -> list[Any]:
    if len(data) > LARGEST_EXPORT:
        message = f"it has more than {LARGEST_EXPORT // 1024**2} MiB: export fewer tasks at once"
        raise LakeError(message)
    data = data.removeprefix(BOM_UTF8)
    try:
        try:
            found = orjson.loads(data)
        except orjson.JSONDecodeError:  # half of a surrogate pair in some text, which json takes
            loaded = json.loads(data, parse_constant=_refuse_constant)
            found = orjson.loads(json.dumps(loaded, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        message = f"it is not JSON ({str(error)[:200]}): export it from Label Studio as JSON or JSON-MIN"
        raise LakeError(message) from None
    if not isinstance(found, list):
        message = "it is JSON, but no list of tasks: export it from Label Studio as JSON or JSON-MIN"
        raise LakeError(message)
    return found


def _refuse_constant(name: str) -> None:
    message = f"{name} is no JSON"
    raise ValueError(message)


def _annotations(tasks: list[Any]) -> Iterator[_Given]:
    for number, task in enumerate(tasks, start=1):
        where = f"task {number}"
        if not isinstance(task, dict):
            yield _Given(where, task, fault="it is no task")
        elif isinstance(task.get("data"), dict):
            yield from _of_json(task, where)
        else:
            yield from _of_json_min(task, where)


def _of_json(task: dict[str, Any], where: str) -> Iterator[_Given]:
    content_sha1 = task["data"].get("content_sha1")
    annotations = task.get("annotations") or []
    if not isinstance(annotations, list):
        yield _Given(where, task, content_sha1, fault="its annotations are no list")
        return
    for number, annotation in enumerate(annotations, start=1):
        place = f"{where}, annotation {number}"
        if isinstance(annotation, dict):
            raw = {name: value for name, value in annotation.items() if name != _NOT_ANSWERED}
            yield _Given(place, raw, content_sha1, raw.get("completed_by"), raw.get("result"))
        else:
            yield _Given(place, annotation, content_sha1, fault="it is no annotation")


def _of_json_min(row: dict[str, Any], where: str) -> Iterator[_Given]:
    """A row of JSON-MIN: the task's data and the annotation in one object, values without what they are from."""
    if CONTROL not in row and row.get("annotation_id") is None:
        if "content_sha1" not in row:
            yield _Given(where, row, fault="it is no task")
        return
    raw = {name: value for name, value in row.items() if name not in _SHOWN}
    result = [{"from_name": CONTROL, "value": value} for value in _as_list(row.get(CONTROL))]
    yield _Given(where, raw, row.get("content_sha1"), row.get("annotator"), result)


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _answer(given: _Given, categories: Collection[str], until: dt.datetime | None) -> Answer:
    if given.fault:
        raise _RejectedError(given.fault)
    raw = given.raw
    if raw.get("was_cancelled") or raw.get("skipped"):
        message = "skipped by the annotator"
        raise _RejectedError(message)
    if not isinstance(given.content_sha1, str) or not _SHA1.fullmatch(given.content_sha1):
        message = "the task has no content_sha1: it is none of ours, or was changed"
        raise _RejectedError(message)
    try:
        return Answer(
            content_sha1=given.content_sha1,
            annotator=f"person:{_name(given.annotator)}",
            category=_category(given.choices, categories),
            confidence=None,
            labelled_at=_time(raw.get("updated_at") or raw.get("created_at"), until),
            answer=_json(raw),
        )
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        message = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise _RejectedError(message) from None


def _name(annotator: Any) -> str:
    """Name, e-mail address or number: exports of the community edition have the number only."""
    if isinstance(annotator, dict):
        annotator = annotator.get("email") or annotator.get("username") or annotator.get("id")
    if isinstance(annotator, int) and not isinstance(annotator, bool):
        return str(annotator)
    name = annotator.strip() if isinstance(annotator, str) else ""
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        message = "who answered is not said" if not name else "the name of who answered is too long or not printable"
        raise _RejectedError(message)
    return name


def _category(result: Any, categories: Collection[str]) -> str:
    chosen = list(_choices(result))
    if not chosen:
        message = "no category was chosen"
        raise _RejectedError(message)
    if len(chosen) > 1:
        message = "several categories were chosen"
        raise _RejectedError(message)
    category = chosen[0].strip() if isinstance(chosen[0], str) else ""
    if not category:
        message = "what was chosen is no text"
        raise _RejectedError(message)
    if categories and category not in categories:
        message = f"unknown category: {printable(category[:100])}"
        raise _RejectedError(message)
    return category


def _choices(result: Any) -> Iterator[Any]:
    """All that was chosen under our name; a configuration may ask for other things too."""
    for region in result if isinstance(result, list) else []:
        if not isinstance(region, dict) or region.get("from_name") != CONTROL:
            continue
        value = region.get("value")
        yield from _as_list(value.get("choices") if isinstance(value, dict) else value)


def _time(text: Any, until: dt.datetime | None) -> dt.datetime:
    try:
        time = dt.datetime.fromisoformat(text)
        known = time.tzinfo is not None and _EARLIEST <= time.astimezone(dt.UTC) <= (until or time)
    except (TypeError, ValueError, OverflowError):
        known = False
    if not known:
        message = "the time of the answer is missing, has no offset, or cannot be"
        raise _RejectedError(message)
    return time


def _json(raw: Any) -> str:
    try:
        text = orjson.dumps(raw, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        message = "the annotation is nested too deeply"
        raise _RejectedError(message) from None
    if len(text) > _LARGEST_ANNOTATION:
        message = f"the annotation has more than {_LARGEST_ANNOTATION // 1024} KiB"
        raise _RejectedError(message)
    return text.decode()


def _kept(given: _Given) -> str:
    """What was rejected, as JSON, cut; of what is nested too deeply what is not nested."""
    known = given.raw if isinstance(given.raw, dict) else {"value": given.raw}
    row = {"content_sha1": given.content_sha1, **known}
    try:
        text = orjson.dumps(row, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        flat = {name: value for name, value in row.items() if not isinstance(value, (dict, list))}
        text = orjson.dumps(flat, option=orjson.OPT_SORT_KEYS)
    return text[:_KEPT].decode("utf-8", errors="ignore")
