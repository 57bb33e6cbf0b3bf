"""Records of a file on their way to the warehouse: on disk, because nothing of a file counts before its last row.

The file has no name: a process that dies leaves nothing behind.
"""

import struct
import tempfile
from collections.abc import Collection, Iterator

from connectors.files.wrong import FileError

#: bytes on disk of one file's records: each has the file's headings beside its cells, which a hostile file makes long
LARGEST = 16 << 30
#: records of one file: whoever reads it holds all of its keys in memory, some 150 bytes each
MOST = 10_000_000
_HEAD = struct.Struct("<II")
#: what is handed on at once
_RECORDS, _BYTES = 20_000, 32 << 20


class FullError(FileError):
    """One file holds more than is kept of any."""


class Spool:
    """Takes records with their keys, and gives them back in the same order."""

    def __init__(self, largest: int = LARGEST, most: int = MOST) -> None:
        self._largest, self._most, self._size = largest, most, 0
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`, or when nobody has it any more
        self.count = 0

    def add(self, key: str, record: bytes) -> None:
        """Keep one record; FullError where there are too many for a machine that others use, too."""
        name = key.encode()
        self._size += _HEAD.size + len(name) + len(record)
        if self._size > self._largest:
            raise FullError("holds more than can be kept: its headings, which each row repeats, may be far too long")
        if self.count >= self._most:
            raise FullError(f"has more than {self._most:,} rows: let it be delivered in several files")
        self._file.write(_HEAD.pack(len(name), len(record)))
        self._file.write(name)
        self._file.write(record)
        self.count += 1

    def batches(self, wanted: Collection[str] | None = None) -> Iterator[list[bytes]]:
        """Yield the records, some at a time; those of the `wanted` keys alone, where they are told."""
        self._file.seek(0)
        some: list[bytes] = []
        size = 0
        while head := self._file.read(_HEAD.size):
            name, length = _HEAD.unpack(head)
            key, record = self._file.read(name), self._file.read(length)
            if wanted is not None and key.decode() not in wanted:
                continue
            some.append(record)
            size += length
            if len(some) == _RECORDS or size > _BYTES:
                yield some
                some, size = [], 0
        if some:
            yield some

    def close(self) -> None:
        """Forget them."""
        self._file.close()
