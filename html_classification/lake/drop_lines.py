"""The lines of a crawl drop's files, however large.

Belongs here: decompressing, cutting into lines, and cutting a drop into chunks of lines that worker processes parse.
Does not belong here: what a line says (`crawl_drop`).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import zstandard
from isal import isal_zlib

from html_classification.lake.local import LocalFiles, writing_to

#: A longer line is refused: a page of this size is an accident or an attack.
LONGEST_LINE = 64 * 1024 * 1024

NO_LINES = "the file has no lines"

_DAMAGED: tuple[Any, ...] = (isal_zlib.error, zstandard.ZstdError)
#: Compressed bytes at a time: few, since what a damaged bite holds is lost, and a bomb's bite swells: a thousand times
#: with gzip, thirty thousand times with zstd.
_GZIP_BITE, _ZSTD_BITE = 4096, 512
_READ = 1024 * 1024
#: Bytes of a chunk: some hundred pages, which a worker parses in a tenth of a second.
_CHUNK = 16 * 1024 * 1024


class BadLineError(ValueError):
    """A line that is no document; the message says why.

    Attributes:
        line: What there is of the line.
    """

    def __init__(self, message: str, line: bytes = b"") -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Chunk:
    """Some lines of a file of a drop, as a file on this machine.

    Attributes:
        name: The file's name in the lake.
        path: The chunk: whole lines, not compressed.
        first: The number of its first line in the file, counted from 1.
        count: How many lines there are.
        broken: Why the file ends here before its end, and what there is of its last line.
    """

    name: str
    path: Path
    first: int
    count: int
    broken: tuple[str, bytes] | None = None

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """The lines with their numbers."""
        return enumerate(self.path.read_bytes().split(b"\n")[: self.count], self.first)


def cut_into_chunks(drop: LocalFiles) -> Iterator[Chunk]:
    """Cut the files of a drop into chunks, one after the other as they are asked for.

    Args:
        drop: The files. The chunks come into its scratch folder; whoever is done with one deletes it.

    Raises:
        LakeError: The scratch folder is full.
    """
    folder = drop.scratch / "chunks"
    folder.mkdir(exist_ok=True)
    for number, file in enumerate(drop.files):
        first = 1
        for part, block in enumerate(_blocks(file.name, _read(file.path))):
            yield _chunk(file.name, folder / f"{number}-{part}", first, block)
            first += block.count


@dataclass(frozen=True)
class _Block:
    """Whole lines in pieces, how many they are, and why the file ends here before its end."""

    parts: list[bytes]
    count: int
    broken: tuple[str, bytes] | None = None


def _blocks(name: str, pieces: Iterable[bytes]) -> Iterator[_Block]:
    """Cut what is decompressed at the ends of lines. Lines are not looked at one by one: that is the workers' part."""
    held = _Held()
    broken: tuple[str, bytes] | None = None
    empty = True
    try:
        for piece in _decompressed(name, pieces):
            held.add(piece)
            if held.size >= _CHUNK and held.has_lines:
                yield held.take_lines()
                empty = False
    except (*_DAMAGED, EOFError) as error:
        broken = (_why_broken(error), b"")
    if broken:
        block = held.take_lines() if held.has_lines else _Block([], 0)
        yield replace(block, broken=(broken[0], held.rest()))
    elif held.size:
        yield held.take_all()
    elif empty:
        yield _Block([], 0, (NO_LINES, b""))


class _Held:
    """Bytes that wait to be cut. Of a line that is too long only as much is held as shows that it is."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._unfinished = 0  # bytes since the last end of a line, held or not
        self.size = 0
        self.has_lines = False

    def add(self, piece: bytes) -> None:
        if not piece:
            return
        room = max(LONGEST_LINE + 1 - self._unfinished, 0)
        end = piece.rfind(b"\n")
        if end < 0:
            self._unfinished += len(piece)
            piece = piece[:room]
        else:
            self.has_lines = True
            self._unfinished = len(piece) - end - 1
            if (first := piece.find(b"\n")) > room:
                piece = piece[:room] + piece[first:]
        self._parts.append(piece)
        self.size += len(piece)

    def take_lines(self) -> _Block:
        """All lines that have ended."""
        last = next(at for at in reversed(range(len(self._parts))) if b"\n" in self._parts[at])
        lines, rest = self._parts[:last], self._parts[last + 1 :]
        before, _, after = self._parts[last].rpartition(b"\n")
        block = _Block([*lines, before], sum(part.count(b"\n") for part in [*lines, before]) + 1)
        self._parts, self.has_lines = [after, *rest], False
        self.size = sum(map(len, self._parts))
        return block

    def take_all(self) -> _Block:
        """All lines, the last of which may have no end."""
        unfinished = not self._parts[-1].endswith(b"\n")
        return _Block(self._parts, sum(part.count(b"\n") for part in self._parts) + unfinished)

    def rest(self) -> bytes:
        """What there is of the last line."""
        return b"".join(self._parts)


def _chunk(name: str, path: Path, first: int, block: _Block) -> Chunk:
    with writing_to(path.parent), path.open("wb") as file:
        file.writelines(block.parts)
    return Chunk(name, path, first, block.count, block.broken)


def _why_broken(error: Exception) -> str:
    if isinstance(error, EOFError):
        return "the compressed file ends in the middle (truncated); the lines before are kept"
    return f"the compressed file is damaged ({error}); the lines before are kept"


def lines(name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a file.

    Args:
        name: Its name, whose ending says how it is compressed.
        pieces: Its bytes.

    Raises:
        BadLineError: The file itself is broken; raised after all that stood before the break.
    """
    pending = bytearray()
    try:
        for chunk in _decompressed(name, pieces):
            *whole, rest = chunk.split(b"\n")
            if whole:
                yield bytes(pending + whole[0])
                yield from whole[1:]
                pending.clear()
            # Of a line that is too long only as much is held as shows that it is.
            pending += rest[: LONGEST_LINE + 1 - len(pending)]
    except (*_DAMAGED, EOFError) as error:
        raise BadLineError(_why_broken(error), bytes(pending)) from None
    if pending:
        yield bytes(pending)


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_READ):
            yield piece


def _decompressed(name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The content in pieces, so that what stands before a break is not lost with it; EOFError where it is cut."""
    if name.endswith(".gz"):
        # 31: with gzip's own header, so that its checksum is checked too.
        return _members(pieces, lambda: isal_zlib.decompressobj(wbits=31), _GZIP_BITE)
    if name.endswith(".zst"):
        return _members(pieces, lambda: zstandard.ZstdDecompressor().decompressobj(), _ZSTD_BITE)
    return iter(pieces)


def _members(pieces: Iterable[bytes], make: Callable[[], Any], bite: int) -> Iterator[bytes]:
    """Several members one behind the other are one file; zeros behind the last are padding."""
    member = make()
    for piece in pieces:
        view = memoryview(piece)
        for at in range(0, len(view), bite):
            left = view[at : at + bite]
            while left:
                if member.eof:
                    if not bytes(left).strip(b"\0"):
                        break
                    member = make()
                yield member.decompress(left)
                left = memoryview(member.unused_data)
    if not member.eof:
        raise EOFError
