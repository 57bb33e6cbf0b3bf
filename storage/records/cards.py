"""Living Slack messages: one per subject and place, edited until their final state is shown."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, update
from sqlmodel import Session, col, select

from storage.facts.ids import derived_id
from storage.records.guarded import won
from storage.records.inserts import insert_new
from storage.tables import CardRow, DeliveryRow

#: no look is planned so far ahead, however many cards wait for their turn: a clock that was set back planned it
_AHEAD = timedelta(minutes=45)


@dataclass(frozen=True, slots=True)
class Card:
    """A living message."""

    id: str
    organization_id: str
    kind: str
    subject: str
    team_id: str
    channel_id: str
    delivery_id: str
    posted_in: str | None
    ts: str | None
    shown_hash: str | None
    revision: int
    due_at: datetime | None
    edited_at: datetime | None
    failures: int


def add(
    session: Session, *, organization_id: str, kind: str, subject: str, team_id: str, channel_id: str, delivery_id: str
) -> str:
    """Insert a card that its delivery will post; return its id."""
    card_id = derived_id("crd", kind, subject, team_id, channel_id)
    insert_new(
        session,
        CardRow,
        id=card_id,
        organization_id=organization_id,
        kind=kind,
        subject=subject,
        team_id=team_id,
        channel_id=channel_id,
        delivery_id=delivery_id,
    )
    return card_id


def of_delivery(session: Session, delivery_id: str) -> Card | None:
    """Return the card that the delivery posts."""
    row = session.exec(select(CardRow).where(CardRow.delivery_id == delivery_id)).first()
    return as_card(row) if row else None


def of_subject(session: Session, kind: str, subject: str) -> list[Card]:
    """Return the cards of a kind about a subject."""
    return [
        as_card(row) for row in session.exec(select(CardRow).where(CardRow.kind == kind, CardRow.subject == subject))
    ]


def posted(session: Session, card_id: str, channel_id: str, ts: str, shown_hash: str | None, now: datetime) -> None:
    """Note where the card is, and look for a change at once: the facts may have moved while it was posted."""
    row = session.get_one(CardRow, card_id)
    row.posted_in = channel_id
    row.ts = ts
    row.shown_hash = shown_hash
    row.due_at = now
    row.edited_at = now
    session.add(row)


def wake(session: Session, subjects: list[str], now: datetime) -> None:
    """Let the posted cards about these subjects be looked at now."""
    statement = (
        update(CardRow).where(col(CardRow.subject).in_(subjects), col(CardRow.ts).is_not(None)).values(due_at=now)
    )
    session.connection().execute(statement)


def due(session: Session, now: datetime, limit: int = 50) -> list[Card]:
    """Return the cards whose next look is due, longest first; also those that a clock planned that was ahead."""
    wanted = or_(col(CardRow.due_at) <= now, col(CardRow.due_at) > now + _AHEAD)
    statement = select(CardRow).where(wanted).order_by(col(CardRow.due_at)).limit(limit)
    return [as_card(row) for row in session.exec(statement)]


def living(session: Session, kind: str, before: datetime) -> list[str]:
    """Return the subjects of cards of a kind that are not in their final state, and were asked for before then."""
    statement = (
        select(CardRow.subject)
        .join(DeliveryRow, col(DeliveryRow.id) == col(CardRow.delivery_id))
        .where(col(CardRow.due_at).is_not(None), CardRow.kind == kind, col(DeliveryRow.created_at) <= before)
        .distinct()
    )
    return list(session.exec(statement))


def claim(session: Session, card: Card, until: datetime) -> bool:
    """Take the card for one edit; return whether this worker has it."""
    statement = (
        update(CardRow).where(col(CardRow.id) == card.id, col(CardRow.due_at) == card.due_at).values(due_at=until)
    )
    return won(session, statement)


def edited(
    session: Session,
    card_id: str,
    *,
    claimed_until: datetime,
    shown_hash: str,
    now: datetime,
    next_look: datetime | None,
) -> None:
    """Note what is shown now. A wake-up that came during the edit keeps its own time."""
    session.connection().execute(
        update(CardRow)
        .where(col(CardRow.id) == card_id)
        .values(shown_hash=shown_hash, edited_at=now, revision=CardRow.revision + 1, failures=0)
    )
    look_later(session, card_id, claimed_until=claimed_until, next_look=next_look)


def look_later(session: Session, card_id: str, *, claimed_until: datetime, next_look: datetime | None) -> None:
    """Set the next look, unless a wake-up came in between."""
    session.connection().execute(
        update(CardRow).where(col(CardRow.id) == card_id, col(CardRow.due_at) == claimed_until).values(due_at=next_look)
    )


def failed(session: Session, card_id: str, *, now: datetime, give_up: bool) -> None:
    """Note an edit that did not work, or may yet appear: edit again whatever is shown; wait longer each time."""
    row = session.get_one(CardRow, card_id)
    row.shown_hash = None
    row.failures += 1
    row.due_at = None if give_up else now + timedelta(seconds=min(60, 2**row.failures))
    session.add(row)


def as_card(row: CardRow) -> Card:
    """Turn a row into a fact."""
    return Card(
        id=row.id,
        organization_id=row.organization_id,
        kind=row.kind,
        subject=row.subject,
        team_id=row.team_id,
        channel_id=row.channel_id,
        delivery_id=row.delivery_id,
        posted_in=row.posted_in,
        ts=row.ts,
        shown_hash=row.shown_hash,
        revision=row.revision,
        due_at=row.due_at,
        edited_at=row.edited_at,
        failures=row.failures,
    )
