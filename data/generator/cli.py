"""Command line of the generator. Only the reading of options belongs here."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from data.generator.output import write

DEFAULT_SEED = 20260301
DATA = Path(__file__).resolve().parents[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the sample crawl."""
    parser = argparse.ArgumentParser(prog="python -m data.generator", description="Write the sample crawl.")
    parser.add_argument("--output", type=Path, default=DATA, help="directory to write into (default: data/)")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="same seed, same sample")
    options = parser.parse_args(arguments)
    write(options.seed, options.output)
    return 0
