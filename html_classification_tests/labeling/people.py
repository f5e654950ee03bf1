"""Annotators at work: what Label Studio exports when people have answered tasks.

Belongs here: exports in the shape of Label Studio 1.23, JSON and JSON-MIN, as its server gave them. Does not belong
here: expectations.
"""

import json
from dataclasses import dataclass
from hashlib import sha1
from typing import Any

TIME = "2026-03-05T09:30:00.123456Z"
LATER = "2026-03-06T09:30:00.123456Z"


def sha1_of(text: str) -> str:
    """As pages have it in content_sha1."""
    return sha1(text.encode()).hexdigest()


@dataclass(frozen=True)
class Said:
    """What a person did with a task."""

    task: int
    choices: tuple[str, ...]
    who: Any = 1
    time: str = TIME
    cancelled: bool = False


def task(text: str, **data: Any) -> dict[str, Any]:
    """A task about a text, as it was exported by us."""
    shown = {"title": "A title", "text": text, "url": f"https://a.example/{text}", "reasons": "–", "label": "–"}
    return {"data": shown | {"date": "2026-03-01", "content_sha1": sha1_of(text)} | data, "predictions": []}


def export_json(tasks: list[dict[str, Any]], *said: Said) -> bytes:
    """The export "JSON": tasks with their annotations."""
    return json.dumps([_exported(number, one, said) for number, one in enumerate(tasks)]).encode()


def export_json_min(tasks: list[dict[str, Any]], *said: Said) -> bytes:
    """The export "JSON-MIN": a row for each annotation that was not cancelled, and one for a task without any."""
    rows: list[dict[str, Any]] = []
    for number, one in enumerate(tasks):
        of_task = [annotation for annotation in _annotations(number, said) if not annotation["was_cancelled"]]
        rows += [_flat(number, one, annotation) for annotation in of_task]
        if not any(item.task == number for item in said):
            nothing = dict.fromkeys(("annotator", "annotation_id", "created_at", "updated_at", "lead_time"))
            rows.append(one["data"] | {"id": number + 1} | nothing)
    return json.dumps(rows, indent=2, ensure_ascii=False).encode()


def _exported(number: int, one: dict[str, Any], said: tuple[Said, ...]) -> dict[str, Any]:
    annotations = _annotations(number, said)
    return {
        "id": number + 1,
        "annotations": annotations,
        "drafts": [],
        "predictions": [],
        "data": one["data"],
        "meta": {},
        "created_at": TIME,
        "updated_at": TIME,
        "inner_id": number + 1,
        "total_annotations": sum(not annotation["was_cancelled"] for annotation in annotations),
        "cancelled_annotations": sum(annotation["was_cancelled"] for annotation in annotations),
        "total_predictions": 1,
        "comment_count": 0,
        "project": 1,
        "updated_by": 1,
        "comment_authors": [],
    }


def _annotations(number: int, said: tuple[Said, ...]) -> list[dict[str, Any]]:
    region = {"id": "b6589fc6ab", "from_name": "category", "to_name": "text", "type": "choices", "origin": "manual"}
    return [
        {
            "id": id_,
            "completed_by": item.who,
            "result": [region | {"value": {"choices": list(item.choices)}}] if item.choices else [],
            "was_cancelled": item.cancelled,
            "ground_truth": False,
            "created_at": TIME,
            "updated_at": item.time,
            "draft_created_at": None,
            "lead_time": 3.2,
            "prediction": {"id": 1, "created_ago": "0 minutes", "model_version": "html-classification", "result": []},
            "result_count": len(item.choices),
            "unique_id": f"c5882410-55cf-483d-ada3-{id_:012}",
            "task": number + 1,
            "project": 1,
        }
        for id_, item in enumerate(said, start=1)
        if item.task == number
    ]


def _flat(number: int, one: dict[str, Any], annotation: dict[str, Any]) -> dict[str, Any]:
    row = one["data"] | {"id": number + 1}
    for region in annotation["result"]:
        choices = region["value"]["choices"]
        row[region["from_name"]] = choices[0] if len(choices) == 1 else {"choices": choices}
    who = annotation["completed_by"]
    row["annotator"] = who["email"] if isinstance(who, dict) else who
    row["annotation_id"] = annotation["id"]
    return row | {name: annotation[name] for name in ("created_at", "updated_at", "lead_time")}
