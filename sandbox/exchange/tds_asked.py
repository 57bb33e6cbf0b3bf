"""What a driver asks a SQL Server: a batch, or sp_executesql with its parameters; values as SQLite keeps them."""

import datetime as dt
import struct
from decimal import Decimal
from typing import Any

_EXECUTE_SQL = 10
_NULL, _NULL_LONG = 0xFFFF, 0xFFFFFFFFFFFFFFFF
_LONG_TYPES = {0xA5, 0xA7, 0xE7, 0xAD, 0xEF}


class AskedError(Exception):
    """Something that the orders' reader does not ask."""


def batch_of(said: bytes) -> str:
    """Return the statement of a batch."""
    return _behind_headers(said).decode("utf-16-le")


def transaction_of(said: bytes) -> tuple[int, bool]:
    """Return what is asked of transactions, and whether the next one shall begin at once."""
    kind, name = struct.unpack_from("<HB", _behind_headers(said))
    if name:
        raise AskedError("transactions with a name are not asked for")
    return kind, kind != 5 and bool(_behind_headers(said)[3] & 1)


def call_of(said: bytes) -> tuple[str, str, dict[str, Any]]:
    """Return the statement of sp_executesql, what its parameters are said to be, and which they are."""
    read = _Reading(_behind_headers(said))
    if (read.number("<H"), read.number("<H")) != (_NULL, _EXECUTE_SQL):
        raise AskedError("only sp_executesql is called")
    read.number("<H")
    given = []
    while read.left:
        name = read.take(2 * read.number("<B")).decode("utf-16-le")
        read.number("<B")
        given.append((name, read.value()))
    return str(given[0][1]), str(given[1][1]), {name.removeprefix("@"): value for name, value in given[2:]}


def _behind_headers(said: bytes) -> bytes:
    (size,) = struct.unpack_from("<I", said)
    return said[size:]


class _Reading:
    def __init__(self, said: bytes) -> None:
        self._said, self._at = said, 0

    @property
    def left(self) -> int:
        return len(self._said) - self._at

    def take(self, size: int) -> bytes:
        found = self._said[self._at : self._at + size]
        if len(found) < size:
            raise AskedError("it ends in the middle")
        self._at += size
        return found

    def number(self, form: str) -> int:
        (found,) = struct.unpack(form, self.take(struct.calcsize(form)))
        return int(found)

    def value(self) -> Any:
        """Return one parameter's value, as SQLite keeps it."""
        kind = self.number("<B")
        if kind in _LONG_TYPES:
            return self._long(kind)
        scale = 0
        if kind in {0x26, 0x68, 0x6D}:
            self.number("<B")
        elif kind == 0x6A:
            self.take(2)
            scale = self.number("<B")
        elif kind in {0x2A, 0x2B}:
            scale = self.number("<B")
        elif kind != 0x28:
            raise AskedError(f"no parameter has the type {kind:#x}")
        said = self.take(self.number("<B"))
        return _plain(kind, scale, said) if said else None

    def _long(self, kind: int) -> Any:
        most = self.number("<H")
        if kind in {0xA7, 0xE7, 0xEF}:
            self.take(5)
        if most == _NULL:
            if self.number("<Q") == _NULL_LONG:
                return None
            said = b""
            while size := self.number("<I"):
                said += self.take(size)
        else:
            size = self.number("<H")
            if size == _NULL:
                return None
            said = self.take(size)
        return said.decode("utf-16-le") if kind in {0xE7, 0xEF} else said


def _plain(kind: int, scale: int, said: bytes) -> Any:
    match kind:
        case 0x26 | 0x68:
            return int.from_bytes(said, "little", signed=True)
        case 0x6D:
            return struct.unpack("<d", said)[0]
        case 0x6A:
            number = Decimal(int.from_bytes(said[1:], "little")).scaleb(-scale)
            return str(number if said[0] else -number)
        case 0x28:
            return _day(said).isoformat()
    ticks = 5 if scale > 4 else 4 if scale > 2 else 3
    spent = dt.timedelta(microseconds=int.from_bytes(said[:ticks], "little") * 10**6 // 10**scale)
    at = dt.datetime.combine(_day(said[ticks : ticks + 3]), dt.time()) + spent
    return f"{at:%Y-%m-%d %H:%M:%S.%f}" + ("+00:00" if kind == 0x2B else "")


def _day(said: bytes) -> dt.date:
    return dt.date(1, 1, 1) + dt.timedelta(days=int.from_bytes(said, "little"))
