"""Clusters of generated signatures, a third of them near copies: `python clustering.py ROWS`."""

import json
import sys
import threading
import time
from pathlib import Path

import numpy as np
import polars as pl

from html_classification.transforms.duplicates import cluster
from html_classification.transforms.duplicates.signatures import PERMUTATIONS

_PAGE = 4096  # bytes, as Linux counts memory


def pages(rows: int) -> pl.DataFrame:
    """Pages of which each third agrees with one of the others in 60 to 100 % of its signature."""
    chance = np.random.default_rng(rows)
    matrix = chance.integers(0, 1 << 32, (rows, PERMUTATIONS), dtype=np.uint32)
    for copy in range(0, rows, 3):
        same = chance.random(PERMUTATIONS) < chance.uniform(0.6, 1)
        matrix[copy, same] = matrix[chance.integers(0, rows // 3) * 3 + 1, same]
    return pl.DataFrame(
        {
            "url": [f"https://site-{number % 97}.example/page-{number * 7919 % rows}" for number in range(rows)],
            "content_sha1": [f"{number:040x}" for number in range(rows)],
            "timestamp": pl.Series(chance.integers(0, 10**12, rows)).cast(pl.Datetime("us", "UTC")),
            "minhash": pl.Series(matrix).cast(pl.List(pl.UInt32)),
        }
    )


class Memory(threading.Thread):
    """Notes the most memory that the process has, every hundredth of a second, until it is told to stop."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.least = self.most = self._now()
        self.stopped = threading.Event()

    @staticmethod
    def _now() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE

    def run(self) -> None:
        """Measure."""
        while not self.stopped.wait(0.01):
            self.most = max(self.most, self._now())


if __name__ == "__main__":
    cluster(pages(300))  # imports, and the memory that they take
    frame = pages(int(sys.argv[1]))
    memory = Memory()
    memory.start()
    started = time.process_time()
    found = cluster(frame)
    seconds = time.process_time() - started
    memory.stopped.set()
    clusters = found["duplicate_cluster"].n_unique()
    print(json.dumps({"clusters": clusters, "seconds": seconds, "bytes": memory.most - memory.least}))
