"""Digests: when they are due, each told once, and what happened since the last one."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy
from sqlalchemy import delete, func, or_, update
from sqlmodel import Session, col, select

from storage.facts.deliveries import Channel, DeliveryState
from storage.facts.digests import Ended
from storage.facts.incidents import Incident
from storage.facts.people import Member
from storage.facts.quiet import Digest, Rhythm
from storage.facts.runs import FailureKind, Result, RunState
from storage.facts.subscriptions import Topic, Ways
from storage.records.guarded import won
from storage.records.incidents import as_incident
from storage.records.inserts import insert
from storage.records.subscriptions import DIGEST_WAY
from storage.tables import DeliveryRow, DigestRow, IncidentRow, RunRow, SubscriptionRow

_CHANGED = frozenset({Result.CHANGED, Result.PARTIAL})


def find(session: Session, digest_id: str) -> Digest | None:
    """Return the digest."""
    row = session.get(DigestRow, digest_id, populate_existing=True)
    return _as_digest(row) if row else None


def keep(session: Session, digest: Digest) -> None:
    """Set a digest; what was told of an older one of the same id stays told."""
    before = find(session, digest.id)
    forget(session, digest.id)
    insert(
        session,
        DigestRow,
        id=digest.id,
        organization_id=digest.organization_id,
        member_id=digest.member_id,
        place=digest.place,
        at=digest.rhythm.at,
        weekdays=digest.rhythm.weekdays,
        ways=",".join(sorted(digest.ways)),
        due_at=digest.due_at,
        told_until=before.told_until if before else digest.told_until,
    )


def forget(session: Session, digest_id: str) -> None:
    """Tell it no more."""
    session.flush()
    session.connection().execute(delete(DigestRow).where(col(DigestRow.id) == digest_id))
    session.expire_all()


def due(session: Session, now: datetime, limit: int = 200) -> list[Digest]:
    """Return what is due, the oldest first."""
    statement = select(DigestRow).where(col(DigestRow.due_at) <= now).order_by(col(DigestRow.due_at)).limit(limit)
    return [_as_digest(row) for row in session.exec(statement.execution_options(populate_existing=True))]


def claim(session: Session, digest: Digest, next_at: datetime) -> bool:
    """Take the digest that is due; return whether this worker has it."""
    statement = (
        update(DigestRow)
        .where(col(DigestRow.id) == digest.id, col(DigestRow.due_at) == digest.due_at)
        .values(due_at=next_at)
    )
    return won(session, statement)


def told(session: Session, digest_id: str, until: datetime) -> None:
    """Note that what happened by then was told, or was nothing."""
    won(session, update(DigestRow).where(col(DigestRow.id) == digest_id).values(told_until=until))


def choose(session: Session, member: Member, source_id: str | None, topic: Topic, now: datetime) -> None:
    """Let the person be told of a topic in the digest alone."""
    session.flush()
    statement = delete(SubscriptionRow).where(
        col(SubscriptionRow.member_id) == member.id,
        col(SubscriptionRow.source_id) == (source_id or ""),
        col(SubscriptionRow.topic) == topic,
    )
    session.connection().execute(statement)
    insert(
        session, SubscriptionRow, member_id=member.id, source_id=source_id or "", topic=topic.value,
        organization_id=member.organization_id, ways=DIGEST_WAY, changed_at=now,
    )  # fmt: skip
    session.expire_all()


def unchoose(session: Session, member_id: str) -> None:
    """Let what was told in the digest alone be told as by default: there is no digest any more."""
    session.flush()
    statement = delete(SubscriptionRow).where(
        col(SubscriptionRow.member_id) == member_id, col(SubscriptionRow.ways) == DIGEST_WAY
    )
    session.connection().execute(statement)
    session.expire_all()


def ended(session: Session, source_ids: Sequence[str], since: datetime) -> list[Ended]:
    """Return how the runs ended that ended since then, by source."""
    statement = (
        sqlalchemy.select(
            col(RunRow.source_id), col(RunRow.state), col(RunRow.failure_kind), col(RunRow.result), func.count()
        )
        .where(
            col(RunRow.source_id).in_(source_ids),
            col(RunRow.state).in_((RunState.READY, RunState.FAILED)),
            col(RunRow.finished_at) > since,
        )
        .group_by(col(RunRow.source_id), col(RunRow.state), col(RunRow.failure_kind), col(RunRow.result))
        .order_by(col(RunRow.source_id))
    )
    return [
        Ended(
            source_id,
            RunState(state),
            held=state == RunState.FAILED and kind == FailureKind.HELD,
            changed=state == RunState.READY and (result is None or result in _CHANGED),
            count=count,
        )
        for source_id, state, kind, result, count in session.connection().execute(statement)
    ]


def incidents(session: Session, source_ids: Sequence[str], since: datetime) -> list[Incident]:
    """Return the incidents that were told and are open, or began or ended since then."""
    statement = (
        select(IncidentRow)
        .where(
            col(IncidentRow.source_id).in_(source_ids),
            col(IncidentRow.told_at).is_not(None),
            or_(col(IncidentRow.resolved_at).is_(None), col(IncidentRow.resolved_at) > since),
        )
        .order_by(col(IncidentRow.opened_at))
    )
    return [as_incident(row) for row in session.exec(statement)]


def undelivered(session: Session, digest: Digest, since: datetime) -> int:
    """Return how many messages to the reader failed since then, or may not have arrived."""
    reader = (
        DeliveryRow.destination == digest.place
        if digest.member_id is None
        else DeliveryRow.member_id == digest.member_id
    )
    statement = (
        select(func.count())
        .select_from(DeliveryRow)
        .where(
            reader,
            col(DeliveryRow.state).in_((DeliveryState.FAILED, DeliveryState.UNCONFIRMED)),
            col(DeliveryRow.settled_at) > since,
        )
    )
    return session.exec(statement).one()


def _as_digest(row: DigestRow) -> Digest:
    ways: Ways = frozenset(Channel(way) for way in row.ways.split(",") if way)
    rhythm = Rhythm(row.at, row.weekdays)
    return Digest(row.id, row.organization_id, row.member_id, row.place, rhythm, ways, row.due_at, row.told_until)
