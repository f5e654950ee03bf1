"""Compressed files and bodies in pieces: what stands before a break is not lost, and nothing swells.

Belongs here: gzip and zstd, members behind each other, damage. Does not belong here: what is in the files.
"""

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import zstandard
from isal import isal_zlib

#: Compressed bytes at a time: small, since what a damaged bite holds is lost, and a bomb's bite swells.
BITE = 512
_READ = 64 * 1024
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
#: A WARC's first frame may hold the dictionary of all others: https://iipc.github.io/warc-specifications/
_ZSTD_DICTIONARY = b"\x5d\x2a\x4d\x18"
_LARGEST_DICTIONARY = 16 * 1024**2
_DAMAGED: tuple[Any, ...] = (isal_zlib.error, zstandard.ZstdError, ValueError)


class DamagedError(ValueError):
    """Compressed data ends too early or is not what it must be; what was read before is right.

    Attributes:
        behind: Whether it is just something else behind whole members.
    """

    def __init__(self, message: str, *, behind: bool = False) -> None:
        super().__init__(message)
        self.behind = behind


def decompressed(
    read: Callable[[int], bytes], make: Callable[[], Any], on_member: Callable[[int], None] | None = None
) -> Iterator[bytes]:
    """The content of members one behind the other, in pieces; zeros behind the last are padding.

    Args:
        read: Gives at most so many bytes, none at the end.
        make: A decompressor for a member, with `decompress`, `eof` and `unused_data`.
        on_member: Is told where each begins.

    Raises:
        DamagedError: After all that could be read.
    """
    member, start, empty, at, rest = None, 0, True, 0, b""
    while bite := rest or read(BITE):
        if member is None:
            if at and bite[0] == 0 and not bite.strip(b"\0"):
                at, rest = at + len(bite), b""
                continue
            member, start, empty = make(), at, True
            if on_member:
                on_member(at)
        try:
            piece = member.decompress(bite)
        except _DAMAGED as error:
            message = f"the compressed data is damaged at byte {at} ({error})"
            raise DamagedError(message, behind=empty and start > 0) from None
        rest = member.unused_data if member.eof else b""
        at += len(bite) - len(rest)
        if piece:
            empty = False
            yield piece
        if member.eof:
            member = None
    if member is not None:
        message = f"the compressed data ends in the middle (truncated), at byte {at}"
        raise DamagedError(message, behind=empty and start > 0)


class Stream:
    """A file, read from its beginning to its end and decompressed on the way, as FastWARC wants one.

    Attributes:
        bytes_read: Of the file, for progress.
        damage: What is wrong with the file, where its content ended for that.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._members: deque[tuple[int, int]] = deque()
        self._produced = self._given = self.bytes_read = 0
        self._pending, self._at = b"", 0
        self.damage = ""
        self._pieces = self._open()

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most so many; none at the end, or where the file is damaged from there on."""
        while self._at == len(self._pending):
            try:
                self._pending, self._at = next(self._pieces), 0
            except StopIteration:
                return b""
            except DamagedError as error:
                self.damage = str(error)
                return b""
            self._produced += len(self._pending)
        given = self._pending[self._at :] if size < 0 else self._pending[self._at : self._at + size]
        self._at += len(given)
        self._given += len(given)
        return given

    def tell(self) -> int:
        """How many bytes were given."""
        return self._given

    def seek(self, offset: int, whence: int = 0) -> int:
        """A stream goes forward only."""
        raise OSError

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def place(self, offset: int) -> str:
        """Where something lies in the file that begins at an offset of the content; each time a later one.

        Of a compressed file that is where its member begins, with what to skip in the member's content.
        """
        while len(self._members) > 1 and self._members[1][0] <= offset:
            self._members.popleft()
        if not self._members:
            return f"offset {offset}"
        start, member = self._members[0]
        return f"offset {member}" + (f"+{offset - start}" if offset > start else "")

    def _open(self) -> Iterator[bytes]:
        head = self._file.read(len(_ZSTD))
        self._file.seek(0)
        skipped = 0

        def on_member(at: int) -> None:
            self._members.append((self._produced, skipped + at))

        if head.startswith(_GZIP):
            # 31: with gzip's own header, so that its checksum is checked too.
            return decompressed(self._read, lambda: isal_zlib.decompressobj(wbits=31), on_member)
        if head == _ZSTD_DICTIONARY:
            dictionary = _read_dictionary(self._file)
            skipped = self._file.tell()
            return decompressed(self._read, lambda: _zstd(dictionary).decompressobj(), on_member)
        if head == _ZSTD:
            return decompressed(self._read, lambda: _zstd().decompressobj(), on_member)
        return iter(lambda: self._read(_READ), b"")

    def _read(self, size: int) -> bytes:
        data = self._file.read(size)
        self.bytes_read += len(data)
        return data


def _zstd(dictionary: zstandard.ZstdCompressionDict | None = None) -> zstandard.ZstdDecompressor:
    return zstandard.ZstdDecompressor(dict_data=dictionary)


def _read_dictionary(file: BinaryIO) -> zstandard.ZstdCompressionDict | None:
    """The dictionary in the first frame of a file; None where it is none, so that what follows is found damaged."""
    file.seek(len(_ZSTD_DICTIONARY))
    size = int.from_bytes(file.read(4), "little")
    data = file.read(min(size, _LARGEST_DICTIONARY))
    try:
        if data.startswith(_ZSTD):
            data = zstandard.ZstdDecompressor().decompress(data, max_output_size=_LARGEST_DICTIONARY)
        return zstandard.ZstdCompressionDict(data)
    except (zstandard.ZstdError, ValueError):
        return None
