"""What support was told about what did not happen: one report for each burst of one kind, open until it is made up."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from storage.facts.expectations import ExpectationKind
from storage.records.guarded import won
from storage.records.inserts import insert_new
from storage.tables import MissedReportRow


@dataclass(frozen=True, slots=True)
class MissedReport:
    """One report."""

    id: str
    kind: ExpectationKind
    opened_at: datetime
    closed_at: datetime | None


def add(session: Session, report_id: str, kind: ExpectationKind, now: datetime) -> bool:
    """Open a report; return whether it is new."""
    return insert_new(session, MissedReportRow, id=report_id, kind=kind, opened_at=now)


def open_ones(session: Session) -> list[MissedReport]:
    """Return the open reports, newest first."""
    statement = select(MissedReportRow).where(col(MissedReportRow.closed_at).is_(None))
    rows = session.exec(statement.order_by(col(MissedReportRow.opened_at).desc()))
    return [MissedReport(row.id, ExpectationKind(row.kind), row.opened_at, row.closed_at) for row in rows]


def close(session: Session, report_id: str, now: datetime) -> bool:
    """Close a report; return whether this one did."""
    still_open = (col(MissedReportRow.id) == report_id, col(MissedReportRow.closed_at).is_(None))
    return won(session, update(MissedReportRow).where(*still_open).values(closed_at=now))
