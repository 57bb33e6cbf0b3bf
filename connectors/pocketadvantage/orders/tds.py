"""What is particular about a SQL Server: its driver, over a line of ours (`tds_line.py`).

The one module of ours that imports pytds.
"""

import socket
import traceback
from types import ModuleType
from typing import Any

import pytds
from pytds.tds_base import Param
from pytds.tds_types import NVarCharType

from connectors.errors import Broken
from connectors.pocketadvantage.orders import tds_line as line
from connectors.pocketadvantage.orders.lines import Heard
from connectors.pocketadvantage.orders.places import DatabasePlace, Tls

#: what SQLAlchemy calls the driver by
DRIVER: ModuleType = pytds
_THEIRS = ("pytds", "sqlalchemy.dialects.mssql")
_NAME_MOST, _TEXT_MOST = 128, 4000
#: types of columns that hold text, which may be two gigabytes: varchar, char, nvarchar, nchar
_TEXTS = frozenset({167, 175, 231, 239})


def texts_of(described: Any) -> frozenset[str]:
    """Return the columns of an answer that hold text."""
    return frozenset(name for name, kind, *_ in described or () if kind in _TEXTS)


def connect(
    place: DatabasePlace,
    address: str,
    heard: Heard,
    *,
    write: bool,
    patience: float,
    most: float,
) -> Any:
    """Return the driver's connection, over a line of ours to that address (Retry, Broken, the driver's errors).

    `heard` is given what ends it from another thread, and what says how much came over it. A server that sends mere
    readers on (a group of replicas does) is asked once more without a word of that, and then serves us itself.
    """
    try:
        return _connected(place, address, heard, patience, most, reads=not write)
    except Broken as refused:
        if write or refused.code != line.ELSEWHERE:
            raise
    return _connected(place, address, heard, patience, most, reads=False)


def typed(_connection: Any, _cursor: Any, statement: str, given: Any, _context: Any, _many: Any) -> tuple[str, Any]:
    """Give texts the type that columns of text have: for the driver each might have two gigabytes, and fit no index."""
    if not isinstance(given, dict):
        return statement, given
    kind = NVarCharType(size=_TEXT_MOST)
    return statement, {
        name: Param(type=kind, value=value) if isinstance(value, str) and len(value) <= _TEXT_MOST else value
        for name, value in given.items()
    }


def _connected(
    place: DatabasePlace,
    address: str,
    heard: Heard,
    patience: float,
    most: float,
    *,
    reads: bool,
) -> Any:
    context = None if place.tls is Tls.NONE else line.trust(place.authority)
    try:
        held = socket.create_connection((address, place.at), patience)
    except OSError:
        raise line.unreachable() from None
    try:
        own = line.Line(held, most, _gone)
        heard(own.cut, own.received)
        own.greet(context, place.host)
        opened = pytds.connect(
            dsn=place.host[:_NAME_MOST], port=place.at, database=place.database, user=place.user,
            password=place.secret.reveal(), login_timeout=patience, timeout=most, appname="Tidings",
            readonly=reads, sock=own, disable_connect_retry=True,
        )  # fmt: skip
    except BaseException:
        held.close()
        raise
    own.opened()
    _bounded(opened)
    return opened


def _bounded(opened: Any) -> None:
    """Let an answer that ends in the midst of a long text be an end: the driver would ask for its rest for ever."""
    reader = opened._tds_socket.main_session._reader  # noqa: SLF001 - the driver has no other place for it
    ask = reader.recv

    def recv(size: int) -> bytes:
        found: bytes = ask(size)
        if size and not found:
            raise _gone()
        return found

    reader.recv = recv


def is_drivers(error: BaseException) -> bool:
    """Whether the driver, or the dialect above it, gave up in its midst: over an answer that no SQL Server gives."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(frames) and str(frames[-1].f_globals.get("__name__", "")).startswith(_THEIRS)


def _gone() -> Exception:
    # By these words SQLAlchemy knows that nothing is left to be rolled back.
    error: Exception = pytds.InterfaceError("Connection is closed")
    return error
