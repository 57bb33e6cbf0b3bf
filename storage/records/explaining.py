"""What only an explanation asks of the tables: somebody's own refresh, blocks of an account, the newest run of all."""

from datetime import datetime

from sqlmodel import Session, col, or_, select

from storage.facts.deliveries import Channel, Delivery
from storage.facts.explain import AskedBefore
from storage.records.buckets import latest
from storage.records.deliveries import as_delivery
from storage.records.runs import as_run
from storage.tables import (
    BucketRow,
    DeadlineRow,
    DeliveryRow,
    RefreshPersonRow,
    RefreshRow,
    RefreshRunRow,
    RunRow,
)


def asked_before(
    session: Session, member_id: str, source_id: str, since: datetime, *, told_by: str, deadline: str
) -> AskedBefore | None:
    """Return the newest refresh of the source that the member waited for, asked for since that instant.

    `told_by` is the kind of its confirmations, `deadline` that of its escalation.
    """
    statement = (
        select(RefreshRow, RunRow)
        .join(RefreshRunRow, col(RefreshRunRow.refresh_id) == col(RefreshRow.id))
        .join(RefreshPersonRow, col(RefreshPersonRow.refresh_id) == col(RefreshRow.id))
        .join(RunRow, col(RunRow.id) == col(RefreshRunRow.run_id))
        .where(
            RunRow.source_id == source_id,
            RunRow.requested_at >= since,
            RefreshPersonRow.member_id == member_id,
            col(RefreshRunRow.left_at).is_(None),
        )
        .order_by(col(RefreshRow.requested_at).desc(), col(RefreshRow.id))
        .limit(1)
    )
    found = session.exec(statement).first()
    if found is None:
        return None
    refresh, run = found
    return AskedBefore(
        refresh_id=refresh.id,
        requested_at=refresh.requested_at,
        finished_at=refresh.finished_at,
        run=as_run(run),
        deliveries=tuple(_confirmations(session, refresh.id, member_id, told_by)),
        support_at=refresh.escalated_at or _due(session, deadline, refresh.id),
    )


def _confirmations(session: Session, refresh_id: str, member_id: str, kind: str) -> list[Delivery]:
    """Return what went to the member: their own mail, and the posts of the places where it was asked."""
    statement = (
        select(DeliveryRow)
        .where(
            DeliveryRow.subject == refresh_id,
            DeliveryRow.kind == kind,
            or_(col(DeliveryRow.member_id) == member_id, col(DeliveryRow.channel) == Channel.SLACK),
        )
        .order_by(col(DeliveryRow.created_at), col(DeliveryRow.id))
    )
    return [as_delivery(row) for row in session.exec(statement)]


def _due(session: Session, kind: str, subject: str) -> datetime | None:
    statement = select(DeadlineRow.due_at).where(
        DeadlineRow.kind == kind, DeadlineRow.subject == subject, DeadlineRow.state == "open"
    )
    return session.exec(statement).first()


def blocked_until(session: Session, account: str, now: datetime) -> datetime | None:
    """Return until when the provider wants no calls of the account ``provider:account``; None where it takes them."""
    statement = select(BucketRow.blocked_until).where(
        or_(BucketRow.name == account, col(BucketRow.name).startswith(f"{account}:", autoescape=True)),
        col(BucketRow.blocked_until) > now,
        col(BucketRow.blocked_until) <= latest(now),
    )
    return max((at for at in session.exec(statement) if at is not None), default=None)


def last_seen_run(session: Session, source_id: str) -> datetime | None:
    """Return when a run of the source last began or ended; None where there never was one."""
    statement = (
        select(RunRow.requested_at, RunRow.finished_at)
        .where(RunRow.source_id == source_id)
        .order_by(col(RunRow.requested_at).desc())
        .limit(1)
    )
    found = session.exec(statement).first()
    return (found[1] or found[0]) if found else None
