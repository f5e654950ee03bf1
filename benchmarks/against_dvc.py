"""Against DVC: a new version of 365 daily partitions of which 5 changed, and an old version read.

Belongs here: the same history in DVC and in the lake, and what is compared. Does not belong here: how the lake is
used (`programs`).

Whole processes are timed on both sides, start-up and all, since either is called from a scheduler or a command line.
DVC is in a virtual environment of its own and used as its documentation recommends: a folder under `dvc add`, a commit
a version, each type of link, `core.autostage`, no analytics, no look for updates. The fastest setting is compared.

- A new version begins with 365 files of which 5 have changed, and ends with checked rows stored as a version. For DVC a
  program that is told the 5 days reads them, checks them with the stage's pandera model and writes them (`programs`),
  then come `dvc add` and `git commit`. For the lake it is one program, which is told nothing, and also writes
  statistics, samples and metadata. What `dvc add` takes by itself, of files that nobody checked, stands beside it.
- An old version is `git checkout` of the .dvc file and `dvc checkout`, after which polars reads the files. For the
  lake it is `scan` with `as_of`; nothing is checked out.
"""

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import KEPT, Contestant, Figure, Ratio, Result, side_by_side, timed, workspace
from benchmarks.programs.reading import STAGE
from html_classification.lake import Lake

VERSION = "3.67.1"
ROUNDS = 7
ROWS = 1000
DAYS = [date(2025, 1, 1) + timedelta(days=number) for number in range(365)]
CHANGED = DAYS[::73]
#: Settings of DVC by name. The defaults make reflinks where the file system can, and copies where it cannot.
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "defaults": {},
    "autostage": {"core.autostage": "true"},
    "hardlinks": {"cache.type": "hardlink"},
    "symlinks": {"cache.type": "symlink"},
}

_PROGRAMS = Path(__file__).parent / "programs"
_TEXTS = Path(__file__).parent.parent / "data" / "generator" / "texts"
_READ = "import sys, polars; print(polars.read_parquet(sys.argv[1]).height)"


class CommandError(Exception):
    """A command failed."""


def run() -> Iterator[Result]:
    """Measure adding a new version and reading an old one."""
    try:
        program = _installed()
    except CommandError as error:
        yield f"DVC {VERSION} cannot be installed here, so nothing is compared: {error}"
        return
    with workspace() as folder:
        source = folder / "source"
        write_days(source, DAYS, edition=0)
        lake, stages = InLake(folder / "lake", source), InLake(folder / "stages", source)
        peers = {name: InDvc(folder / name, source, program, options) for name, options in SETTINGS.items()}
        yield Figure("first version, all days new: the lake", [timed(lake.add_files)])
        yield Figure("first version, all days new: DVC, its best", [min(timed(peer.add) for peer in peers.values())])
        stages.add_files()
        stages.add_stage()
        yield from _adding(lake, stages, peers)
        yield from _reading(lake, peers)


def _adding(lake: "InLake", stages: "InLake", peers: Mapping[str, "InDvc"]) -> Iterator[Result]:
    checked = {name: Contestant(peer.produce_and_add, peer.change) for name, peer in peers.items()}
    yield from _compared("new version from files", lake, Contestant(lake.add_files, lake.change), checked)
    yield from _compared(
        "new version from a stage", stages, Contestant(stages.add_stage, stages.change_upstream), checked
    )
    peer = peers["defaults"]

    def unchecked() -> None:
        peer.change()
        peer.produce("unchecked")

    def new_version() -> None:
        unchecked()
        peer.add()

    alone = side_by_side({"alone": Contestant(peer.add, unchecked)}, rounds=ROUNDS)["alone"]
    yield Figure("new version: `dvc add` and `git commit` alone, of files that are there and unchecked", alone)
    push = side_by_side({"push": Contestant(peer.push, new_version)}, rounds=3)["push"]
    yield Figure("new version: `dvc push` to a folder (the lake's is in its place)", push)


def _reading(lake: "InLake", peers: Mapping[str, "InDvc"]) -> Iterator[Result]:
    old = datetime.now(UTC).isoformat()
    lake.change()
    lake.add_files()
    day = CHANGED[0]
    _require(
        Lake(lake.uri).scan(STAGE, day, as_of=old).drop("day").collect().equals(_rows(day, lake.edition - 1)), lake
    )
    for peer in peers.values():
        peer.check_out_old()
        _require(pl.read_parquet(peer.data / f"{day}.parquet").equals(_rows(day, peer.edition - 1)), peer)
    named = {name: Contestant(peer.check_out_old, peer.check_out_new) for name, peer in peers.items()}
    read = {name: Contestant(peer.read_old, peer.check_out_new) for name, peer in peers.items()}
    yield from _compared("old version", lake, Contestant(lambda: lake.name(old)), named)
    yield from _compared("old version, all rows read", lake, Contestant(lambda: lake.read(old)), read)


def _compared(what: str, lake: "InLake", ours: Contestant, theirs: Mapping[str, Contestant]) -> Iterator[Result]:
    """Ours against the fastest setting of DVC, and the figures of all."""
    lake.inside.clear()
    seconds = side_by_side({"ours": ours, **theirs}, rounds=ROUNDS)
    best = min(theirs, key=lambda name: median(seconds[name]))
    yield Ratio(what, seconds["ours"], seconds[best], f"DVC, {best}", at_most=1)
    yield Figure(f"{what}: the lake, without start-up", lake.inside[-ROUNDS:])
    yield from (Figure(f"{what}: DVC, {name}", seconds[name]) for name in theirs)


class Days:
    """A folder of parquet files, one a day, that somebody keeps writing new editions of.

    Args:
        folder: Where they lie.
        source: What is there at first.
    """

    def __init__(self, folder: Path, source: Path) -> None:
        self.files = folder
        self.edition = 0
        shutil.copytree(source, folder)

    def change(self) -> None:
        """Write the changed days anew."""
        self.edition += 1
        write_days(self.files, CHANGED, self.edition)


class InLake(Days):
    """The days in a lake, used by processes of their own.

    Args:
        folder: The folder of the lake and of the files that it is made from.
        source: The files at first.
    """

    def __init__(self, folder: Path, source: Path) -> None:
        super().__init__(folder / "files", source)
        self.uri = str(folder / "lake")
        self.inside: list[float] = []

    def add_files(self) -> None:
        """Bring a stage to the state of the files."""
        self._add(str(self.files))

    def add_stage(self) -> None:
        """Bring the next stage to the state of that one."""
        self._add()

    def change_upstream(self) -> None:
        """Write the changed days anew, and bring the first stage to their state."""
        self.change()
        self.add_files()
        self.inside.pop()

    def name(self, time: str) -> None:
        """The rows of a time, lazily."""
        self._run("reading.py", "name", self.uri, time)

    def read(self, time: str) -> None:
        """The rows of a time."""
        said = self._run("reading.py", "read", self.uri, time)
        _require(said["rows"] == len(DAYS) * ROWS, said)

    def _add(self, *arguments: str) -> None:
        said = self._run("adding.py", self.uri, *arguments)
        _require(said["built"] == (len(CHANGED) if self.edition else len(DAYS)), said)

    def _run(self, program: str, *arguments: str) -> dict[str, Any]:
        """What a program says; `inside` keeps the seconds that it took without its start-up."""
        said: dict[str, Any] = json.loads(_output([sys.executable, str(_PROGRAMS / program), *arguments]))
        self.inside.append(said["seconds"])
        return said


class InDvc(Days):
    """The days in a git repository under DVC.

    Args:
        folder: The folder of the repository.
        source: The files at first.
        program: The `dvc` command.
        options: DVC's settings.
    """

    def __init__(self, folder: Path, source: Path, program: Path, options: Mapping[str, str]) -> None:
        super().__init__(Path(f"{folder}-files"), source)
        self.folder = folder
        self.data = folder / "data"
        shutil.copytree(source, self.data)
        self.program = str(program)
        self.stages_itself = "core.autostage" in options
        # Nothing of this machine's configuration, and nothing left outside this folder.
        self.environment = os.environ | {
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(folder) + "-site-cache",
            "DVC_GLOBAL_CONFIG_DIR": str(folder) + "-config",
            "DVC_SYSTEM_CONFIG_DIR": str(folder) + "-config",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        self._git("init")
        self._git("config", "user.name", "benchmark")
        self._git("config", "user.email", "benchmark@example.org")
        self._dvc("init")
        for name, value in {"core.check_update": "false", **options}.items():
            self._dvc("config", name, value)
        self._dvc("remote", "add", "--default", "folder", str(folder) + "-remote")

    def produce_and_add(self) -> None:
        """A new version, from the files that changed."""
        self.produce("checked")
        self.add()

    def produce(self, verb: str) -> None:
        """Bring the folder to the state of the files: `checked` or `unchecked`."""
        program = str(_PROGRAMS / "producing.py")
        _output([sys.executable, program, verb, str(self.files), str(self.data), *map(str, CHANGED)])

    def add(self) -> None:
        """A new version: what the folder holds now, committed."""
        self._dvc("add", "data")
        if not self.stages_itself:
            self._git("add", "data.dvc", ".gitignore")
        self._git("commit", "--message", f"edition {self.edition}")

    def push(self) -> None:
        """Copy the version to the remote."""
        self._dvc("push")

    def check_out_old(self) -> None:
        """The version before the last one, in the folder."""
        self._check_out("HEAD~1")

    def check_out_new(self) -> None:
        """The last version, in the folder."""
        self._check_out("HEAD")

    def read_old(self) -> None:
        """The version before the last one, in the folder and in memory."""
        self.check_out_old()
        rows = int(_output([sys.executable, "-c", _READ, str(self.data / "*.parquet")]))
        _require(rows == len(DAYS) * ROWS, rows)

    def _check_out(self, commit: str) -> None:
        self._git("checkout", commit, "--", "data.dvc")
        self._dvc("checkout", "data.dvc")

    def _git(self, *arguments: str) -> None:
        _output(["git", *arguments], cwd=self.folder, env=self.environment)

    def _dvc(self, *arguments: str) -> None:
        _output([self.program, *arguments, "--quiet"], cwd=self.folder, env=self.environment)


def write_days(folder: Path, days: Sequence[date], edition: int) -> None:
    """Write the files of some days as a crawl of that edition would give them; others stay as they are."""
    folder.mkdir(exist_ok=True)
    for day in days:
        path = folder / f"{day}.parquet"
        path.unlink(missing_ok=True)  # it may be a link into DVC's cache
        _rows(day, edition).write_parquet(path)


def _rows(day: date, edition: int) -> pl.DataFrame:
    """Pages with the words of the sample crawl's English texts, as often as they occur there, 150 a page."""
    random = np.random.default_rng([day.toordinal(), edition])
    words = _words()
    content = words.gather(random.integers(len(words), size=ROWS * 150)).reshape((ROWS, 150)).arr.join(" ")
    return pl.DataFrame(
        {
            "url": [f"https://site-{number % 50:02}.example/{day}/page-{number:04}" for number in range(ROWS)],
            "title": content.str.head(60),
            "content": content,
            "language": "en",
            "timestamp": pl.Series(random.integers(86_400_000_000, size=ROWS)).cast(pl.Duration("us"))
            + datetime(day.year, day.month, day.day, tzinfo=UTC),
        }
    ).sort("url")


@cache
def _words() -> pl.Series:
    texts = [path.read_text(encoding="utf-8") for path in sorted(_TEXTS.glob("*.en.txt"))]
    return pl.Series(texts).str.extract_all(r"[A-Za-z]+").explode()


def _installed() -> Path:
    """The `dvc` of the version compared with, installed once.

    Raises:
        CommandError: It cannot be installed.
    """
    folder = KEPT / f"dvc-{VERSION}"
    program = folder / "bin" / "dvc"
    if not program.exists():
        KEPT.mkdir(exist_ok=True)
        venv.create(folder, with_pip=True, clear=True)
        _output([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", f"dvc=={VERSION}"])
    return program


def _output(command: Sequence[str], **options: Any) -> str:
    """What a command prints.

    Raises:
        CommandError: It failed; the message is the last line that it said on standard error.
    """
    done = subprocess.run(command, check=False, capture_output=True, text=True, **options)
    if done.returncode:
        message = f"{' '.join(command)}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}"
        raise CommandError(message)
    return str(done.stdout)


def _require(right: bool, said: object) -> None:
    if not right:
        message = f"the benchmark measured something else than it says: {said}"
        raise AssertionError(message)
