"""Deliveries, and the living messages that are edited until they are final."""

from datetime import datetime

from sqlalchemy import JSON, Column, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import Instant


class DeliveryRow(SQLModel, table=True):
    """One message to one place by one channel."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("kind", "subject", "channel", "destination"),
        Index("ix_deliveries_state", "state"),
        Index("ix_deliveries_member", "member_id", "created_at"),
        Index("ix_deliveries_destination", "destination", "sent_at"),
        Index("ix_deliveries_sent", "organization_id", "sent_at"),
    )

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id", index=True)
    kind: str
    subject: str = Field(index=True)
    channel: str
    destination: str
    member_id: str | None = None
    state: str
    attempts: int = 0
    doubts: int = 0
    #: number of the engine's work that looks after it now
    work_attempt: int = 1
    intent_at: datetime | None = Field(default=None, sa_type=Instant)
    sent_at: datetime | None = Field(default=None, sa_type=Instant)
    external_id: str | None = None
    reason: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    #: what the mail server said to the last attempt, as it said it
    reply: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    settled_at: datetime | None = Field(default=None, sa_type=Instant)
    #: when the quiet hours end for which it is or was held
    held_until: datetime | None = Field(default=None, sa_type=Instant)
    #: the delivery that this one says again
    repeats: str | None = Field(default=None, index=True)
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    #: facts that the words need and no other row holds
    facts: dict[str, object] | None = Field(default=None, sa_column=Column(JSON, nullable=True))


class CardRow(SQLModel, table=True):
    """A living Slack message: one per subject and place."""

    __tablename__ = "cards"
    __table_args__ = (
        UniqueConstraint("kind", "subject", "team_id", "channel_id"),
        Index("ix_cards_due", "due_at"),
    )

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id", index=True)
    kind: str
    subject: str = Field(index=True)
    team_id: str
    channel_id: str
    #: the delivery that posts it first
    delivery_id: str = Field(foreign_key="deliveries.id")
    #: where Slack put it (a DM has a channel id of its own) and Slack's id of it, once it is posted
    posted_in: str | None = None
    ts: str | None = None
    #: hash of what is shown now
    shown_hash: str | None = None
    revision: int = 0
    #: when the next look for a change is due; None once the final state is shown
    due_at: datetime | None = Field(default=None, sa_type=Instant)
    edited_at: datetime | None = Field(default=None, sa_type=Instant)
    failures: int = 0
