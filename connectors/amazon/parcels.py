"""Rows that belong together, brought together: a report has them in any order, and may be larger than memory.

Each row goes to the parcel of its key, on disk where there are several; one parcel at a time is held in memory.
"""

import contextlib
import tempfile
import zlib
from collections.abc import Iterable, Iterator

import msgspec

Row = dict[str, str]
#: Bytes of text that one parcel holds, about; as rows they take some twenty times as much.
PARCEL = 4 << 20
#: Files that are open at once.
_MOST = 128
_ROW = msgspec.json.Decoder(Row)


def parcels(rows: Iterable[tuple[str, Row]], size: int, parcel: int = PARCEL) -> Iterator[list[Row]]:
    """Yield the rows of a text of `size` bytes in parcels: all rows of one key come in the same one, in their order."""
    count = min(size // parcel + 1, _MOST)
    if count == 1:
        yield [row for _, row in rows]
        return
    with contextlib.ExitStack() as stack:
        parts = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(count)]
        for key, row in rows:
            parts[zlib.crc32(key.encode()) % count].write(msgspec.json.encode(row) + b"\n")
        for part in parts:
            part.seek(0)
            yield [_ROW.decode(line) for line in part]
            part.truncate(0)
