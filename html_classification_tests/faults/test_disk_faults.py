"""A disk that fails: full, read-only, not permitted. One clear line, nothing half-published, a rerun completes."""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from html_classification.lake import Lake
from html_classification.lake.errors import StoreError
from html_classification_tests.faults.work import (
    DAY,
    assert_clean,
    assert_spotless,
    assert_whole,
    collect_leftovers,
    processes,
    publish,
)

NOBODY = 65534


def report(answer: Connection, what: Callable[..., Any], *args: Any) -> None:
    """In a child: what comes of it, as text."""
    try:
        answer.send(str(what(*args)))
    except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
        answer.send(f"{type(error).__name__}: {error}")


def in_a_child(what: Callable[..., Any], *args: Any) -> str:
    context = processes()
    ours, theirs = context.Pipe()
    process = context.Process(target=report, args=(theirs, what, *args))
    process.start()
    answer = str(ours.recv()) if ours.poll(60) else "no answer"
    process.join(10)
    return answer


def publish_small_files_only(uri: str) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    publish(Lake(uri), "new")


def publish_as_nobody(uri: str) -> None:
    if os.geteuid() == 0:
        os.setuid(NOBODY)
    publish(Lake(uri), "new")


def read_as_nobody(uri: str) -> None:
    if os.geteuid() == 0:
        os.setuid(NOBODY)
    Lake(uri).ls()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users reach too, unlike pytest's."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(folder)


def test_a_file_that_may_not_grow_so_large(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    names = {publish(lake, "old").dataset.metadata.version: "old"}
    answer = in_a_child(publish_small_files_only, lake.uri)
    assert answer.startswith(f"StoreError: cannot write {lake.uri}/")
    assert answer.endswith("files may not grow so large here: raise the limit (ulimit -f), then run again")
    assert "\n" not in answer
    assert assert_whole(lake, DAY, names) == "old"
    names[publish(lake, "new").dataset.metadata.version] = "new"
    assert assert_whole(lake, DAY, names) == "new"
    collect_leftovers(lake)
    assert_spotless(lake)


@pytest.mark.parametrize("what", [publish_as_nobody, read_as_nobody])
def test_a_lake_that_may_not_be_entered(what: Callable[[str], None], open_folder: Path) -> None:
    lake = Lake(str(open_folder / "lake"))
    names = {publish(lake, "old").dataset.metadata.version: "old"}
    for closed in (open_folder / "lake", open_folder):
        closed.chmod(0)
        answer = in_a_child(what, lake.uri)
        closed.chmod(0o755)
        assert answer.startswith("StoreError: cannot ")
        assert lake.uri in answer
        assert answer.endswith("check who may read and write there")
        assert "Permission denied" in answer
        assert "\n" not in answer
    assert assert_whole(lake, DAY, names) == "old"


def test_a_lake_that_may_only_be_read(open_folder: Path) -> None:
    lake = Lake(str(open_folder / "lake"))
    names = {publish(lake, "old").dataset.metadata.version: "old"}
    folders = [open_folder / "lake", *(path for path in (open_folder / "lake").rglob("*") if path.is_dir())]
    for path in folders:
        path.chmod(0o555)
    answer = in_a_child(publish_as_nobody, lake.uri)
    for path in folders:
        path.chmod(0o755)
    assert answer.startswith(f"StoreError: cannot write {lake.uri}/")
    assert answer.endswith("check who may read and write there")
    assert "\n" not in answer
    assert assert_whole(lake, DAY, names) == "old"
    assert_clean(lake)


def mounted(options: str, folder: Path, function: str) -> None:
    """Run a function of this module on a small disk that no other process sees; skip where that may not be."""
    folder.mkdir()
    unshare = ["unshare", "--mount", "sh", "-ec"]
    mount = f"mount -t tmpfs -o {options} none {folder}"
    try:
        subprocess.run([*unshare, mount], check=True, capture_output=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        pytest.skip("this user may not mount a small disk to fill")
    code = f"from {__name__} import {function} as run; run({str(folder)!r})"
    done = subprocess.run(
        [*unshare, f'{mount}; exec "$0" -c "$1"', sys.executable, code],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr


def fill(folder: str) -> None:
    """With ever less room, so that it ends at each of the files that are written."""
    lake = Lake(f"{folder}/lake")
    names = {publish(lake, "old").dataset.metadata.version: "old"}
    filling = Path(folder, "filling")
    free = shutil.disk_usage(folder).free
    failed = 0
    for left in range(0, 11):
        filling.write_bytes(b"x" * (free - left * 4096))
        try:
            publish(Lake(lake.uri), "new")
        except StoreError as error:
            message = str(error)
            assert message.startswith(f"cannot write {lake.uri}/"), message
            assert message.endswith("free some space, then run again"), message
            assert "No space left" in message
            assert "\n" not in message
            failed += 1
            assert assert_whole(lake, DAY, names) == "old"
            filling.unlink()
        else:
            break
    assert failed >= 4
    filling.unlink(missing_ok=True)
    names[publish(lake, "new").dataset.metadata.version] = "new"
    assert assert_whole(lake, DAY, names) == "new"
    assert_clean(lake)
    collect_leftovers(lake)
    assert_spotless(lake)


def remount_read_only(folder: str) -> None:
    lake = Lake(f"{folder}/lake")
    names = {publish(lake, "old").dataset.metadata.version: "old"}
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    with pytest.raises(StoreError, match="it cannot be written to: mount it for writing, or take another folder"):
        publish(lake, "new")
    assert assert_whole(lake, DAY, names) == "old"


def test_a_full_disk(tmp_path: Path) -> None:
    mounted("size=256k", tmp_path / "disk", "fill")


def test_a_disk_mounted_for_reading_only(tmp_path: Path) -> None:
    mounted("size=1m", tmp_path / "disk", "remount_read_only")
