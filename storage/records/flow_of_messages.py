"""How many messages went lately to one reader, and of one company; counted no further than asked."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from storage.tables import DeliveryRow


def to_reader(session: Session, destination: str, since: datetime, but: Collection[str], most: int) -> int:
    """Return how many messages were sent there since then, other than these kinds; at most `most`."""
    statement = (
        select(DeliveryRow.id)
        .where(
            DeliveryRow.destination == destination,
            col(DeliveryRow.sent_at) > since,
            col(DeliveryRow.kind).not_in(sorted(but)),
        )
        .limit(most)
    )
    return session.exec(select(func.count()).select_from(statement.subquery())).one()


def of_company(session: Session, organization_id: str, since: datetime, most: int) -> int:
    """Return how many messages were sent for the organization since then; at most `most`."""
    statement = (
        select(DeliveryRow.sent_at)
        .where(DeliveryRow.organization_id == organization_id, col(DeliveryRow.sent_at) > since)
        .limit(most)
    )
    return session.exec(select(func.count()).select_from(statement.subquery())).one()
