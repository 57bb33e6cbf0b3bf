"""Heartbeats of engine processes, by the database's clock."""

from datetime import timedelta

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from storage.records.instants import database_now
from storage.tables import WorkerRow


def register(session: Session, executor_id: str, role: str) -> None:
    """Write the first heartbeat of a process; it must be there before the process claims any work."""
    now = database_now(session)
    session.merge(WorkerRow(executor_id=executor_id, role=role, started_at=now, beat_at=now))


def beat(session: Session, executor_id: str, dead_seconds: float) -> bool:
    """Renew the heartbeat; False when it is too old or gone, so that others may hold this process for dead already."""
    now = database_now(session)
    renewed = session.connection().execute(
        update(WorkerRow)
        .where(col(WorkerRow.executor_id) == executor_id)
        .where(col(WorkerRow.beat_at) > now - timedelta(seconds=dead_seconds))
        .values(beat_at=now)
    )
    return bool(renewed.rowcount)


def alive(session: Session, dead_seconds: float) -> set[str]:
    """Return the processes with a heartbeat that is young enough."""
    since = database_now(session) - timedelta(seconds=dead_seconds)
    return set(session.exec(select(WorkerRow.executor_id).where(col(WorkerRow.beat_at) > since)))


def known(session: Session) -> set[str]:
    """Return every process that has a heartbeat, however old."""
    return set(session.exec(select(WorkerRow.executor_id)))


def forget(session: Session, executor_id: str, dead_seconds: float | None = None) -> None:
    """Remove a heartbeat; with dead_seconds only if it is older than that."""
    statement = delete(WorkerRow).where(col(WorkerRow.executor_id) == executor_id)
    if dead_seconds is not None:
        statement = statement.where(col(WorkerRow.beat_at) <= database_now(session) - timedelta(seconds=dead_seconds))
    session.execute(statement)
