"""Zips, one level, within limits: how many files, how large they are, how much more than what was sent.

What is in them is never whole in memory: it is looked through once, and unpacked again by whoever wants it.
"""

import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from connectors.files.wrong import FileError

MAGIC = b"PK\x03\x04"
_ENTRY = b"PK\x01\x02"
_MOST = 50
#: entries that are listed at all; a zip within the zip has some of its own
_MOST_LISTED = 5000
#: a file of rows packs 3 to 20 times; more than this over its first part is none
_RATIO, _FREE = 250, 16 << 20
_CHUNK = 1 << 20
_ENCRYPTED = 0x1
#: Other ways to pack are unpacked by the library without any bound.
_PACKED = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_SPOILT = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError, RuntimeError)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a zip."""

    name: str
    body: bytes
    number: int
    size: int

    def parts(self) -> Iterator[bytes]:
        """Unpack it, some at a time; FileError."""
        try:
            with zipfile.ZipFile(io.BytesIO(self.body)) as packed:
                yield from _parts(packed, packed.infolist()[self.number])
        except _SPOILT as error:
            raise _damaged(error) from error


def unzipped(body: bytes, largest: int) -> list[Entry]:
    """Return the files of a zip; `largest` bytes of all together, and each was unpacked to its end once; FileError."""
    if body.count(_ENTRY) > _MOST_LISTED:
        raise FileError(f"holds no file, or more than {_MOST}")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            return _checked(packed, body, min(largest, max(_FREE, _RATIO * len(body))))
    except _SPOILT as error:
        raise _damaged(error) from error


def _checked(packed: zipfile.ZipFile, body: bytes, most: int) -> list[Entry]:
    entries = [(number, one) for number, one in enumerate(packed.infolist()) if not one.is_dir()]
    if not entries or len(entries) > _MOST:
        raise FileError(f"holds no file, or more than {_MOST}")
    if any(one.flag_bits & _ENCRYPTED for _, one in entries):
        raise FileError("is encrypted")
    if any(one.compress_type not in _PACKED for _, one in entries):
        raise FileError("is packed in a way that is not read: its zip must be an ordinary one")
    found = []
    for number, one in entries:
        size = 0
        for part in _parts(packed, one):
            size += len(part)
            if size > most:
                raise FileError("unpacks to far more than a file of rows can hold")
        most -= size
        found.append(Entry(one.filename, body, number, size))
    return found


def _parts(packed: zipfile.ZipFile, one: zipfile.ZipInfo) -> Iterator[bytes]:
    with packed.open(one) as file:
        while part := file.read(_CHUNK):
            yield part


def _damaged(error: Exception) -> FileError:
    return error if isinstance(error, FileError) else FileError("is damaged or cut off: its zip cannot be unpacked")
