"""An environment that has nothing but what a list of requirements names, made of what is installed here.

Belongs here: finding out what that is, and running programs in it. Does not belong here: any model.

It stands for a new virtual environment into which `pip install -r requirements.txt` was said, and needs neither the
network nor a minute: a folder of links to the files of the distributions is the only place that Python imports from.
"""

import os
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

#: Commands, what Python leaves, and thousands of files that nothing imports.
_LEFT_OUT = {"..", "__pycache__", "tests"}
_NOT_RUN = {".pyi", ".h", ".pxd", ".pyx"}


def closure(lines: list[str]) -> set[str]:
    """Names of the distributions that pip would install: those of the lines, and what they require in turn."""
    found: set[str] = set()
    left = [Requirement(line) for line in lines]
    while left:
        requirement = left.pop()
        name = canonicalize_name(requirement.name)
        here = distribution(name)
        assert requirement.specifier.contains(here.version, prereleases=True), f"{requirement}: {here.version} is here"
        extras = {"", *requirement.extras}
        if name in found and extras == {""}:
            continue
        found.add(name)
        for line in here.requires or ():
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                left.append(needed)
    return found


def link(names: set[str], folder: Path) -> None:
    """Link every file of some distributions into a folder, as pip would have put them there."""
    made: set[Path] = set()
    for name in sorted(names):
        here = distribution(name)
        for file in here.files or ():
            if _LEFT_OUT & set(file.parts) or file.suffix in _NOT_RUN:
                continue
            target = folder / file
            if target.parent not in made:
                target.parent.mkdir(parents=True, exist_ok=True)
                made.add(target.parent)
                compiled = Path(str(here.locate_file(file.parent / "__pycache__"))).resolve()
                if compiled.is_dir() and not (target.parent / "__pycache__").exists():
                    (target.parent / "__pycache__").symlink_to(compiled)
            if not target.exists():
                target.symlink_to(Path(str(here.locate_file(file))).resolve())


def run(folder: Path, program: str, *arguments: str) -> str:
    """What a program says that can import nothing but the standard library and this folder."""
    start = f"import sys; sys.path.append({str(folder)!r}); sys.dont_write_bytecode = True\n"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-W", "ignore", "-c", start + program, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "MLFLOW_DISABLE_TELEMETRY": "true"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
