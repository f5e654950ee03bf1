"""Measuring programs side by side.

Belongs here: rounds, figures, ratios and bars, and the folders and servers that benchmarks work in. Does not belong
here: what is measured (a module each beside this one), printing (`__main__`).
"""

import gc
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from html_classification_tests.s3_server import make_bucket, s3_server

#: What benchmarks leave behind, such as installed peers: ignored by git, deleted by `make clean`.
KEPT = Path(__file__).parent.parent / ".bench"


@dataclass(frozen=True)
class Contestant:
    """Something to be timed.

    Attributes:
        run: What is timed.
        prepare: What must be done before each run, and is not timed.
    """

    run: Callable[[], object]
    prepare: Callable[[], object] | None = None


@dataclass(frozen=True)
class Figure:
    """One figure of several rounds.

    Attributes:
        what: What was measured, in a few words.
        values: The figure of each round.
        unit: Their unit.
        at_most: The bar, where less is better.
        at_least: The bar, where more is better.
    """

    what: str
    values: Sequence[float]
    unit: str = "s"
    at_most: float | None = None
    at_least: float | None = None

    @property
    def bar(self) -> str:
        """The bar in words; empty without one."""
        return f"<= {self.at_most:g}" if self.at_most is not None else _least(self.at_least)

    @property
    def met(self) -> bool | None:
        """Whether the median meets the bar; None without a bar."""
        median = statistics.median(self.values)
        if self.at_least is not None:
            return median >= self.at_least
        return None if self.at_most is None else median <= self.at_most


@dataclass(frozen=True)
class Ratio:
    """What we took, divided by what a peer took: below 1 we are ahead.

    Attributes:
        what: What was done, in a few words.
        ours: Our figure of each round.
        theirs: The peer's figure of the same rounds.
        peer: The peer's name, with its settings.
        at_most: The bar, where there is one.
        unit: The unit of the figures.
    """

    what: str
    ours: Sequence[float]
    theirs: Sequence[float]
    peer: str
    at_most: float | None = None
    unit: str = "s"

    @property
    def bar(self) -> str:
        """The bar in words; empty without one."""
        return f"<= {self.at_most:g}" if self.at_most is not None else ""

    @property
    def values(self) -> list[float]:
        """The ratio of each round: what slows a whole round down cancels out."""
        return [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)]

    @property
    def met(self) -> bool | None:
        """Whether the median ratio meets the bar; None without a bar."""
        return None if self.at_most is None else statistics.median(self.values) <= self.at_most


def _least(bar: float | None) -> str:
    return "" if bar is None else f">= {bar:g}"


#: What a benchmark yields; a text is a remark of one line, such as why something could not be measured.
Result = Ratio | Figure | str


def side_by_side(
    contestants: Mapping[str, Contestant | Callable[[], object]], *, rounds: int = 7, warm_up: int = 1
) -> dict[str, list[float]]:
    """Time several programs in rounds: each runs once a round, so that all meet the same machine.

    Args:
        contestants: What to time, by name. The one that begins changes from round to round.
        rounds: How often each is timed.
        warm_up: Rounds before those, which are not counted.

    Returns:
        The seconds of each round, by name.
    """
    named = [(name, item if isinstance(item, Contestant) else Contestant(item)) for name, item in contestants.items()]
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(-warm_up, rounds):
        first = turn % len(named)
        for name, contestant in named[first:] + named[:first]:
            if contestant.prepare:
                contestant.prepare()
            took = timed(contestant.run)
            if turn >= 0:
                seconds[name].append(took)
    return seconds


def timed(run: Callable[[], object]) -> float:
    """The seconds that a call takes, with garbage of what came before collected first."""
    gc.collect()
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


@contextmanager
def workspace() -> Iterator[Path]:
    """An empty folder in the checkout, on the disk that a local lake would be on; deleted at the end."""
    KEPT.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="work-", dir=KEPT))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def s3_bucket() -> Iterator[str]:
    """The address of an empty bucket on a real S3 server of its own, to which the AWS_* variables lead meanwhile.

    Raises:
        NoServerError: The server does not start.
    """
    with workspace() as folder, s3_server(folder) as variables, patch.dict(os.environ, variables):
        yield make_bucket(variables, "benchmark")
