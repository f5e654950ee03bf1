"""The environment that a version is computed in.

Belongs here: git commit, package versions, Python, host, memory: what helps to find out why two runs
differ. Does not belong here: secrets or environment variables.
"""

import platform
import resource
import subprocess
import sys
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from html_classification.lake.metadata import Context

_PACKAGES = (
    "html-classification",
    "beautifulsoup4",
    "cleanlab",
    "dagster",
    "mlflow",
    "pandera",
    "polars",
    "py3langid",
    "rensa",
    "scikit-learn",
    "selectolax",
    "simplemma",
)


@lru_cache(maxsize=1)
def _packages() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


@lru_cache(maxsize=1)
def git_commit() -> str | None:
    """The commit of the project's checkout, with `-dirty` after it where files were changed; None outside one."""
    folder = Path(__file__).parent
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def context(code_version: str) -> Context:
    """The environment of this process."""
    return Context(
        code_version=code_version,
        git_commit=git_commit(),
        packages=_packages(),
        python=platform.python_version(),
        host=platform.node(),
    )


def peak_memory_bytes() -> int:
    """The most memory this process has held so far (macOS counts in bytes, Linux in KiB)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
