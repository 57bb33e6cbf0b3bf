"""The database's own time: leases and heartbeats of several machines are compared by one clock."""

from datetime import UTC, datetime

from sqlalchemy import text
from sqlmodel import Session


def database_now(session: Session) -> datetime:
    """Return the present instant by the clock of the database (SQLite: of this machine, to the millisecond)."""
    if session.get_bind().dialect.name == "sqlite":
        found = session.connection().exec_driver_sql("SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')").scalar_one()
        return datetime.fromisoformat(str(found))
    value: datetime = session.connection().execute(text("SELECT clock_timestamp()")).scalar_one()
    return value.astimezone(UTC)
