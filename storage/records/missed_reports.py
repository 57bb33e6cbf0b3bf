"""What support was told about what did not happen: each report is of one kind, and open until it is made up."""

from datetime import datetime

from sqlalchemy import exists, func, update
from sqlmodel import Session, col, select

from storage.facts.expectations import ExpectationKind
from storage.records.guarded import won
from storage.records.inserts import insert_new
from storage.tables import ExpectationRow, MissedReportRow


def add(session: Session, report_id: str, kind: ExpectationKind, now: datetime) -> bool:
    """Open a report; return whether it is new."""
    return insert_new(session, MissedReportRow, id=report_id, kind=kind, opened_at=now)


def last_opened(session: Session, kind: ExpectationKind) -> datetime | None:
    """Return when the newest report of that kind was opened."""
    return session.exec(select(func.max(MissedReportRow.opened_at)).where(MissedReportRow.kind == kind)).one()


def made_up(session: Session) -> list[str]:
    """Return the ids of the open reports of which nothing is missing any more, oldest first."""
    missing = exists().where(
        col(ExpectationRow.report_id) == MissedReportRow.id, col(ExpectationRow.settled_at).is_(None)
    )
    statement = select(MissedReportRow.id).where(col(MissedReportRow.closed_at).is_(None), ~missing)
    return list(session.exec(statement.order_by(col(MissedReportRow.opened_at))))


def close(session: Session, report_id: str, now: datetime) -> bool:
    """Close a report; return whether this one did."""
    still_open = (col(MissedReportRow.id) == report_id, col(MissedReportRow.closed_at).is_(None))
    return won(session, update(MissedReportRow).where(*still_open).values(closed_at=now))
