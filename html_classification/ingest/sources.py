"""What a person points at: files, folders, patterns.

Belongs here: finding sources, telling their kinds, naming what is written of them. Does not belong here: reading them
(`warc`, `jsonl`, `folder`).
"""

import glob
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from html_classification.ingest.document import Document, Options, Refused
from html_classification.ingest.folder import find_html, is_html, read_file
from html_classification.ingest.jsonl import read_jsonl
from html_classification.ingest.stream import Stream
from html_classification.ingest.warc import read_warc
from html_classification.lake.errors import LakeError

_COMPRESSED = ("", ".gz", ".zst")
_WARC = tuple(f".warc{ending}" for ending in _COMPRESSED)
_JSONL = tuple(f"{name}{ending}" for name in (".jsonl", ".ndjson", ".jl") for ending in _COMPRESSED)
_KNOWN = "WARC (.warc, .warc.gz, .warc.zst), JSON lines (.jsonl, .jsonl.gz, .jsonl.zst), HTML files, folders of these"
_PIECE = 64 * 1024
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,149}")
_ODD = re.compile(r"[^A-Za-z0-9._-]+")

#: Is told how much of a source was read, and of how much: bytes of a file; files of a folder, where it is known.
OnRead = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Source:
    """One source: what becomes one file in each day's drop.

    Attributes:
        path: The file, or the folder of HTML files.
        name: What its file in the drop is called, safe in any store.
        files: The HTML files, where just these are meant and not all of the folder's.
    """

    path: Path
    name: str
    files: tuple[Path, ...] | None = None

    def read(self, options: Options, on_read: OnRead) -> Iterator[Document | Refused]:
        """Its documents in its order, and what is refused.

        Raises:
            LakeError: It cannot be opened or read.
        """
        try:
            yield from self._documents(options, on_read)
        except OSError as error:
            message = (
                f"cannot read {error.filename or self.path}: {error.strerror or error}; check the file, then try again"
            )
            raise LakeError(message) from None

    def _documents(self, options: Options, on_read: OnRead) -> Iterator[Document | Refused]:
        if self.path.is_dir():
            return self._read_files(options, on_read)
        is_warc = self.path.name.lower().endswith(_WARC)
        return self._read_warc(options, on_read) if is_warc else self._read_jsonl(options, on_read)

    def _read_files(self, options: Options, on_read: OnRead) -> Iterator[Document | Refused]:
        paths = find_html(self.path) if self.files is None else iter(self.files)
        for number, path in enumerate(paths, start=1):
            yield read_file(path, self.path, self.path.resolve().name, options)
            on_read(number, len(self.files) if self.files else None)

    def _read_warc(self, options: Options, on_read: OnRead) -> Iterator[Document | Refused]:
        size = self.path.stat().st_size
        with Stream(self.path) as stream:
            for item in read_warc(stream, self.path.name, options):
                yield item
                on_read(stream.bytes_read, size)

    def _read_jsonl(self, options: Options, on_read: OnRead) -> Iterator[Document | Refused]:
        size = self.path.stat().st_size
        with self.path.open("rb") as file:
            for item in read_jsonl(iter(lambda: file.read(_PIECE), b""), self.path.name, options):
                yield item
                on_read(file.tell(), size)


def find_sources(patterns: Sequence[str], name: str | None = None) -> list[Source]:
    """The sources that a person means, each once.

    Args:
        patterns: Files, folders, or patterns with `*`, `?` and `**`.
        name: What the one source's file is called in the drop, in place of its own name.

    Raises:
        LakeError: There is nothing there, or something that cannot be taken; or two would be called the same.
    """
    found = list({source.path.resolve(): source for pattern in patterns for source in _matches(pattern)}.values())
    if name is not None:
        if len(found) > 1:
            message = f"--name {name} is for one source, and there are {len(found)}: ingest them one by one"
            raise LakeError(message)
        found = [Source(source.path, safe_name(name), source.files) for source in found]
    first: dict[str, Source] = {}
    for source in found:
        other = first.setdefault(source.name.lower(), source)
        if other is not source:
            message = f"{other.path} and {source.path} would have the same name in the drop: ingest one with --name"
            raise LakeError(message)
    return found


def safe_name(name: str) -> str:
    """A name that no store or tool stumbles over; what is odd in it becomes `-`, and digits tell such names apart.

    >>> safe_name("CC-MAIN-0001"), safe_name("my site/..")
    ('CC-MAIN-0001', 'my-site-e15f04a7a609')
    """
    if _PLAIN_NAME.fullmatch(name):
        return name
    digits = hashlib.sha1(name.encode(errors="surrogateescape"), usedforsecurity=False).hexdigest()[:12]
    return "-".join(part for part in (_ODD.sub("-", name)[:100].strip(".-"), digits) if part)


def _matches(pattern: str) -> list[Source]:
    if "://" in pattern:
        message = f"{pattern} is not on this machine: copy it here first, then ingest the copy"
        raise LakeError(message)
    path = Path(pattern)
    if path.exists():
        return [_folder(path)] if path.is_dir() else _files([path], path.parent)
    fixed = Path(*[part for part in _before_magic(path)]) if glob.has_magic(pattern) else path
    paths = sorted(Path(match) for match in glob.glob(pattern, recursive=True)) if glob.has_magic(pattern) else []  # noqa: PTH207 - absolute patterns too
    if not paths:
        message = f"there is no {pattern}: give files, folders or patterns; taken are {_KNOWN}"
        raise LakeError(message)
    folders = [_folder(path) for path in paths if path.is_dir()]
    return _files([path for path in paths if not path.is_dir()], fixed) + folders


def _before_magic(path: Path) -> Iterator[str]:
    for part in path.parts:
        if glob.has_magic(part):
            return
        yield part


def _folder(path: Path) -> Source:
    if next(find_html(path), None) is None:
        message = f"{path} has no .html or .htm files; for other files give a pattern, such as '{path}/*.warc.gz'"
        raise LakeError(message)
    return Source(path, safe_name(path.resolve().name or "root"))


def _files(paths: list[Path], root: Path) -> list[Source]:
    """Each archive is a source, all HTML files together are one."""
    pages = tuple(path for path in paths if is_html(path.name))
    sources = [Source(path, _archive_name(path)) for path in paths if not is_html(path.name)]
    if pages:
        name = pages[0].name.rpartition(".")[0] if len(pages) == 1 else root.resolve().name or "root"
        sources.append(Source(root, safe_name(name), pages))
    return sources


def _archive_name(path: Path) -> str:
    name = path.name.lower()
    ending = next((ending for ending in sorted(_WARC + _JSONL, key=len, reverse=True) if name.endswith(ending)), None)
    if ending is None:
        message = f"cannot tell what {path} is by its name; taken are {_KNOWN}"
        raise LakeError(message)
    return safe_name(path.name[: -len(ending)] or "root")
