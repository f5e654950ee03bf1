"""What a folder needs that obstore does not give.

Belongs here: small operations on the files of a disk. Does not belong here: anything that S3 has too (`store`).
"""

from pathlib import Path


def is_absent(folder: str) -> bool:
    """Whether there is no such folder; False where one may not look, for then reading it says so."""
    try:
        Path(folder).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def link(temporary: Path, target: Path) -> bool:
    """Give a whole file its name, unless there is one of that name: True where it was given."""
    try:
        target.hardlink_to(temporary)
    except FileExistsError:
        return False
    return True


def unlink(root: Path, path: str) -> None:
    """Delete a file, and the folders above it that are empty then, up to a root. What is gone already is fine."""
    file = root / path
    file.unlink(missing_ok=True)
    for folder in file.parents:
        if folder == root or not folder.is_dir() or any(folder.iterdir()):
            return
        try:
            folder.rmdir()
        except OSError:  # another process is writing there
            return
