"""Webhooks that Tidings sends: receivers, messages, and each message to each receiver."""

from datetime import datetime

from sqlalchemy import JSON, Column, Index, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import Instant


class EndpointRow(SQLModel, table=True):
    """A receiver: an address of the customer, and the secret that messages to it are signed with."""

    __tablename__ = "outgoing_endpoints"

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id", index=True)
    url: str = Field(sa_column=Column(Text, nullable=False))
    #: JSON list of event types
    events: list[str] = Field(sa_column=Column(JSON, nullable=False))
    #: sealed
    secret: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    #: the one before it, sealed, which signs as well until then
    old_secret: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    old_until: datetime | None = Field(default=None, sa_type=Instant)
    created_by: str
    created_at: datetime = Field(sa_type=Instant)
    failing_since: datetime | None = Field(default=None, sa_type=Instant)
    stopped_at: datetime | None = Field(default=None, sa_type=Instant)
    stopped_because: str = Field(default="", sa_column_kwargs={"server_default": ""})


class OutgoingMessageRow(SQLModel, table=True):
    """What happened, as receivers are told; written in the transaction in which it happened."""

    __tablename__ = "outgoing_messages"
    __table_args__ = (UniqueConstraint("organization_id", "type", "subject"),)

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id")
    type: str
    #: the run, incident or refresh that it is about: told once
    subject: str
    #: the JSON that is sent, as it is signed
    body: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = Field(sa_type=Instant, index=True)


class SendRow(SQLModel, table=True):
    """One message to one receiver."""

    __tablename__ = "outgoing_sends"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "message_id"),
        Index("ix_outgoing_sends_due", "state", "due_at"),
    )

    id: str = Field(primary_key=True)
    endpoint_id: str = Field(foreign_key="outgoing_endpoints.id")
    message_id: str = Field(foreign_key="outgoing_messages.id", index=True)
    state: str = "pending"
    attempts: int = 0
    due_at: datetime | None = Field(default=None, sa_type=Instant)
    sent_at: datetime | None = Field(default=None, sa_type=Instant)
    answer: str = Field(default="", sa_column_kwargs={"server_default": ""})
