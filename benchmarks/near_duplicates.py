"""Near duplicates: what is found of planted ones, what a signature costs, and how clusters scale.

Texts are the main contents of the corpus of real pages, each with a perturbed copy.
"""

import gc
import json
import re
import sys
import time
import venv
from collections.abc import Callable, Iterator, Sequence

import polars as pl
from rensa import RMinHash

from benchmarks.commands import PROGRAMS, REPOSITORY, CommandError, output
from benchmarks.measure import KEPT, Figure, Ratio, Result, workspace
from benchmarks.pages import NO_CORPUS, available, corpus
from html_classification.transforms.duplicates import signatures
from html_classification.transforms.html.page import PageRejected, parse_page
from html_classification_tests.transforms.duplicates.planted import PERTURBATIONS, Score, score

DATASKETCH = "2.0.0"
ROUNDS = 5
_WORD = re.compile(r"[^\W_]+")


def run() -> Iterator[Result]:
    """Recall and precision, the processor time of signatures, then clusters."""
    if available():
        texts = list(_contents())
        yield from _found(texts[::2])
        yield from _signatures(texts)
    else:
        yield NO_CORPUS
    for rows in (50_000, 500_000):
        yield from _clusters(rows)


def _contents() -> Iterator[str]:
    for page in corpus():
        try:
            yield parse_page(page.html, page.url).content
        except PageRejected:
            continue


def _found(texts: Sequence[str]) -> Iterator[Figure]:
    scores = {kind: score(texts, perturbations) for kind, perturbations in PERTURBATIONS.items()}
    total = sum(scores.values(), Score())
    yield Figure(f"of {total.alike:,} pairs of Jaccard >= 0.8 found", [total.recall], "", at_least=0.95)
    yield Figure(f"of {total.reported:,} reported pairs Jaccard >= 0.7", [total.precision], "", at_least=0.95)
    for kind, part in scores.items():
        yield Figure(f"{kind}: found of {part.alike:,}", [part.recall], "")
        yield Figure(f"{kind}: right of {part.reported:,}", [part.precision], "")


def _signatures(texts: Sequence[str]) -> Iterator[Result]:
    """Milliseconds of processor time for each document: ours and the peers' in turn."""
    series = pl.Series(texts)
    what = "signature of a document"
    ours: list[float] = []
    before: list[float] = []
    for turn in range(-1, ROUNDS):
        taken = _milliseconds(lambda: signatures(series), texts), _milliseconds(lambda: _rensa(texts), texts)
        if turn >= 0:
            ours.append(taken[0])
            before.append(taken[1])
    yield Figure(f"{what}, processor time", ours, "ms", at_most=0.2)
    yield Ratio(what, ours, before, "rensa of 5-grams joined in Python", unit="ms")
    try:
        theirs = _datasketch(texts)
    except CommandError as error:
        yield f"datasketch {DATASKETCH} cannot be installed here, so it is not compared: {error}"
    else:
        yield Ratio(what, ours, theirs, f"datasketch {DATASKETCH}", unit="ms")


def _milliseconds(compute: Callable[[], object], texts: Sequence[str]) -> float:
    gc.collect()
    started = time.process_time()
    compute()
    return (time.process_time() - started) * 1000 / len(texts)


def _rensa(texts: Sequence[str]) -> object:
    """The plain way: each gram a string."""
    return RMinHash.digests_from_token_sets(map(_grams, texts), num_perm=112, seed=42)


def _grams(text: str) -> list[str]:
    words = _WORD.findall(text.lower())
    return [" ".join(words[start : start + 5]) for start in range(max(len(words) - 4, 1))]


def _datasketch(texts: Sequence[str]) -> list[float]:
    """The peer's milliseconds for each document, in each round.

    Raises:
        CommandError: It cannot be installed.
    """
    folder = KEPT / f"datasketch-{DATASKETCH}"
    python = str(folder / "bin" / "python")
    if not any(folder.glob("lib/*/site-packages/datasketch")):
        venv.create(folder, with_pip=True, clear=True)
        output([python, "-m", "pip", "install", "--quiet", f"datasketch=={DATASKETCH}"])
    with workspace() as place:
        file = place / "texts.json"
        file.write_text(json.dumps(texts), encoding="utf-8")
        command = [python, str(PROGRAMS / "datasketch_signatures.py"), str(file)]
        return [json.loads(output(command))["seconds"] * 1000 / len(texts) for _ in range(ROUNDS)]


def _clusters(rows: int) -> Iterator[Result]:
    command = [sys.executable, str(PROGRAMS / "clustering.py"), str(rows)]
    done = [json.loads(output(command, cwd=REPOSITORY)) for _ in range(3)]
    yield Figure(f"clusters of {rows:,} pages, processor time", [one["seconds"] for one in done])
    what = f"clusters of {rows:,} pages, memory for each beyond its signature"
    yield Figure(what, [one["bytes"] / rows for one in done], "bytes", at_most=1000)
