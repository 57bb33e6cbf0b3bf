"""What support was told about what did not happen: each report is of one kind, and open until it is made up."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, update
from sqlmodel import Session, col, select

from storage.facts.expectations import ExpectationKind
from storage.records.guarded import won
from storage.records.inserts import insert_new
from storage.tables import DeliveryRow, ExpectationRow, MissedReportRow


@dataclass(frozen=True, slots=True)
class Living:
    """A report that is open."""

    id: str
    kind: ExpectationKind
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class LastWord:
    """The newest message about a report: when it was written, of how much it spoke, and how many came before it."""

    at: datetime
    total: int
    number: int


def add(session: Session, report_id: str, kind: ExpectationKind, now: datetime) -> bool:
    """Open a report; return whether it is new."""
    return insert_new(session, MissedReportRow, id=report_id, kind=kind, opened_at=now)


def last_opened(session: Session, kind: ExpectationKind) -> datetime | None:
    """Return when the newest report of that kind was opened."""
    return session.exec(select(func.max(MissedReportRow.opened_at)).where(MissedReportRow.kind == kind)).one()


def living(session: Session, since: datetime) -> list[Living]:
    """Return the open reports that were opened after then, newest first: they take in what joins."""
    row = MissedReportRow
    statement = select(row.id, row.kind, row.opened_at).where(col(row.closed_at).is_(None), col(row.opened_at) > since)
    found = session.exec(statement.order_by(col(row.opened_at).desc(), row.id))
    return [Living(report_id, ExpectationKind(kind), opened_at) for report_id, kind, opened_at in found]


def last_word(session: Session, report_id: str, kinds: Collection[str]) -> LastWord | None:
    """Return the newest of the messages of these kinds about a report; their subjects begin with its id."""
    row = DeliveryRow
    statement = select(row.subject, row.created_at, row.facts).where(
        # A range and no pattern: the index on subjects serves it.
        col(row.subject) >= report_id,
        col(row.subject) < f"{report_id}/",
        col(row.kind).in_(kinds),
    )
    found = sorted(session.exec(statement), key=lambda one: one[1])
    if not found:
        return None
    _, at, facts = found[-1]
    return LastWord(at, int(str((facts or {}).get("total", 0))), len({subject for subject, _, _ in found}) - 1)


def is_closed(session: Session, report_id: str) -> bool:
    """Whether nothing that the report speaks of is missing any more."""
    row = session.get(MissedReportRow, report_id)
    return row is None or row.closed_at is not None


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
