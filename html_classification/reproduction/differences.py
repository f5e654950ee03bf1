"""Why today's code computes something else, in words.

Belongs here: comparing what a version's metadata record with what this release would do. Does not belong here: the
comparison of bytes (`rebuilding`).
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from html_classification.lake.context import context
from html_classification.lake.metadata import Metadata
from html_classification.lake.recipe import Recipe
from html_classification.schemas.columns import Stage
from html_classification.schemas.described import Column
from html_classification.schemas.duplicates import DUPLICATES
from html_classification.schemas.labeling_queue import LABELING_QUEUE
from html_classification.schemas.training import PREDICTIONS, TRAINING_SET

#: Parameters that a person sets, and where; those of one stage are named with it.
_SETTINGS = {
    "window_days": "HTML_CLASSIFICATION_TRAINING_WINDOW_DAYS",
    "categories": "HTML_CLASSIFICATION_CATEGORIES",
    f"{DUPLICATES.name} window_days": "HTML_CLASSIFICATION_DUPLICATE_WINDOW_DAYS",
    f"{LABELING_QUEUE.name} size": "HTML_CLASSIFICATION_LABELING_QUEUE_SIZE",
    f"{TRAINING_SET.name} test_share": "HTML_CLASSIFICATION_TEST_SHARE",
    f"{TRAINING_SET.name} by_site": "HTML_CLASSIFICATION_SPLIT_SITES",
    f"{TRAINING_SET.name} seed": "HTML_CLASSIFICATION_TRAINING_SEED",
    f"{PREDICTIONS.name} seed": "HTML_CLASSIFICATION_TRAINING_SEED",
}
_LONGEST = 120


def other_recipe(metadata: Metadata, stage: Stage, recipe: Recipe) -> str:
    """How today's recipe of a version differs from the recorded one, and what to do.

    Args:
        metadata: What the version says about itself.
        stage: The stage as this release has it.
        recipe: What this release would do.
    """
    then, now = metadata.recipe, json.loads(recipe.canonical_json())
    code = []
    if now["code_version"] != then.get("code_version"):
        code.append(f"code_version {now['code_version']}, was {then.get('code_version')}")
    if now["columns"] != then.get("columns"):
        code += list(_columns(metadata.schema_, stage.columns)) or ["other checks of its columns"]
    parameters = dict(_parameters(then.get("parameters", {}), now["parameters"]))
    found = [*code, *parameters.values(), *_sources(then.get("sources", []), now["sources"])]
    if not found:
        return "its recipe does not give its version: metadata.json was changed; see 'html-classification lake verify'"
    advice = check_out(metadata)
    settings = [_setting(stage, name, then.get("parameters", {}).get(name)) for name in parameters]
    if not code and settings and all(settings):  # other sources may follow from a setting
        advice = "set " + ", ".join(map(str, settings))
    return f"this release computes it otherwise: {', '.join(found)}; {advice}"


def other_stages(metadata: Metadata, reads: Iterable[str]) -> str | None:
    """How the stages that this release computes a stage from differ from those that a version was made from."""
    now, then = set(reads), {source.stage for source in metadata.sources if source.stage is not None}
    if now == then:
        return None
    found = [f"{name} is read too" for name in sorted(now - then)]
    found += [f"{name} is read no more" for name in sorted(then - now)]
    return f"this release computes it otherwise: {', '.join(found)}; {check_out(metadata)}"


def check_out(metadata: Metadata) -> str:
    """Which code computed a version: the advice to take it."""
    commit = metadata.context.git_commit
    if commit is None:
        release = metadata.context.packages.get("html-classification", "of then")
        return f"take the release {release} that built it"
    clean = commit.removesuffix("-dirty")
    return f"check out {clean}" + (" (files were changed in it)" if clean != commit else "")


def other_packages(metadata: Metadata) -> str:
    """Packages and Python where they are not those that a version was computed with; empty where they are."""
    here = context(metadata.context.code_version)
    then = metadata.context.packages | {"Python": metadata.context.python}
    now = here.packages | {"Python": here.python}
    return ", ".join(
        f"{name} {now[name]}, was {then[name]}" for name in now if name in then and now[name] != then[name]
    )


def _columns(then: Sequence[Column], now: Sequence[Column]) -> Iterator[str]:
    old, new = {column.name: column for column in then}, {column.name: column for column in now}
    yield from (f"column {name} is new" for name in new if name not in old)
    yield from (f"column {name} is gone" for name in old if name not in new)
    for name in (name for name in new if name in old):
        if new[name].type != old[name].type:
            yield f"column {name} is {new[name].type}, was {old[name].type}"
        elif new[name].nullable != old[name].nullable:
            yield f"column {name} may {'' if new[name].nullable else 'not '}be null now"


def _setting(stage: Stage, name: str, then: Any) -> str | None:
    """How to set a parameter as it was; None where no setting says it."""
    variable = _SETTINGS.get(f"{stage.name} {name}", _SETTINGS.get(name))
    value = ",".join(then) if isinstance(then, list) else then
    return f"{variable}={value}" if variable and then is not None else None


def _parameters(then: dict[str, Any], now: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name in sorted(then.keys() | now.keys()):
        if name not in now:
            yield name, f"parameter {name} is gone, was {_short(then[name])}"
        elif name not in then:
            yield name, f"parameter {name} {_short(now[name])} is new"
        elif then[name] != now[name]:
            yield name, f"parameter {name} {_short(now[name])}, was {_short(then[name])}"


def _sources(then: list[dict[str, Any]], now: list[dict[str, Any]]) -> Iterator[str]:
    gone, new = [item for item in then if item not in now], [item for item in now if item not in then]
    if gone:
        yield f"{_files(gone)} not read"
    if new:
        yield f"{_files(new)} read in its place" if gone else f"{_files(new)} read too"
    if not gone and not new and then != now:
        yield "its sources in another order"


def _files(sources: list[dict[str, Any]]) -> str:
    first = sources[0]
    named = " ".join(str(first[key]) for key in ("name", "date", "path") if first.get(key)) + f" (sha1 {first['sha1']})"
    return named + (f" and {len(sources) - 1} more" if len(sources) > 1 else "")


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
