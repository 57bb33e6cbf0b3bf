"""What is particular about Postgres: days that Python has none of, cells without end, and a server that falls silent.

psycopg comes with the first Postgres, not with the program.
"""

import errno
import os
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

from connectors.pocketadvantage.orders.lines import Heard, received

#: types of columns that hold text, which may be a gigabyte: text, character, character varying, name
_TEXTS = frozenset({25, 1042, 1043, 19})


def opening(heard: Heard) -> Callable[..., Any]:
    """Return what opens connections for SQLAlchemy, each ready before anything is asked over it.

    `heard` is given what ends the connection from any thread, and what says how much came over it.
    """

    def opened(dialect: Any, _record: Any, arguments: Any, more: Any) -> Any:
        made = dialect.connect(*arguments, **more)
        _prepare(made)
        heard(partial(_broken, made), partial(_received, made))
        return made

    return opened


def texts_of(described: Any) -> frozenset[str]:
    """Return the columns of an answer that hold text."""
    return frozenset(column.name for column in described or () if column.type_code in _TEXTS)


def _prepare(connection: Any) -> None:
    """Let a day that Python has none of (infinity, 44 BC, the year 20000) be the text that it is.

    The driver would end the whole reading with it: one such order would keep all others.
    """
    from psycopg import DataError
    from psycopg.types import datetime as types

    for name, loader in (
        ("date", types.DateLoader),
        ("timestamp", types.TimestampLoader),
        ("timestamptz", types.TimestamptzLoader),
    ):

        class Lenient(loader):  # type: ignore[misc, valid-type]  # each of the driver's own
            """Gives text where the driver would give up."""

            def load(self, data: Any) -> Any:
                try:
                    return super().load(data)
                except (DataError, ValueError, OverflowError):
                    return bytes(data).decode("ascii", "replace")

        connection.adapters.register_loader(name, Lenient)


def _received(connection: Any) -> int:
    """Return how many bytes the server sent: the driver keeps them all until the answer is whole."""
    if connection.closed:
        return 0
    with _line(connection) as line:
        return received(line)


def _broken(connection: Any) -> None:
    """End a connection: its limits of time are the server's own, which may know none."""
    if connection.closed:
        # The number that it had may be another connection's by now.
        return
    with _line(connection) as line:
        line.shutdown(socket.SHUT_RDWR)


def _line(connection: Any) -> socket.socket:
    """Return what it goes over, opened once more; OSError where its own thread closed it in this very moment."""
    from psycopg import OperationalError

    try:
        number = connection.fileno()
    except OperationalError as error:
        raise OSError(errno.ENOTCONN, "the connection is closed") from error
    return socket.socket(fileno=os.dup(number))
