"""Deliveries: intent is committed before the call, the outcome after it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, null, update
from sqlmodel import Session, col, select

from storage.facts.deliveries import SEALED_KINDS, Channel, Delivery, DeliveryState
from storage.facts.ids import derived_id
from storage.records.guarded import won
from storage.records.inserts import insert_new
from storage.tables import DeliveryRow

#: Signs of a mail server's answer that are kept.
_MOST_REPLY = 500
#: Deliveries that are shown at most.
_MOST_SHOWN = 200


def add(
    session: Session,
    *,
    organization_id: str,
    kind: str,
    subject: str,
    channel: Channel,
    destination: str,
    member_id: str | None,
    now: datetime,
    expires_at: datetime,
    facts: Mapping[str, object] | None = None,
    skip_reason: str | None = None,
    repeats: str | None = None,
) -> str | None:
    """Insert a delivery and return its id; None when the same message to the same place was already asked for.

    With `skip_reason` the delivery is recorded as deliberately not sent.
    """
    delivery_id = derived_id("dlv", kind, subject, channel, destination)
    new = insert_new(
        session,
        DeliveryRow,
        id=delivery_id,
        organization_id=organization_id,
        kind=kind,
        subject=subject,
        channel=channel,
        destination=destination,
        member_id=member_id,
        state=DeliveryState.SKIPPED if skip_reason else DeliveryState.PENDING,
        reason=skip_reason,
        created_at=now,
        expires_at=expires_at,
        facts=dict(facts) if facts else None,
        repeats=repeats,
    )
    return delivery_id if new else None


def want_after_all(
    session: Session, delivery_id: str, reasons: Collection[str], now: datetime, expires_at: datetime
) -> str | None:
    """Let a delivery be sent that was left out for one of these reasons; return its id, or None where it was not."""
    statement = (
        update(DeliveryRow)
        .where(
            col(DeliveryRow.id) == delivery_id,
            col(DeliveryRow.state) == DeliveryState.SKIPPED,
            col(DeliveryRow.reason).in_(sorted(reasons)),
        )
        .values(state=DeliveryState.PENDING, reason=None, settled_at=None, created_at=now, expires_at=expires_at)
    )
    return delivery_id if won(session, statement) else None


def delivery(session: Session, delivery_id: str) -> Delivery:
    """Return the delivery; KeyError when there is none of that id."""
    row = session.get(DeliveryRow, delivery_id)
    if row is None:
        raise KeyError(delivery_id)
    return as_delivery(row)


def facts_of(session: Session, delivery_id: str) -> dict[str, Any]:
    """Return the facts that were stored with the delivery."""
    return dict(session.get_one(DeliveryRow, delivery_id).facts or {})


def of_subject(session: Session, subject: str) -> list[Delivery]:
    """Return all deliveries about a subject."""
    statement = select(DeliveryRow).where(DeliveryRow.subject == subject).order_by(col(DeliveryRow.created_at))
    return [as_delivery(row) for row in session.exec(statement)]


def begin_attempt(session: Session, delivery_id: str, attempts: int, now: datetime) -> bool:
    """Commit the intent to send; return whether this worker has it. Guarded by the number of attempts before."""
    statement = (
        update(DeliveryRow)
        .where(
            col(DeliveryRow.id) == delivery_id,
            col(DeliveryRow.attempts) == attempts,
            col(DeliveryRow.state).in_((DeliveryState.PENDING, DeliveryState.SENDING)),
        )
        .values(state=DeliveryState.SENDING, attempts=attempts + 1, intent_at=now)
    )
    return won(session, statement)


def settle(
    session: Session,
    delivery_id: str,
    state: DeliveryState,
    *,
    now: datetime,
    external_id: str | None = None,
    reason: str | None = None,
    reply: str | None = None,
) -> bool:
    """Record the outcome of the attempt; a delivery that is already settled stays as it is.

    What was sealed in it, because it opens something, is forgotten.
    """
    values: dict[str, object] = {"state": state, "reason": reason, "settled_at": now}
    if reply is not None:
        values["reply"] = reply[:_MOST_REPLY]
    if external_id is not None:
        values["external_id"] = external_id
    if state is DeliveryState.SENT:
        values["sent_at"] = now
    statement = (
        update(DeliveryRow)
        .where(
            col(DeliveryRow.id) == delivery_id,
            col(DeliveryRow.state).in_((DeliveryState.PENDING, DeliveryState.SENDING)),
        )
        .values(**values)
    )
    if not won(session, statement):
        return False
    sealed = (col(DeliveryRow.id) == delivery_id, col(DeliveryRow.kind).in_(SEALED_KINDS))
    won(session, update(DeliveryRow).where(*sealed).values(facts=null()))
    return True


def bounced(session: Session, delivery_id: str, reason: str, reply: str, now: datetime) -> bool:
    """Record that a mail which a server had taken did not arrive; return whether that is new."""
    statement = (
        update(DeliveryRow)
        .where(
            col(DeliveryRow.id) == delivery_id,
            # Sending: it came back before anybody wrote down that it was taken.
            col(DeliveryRow.state).in_((DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.UNCONFIRMED)),
        )
        # What arrived nowhere was not sent: the last mail that did arrive there is an earlier one.
        .values(state=DeliveryState.FAILED, reason=reason, reply=reply[:_MOST_REPLY], settled_at=now, sent_at=None)
    )
    return won(session, statement)


def delayed(session: Session, delivery_id: str, reason: str) -> bool:
    """Note what a server says of a mail that it took and could not pass on yet."""
    statement = (
        update(DeliveryRow)
        .where(col(DeliveryRow.id) == delivery_id, col(DeliveryRow.state) == DeliveryState.SENT)
        .values(reason=reason)
    )
    return won(session, statement)


def doubt(session: Session, delivery_id: str) -> None:
    """Note that it is sent again although nobody can tell whether it arrived."""
    won(session, update(DeliveryRow).where(col(DeliveryRow.id) == delivery_id).values(doubts=DeliveryRow.doubts + 1))


def put_back(session: Session, delivery_id: str, reason: str, reply: str | None = None) -> bool:
    """Note that the attempt was certainly refused, so that the next one needs no look first."""
    values: dict[str, object] = {"state": DeliveryState.PENDING, "reason": reason}
    if reply is not None:
        values["reply"] = reply[:_MOST_REPLY]
    statement = (
        update(DeliveryRow)
        .where(col(DeliveryRow.id) == delivery_id, col(DeliveryRow.state) == DeliveryState.SENDING)
        .values(**values)
    )
    return won(session, statement)


def of_subjects(session: Session, organization_id: str, subjects: Sequence[str]) -> list[Delivery]:
    """Return the organization's deliveries about these subjects, in the order in which they were asked for."""
    statement = (
        select(DeliveryRow)
        .where(DeliveryRow.organization_id == organization_id, col(DeliveryRow.subject).in_(subjects))
        .order_by(col(DeliveryRow.created_at), col(DeliveryRow.id))
        .limit(_MOST_SHOWN)
    )
    return [as_delivery(row) for row in session.exec(statement)]


def newest_of(session: Session, member_id: str, kinds: Collection[str]) -> Delivery | None:
    """Return the newest delivery of these kinds to the member."""
    statement = (
        select(DeliveryRow)
        .where(DeliveryRow.member_id == member_id, col(DeliveryRow.kind).in_(kinds))
        .order_by(col(DeliveryRow.created_at).desc())
        .limit(1)
    )
    row = session.exec(statement).first()
    return as_delivery(row) if row else None


def repeated(session: Session, delivery_ids: Sequence[str]) -> list[Delivery]:
    """Return the repetitions of these deliveries, in the order in which they were asked for."""
    if not delivery_ids:
        return []
    statement = (
        select(DeliveryRow)
        .where(col(DeliveryRow.repeats).in_(delivery_ids))
        .order_by(col(DeliveryRow.created_at), col(DeliveryRow.id))
        .limit(_MOST_SHOWN)
    )
    return [as_delivery(row) for row in session.exec(statement)]


def repetitions(session: Session, delivery_id: str, member_id: str) -> int:
    """Return how often the delivery was repeated to the member."""
    return sum(one.member_id == member_id for one in repeated(session, [delivery_id]))


def last_sent_to(session: Session, channel: Channel, destination: str) -> str | None:
    """Return the delivery that arrived there last."""
    statement = (
        select(DeliveryRow.id)
        .where(
            DeliveryRow.destination == destination,
            DeliveryRow.channel == channel,
            col(DeliveryRow.sent_at).is_not(None),
        )
        .order_by(col(DeliveryRow.sent_at).desc())
        .limit(1)
    )
    return session.exec(statement).first()


def count_since(session: Session, member_id: str, kind: str, since: datetime) -> int:
    """Return how many deliveries of the kind were asked for to the member since then."""
    statement = (
        select(func.count())
        .select_from(DeliveryRow)
        .where(DeliveryRow.member_id == member_id, DeliveryRow.kind == kind, col(DeliveryRow.created_at) > since)
    )
    return session.exec(statement).one()


def take_over(session: Session, delivery_id: str, work_attempt: int) -> bool:
    """Let a later piece of work look after the delivery; return whether this one was the first to say so."""
    statement = (
        update(DeliveryRow)
        .where(col(DeliveryRow.id) == delivery_id, col(DeliveryRow.work_attempt) == work_attempt - 1)
        .values(work_attempt=work_attempt)
    )
    return won(session, statement)


def work_attempts(session: Session) -> list[tuple[str, int]]:
    """Return every unsettled delivery with the number of the work that looks after it."""
    states = (DeliveryState.PENDING, DeliveryState.SENDING)
    statement = select(DeliveryRow.id, DeliveryRow.work_attempt).where(col(DeliveryRow.state).in_(states))
    return list(session.exec(statement).all())


def as_delivery(row: DeliveryRow) -> Delivery:
    """Turn a row into a fact."""
    return Delivery(
        id=row.id,
        organization_id=row.organization_id,
        kind=row.kind,
        subject=row.subject,
        channel=Channel(row.channel),
        destination=row.destination,
        member_id=row.member_id,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        doubts=row.doubts,
        intent_at=row.intent_at,
        sent_at=row.sent_at,
        external_id=row.external_id,
        reason=row.reason,
        created_at=row.created_at,
        expires_at=row.expires_at,
        reply=row.reply,
        settled_at=row.settled_at,
        held_until=row.held_until,
    )
