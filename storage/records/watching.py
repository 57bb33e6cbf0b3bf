"""Watches for changes: added once, looked at when a run of their source became ready, gone with their answer."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy
from sqlalchemy import delete, update
from sqlmodel import Session, col, or_, select

from storage.facts.ids import derived_id
from storage.facts.landed import Sought, SoughtKind, Watch
from storage.facts.runs import RunState
from storage.records.guarded import won
from storage.records.inserts import insert_new
from storage.tables import LandedWatchRow, MemberRow, RunRow


def add(
    session: Session,
    ask_id: str,
    organization_id: str,
    member_id: str,
    source_ids: Sequence[str],
    wanted: Sought,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Watch these sources; the same question again changes nothing."""
    for source_id in source_ids:
        insert_new(
            session,
            LandedWatchRow,
            id=derived_id("wch", ask_id, source_id),
            ask_id=ask_id,
            organization_id=organization_id,
            member_id=member_id,
            source_id=source_id,
            kind=wanted.kind,
            wanted=wanted.text,
            asked_at=now,
            expires_at=expires_at,
            looked_at=now,
        )


def of_member(session: Session, member_id: str) -> int:
    """Return for how many questions the member waits."""
    statement = select(sqlalchemy.func.count(sqlalchemy.distinct(col(LandedWatchRow.ask_id)))).where(
        LandedWatchRow.member_id == member_id
    )
    return session.exec(statement).one()


def due(session: Session, now: datetime, limit: int = 20) -> list[Watch]:
    """Return watches whose source has a run that became ready since the last look, and those that have run out.

    Those of people who have left are among the run out ones only.
    """
    newer = (
        select(RunRow.id)
        .where(
            RunRow.source_id == LandedWatchRow.source_id,
            RunRow.state == RunState.READY,
            col(RunRow.finished_at) > LandedWatchRow.looked_at,
        )
        .exists()
    )
    statement = (
        select(LandedWatchRow)
        .where(or_(newer, col(LandedWatchRow.expires_at) <= now))
        .order_by(col(LandedWatchRow.looked_at), col(LandedWatchRow.id))
        .limit(limit)
    )
    return [_watch(row) for row in session.exec(statement)]


def looked(session: Session, watch_id: str, now: datetime) -> None:
    """Note that all that became ready before was looked at."""
    won(session, update(LandedWatchRow).where(col(LandedWatchRow.id) == watch_id).values(looked_at=now))


def answer(session: Session, ask_id: str) -> bool:
    """End the question; return whether this one did, so that nobody is told twice."""
    return session.connection().execute(delete(LandedWatchRow).where(col(LandedWatchRow.ask_id) == ask_id)).rowcount > 0


def still_here(session: Session, member_id: str) -> bool:
    """Whether the person is a member still."""
    statement = select(MemberRow.id).where(MemberRow.id == member_id, col(MemberRow.removed_at).is_(None))
    return session.exec(statement).first() is not None


def _watch(row: LandedWatchRow) -> Watch:
    return Watch(
        id=row.id,
        ask_id=row.ask_id,
        organization_id=row.organization_id,
        member_id=row.member_id,
        source_id=row.source_id,
        wanted=Sought(SoughtKind(row.kind), row.wanted),
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        looked_at=row.looked_at,
    )
