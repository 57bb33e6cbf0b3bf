"""Which files came to a source: up to when their data goes, and when they were first ready."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_
from sqlmodel import Session, col, select

from storage.facts.runs import RunState
from storage.tables import RunRow, SourceRow


def came_before(session: Session, source_id: str, as_of: datetime, but: str) -> bool:
    """Whether another run was ready with a file of that instant; of late ones the newest is found at once."""
    same = select(RunRow.id).where(
        RunRow.source_id == source_id, RunRow.state == RunState.READY, RunRow.source_as_of == as_of, RunRow.id != but
    )
    return session.exec(same.order_by(col(RunRow.finished_at).desc()).limit(1)).first() is not None


def files_came(session: Session, source_id: str, most: int) -> Sequence[tuple[datetime, datetime]]:
    """Return the newest ones, newest first; nothing from before its data was erased."""
    first_ready = func.min(RunRow.ready_at)
    statement = (
        select(RunRow.source_as_of, first_ready)
        .join(SourceRow, col(SourceRow.id) == col(RunRow.source_id))
        .where(
            RunRow.source_id == source_id,
            RunRow.state == RunState.READY,
            col(RunRow.source_as_of).is_not(None),
            or_(col(SourceRow.data_erased_at).is_(None), col(RunRow.finished_at) > col(SourceRow.data_erased_at)),
        )
        .group_by(col(RunRow.source_as_of))
        .order_by(col(RunRow.source_as_of).desc())
        .limit(most)
    )
    return [(as_of, ready) for as_of, ready in session.exec(statement) if as_of is not None and ready is not None]
