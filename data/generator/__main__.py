"""Writes the sample crawl: ``python -m data.generator`` from the project root.

``python data/generator`` works as well, from any directory. Options: ``--output DIR``, ``--seed N``.

Five lines of the drops are bad on purpose:

* 2026-03-04: a line of garbage that is not JSON, and a JSON line cut in the middle
* 2026-03-08: a line without "html", and one whose timestamp is "not a date"
* 2026-03-12: a line whose url is a number

Only the start of the program belongs here; the rest is in the modules beside it.
"""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:
    # Started as a directory, Python puts that directory on the path and not the project root.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from data.generator.cli import main

if __name__ == "__main__":
    sys.exit(main())
