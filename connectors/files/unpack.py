"""Gzip by hand, because the usual ways are silent: a cut file gives half of its rows, a bomb fills the memory."""

import zlib

from connectors.files.wrong import FileError

_MAGIC = b"\x1f\x8b"
#: unpacked size of one file
LARGEST = 1 << 30
#: a file of rows packs 3 to 20 times; more than this over its first part is none
_RATIO, _FREE = 250, 16 << 20
_CHUNK = 1 << 20


def unpacked(name: str, body: bytes, largest: int = LARGEST) -> bytes:
    """Return what a file holds: a name that ends in .gz must be gzip, whole; FileError."""
    packed = body.startswith(_MAGIC)
    if name.endswith(".gz") != packed:
        raise FileError("is named .gz and is not packed" if not packed else "is packed and not named .gz")
    return _gunzip(body, largest) if packed else body


def _gunzip(body: bytes, largest: int) -> bytes:
    parts: list[bytes] = []
    size, rest = 0, body
    while rest:
        member = zlib.decompressobj(wbits=31)
        waiting = rest
        try:
            while waiting or not member.eof:
                part = member.decompress(waiting, _CHUNK)
                size += len(part)
                if size > largest or (size > _FREE and size > _RATIO * len(body)):
                    raise FileError("unpacks to far more than a file of rows can hold")
                parts.append(part)
                waiting = member.unconsumed_tail
                if member.eof:
                    break
                if not part and not waiting:
                    raise FileError("was cut off: the end of its gzip is missing")
        except zlib.error:
            raise FileError("is damaged: its gzip cannot be unpacked") from None
        rest = member.unused_data
    return b"".join(parts)
