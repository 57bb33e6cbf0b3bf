"""Quiet hours, and the messages that are held for them or because too many came."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, update
from sqlmodel import Session, col, select

from storage.facts.deliveries import Channel, Delivery, DeliveryState
from storage.facts.people import Member
from storage.facts.quiet import Quiet
from storage.records.deliveries import as_delivery
from storage.records.guarded import won
from storage.records.inserts import insert
from storage.tables import DeliveryRow, MemberRow, QuietRow, RefreshPersonRow


def hours_of(session: Session, member_id: str) -> tuple[Quiet, str] | None:
    """Return the person's quiet hours and zone; None where there are none."""
    statement = (
        select(QuietRow, MemberRow.timezone)
        .join(MemberRow, col(MemberRow.id) == col(QuietRow.member_id))
        .where(QuietRow.member_id == member_id)
        .execution_options(populate_existing=True)
    )
    found = session.exec(statement).first()
    return (Quiet(found[0].starts, found[0].ends, found[0].weekends), found[1]) if found else None


def set_hours(session: Session, member: Member, quiet: Quiet | None, now: datetime) -> None:
    """Set the person's quiet hours; None: none. What is held is looked at anew at once."""
    session.flush()
    session.connection().execute(delete(QuietRow).where(col(QuietRow.member_id) == member.id))
    if quiet is not None:
        insert(
            session,
            QuietRow,
            member_id=member.id,
            organization_id=member.organization_id,
            starts=quiet.starts,
            ends=quiet.ends,
            weekends=quiet.weekends,
            changed_at=now,
        )
    statement = update(DeliveryRow).where(*_held(member.id)).values(held_until=now)
    session.connection().execute(statement)
    session.expire_all()


def hold(
    session: Session, delivery: Delivery, until: datetime, keep_trying: timedelta, reason: str | None = None
) -> bool:
    """Let a message wait until then; what it is worth is counted from there. Guarded by its attempts before."""
    statement = (
        update(DeliveryRow)
        .where(
            col(DeliveryRow.id) == delivery.id,
            col(DeliveryRow.attempts) == delivery.attempts,
            col(DeliveryRow.state).in_((DeliveryState.PENDING, DeliveryState.SENDING)),
        )
        .values(
            state=DeliveryState.HELD,
            held_until=until,
            reason=reason,
            expires_at=max(delivery.expires_at, until + keep_trying),
        )
    )
    return won(session, statement)


def hold_on(session: Session, delivery_id: str, until: datetime, keep_trying: timedelta) -> bool:
    """Let a message that is held already wait longer."""
    statement = (
        update(DeliveryRow)
        .where(col(DeliveryRow.id) == delivery_id, col(DeliveryRow.state) == DeliveryState.HELD)
        .values(held_until=until, expires_at=until + keep_trying)
    )
    return won(session, statement)


def due(session: Session, now: datetime, limit: int = 500) -> list[Delivery]:
    """Return held messages whose time has come, by reader."""
    statement = (
        select(DeliveryRow)
        .where(DeliveryRow.state == DeliveryState.HELD, col(DeliveryRow.held_until) <= now)
        .order_by(col(DeliveryRow.channel), col(DeliveryRow.destination), col(DeliveryRow.created_at))
        .limit(limit)
    )
    return [as_delivery(row) for row in session.exec(statement)]


def release(session: Session, delivery_id: str) -> int | None:
    """Let a held message be sent; return the number of the work that does it, None when another took it."""
    statement = (
        update(DeliveryRow)
        .where(col(DeliveryRow.id) == delivery_id, col(DeliveryRow.state) == DeliveryState.HELD)
        .values(state=DeliveryState.PENDING, reason=None, work_attempt=DeliveryRow.work_attempt + 1)
    )
    if not won(session, statement):
        return None
    return session.exec(select(DeliveryRow.work_attempt).where(DeliveryRow.id == delivery_id)).one()


def drop(session: Session, delivery_id: str, reason: str, now: datetime) -> bool:
    """Never send a held message, for that reason; return whether this one said so."""
    statement = (
        update(DeliveryRow)
        .where(col(DeliveryRow.id) == delivery_id, col(DeliveryRow.state) == DeliveryState.HELD)
        .values(state=DeliveryState.SKIPPED, reason=reason, settled_at=now)
    )
    return won(session, statement)


def count(session: Session, member_id: str) -> int:
    """Return how many messages to the person are held."""
    return session.exec(select(func.count()).select_from(DeliveryRow).where(*_held(member_id))).one()


def joined_at(session: Session, refresh_id: str, member_id: str) -> datetime | None:
    """Return when the person asked for the refresh, or joined it."""
    row = session.get(RefreshPersonRow, (refresh_id, member_id))
    return row.joined_at if row else None


def was_posted(session: Session, kind: str, subject: str, member_id: str) -> bool:
    """Whether the person was sent the message of that kind about the subject by Slack."""
    statement = select(DeliveryRow.id).where(
        DeliveryRow.subject == subject,
        DeliveryRow.kind == kind,
        DeliveryRow.member_id == member_id,
        DeliveryRow.channel == Channel.SLACK,
        col(DeliveryRow.sent_at).is_not(None),
    )
    return session.exec(statement).first() is not None


def _held(member_id: str) -> Sequence[ColumnElement[bool]]:
    return (col(DeliveryRow.member_id) == member_id, col(DeliveryRow.state) == DeliveryState.HELD)
