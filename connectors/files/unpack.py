"""Gzip by hand, because the usual ways are silent: a cut file gives half of its rows, a bomb fills the memory.

Files are unpacked as they are read, so that none is ever whole in memory.
"""

import io
import zlib
from typing import IO

from connectors.files.in_parts import InParts
from connectors.files.wrong import FileError

_MAGIC = b"\x1f\x8b"
#: unpacked size of one file
LARGEST = 1 << 30
#: a file of rows packs 3 to 20 times; more than this over its first part is none
_RATIO, _FREE = 250, 16 << 20
_CHUNK = 1 << 20


def unpacked(name: str, body: IO[bytes], largest: int = LARGEST) -> IO[bytes]:
    """Return a file's content, from its beginning: a name that ends in .gz must be gzip, whole.

    FileError here, for a name that says otherwise, and also while it is read.
    """
    size = body.seek(0, io.SEEK_END)
    body.seek(0)
    packed = body.read(2) == _MAGIC
    body.seek(0)
    if name.endswith(".gz") != packed:
        raise FileError("is named .gz and is not packed" if not packed else "is packed and not named .gz")
    return io.BufferedReader(_Gunzip(body, size, largest), _CHUNK) if packed else body


class _Gunzip(InParts):
    """All members of a gzip, one after the other; FileError for one that is cut, damaged or far too large."""

    def __init__(self, body: IO[bytes], size: int, largest: int) -> None:
        super().__init__()
        self._body, self._size, self._largest = body, size, largest
        self._member = zlib.decompressobj(wbits=31)
        self._waiting = b""
        #: something of the present member came
        self._begun = False
        self._given = 0

    def part(self, most: int) -> bytes:
        """Unpack some."""
        try:
            part = self._unpacked(most)
        except zlib.error:
            raise FileError("is damaged: its gzip cannot be unpacked") from None
        self._given += len(part)
        if self._given > self._largest or (self._given > _FREE and self._given > _RATIO * self._size):
            raise FileError("unpacks to far more than a file of rows can hold")
        return part

    def _unpacked(self, most: int) -> bytes:
        while True:
            if self._member.eof:
                self._waiting = self._member.unused_data + self._waiting
                self._member, self._begun = zlib.decompressobj(wbits=31), False
            packed = self._waiting or self._body.read(_CHUNK)
            if not packed and not self._begun:
                return b""
            part = self._member.decompress(packed, most)
            self._begun, self._waiting = True, self._member.unconsumed_tail
            if part:
                return part
            if not packed and not self._member.eof:
                raise FileError("was cut off: the end of its gzip is missing")
