"""The database: SQLite in one file by default, Postgres by URL, one way to use both.

Sessions are synchronous and live in threads. A write session is one transaction that takes the write lock at its first
statement (SQLite: BEGIN IMMEDIATE), a read session never takes it.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlmodel import Session

T = TypeVar("T")

__all__ = [
    "ConflictError",
    "Database",
    "DatabaseBusyError",
    "DatabaseUnavailableError",
    "Session",
    "open_database",
    "translated",
]

_POSTGRES_DISK_FULL = "53100"


class DatabaseUnavailableError(RuntimeError):
    """The database cannot be used as it is; the text says what to do."""


class DatabaseBusyError(RuntimeError):
    """The database was locked or unreachable for now; nothing was written."""


class DatabaseFullError(DatabaseBusyError):
    """The database's disk is full or cannot be written; nothing was written."""


class ConflictError(RuntimeError):
    """A twin was faster: a unique key was taken; nothing was written."""


class Database:
    """An open database with an engine for writing and one for reading."""

    def __init__(self, url: str, *, busy_seconds: float, pool_size: int) -> None:
        self.url = url
        self.busy_seconds = busy_seconds
        self.sqlite_path = _sqlite_path(url)
        self.engine = _make_engine(url, self.sqlite_path, busy_seconds, pool_size, writes=True)
        self._readers = _make_engine(url, self.sqlite_path, busy_seconds, pool_size, writes=False)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded default."""
        return self.sqlite_path is not None

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Give a session for one transaction: committed at the end, rolled back on any error."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Give a session that sees one state of the database and takes no write lock."""
        with Session(self._readers, expire_on_commit=False) as session:
            yield session

    def in_write(self, work: Callable[[Session], T]) -> T:
        """Run the work in one write transaction and return what it returns.

        DatabaseBusyError and ConflictError mean that nothing was written.
        """
        with translated(), self.write() as session:
            return work(session)

    def in_read(self, work: Callable[[Session], T]) -> T:
        """Run the work on one read session and return what it returns."""
        with translated(), self.read() as session:
            return work(session)

    async def writing(self, work: Callable[[Session], T], executor: Executor | None = None) -> T:
        """Run the work in one write transaction in a thread."""
        return await asyncio.get_running_loop().run_in_executor(executor, self.in_write, work)

    async def reading(self, work: Callable[[Session], T], executor: Executor | None = None) -> T:
        """Run the work on one read session in a thread."""
        return await asyncio.get_running_loop().run_in_executor(executor, self.in_read, work)

    def check(self) -> None:
        """Refuse a database that would lose acknowledged work (DatabaseUnavailableError)."""
        with self.read() as session:
            if self.is_sqlite:
                _check_sqlite(session)
            else:
                _check_postgres(session)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()
        self._readers.dispose()


def open_database(url: str, *, busy_seconds: float = 30.0, pool_size: int = 10) -> Database:
    """Open the database at that URL; a missing folder of an SQLite file is made, readable by its owner only.

    DatabaseUnavailableError where the file, or its folder, cannot be written.
    """
    path = _sqlite_path(url)
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # SQLite gives its side files the mode of the database: nobody else may read addresses and sealed tokens.
            path.touch(mode=0o600)
        except OSError as error:
            raise DatabaseUnavailableError(
                f"{path} cannot be written ({error.strerror}): is its disk read-only, or somebody else's?"
            ) from error
    return Database(normalized(url), busy_seconds=busy_seconds, pool_size=pool_size)


def normalized(url: str) -> str:
    """Return the URL with the driver that we use (psycopg for any Postgres URL)."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def _sqlite_path(url: str) -> Path | None:
    parsed = make_url(normalized(url))
    if parsed.get_backend_name() != "sqlite":
        return None
    if not parsed.database or parsed.database == ":memory:":
        raise DatabaseUnavailableError("an SQLite database needs a file: sqlite:///data/tidings.db")
    return Path(parsed.database)


def _make_engine(url: str, path: Path | None, busy_seconds: float, pool_size: int, *, writes: bool) -> Engine:
    if path is None:
        # A process frozen inside a transaction must not keep its row locks from the others for ever.
        options = f"-c lock_timeout={int(busy_seconds * 1000)} -c idle_in_transaction_session_timeout=60000"
        return create_engine(
            url, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True, connect_args={"options": options}
        )
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        connect_args={"timeout": busy_seconds, "check_same_thread": False},
    )
    event.listen(engine, "connect", prepare_sqlite)
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Set up a fresh SQLite connection: WAL, FULL, foreign keys, the clock function; transactions are begun by hand."""
    connection.isolation_level = None
    connection.create_function("unixepoch", -1, _unixepoch, deterministic=False)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        _execute_patiently(connection, f"PRAGMA {pragma}")


def _execute_patiently(connection: sqlite3.Connection, statement: str) -> None:
    # Turning WAL on wants the file alone for a moment, and the busy time-out does not cover that.
    deadline = time.monotonic() + 10
    while True:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _unixepoch(*arguments: Any) -> float | int:
    """Stand in for SQLite's own function, which libraries before 3.42 lack or have without sub-seconds."""
    return time.time() if "subsec" in arguments else int(time.time())


def _check_sqlite(session: Session) -> None:
    wanted = {"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"}
    for pragma, value in wanted.items():
        found = str(session.connection().exec_driver_sql(f"PRAGMA {pragma}").scalar())
        if found != value:
            raise DatabaseUnavailableError(
                f"SQLite runs with {pragma}={found} instead of {value}: is the file on a network drive or read-only?"
            )


def _check_postgres(session: Session) -> None:
    for setting in ("fsync", "synchronous_commit"):
        found = str(session.execute(text(f"SHOW {setting}")).scalar())
        if found == "off":
            raise DatabaseUnavailableError(f"Postgres runs with {setting}=off: acknowledged work could be lost")


def _no_room(error: BaseException | None) -> bool:
    """Whether the database could not write because of its disk; waiting a moment does not help then."""
    code = getattr(error, "sqlite_errorcode", None)
    full = code is not None and code & 0xFF in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
    return full or getattr(error, "sqlstate", None) == _POSTGRES_DISK_FULL


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors into ours."""
    try:
        yield
    except IntegrityError as error:
        raise ConflictError(str(error.orig)) from error
    except OperationalError as error:
        kind = DatabaseFullError if _no_room(error.orig) else DatabaseBusyError
        raise kind(str(error.orig)) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise DatabaseBusyError(str(error.orig)) from error
        raise
