"""Files on this machine: what is kept is what was read."""

import hashlib
from pathlib import Path

import pytest

from html_classification.lake import LakeError
from html_classification.lake.local import LocalFile, scratch_folder, writing_to
from html_classification.lake.store import Store


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_a_file_that_changes_while_it_is_read_is_not_kept(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    store = Store(str(tmp_path / "lake") if kind == "folder" else request.getfixturevalue("bucket") + "/lake")
    path = tmp_path / "drop.jsonl"
    path.write_bytes(b"one line")
    file = LocalFile(path.name, path, hashlib.sha1(b"one line").hexdigest())
    assert file.put(store, "raw/a").new
    path.write_bytes(b"one line\nand another")
    with pytest.raises(LakeError, match="changed while it was read: run the day again"):
        file.put(store, "raw/b")
    assert [item.path for item in store.list()] == ["raw/a"]


def test_a_scratch_folder_that_is_full_is_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(LakeError, match=r"cannot write to .*: No space left on device; set TMPDIR"),
        writing_to(tmp_path),
    ):
        raise OSError(28, "No space left on device")


def test_a_scratch_folder_goes_with_the_computation() -> None:
    with scratch_folder() as folder:
        (folder / "x").write_bytes(b"x")
    assert not folder.exists()


def test_a_scratch_folder_that_cannot_be_made_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(LakeError, match="set TMPDIR to a folder with room"), scratch_folder():
        pass
