"""What a connection may do beside being read: nothing, until an admin allows it in a step of its own."""

from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from storage.records.guarded import won
from storage.records.sources import touch
from storage.tables import ConnectionRow


def may_write(session: Session, source_id: str) -> bool:
    """Whether orders may be created over the connection; asked in the moment in which one is."""
    statement = select(ConnectionRow.can_write).where(ConnectionRow.source_id == source_id)
    return bool(session.exec(statement).first())


def let_write(session: Session, source_id: str, now: datetime, *, allowed: bool) -> bool:
    """Allow it, or take that back; return whether this one changed it."""
    statement = (
        update(ConnectionRow)
        .where(col(ConnectionRow.source_id) == source_id, col(ConnectionRow.can_write).is_not(allowed))
        .values(can_write=allowed)
    )
    changed = won(session, statement)
    if changed:
        touch(session, source_id, now)
    return changed
