"""The connections of the durable engine: to the same database as ours, set up the way the engine wants them.

On SQLite the engine begins its own transactions through the driver, so it cannot share the pool that begins ours.
"""

import sqlite3
import time

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.pool import ConnectionPoolEntry

from storage.sessions import Database, DatabaseUnavailableError, prepare_sqlite

_IDLE_MILLISECONDS = 30_000


def open_engine_pool(database: Database, size: int = 10) -> Engine:
    """Open the engine's own pool; the caller closes it with `close_engine_pool`."""
    if database.is_sqlite:
        return _sqlite_pool(database, size)
    # A worker that is frozen inside a transaction must not hold its locks for ever.
    options = f"-c idle_in_transaction_session_timeout={_IDLE_MILLISECONDS}"
    return create_engine(
        database.url, pool_size=size, max_overflow=size, pool_pre_ping=True, connect_args={"options": options}
    )


def close_engine_pool(pool: Engine) -> None:
    """Close every connection: the idle ones now, those in use by a thread when it gives them back."""
    event.listen(pool, "checkin", _close)
    pool.dispose()


def check_engine_pool(pool: Engine) -> None:
    """Refuse an SQLite whose clock function the engine could not use (DatabaseUnavailableError).

    SQLite before 3.42 has no sub-second ``unixepoch``; ours must have been registered on every connection.
    """
    if pool.dialect.name != "sqlite":
        return
    with pool.connect() as connection:
        found = connection.execute(text("SELECT unixepoch('subsec'), sqlite_version()")).one()
    if not isinstance(found[0], float) or abs(found[0] - time.time()) > 5:
        raise DatabaseUnavailableError(
            f"SQLite {found[1]} tells the time as {found[0]!r}: the engine needs unixepoch with sub-seconds. "
            "Use a Python whose SQLite is 3.42 or newer, or Postgres"
        )


def _sqlite_pool(database: Database, size: int) -> Engine:
    pool = create_engine(
        database.url,
        pool_size=size,
        max_overflow=size,
        connect_args={"timeout": database.busy_seconds, "check_same_thread": False},
    )
    event.listen(pool, "connect", _prepare)
    return pool


def _close(_connection: object, record: ConnectionPoolEntry) -> None:
    record.invalidate()


def _prepare(connection: sqlite3.Connection, record: object) -> None:
    prepare_sqlite(connection, record)
    connection.isolation_level = "IMMEDIATE"
