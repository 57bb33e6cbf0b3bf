"""A database that is only looked at, from outside of the program that works on it: no lock, no write, no new file."""

import sqlite3
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from storage.sessions import normalized

T = TypeVar("T")


class CannotLookError(RuntimeError):
    """The database cannot be read now; the text says what the driver said, without its address."""


def look_once(url: str, work: Callable[[Session], T], *, seconds: float = 10.0) -> T:
    """Open the database read-only, do the work in one read session and close it; CannotLookError when that fails."""
    try:
        engine = _engine(url, seconds)
        try:
            with Session(engine) as session:
                return work(session)
        finally:
            engine.dispose()
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        cause = getattr(error, "orig", None) or error
        # The driver of Postgres names hosts and users; what kind of trouble it is says enough.
        words = str(cause) if isinstance(cause, sqlite3.Error) else type(cause).__name__
        raise CannotLookError(words) from error


def _engine(url: str, seconds: float) -> Engine:
    parsed = make_url(normalized(url))
    if parsed.get_backend_name() != "sqlite":
        options = f"-c default_transaction_read_only=on -c statement_timeout={int(seconds * 1000)}"
        return create_engine(parsed, pool_size=1, connect_args={"options": options, "connect_timeout": int(seconds)})

    def connect() -> sqlite3.Connection:
        path = f"file:{parsed.database}?mode=ro"
        return sqlite3.connect(path, uri=True, timeout=seconds, check_same_thread=False)

    return create_engine("sqlite://", creator=connect)
