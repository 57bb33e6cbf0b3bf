"""What a SQL Server and its drivers say to each other (MS-TDS 7.4), as far as orders are read and answered."""

import datetime as dt
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

BATCH, RPC, REPLY, ATTENTION, TRANSACTION, LOGIN, PRELOGIN = 1, 3, 4, 6, 14, 16, 18
HEADER = struct.Struct(">BBHHBB")
PACKET = 4096
#: kinds of privacy, and the end of a greeting's table
OFF, ON, NOT_SUPPORTED, REQUIRED, _END = 0, 1, 2, 3, 0xFF
DONE, DONE_PROC, DONE_IN_PROC = 0xFD, 0xFE, 0xFF
MORE, ERROR, COUNT, CANCELLED = 1, 2, 16, 32
_NULL, _NULL_LONG = 0xFFFF, 0xFFFFFFFFFFFFFFFF
#: Latin1, case ignored
_COLLATION = bytes((0x09, 0x04, 0xD0, 0x00, 0x34))
_FIRST = dt.date(1, 1, 1)
_DECIMAL_SIZES = ((9, 5), (19, 9), (28, 13), (38, 17))
_INT, _BIT, _FLOAT, _DECIMAL, _TEXT = 0x26, 0x68, 0x6D, 0x6A, 0xE7
_BINARY, _VARBINARY, _DATE, _TIME, _ZONED = 0xAD, 0xA5, 0x28, 0x2A, 0x2B


@dataclass(frozen=True)
class Type:
    """A column's type: its letter on the wire, and its size, or precision and scale."""

    wire: int
    size: int = 0
    scale: int = 0


INT, BIGINT, BIT, FLOAT = Type(_INT, 4), Type(_INT, 8), Type(_BIT, 1), Type(_FLOAT, 8)
DATE, DATETIME2, DATETIMEOFFSET = Type(_DATE), Type(_TIME, 0, 7), Type(_ZONED, 0, 7)
ROWVERSION, NVARCHAR, NVARCHAR_MAX = Type(_BINARY, 8), Type(_TEXT, 4000), Type(_TEXT, _NULL)


def decimal_type(precision: int, scale: int) -> Type:
    """Return the type of exact numbers of so many digits."""
    return Type(_DECIMAL, precision, scale)


def packets(kind: int, data: bytes) -> Iterator[bytes]:
    """Yield a message in packets."""
    pieces = [data[at : at + PACKET - HEADER.size] for at in range(0, len(data), PACKET - HEADER.size)] or [b""]
    for place, piece in enumerate(pieces, 1):
        yield HEADER.pack(kind, place == len(pieces), len(piece) + HEADER.size, 51, place % 256, 0) + piece


def greeting(encryption: int) -> bytes:
    """Return the server's greeting."""
    fields = ((0, bytes((16, 0, 4, 0, 0, 0))), (1, bytes([encryption])), (2, b"\0"), (3, b""), (4, b"\0"))
    at, table, data = len(fields) * 5 + 1, b"", b""
    for name, value in fields:
        table += struct.pack(">BHH", name, at + len(data), len(value))
        data += value
    return table + bytes([_END]) + data


def encryption_of(said: bytes) -> int:
    """Return which privacy a driver's greeting asks for."""
    start = 0
    while said[start] != _END:
        name, at, _ = struct.unpack_from(">BHH", said, start)
        if name == 1:
            return int(said[at])
        start += 5
    return OFF


def login_of(said: bytes) -> tuple[str, str, str, bool]:
    """Return user, password, database, and whether the driver means to read only."""

    def text(pair: int) -> bytes:
        at, size = struct.unpack_from("<HH", said, pair)
        return said[at : at + 2 * size]

    hidden = bytes((byte ^ 0xA5) for byte in text(44))
    password = bytes((byte >> 4 | byte << 4) & 0xFF for byte in hidden).decode("utf-16-le")
    return text(40).decode("utf-16-le"), password, text(68).decode("utf-16-le"), bool(said[26] & 0x20)


def logged_in(database: str) -> bytes:
    """Return the answer to a login that is taken."""
    name = "Microsoft SQL Server".encode("utf-16-le")
    taken = struct.pack(">BI", 1, 0x74000004) + bytes([len(name) // 2]) + name + bytes((16, 0, 4, 0))
    changed = changed_text(1, database, "master") + _changed(7, bytes([5]) + _COLLATION + b"\0")
    return changed + _sized(0xAD, taken) + changed_text(4, str(PACKET), "4096") + done(DONE, 0)


def sent_on(server: str, port: int) -> bytes:
    """Return the answer that sends a driver to another server."""
    where = struct.pack("<BHH", 0, port, len(server)) + server.encode("utf-16-le")
    taken = logged_in("master")[: -len(done(DONE, 0))]
    return taken + _changed(20, struct.pack("<H", len(where)) + where + b"\0\0") + done(DONE, 0)


def changed_text(kind: int, new: str, old: str) -> bytes:
    """Return the word that something of the conversation is now another."""
    return _changed(kind, _short(new) + _short(old))


def transaction(kind: int, number: int) -> bytes:
    """Return the word that a transaction began (8), was committed (9) or rolled back (10)."""
    named = b"\x08" + struct.pack("<Q", number)
    return _changed(kind, named + b"\0" if kind == 8 else b"\0" + named)


def done(token: int, status: int, count: int = 0) -> bytes:
    """Return the end of an answer, or of a part of it."""
    return struct.pack("<BHHQ", token, status, 0, count)


def refusal(number: int, text: str, severity: int = 16) -> bytes:
    """Return a server's error."""
    said = text.encode("utf-16-le")
    head = struct.pack("<iBBH", number, 1, severity, len(said) // 2)
    return _sized(0xAA, head + said + _short("SANDBOX") + _short("") + struct.pack("<I", 1))


def columns(named: Sequence[tuple[str, Type]]) -> bytes:
    """Return what the columns of the rows are that follow."""
    found = struct.pack("<BH", 0x81, len(named))
    for name, kind in named:
        found += struct.pack("<IH", 0, 1) + _info(kind) + _short(name)
    return found


def row(types: Sequence[Type], values: Sequence[Any]) -> bytes:
    """Return one row."""
    return b"\xd1" + b"".join(_value(kind, value) for kind, value in zip(types, values, strict=True))


def _info(kind: Type) -> bytes:
    match kind.wire:
        case 0x6A:
            return bytes((_DECIMAL, _decimal_size(kind.size), kind.size, kind.scale))
        case 0xE7:
            size = kind.size if kind.size == _NULL else 2 * kind.size
            return struct.pack("<BH", _TEXT, size) + _COLLATION
        case 0xAD:
            return struct.pack("<BH", _BINARY, kind.size)
        case 0x28:
            return bytes([_DATE])
        case 0x2A | 0x2B:
            return bytes((kind.wire, kind.scale))
    return bytes((kind.wire, kind.size))


def _decimal_size(precision: int) -> int:
    return next(size for most, size in _DECIMAL_SIZES if precision <= most)


def _value(kind: Type, value: Any) -> bytes:
    if kind.wire == _TEXT:
        return _text(None if value is None else str(value), long=kind.size == _NULL)
    if kind.wire == _BINARY:
        return struct.pack("<H", _NULL) if value is None else struct.pack("<H", len(value)) + value
    if value is None:
        return b"\0"
    said = _fixed(kind, value)
    return bytes([len(said)]) + said


def _fixed(kind: Type, value: Any) -> bytes:
    match kind.wire:
        case 0x26 | 0x68:
            return int(value).to_bytes(kind.size, "little", signed=kind.wire == _INT)
        case 0x6D:
            return struct.pack("<d", value)
        case 0x6A:
            number = int(Decimal(value).scaleb(kind.scale).to_integral_exact())
            return bytes([number >= 0]) + abs(number).to_bytes(_decimal_size(kind.size) - 1, "little")
        case 0x28:
            return _days(dt.date.fromisoformat(value))
    at = dt.datetime.fromisoformat(value)
    utc = at if at.tzinfo is None else at.astimezone(dt.UTC)
    # Python keeps six digits, SQL Server seven.
    seventh = value.partition(".")[2][6:7]
    ticks = ((utc.hour * 60 + utc.minute) * 60 + utc.second) * 10**7 + utc.microsecond * 10
    ticks += int(seventh) if seventh.isdigit() else 0
    said = ticks.to_bytes(5, "little") + _days(utc.date())
    minutes = int((at.utcoffset() or dt.timedelta()).total_seconds()) // 60
    return said + struct.pack("<h", minutes) if kind.wire == _ZONED else said


def _days(day: dt.date) -> bytes:
    return (day - _FIRST).days.to_bytes(3, "little")


def _text(value: str | None, *, long: bool) -> bytes:
    said = (value or "").encode("utf-16-le")
    if not long:
        return struct.pack("<H", _NULL) if value is None else struct.pack("<H", len(said)) + said
    if value is None:
        return struct.pack("<Q", _NULL_LONG)
    return struct.pack("<Q", len(said)) + (struct.pack("<I", len(said)) + said if said else b"") + bytes(4)


def _short(text: str) -> bytes:
    return bytes([len(text)]) + text.encode("utf-16-le")


def _sized(token: int, said: bytes) -> bytes:
    return struct.pack("<BH", token, len(said)) + said


def _changed(kind: int, said: bytes) -> bytes:
    return _sized(0xE3, bytes([kind]) + said)
