"""Records of a file on their way to the warehouse: on disk, because nothing of a file counts before its last row.

The file has no name: a process that dies leaves nothing behind. So nobody can look up what all processes of a machine
keep there together; the room that is left on the disk says it, and some of it is always left for everything else.
"""

import shutil
import struct
import tempfile
from collections.abc import Callable, Collection, Iterator

from connectors.errors import Retry
from connectors.files.wrong import FileError

#: bytes on disk of one file's records: each has the file's headings beside its cells, which a hostile file makes long
LARGEST = 16 << 30
#: records of one file: whoever reads it holds all of its keys in memory, some 150 bytes each
MOST = 10_000_000
#: bytes of the disk that no spool takes, of a small one a tenth: the warehouse and the database may need them
LEFT = 2 << 30
#: a spool asks for the room on the disk each time that it has written so much
_ASKED = 16 << 20
#: seconds after which there may be room again: the others' files are read by then, or some of them
_AGAIN = 300
_HEAD = struct.Struct("<II")
#: what is handed on at once
_RECORDS, _BYTES = 20_000, 32 << 20


class FullError(FileError):
    """One file holds more than is kept of any."""


def room() -> int:
    """Return the bytes that spools may still take where they are written; below zero they took too many."""
    disk = shutil.disk_usage(tempfile.gettempdir())
    return disk.free - min(LEFT, disk.total // 10)


class Spool:
    """Takes records with their keys, and gives them back in the same order."""

    def __init__(self, largest: int = LARGEST, most: int = MOST, free: Callable[[], int] = room) -> None:
        self._largest, self._most, self._size = largest, most, 0
        #: how much is on disk when it asks for the room again
        self._free, self._ask_at = free, 0
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`, or when nobody has it any more
        self.count = 0

    def add(self, key: str, record: bytes) -> None:
        """Keep one record; FullError where there are too many for a machine that others use, too.

        Retry where all that is kept at the same time leaves too little room: that is no fault of this file.
        """
        name = key.encode()
        self._size += _HEAD.size + len(name) + len(record)
        if self._size > self._largest:
            raise FullError("holds more than can be kept: its headings, which each row repeats, may be far too long")
        if self.count >= self._most:
            raise FullError(f"has more than {self._most:,} rows: let it be delivered in several files")
        if self._size > self._ask_at:
            self._look_for_room()
        self._file.write(_HEAD.pack(len(name), len(record)))
        self._file.write(name)
        self._file.write(record)
        self.count += 1

    def _look_for_room(self) -> None:
        self._file.flush()
        if self._free() < 0:
            words = (
                "the machine's disk has no room for more files just now: nothing is wrong with this one,"
                " and it is read again by itself"
            )
            raise Retry(_AGAIN, words, code="disk_full")
        self._ask_at = self._size + _ASKED

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
