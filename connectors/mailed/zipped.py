"""Zips, one level, within limits: how many files, how large they are, how much more than what was sent."""

import io
import zipfile
import zlib

from connectors.files.wrong import FileError

MAGIC = b"PK\x03\x04"
_MOST = 50
#: a file of rows packs 3 to 20 times; more than this over its first part is none
_RATIO, _FREE = 250, 16 << 20
_CHUNK = 1 << 20
_ENCRYPTED = 0x1


def unzipped(body: bytes, largest: int) -> list[tuple[str, bytes]]:
    """Return the files of a zip by the last part of their names; `largest` bytes of all together; FileError."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            entries = [one for one in packed.infolist() if not one.is_dir()]
            if not entries or len(entries) > _MOST:
                raise FileError(f"holds no file, or more than {_MOST}")
            if any(one.flag_bits & _ENCRYPTED for one in entries):
                raise FileError("is encrypted")
            most = min(largest, max(_FREE, _RATIO * len(body)))
            found = []
            for one in entries:
                unpacked = _entry(packed, one, most)
                most -= len(unpacked)
                found.append((one.filename, unpacked))
            return found
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError, RuntimeError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError("is damaged or cut off: its zip cannot be unpacked") from error


def _entry(packed: zipfile.ZipFile, one: zipfile.ZipInfo, most: int) -> bytes:
    parts: list[bytes] = []
    with packed.open(one) as file:
        while part := file.read(_CHUNK):
            most -= len(part)
            if most < 0:
                raise FileError("unpacks to far more than a file of rows can hold")
            parts.append(part)
    return b"".join(parts)
