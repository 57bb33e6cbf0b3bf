"""Webhooks that Tidings sends: written down with what they tell of, claimed for each attempt by a guarded update."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, update
from sqlmodel import Session, col, select

from storage.facts.ids import derived_id
from storage.facts.outgoing import Endpoint, EventType, Send, SendState
from storage.records.guarded import won
from storage.records.inserts import insert, insert_new
from storage.tables import EndpointRow, OutgoingMessageRow, SendRow

#: rows that one statement deletes
_AT_ONCE = 500


def add_endpoint(
    session: Session,
    endpoint_id: str,
    organization_id: str,
    url: str,
    events: Sequence[EventType],
    secret: bytes,
    created_by: str,
    now: datetime,
) -> None:
    """Insert a receiver; the secret is sealed."""
    insert(
        session,
        EndpointRow,
        id=endpoint_id,
        organization_id=organization_id,
        url=url,
        events=[event.value for event in events],
        secret=secret,
        created_by=created_by,
        created_at=now,
    )


def endpoints(session: Session, organization_id: str) -> list[Endpoint]:
    """Return the receivers of an organization, the oldest first."""
    statement = (
        select(EndpointRow)
        .where(EndpointRow.organization_id == organization_id)
        .order_by(col(EndpointRow.created_at), col(EndpointRow.id))
    )
    return [as_endpoint(row) for row in session.exec(statement)]


def listened(session: Session, type_: EventType) -> list[str]:
    """Return the organizations of which a receiver wants messages of that type."""
    rows = session.exec(select(EndpointRow).where(col(EndpointRow.stopped_at).is_(None)))
    return sorted({row.organization_id for row in rows if type_.value in row.events})


def endpoint(session: Session, organization_id: str, endpoint_id: str) -> Endpoint | None:
    """Return one receiver of that organization."""
    row = session.get(EndpointRow, endpoint_id, populate_existing=True)
    return as_endpoint(row) if row is not None and row.organization_id == organization_id else None


def secrets_of(session: Session, endpoint_id: str, now: datetime) -> list[bytes]:
    """Return the sealed secrets that sign for it now, the newest first."""
    row = session.get_one(EndpointRow, endpoint_id)
    old = [row.old_secret] if row.old_secret is not None and row.old_until is not None and row.old_until > now else []
    return [row.secret, *old]


def change_secret(session: Session, endpoint_id: str, secret: bytes, old_until: datetime) -> None:
    """Sign with another secret from now on, and with the one before it too until then."""
    row = session.get_one(EndpointRow, endpoint_id)
    row.old_secret, row.old_until, row.secret = row.secret, old_until, secret
    session.add(row)
    session.flush()


def remove(session: Session, endpoint_id: str) -> None:
    """Forget a receiver and what was sent to it."""
    session.flush()
    session.connection().execute(delete(SendRow).where(col(SendRow.endpoint_id) == endpoint_id))
    session.connection().execute(delete(EndpointRow).where(col(EndpointRow.id) == endpoint_id))
    session.expire_all()


def tell(
    session: Session,
    organization_id: str,
    type_: EventType,
    subject: str,
    data: Mapping[str, Any],
    now: datetime,
    *,
    only: str | None = None,
) -> int:
    """Write a message down for each receiver that wants it; return for how many. Once per type and subject.

    `only` is the id of the one receiver that is told, whatever it wants otherwise.
    """
    wanting = [
        one
        for one in endpoints(session, organization_id)
        if one.stopped_at is None and (one.id == only if only else type_ in one.events)
    ]
    if not wanting:
        return 0
    message_id = derived_id("msg", organization_id, type_.value, subject)
    body = json.dumps(
        {"type": type_.value, "timestamp": now.isoformat(timespec="seconds"), "data": data}, ensure_ascii=False
    )
    if not insert_new(
        session,
        OutgoingMessageRow,
        id=message_id,
        organization_id=organization_id,
        type=type_.value,
        subject=subject,
        body=body,
        created_at=now,
    ):
        return 0
    for one in wanting:
        send_id = derived_id("snd", one.id, message_id)
        insert(session, SendRow, id=send_id, endpoint_id=one.id, message_id=message_id, due_at=now)
    return len(wanting)


@dataclass(frozen=True, slots=True)
class Due:
    """An attempt that is due."""

    id: str
    organization_id: str
    endpoint_id: str
    url: str
    message_id: str
    body: str
    #: attempts before this one
    attempts: int


def due_endpoints(session: Session, now: datetime, limit: int = 50) -> list[str]:
    """Return the receivers that an attempt is due for, whoever waited longest first."""
    statement = (
        select(SendRow.endpoint_id)
        .join(EndpointRow, col(EndpointRow.id) == col(SendRow.endpoint_id))
        .where(SendRow.state == SendState.PENDING, col(SendRow.due_at) <= now, col(EndpointRow.stopped_at).is_(None))
        .group_by(col(SendRow.endpoint_id))
        .order_by(func.min(col(SendRow.due_at)))
        .limit(limit)
    )
    return list(session.exec(statement))


def due_of(session: Session, endpoint_id: str, now: datetime) -> Due | None:
    """Return the attempt for a receiver that is due longest; None when none is, or nothing is sent there any more."""
    statement = (
        select(SendRow, EndpointRow, OutgoingMessageRow)
        .join(EndpointRow, col(EndpointRow.id) == col(SendRow.endpoint_id))
        .join(OutgoingMessageRow, col(OutgoingMessageRow.id) == col(SendRow.message_id))
        .where(
            SendRow.endpoint_id == endpoint_id,
            SendRow.state == SendState.PENDING,
            col(SendRow.due_at) <= now,
            col(EndpointRow.stopped_at).is_(None),
        )
        .order_by(col(SendRow.due_at), col(SendRow.id))
        .limit(1)
    )
    found = session.exec(statement).first()
    if found is None:
        return None
    send, receiver, message = found
    return Due(send.id, receiver.organization_id, receiver.id, receiver.url, message.id, message.body, send.attempts)


def claim(session: Session, send_id: str, attempts: int, until: datetime) -> bool:
    """Take the attempt; whoever dies with it leaves it to the others at that time."""
    statement = (
        update(SendRow)
        .where(col(SendRow.id) == send_id, col(SendRow.state) == SendState.PENDING, col(SendRow.attempts) == attempts)
        .values(attempts=attempts + 1, due_at=until)
    )
    return won(session, statement)


def accepted(session: Session, send_id: str, endpoint_id: str, answer: str, now: datetime) -> None:
    """Note that the receiver has it, and works."""
    values: dict[str, Any] = {"state": SendState.SENT, "sent_at": now, "due_at": None, "answer": answer}
    won(session, update(SendRow).where(col(SendRow.id) == send_id).values(**values))
    won(session, update(EndpointRow).where(col(EndpointRow.id) == endpoint_id).values(failing_since=None))


def refused(
    session: Session, send_id: str, endpoint_id: str, answer: str, again_at: datetime | None, now: datetime
) -> None:
    """Note an attempt that came to nothing; None: it was the last one."""
    state = SendState.FAILED if again_at is None else SendState.PENDING
    pending = (col(SendRow.id) == send_id, col(SendRow.state) == SendState.PENDING)
    won(session, update(SendRow).where(*pending).values(state=state, due_at=again_at, answer=answer))
    working = (col(EndpointRow.id) == endpoint_id, col(EndpointRow.failing_since).is_(None))
    won(session, update(EndpointRow).where(*working).values(failing_since=now))


def stop(session: Session, endpoint_id: str, because: str, now: datetime) -> bool:
    """Send nothing there any more; return whether this one did that."""
    going = (col(EndpointRow.id) == endpoint_id, col(EndpointRow.stopped_at).is_(None))
    return won(session, update(EndpointRow).where(*going).values(stopped_at=now, stopped_because=because))


def start_again(session: Session, endpoint_id: str) -> None:
    """Send there again."""
    values: dict[str, Any] = {"stopped_at": None, "stopped_because": "", "failing_since": None}
    won(session, update(EndpointRow).where(col(EndpointRow.id) == endpoint_id).values(**values))


def replay(session: Session, endpoint_id: str, since: datetime, now: datetime) -> int:
    """Let everything that happened since then be sent again, whether it arrived or not; return how many messages."""
    messages = select(OutgoingMessageRow.id).where(col(OutgoingMessageRow.created_at) >= since)
    mine = (col(SendRow.endpoint_id) == endpoint_id, col(SendRow.message_id).in_(messages))
    session.flush()
    values: dict[str, Any] = {"state": SendState.PENDING, "attempts": 0, "due_at": now, "answer": ""}
    changed = session.connection().execute(update(SendRow).where(*mine).values(**values)).rowcount
    session.expire_all()
    return changed


def newest(session: Session, endpoint_id: str, limit: int = 10) -> list[Send]:
    """Return what was sent to a receiver lately, the newest first."""
    statement = (
        select(SendRow, OutgoingMessageRow)
        .join(OutgoingMessageRow, col(OutgoingMessageRow.id) == col(SendRow.message_id))
        .where(SendRow.endpoint_id == endpoint_id)
        .order_by(col(OutgoingMessageRow.created_at).desc(), col(SendRow.id))
        .limit(limit)
    )
    return [
        Send(
            id=send.id,
            endpoint_id=send.endpoint_id,
            message_id=send.message_id,
            type=EventType(message.type),
            state=SendState(send.state),
            attempts=send.attempts,
            due_at=send.due_at,
            sent_at=send.sent_at,
            answer=send.answer,
            created_at=message.created_at,
        )
        for send, message in session.exec(statement)
    ]


def forget_before(session: Session, instant: datetime, limit: int = 500) -> int:
    """Delete messages of before that instant with all that is noted of them; return how many."""
    old = select(OutgoingMessageRow.id).where(col(OutgoingMessageRow.created_at) < instant).limit(limit)
    return _forget(session, list(session.exec(old)))


def forget_values(session: Session, organization_id: str, metric_ids: Collection[str]) -> int:
    """Delete what was, or is still to be, told of the values of these metrics; return how many messages."""
    kept = select(OutgoingMessageRow.id, OutgoingMessageRow.subject).where(
        OutgoingMessageRow.organization_id == organization_id, OutgoingMessageRow.type == EventType.METRIC_UPDATED
    )
    wanted = [one_id for one_id, subject in session.exec(kept) if subject.partition(":")[0] in metric_ids]
    return sum(_forget(session, wanted[at : at + _AT_ONCE]) for at in range(0, len(wanted), _AT_ONCE))


def _forget(session: Session, ids: Sequence[str]) -> int:
    if ids:
        session.connection().execute(delete(SendRow).where(col(SendRow.message_id).in_(ids)))
        session.connection().execute(delete(OutgoingMessageRow).where(col(OutgoingMessageRow.id).in_(ids)))
    return len(ids)


def as_endpoint(row: EndpointRow) -> Endpoint:
    """Turn a row into a fact."""
    return Endpoint(
        id=row.id,
        organization_id=row.organization_id,
        url=row.url,
        events=tuple(EventType(event) for event in row.events),
        created_at=row.created_at,
        failing_since=row.failing_since,
        stopped_at=row.stopped_at,
        stopped_because=row.stopped_because,
    )
