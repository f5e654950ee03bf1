"""Peak memory of a day of 50,000 documents against one of 5,000, from crawl drop to both text versions.

The memory of the command and of all its processes: the sum of their proportional set sizes (PSS: what is shared is
counted once), read every 100 ms from /proc. Linux only.
"""

import shutil
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from benchmarks.commands import DAY, PARSING, CommandError, Pipeline
from benchmarks.measure import KEPT, Figure, Ratio, Result, workspace
from benchmarks.pages import NO_CORPUS, available, write_drop
from html_classification.assets.silver import TEXT_STAGES

FEW, MANY = 5_000, 50_000
STAGES = (*PARSING, *(TEXT_STAGES[name].name for name in ("v1", "v2")))
INTERVAL = 0.1  # seconds
#: The crawl drop, and what the stages write.
DISK_PER_DOCUMENT = 160_000  # bytes

_MIB = 2**20


def run() -> Iterator[Result]:
    """The ratio of the two peaks."""
    if not available():
        yield NO_CORPUS
        return
    if not Path("/proc/self/smaps_rollup").exists():
        yield "Nothing is measured: the memory of processes is read from Linux's /proc/*/smaps_rollup."
        return
    KEPT.mkdir(exist_ok=True)
    needed, free = MANY * DISK_PER_DOCUMENT, shutil.disk_usage(KEPT).free
    if free < needed:
        yield f"Nothing is measured: {needed / 1e9:.0f} GB of disk are needed, {free / 1e9:.0f} are free."
        return
    peaks = {}
    for documents in (FEW, MANY):
        with workspace() as folder:
            write_drop(folder / "crawl", DAY, documents)
            pipeline = Pipeline(folder / "run", folder / "crawl", STAGES)
            pipeline.clear()
            peaks[documents] = peak_of(pipeline) / _MIB
            yield Figure(f"the stages of {documents:,} documents", [documents / pipeline.seconds()], "documents/s")
    what = f"peak memory, {MANY:,} documents against {FEW:,}"
    yield Ratio(what, [peaks[MANY]], [peaks[FEW]], f"{FEW:,} documents", at_most=1.2, unit="MiB")


def peak_of(pipeline: Pipeline) -> float:
    """The most memory, in bytes, that the command and its processes have at once.

    Raises:
        CommandError: The command failed.
    """
    said = pipeline.folder / "said.txt"
    with said.open("w") as file:
        process = subprocess.Popen(
            pipeline.command, cwd=pipeline.folder, env=pipeline.environment, stdout=file, stderr=file
        )
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(pss(each) for each in tree(process.pid)))
        time.sleep(INTERVAL)
    if process.returncode:
        message = f"the command failed: {' / '.join(said.read_text().splitlines()[-3:])}"
        raise CommandError(message)
    return peak


def tree(root: int) -> list[int]:
    """A process and all below it."""
    children = defaultdict(list)
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                # "pid (name) state parent ...", where the name may hold anything
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended
            children[parent].append(int(folder.name))
    found = [root]
    for process in found:  # which grows meanwhile
        found += children[process]
    return found


def pss(process: int) -> int:
    """A process's proportional set size in bytes; 0 if it has ended or is not ours to look at."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
